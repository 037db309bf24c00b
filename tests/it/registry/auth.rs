//! Who sees which credential: R6 and R24 of the registry behaviours, and the rules for token realms.

use super::*;
use crate::support::registry::{Act, Auth, Fault, IDENTITY_TOKEN, Step};

async fn start(auth: Auth) -> (TestRegistry, String) {
    let registry = TestRegistry::start(Faults { auth, ..Faults::default() }).await;
    let image = registry.push_image(REPOSITORY, None, "one");
    (registry, image)
}

fn denied(result: Result<Content, FetchError>, words: &[&str]) {
    match result {
        Err(FetchError::Denied { detail, .. }) => {
            assert!(words.iter().all(|word| detail.contains(word)), "{detail} should speak of {words:?}");
            assert!(!detail.contains(PASSWORD), "{detail}");
        }
        other => panic!("{other:?} should be Denied: {words:?}"),
    }
}

#[tokio::test]
async fn basic_and_bearer_registries_open_to_the_right_password_only() {
    for auth in [Auth::Basic, Auth::Bearer] {
        let (registry, image) = start(auth.clone()).await;
        manifest(&Client::with(Known::user()), &registry, &image).await.expect("right password");
        denied(manifest(&Client::with(Known(vec![user("wrong")])), &registry, &image).await, &["401"]);
        denied(manifest(&Client::anonymous(), &registry, &image).await, &[]);
    }
}

#[tokio::test]
async fn nothing_is_sent_before_a_registry_asks() {
    let (registry, image) = start(Auth::None).await;
    manifest(&Client::with(Known::user()), &registry, &image).await.expect("public");
    assert!(!registry.log()[0].had_authorization());
}

#[tokio::test]
async fn an_identity_token_is_exchanged_by_a_posted_form() {
    let (registry, image) = start(Auth::Bearer).await;
    let client = Client::with(Known(vec![Credential::IdentityToken(IDENTITY_TOKEN.into())]));
    manifest(&client, &registry, &image).await.expect("read");
    let log = registry.log();
    let token = log.iter().find(|request| request.is(&Step::Token)).expect("token request");
    assert_eq!((token.method.as_str(), token.path.as_str()), ("POST", "/token"));
    assert!(token.body.contains("grant_type=refresh_token") && !token.had_authorization());
    assert!(log.iter().all(|request| !request.path.contains(IDENTITY_TOKEN)));
}

#[tokio::test]
async fn a_registry_token_is_sent_as_it_is() {
    let (registry, image) = start(Auth::Realm("https://nowhere.example/token".to_owned())).await;
    let client = Client::with(Known(vec![Credential::Bearer("given".into())]));
    denied(manifest(&client, &registry, &image).await, &["401"]);
    assert_eq!(registry.log().last().expect("request").authorization.as_deref(), Some("Bearer given"));
    assert_eq!(registry.count(&Step::Token), 0);
}

#[tokio::test]
async fn every_candidate_is_tried_once() {
    for auth in [Auth::Basic, Auth::Bearer] {
        let (registry, image) = start(auth).await;
        let client = Client::with(Known(vec![user("old"), user("older"), user(PASSWORD)]));
        manifest(&client, &registry, &image).await.expect("the third one fits");
        let client = Client::with(Known(vec![user("old"), user("older")]));
        denied(manifest(&client, &registry, &image).await, &["401"]);
        assert!(registry.log().len() < 16);
    }
}

#[tokio::test]
async fn a_token_that_the_registry_stopped_taking_is_replaced_once() {
    let (registry, image) = start(Auth::Bearer).await;
    let client = Client::with(Known::user());
    manifest(&client, &registry, &image).await.expect("first");
    registry.revoke_tokens();
    registry.clear_log();
    manifest(&client, &registry, &image).await.expect("second");
    assert_eq!((registry.count(&Step::Token), registry.log().len()), (1, 3));
}

#[tokio::test]
async fn an_anonymous_token_without_rights_is_not_asked_for_again_and_again() {
    let (registry, image) = start(Auth::Bearer).await;
    denied(manifest(&Client::anonymous(), &registry, &image).await, &["401", "UNAUTHORIZED"]);
    assert_eq!((registry.count(&Step::Token), registry.log().len()), (1, 3));
}

#[tokio::test]
async fn challenges_that_cannot_be_answered_are_refusals() {
    for challenge in ["", "Negotiate", "Bearer service=\"x\"", "Digest realm=\"x\", nonce=\"y\""] {
        let (registry, image) = start(Auth::Challenge(challenge.to_owned())).await;
        denied(manifest(&Client::with(Known::user()), &registry, &image).await, &["401", "UNAUTHORIZED"]);
        assert_eq!(registry.log().len(), 1, "{challenge}");
    }
}

#[tokio::test]
async fn realms_that_must_not_be_asked_get_nothing() {
    let other = TestRegistry::start(Faults::default()).await;
    for (realm, why) in [
        (format!("{}/token", other.url()), "plain HTTP"),
        ("http://token.example/token".to_owned(), "plain HTTP"),
        ("http://169.254.169.254/token".to_owned(), "plain HTTP"),
        ("https://169.254.169.254/token".to_owned(), "address"),
        ("https://10.0.0.1/token".to_owned(), "address"),
        ("https://[::1]/token".to_owned(), "address"),
        ("https://2130706434/token".to_owned(), "address"),
        ("https://user:pw@token.example/token".to_owned(), "user information"),
        ("file:///etc/passwd".to_owned(), "scheme"),
        ("/token".to_owned(), "no URL"),
        (format!("https://{}/", "a".repeat(4000)), "too long"),
    ] {
        let (registry, image) = start(Auth::Realm(realm.clone())).await;
        denied(manifest(&Client::with(Known::user()), &registry, &image).await, &["refused", why]);
        assert!(registry.log().iter().all(|request| !request.had_authorization()), "{realm}");
    }
    assert!(other.log().is_empty());
}

#[tokio::test]
async fn a_credential_is_kept_back_from_a_realm_that_is_not_one_of_its_hosts() {
    use crate::support::registry::Tls;
    use hallmark::transport::TrustedRoots;
    // The same address under another name, so that the host differs and the connection works.
    let tokens =
        TestRegistry::start(Faults { tls: Tls::Trusted, auth: Auth::Bearer, ..Faults::default() }).await;
    let port = tokens.host().rsplit(':').next().expect("port").to_owned();
    let realm = format!("https://localhost:{port}/token");
    let (registry, image) = start(Auth::Realm(realm)).await;
    let roots = Some(TrustedRoots::Only(tokens.ca_pem().into()));
    let unnamed = HostSettings { roots: roots.clone(), ..HostSettings::default() };
    let client = Client::with(Known::user()).host(&registry, unnamed);
    denied(manifest(&client, &registry, &image).await, &["kept back", "localhost", "allowed_realm_hosts"]);
    assert_eq!(tokens.log().len(), 1, "the realm was asked anonymously");
    assert!(tokens.log().iter().all(|request| !request.had_authorization()));
    tokens.clear_log();
    let allowed_realm_hosts = vec![format!("localhost:{port}")];
    let named = HostSettings { roots, allowed_realm_hosts, ..HostSettings::default() };
    let client = Client::with(Known::user()).host(&registry, named);
    let _ = manifest(&client, &registry, &image).await;
    assert!(tokens.log()[0].had_authorization(), "an operator's word binds the credential to it");
}

#[tokio::test]
async fn a_registry_asks_for_no_other_repositorys_scope() {
    let challenge = "Bearer realm=\"REALM\",service=\"s\",scope=\"repository:victim/secret:pull,push\"";
    let (registry, image) = start(Auth::None).await;
    let challenge = challenge.replace("REALM", &format!("{}/token", registry.url()));
    registry.change(|faults| faults.auth = Auth::Challenge(challenge));
    let _ = manifest(&Client::with(Known::user()), &registry, &image).await;
    let log = registry.log();
    let token = log.iter().find(|request| request.is(&Step::Token)).expect("token request");
    assert!(token.path.contains("scope=repository%3Ateam%2Fapp%3Apull"), "{}", token.path);
    assert!(!token.path.contains("victim"));
}

#[tokio::test]
async fn token_services_fail_in_their_own_ways() {
    for (act, want) in [
        (Act::status(403), "Denied"),
        (Act::retry_after(503, "0"), "Unavailable"),
        (Act::HangUp, "Unavailable"),
        (Act::EndlessBody, "Invalid"),
        (Act::WrongBytes, "Invalid"),
        (Act::Redirect("https://elsewhere.example/token".to_owned()), "Invalid"),
    ] {
        let (registry, image) = start(Auth::Bearer).await;
        registry.fault(Fault::always(Step::Token, act.clone()));
        let result = manifest(&Client::with(Known::user()), &registry, &image).await;
        assert!(format!("{result:?}").starts_with(&format!("Err({want}")), "{act:?}: {result:?}");
    }
}

#[tokio::test]
async fn a_token_that_comes_late_serves_the_next_caller() {
    let (registry, image) = start(Auth::Bearer).await;
    registry.fault(Fault::times(1, Step::Token, Act::Blocked));
    let client = Client::with(Known::user());
    let short = FetchContext::within(Duration::from_millis(60));
    let late = client.store().manifest(&repository(&registry), &digest(&image), &short).await;
    assert!(matches!(late, Err(FetchError::Deadline { .. })), "{late:?}");
    registry.release();
    manifest(&client, &registry, &image).await.expect("in time");
    assert_eq!(registry.count(&Step::Token), 1, "nobody had to ask again");
}

#[tokio::test]
async fn one_credentials_token_is_never_used_for_another() {
    let (registry, image) = start(Auth::Bearer).await;
    let known = Client::with(Known::user());
    manifest(&known, &registry, &image).await.expect("known");
    let stranger = Client { resources: Arc::clone(&known.resources), ..Client::anonymous() };
    denied(manifest(&stranger, &registry, &image).await, &[]);
    let wrong = Client { resources: Arc::clone(&known.resources), ..Client::with(Known(vec![user("no")])) };
    denied(manifest(&wrong, &registry, &image).await, &["401"]);
}

#[tokio::test]
async fn a_keychain_that_cannot_answer_is_an_outage_and_not_anonymity() {
    #[derive(Debug)]
    struct Broken;
    impl Keychain for Broken {
        fn candidates<'a>(
            &'a self,
            _: &'a CredentialRequest,
        ) -> BoxFuture<'a, Result<Vec<BoundCredential>, KeychainError>> {
            let error = KeychainError { source_name: "vault".to_owned(), problem: "is sealed".to_owned() };
            Box::pin(std::future::ready(Err(error)))
        }

        fn scope(&self, _: &CredentialRequest) -> Arc<str> {
            "broken".into()
        }
    }
    let (registry, image) = start(Auth::PublicBearer).await;
    match manifest(&Client::with(Broken), &registry, &image).await {
        Err(FetchError::Unavailable { detail, .. }) => assert!(detail.contains("sealed"), "{detail}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_recorded_of_requests_holds_no_secret() {
    let (registry, image) = start(Auth::Bearer).await;
    let (client, context) = (Client::with(Known::user()), context());
    client.store().manifest(&repository(&registry), &digest(&image), &context).await.expect("read");
    let records = context.trace.records();
    assert_eq!(records.len(), 3);
    let text = format!("{records:?}");
    assert!(text.contains("/token") && !text.contains('?') && !text.contains("token-"), "{text}");
}
