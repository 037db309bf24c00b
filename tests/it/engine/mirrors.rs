//! Mirrors and the decision: what a mirror lists may satisfy, and never hides what the registry itself lists.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hallmark::engine::EngineSettings;
use hallmark::outcome::{ReasonCode, Verdict};
use hallmark::reference::RegistryHost;
use hallmark::registry::http::{HostSettings, MirrorSettings};

use super::world::{REPOSITORY, World, expect, expect_verified, http_registry_with, target};
use crate::support::registry::{Act, Fault, Faults, ReferrersApi, Step, TestRegistry};
use crate::support::signer::{JWS, KeyKind, SIGNATURE_TYPE, SignOptions, TestSigner};

struct Pair {
    /// Over the upstream registry.
    world: World,
    mirror: TestRegistry,
    image: String,
}

impl Pair {
    /// The image `app` on a registry and on its mirror.
    async fn new(api: ReferrersApi, mirror_api: ReferrersApi) -> Self {
        let faults = |referrers| Faults { referrers, ..Faults::default() };
        let upstream = TestRegistry::start(faults(api)).await;
        let mirror = TestRegistry::start(faults(mirror_api)).await;
        let url = mirror.url().parse().expect("url");
        let mirrors = vec![MirrorSettings { url, resolves_tags: true }];
        let host_settings = HostSettings { mirrors, ..HostSettings::default() };
        let settings = EngineSettings { inconclusive_ttl: Duration::ZERO, ..EngineSettings::default() };
        let host = RegistryHost::parse(upstream.host()).expect("host");
        let mut world = World::over(upstream, settings).await;
        world.store = Arc::new(http_registry_with(BTreeMap::from([(host, Arc::new(host_settings))])));
        world.trust(&[&world.signer]).await;
        let image = world.by_digest(&world.push("app"));
        mirror.push_image(REPOSITORY, None, "app");
        Self { world, mirror, image }
    }

    /// Signed on the mirror alone.
    fn sign_mirror(&self, signer: &TestSigner) {
        let envelope = signer.sign(&target("app"), &SignOptions::default());
        self.mirror.attach_signature(REPOSITORY, &target("app").digest, SIGNATURE_TYPE, JWS, &envelope);
    }
}

const APIS: [ReferrersApi; 2] = [ReferrersApi::Supported, ReferrersApi::Missing];

#[tokio::test]
async fn what_a_mirror_lists_hides_nothing_that_the_registry_lists() {
    for api in APIS {
        for mirror_api in APIS {
            let pair = Pair::new(api.clone(), mirror_api.clone()).await;
            pair.sign_mirror(&TestSigner::new(KeyKind::P256));
            pair.world.sign(&pair.world.signer, "app", &SignOptions::default());
            let outcome = pair.world.ask(&pair.image).await;
            assert_eq!(outcome.verdict(), Verdict::Verified, "{api:?} {mirror_api:?} {:?}", outcome.reason);
        }
    }
}

#[tokio::test]
async fn what_a_mirror_lists_is_no_refusal_while_the_registry_is_down() {
    for mirror_api in APIS {
        let pair = Pair::new(ReferrersApi::Supported, mirror_api).await;
        pair.sign_mirror(&TestSigner::new(KeyKind::P256));
        pair.world.registry.fault(Fault::always(Step::Any, Act::status(503)));
        expect(&pair.world.ask(&pair.image).await, Verdict::Inconclusive, ReasonCode::RegistryUnavailable);
        pair.world.come_up();
        expect(&pair.world.ask(&pair.image).await, Verdict::Rejected, ReasonCode::UntrustedSigner);
    }
}

/// An air-gapped cluster has its mirror and nothing else.
#[tokio::test]
async fn a_rule_that_a_mirror_satisfies_asks_nobody_else() {
    for mirror_api in APIS {
        let pair = Pair::new(ReferrersApi::Supported, mirror_api.clone()).await;
        pair.sign_mirror(&pair.world.signer);
        pair.world.registry.fault(Fault::always(Step::Any, Act::HangUp));
        pair.world.registry.clear_log();
        let outcome = pair.world.ask(&pair.image).await;
        assert_eq!(outcome.verdict(), Verdict::Verified, "{mirror_api:?} {:?}", outcome.reason);
        expect_verified(&outcome);
        assert_eq!(pair.world.registry.log().len(), 0);
    }
}
