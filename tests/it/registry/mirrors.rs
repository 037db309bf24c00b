//! Mirrors: where content comes from first, and what they may not decide.

use hallmark::registry::http::MirrorSettings;

use super::*;
use crate::support::registry::{Act, Auth, Fault, ReferrersApi, Step};

struct Pair {
    upstream: TestRegistry,
    mirror: TestRegistry,
}

async fn pair(upstream: Faults, mirror: Faults) -> Pair {
    Pair { upstream: TestRegistry::start(upstream).await, mirror: TestRegistry::start(mirror).await }
}

fn mirrored(client: Client, pair: &Pair, resolves_tags: bool) -> Client {
    let url = pair.mirror.url().parse().expect("url");
    let mirrors = vec![MirrorSettings { url, resolves_tags }];
    client.host(&pair.upstream, HostSettings { mirrors, ..HostSettings::default() })
}

#[tokio::test]
async fn content_comes_from_the_mirror_and_tags_from_upstream() {
    let pair = pair(Faults::default(), Faults::default()).await;
    let image = pair.upstream.push_image(REPOSITORY, Some("v1"), "one");
    pair.mirror.push_image(REPOSITORY, Some("v1"), "one");
    let client = mirrored(Client::anonymous(), &pair, false);
    manifest(&client, &pair.upstream, &image).await.expect("by digest");
    assert_eq!((pair.mirror.log().len(), pair.upstream.log().len()), (1, 0));
    by_tag(&client, &pair.upstream, "v1").await.expect("by tag");
    assert_eq!((pair.mirror.log().len(), pair.upstream.log().len()), (1, 1));
    let client = mirrored(Client::anonymous(), &pair, true);
    by_tag(&client, &pair.upstream, "v1").await.expect("by tag");
    assert_eq!((pair.mirror.log().len(), pair.upstream.log().len()), (2, 1));
}

#[tokio::test]
async fn a_mirror_that_fails_in_any_way_hides_nothing() {
    for act in
        [Act::status(404), Act::status(403), Act::WrongBytes, Act::EndlessBody, Act::retry_after(503, "0")]
    {
        let pair = pair(Faults::default(), Faults::default()).await;
        let image = pair.upstream.push_image(REPOSITORY, None, "one");
        pair.mirror.push_image(REPOSITORY, None, "one");
        pair.mirror.fault(Fault::always(Step::Any, act.clone()));
        let client = mirrored(Client::anonymous(), &pair, false);
        manifest(&client, &pair.upstream, &image).await.unwrap_or_else(|error| panic!("{act:?}: {error}"));
    }
}

#[tokio::test]
async fn a_mirror_that_does_not_answer_leaves_time_for_upstream() {
    let pair = pair(Faults::default(), Faults::default()).await;
    let image = pair.upstream.push_image(REPOSITORY, None, "one");
    pair.mirror.fault(Fault::always(Step::Any, Act::Blocked));
    let client = mirrored(Client::anonymous(), &pair, false);
    let short = FetchContext::within(Duration::from_millis(400));
    let read = client.store().manifest(&repository(&pair.upstream), &digest(&image), &short).await;
    read.expect("upstream had half of the time");
}

#[tokio::test]
async fn signatures_that_a_mirror_does_not_list_are_found_upstream() {
    for api in [ReferrersApi::Missing, ReferrersApi::Supported] {
        let pair = pair(Faults::default(), Faults { referrers: api, ..Faults::default() }).await;
        let signed = push_signed(&pair.upstream, REPOSITORY, "v1");
        pair.mirror.push_image(REPOSITORY, None, "v1");
        let client = mirrored(Client::anonymous(), &pair, false);
        let list = referrers(&client, &pair.upstream, &signed.image).await.expect("list");
        assert_eq!(list.entries.len(), 1);
        assert_eq!((pair.mirror.count(&Step::Referrers), pair.upstream.count(&Step::Referrers)), (1, 1));
    }
}

#[tokio::test]
async fn an_empty_mirror_is_no_proof_while_upstream_is_down() {
    let pair = pair(Faults::default(), Faults::default()).await;
    let image = pair.mirror.push_image(REPOSITORY, None, "one");
    pair.upstream.fault(Fault::always(Step::Any, Act::retry_after(503, "0")));
    let client = mirrored(Client::anonymous(), &pair, false);
    let list = referrers(&client, &pair.upstream, &image).await;
    assert!(matches!(list, Err(FetchError::Unavailable { .. })), "{list:?}");
}

#[tokio::test]
async fn credentials_are_looked_up_for_the_mirror_and_not_carried_over() {
    #[derive(Debug)]
    struct OnlyFor(RegistryHost);
    impl Keychain for OnlyFor {
        fn candidates<'a>(
            &'a self,
            request: &'a CredentialRequest,
        ) -> BoxFuture<'a, Result<Vec<BoundCredential>, KeychainError>> {
            let found = if request.host == self.0 { Known::user().0 } else { Vec::new() };
            let bound = |credential| BoundCredential {
                credential,
                expires: None,
                binding: HostBinding::to(self.0.clone()),
            };
            Box::pin(std::future::ready(Ok(found.into_iter().map(bound).collect())))
        }

        fn scope(&self, request: &CredentialRequest) -> Arc<str> {
            request.host.as_str().into()
        }
    }
    let basic = || Faults { auth: Auth::Basic, ..Faults::default() };
    let pair = pair(basic(), basic()).await;
    let image = pair.upstream.push_image(REPOSITORY, None, "one");
    pair.mirror.push_image(REPOSITORY, None, "one");
    let client = mirrored(Client::with(OnlyFor(host_of(&pair.upstream))), &pair, false);
    manifest(&client, &pair.upstream, &image).await.expect("from upstream");
    assert!(pair.mirror.log().iter().all(|request| !request.had_authorization()));
    assert!(client.store().access_scope(&repository(&pair.upstream)).contains(pair.mirror.host()));
}
