//! The process's own authority.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hallmark::server::tls::{Announcement, CertificateSource, TlsSettings, TlsState};
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::stack::Stack;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::{X509VerifyFlags, X509VerifyParam, X509VerifyParamRef};
use openssl::x509::{X509, X509PurposeId, X509StoreContext};

use super::pki::{DAY, at};
use super::wire::{Endpoint, TestClock};

/// A state folder that does not exist yet, below a temporary one.
struct State {
    _parent: tempfile::TempDir,
    path: PathBuf,
}

impl State {
    fn new() -> Self {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("deep/state");
        Self { _parent: parent, path }
    }

    fn settings(&self, san: &[&str]) -> TlsSettings {
        let san = san.iter().map(|name| (*name).to_owned()).collect();
        let certificate = CertificateSource::SelfMade { state_dir: self.path.clone(), san };
        TlsSettings {
            certificate,
            client_ca: None,
            client_san: Vec::new(),
            announcement: Announcement::made(),
        }
    }

    async fn endpoint(&self, san: &[&str]) -> Endpoint {
        Endpoint::start(self.settings(san)).await
    }

    fn error(&self) -> String {
        TlsState::start(self.settings(&[]), TestClock::new().clock()).unwrap_err().to_string()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap()
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn bundle(endpoint: &Endpoint) -> String {
    endpoint.tls.ca_bundle().unwrap()
}

/// The server certificate that a client meets who believes `roots`.
async fn meets(endpoint: &Endpoint, roots: &str) -> Vec<u8> {
    endpoint.client(roots, None).meets().await.unwrap()
}

fn certificates(pem: &str) -> usize {
    pem.matches("BEGIN CERTIFICATE").count()
}

#[tokio::test]
async fn it_is_ready_at_once_and_leaves_the_bundle_for_clients() {
    let state = State::new();
    let endpoint = state.endpoint(&["hallmark.example"]).await;
    assert!(endpoint.tls.is_ready());
    assert_eq!(state.text("ca.crt"), bundle(&endpoint));
    meets(&endpoint, &state.text("ca.crt")).await;
    assert_eq!(mode(&state.path), 0o700);
    for name in ["authority.pem", "ca.crt", "server.pem", "lock"] {
        assert_eq!(mode(&state.file(name)), 0o600, "{name}");
    }
    assert!(!format!("{:?}", endpoint.tls).contains("KEY"));
}

#[tokio::test]
async fn openssl_reads_and_verifies_what_was_made() {
    let state = State::new();
    state.endpoint(&["hallmark.example", "10.1.2.3"]).await;
    let authority = X509::from_pem(state.text("ca.crt").as_bytes()).unwrap();
    let server = X509::from_pem(state.text("server.pem").as_bytes()).unwrap();
    let verifies = |set_name: fn(&mut X509VerifyParamRef) -> Result<(), ErrorStack>| {
        let mut param = X509VerifyParam::new().unwrap();
        param.set_time(at(0).as_second());
        param.set_flags(X509VerifyFlags::X509_STRICT).unwrap();
        param.set_purpose(X509PurposeId::SSL_SERVER).unwrap();
        set_name(&mut param).unwrap();
        let mut store = X509StoreBuilder::new().unwrap();
        store.add_cert(authority.clone()).unwrap();
        store.set_param(&param).unwrap();
        let (store, none) = (store.build(), Stack::new().unwrap());
        X509StoreContext::new()
            .unwrap()
            .init(&store, &server, &none, |context| context.verify_cert())
            .unwrap()
    };
    assert!(verifies(|param| param.set_host("hallmark.example")));
    assert!(verifies(|param| param.set_host("localhost")));
    assert!(verifies(|param| param.set_ip("10.1.2.3".parse().unwrap())));
    assert!(verifies(|param| param.set_ip("::1".parse().unwrap())));
    assert!(!verifies(|param| param.set_host("other.example")));
    let key = PKey::private_key_from_pem(state.text("authority.pem").as_bytes()).unwrap();
    assert_eq!(key.ec_key().unwrap().group().curve_name(), Some(Nid::X9_62_PRIME256V1));
    assert!(authority.public_key().unwrap().public_eq(&key));
}

#[tokio::test]
async fn a_restart_finds_the_authority_and_the_certificate_again() {
    let state = State::new();
    let first = state.endpoint(&["a.example"]).await;
    let roots = bundle(&first);
    let again = state.endpoint(&["A.example"]).await;
    assert_eq!(bundle(&again), roots);
    assert_eq!(meets(&again, &roots).await, meets(&first, &roots).await);
    let renamed = state.endpoint(&["b.example"]).await;
    assert_eq!(bundle(&renamed), roots);
    assert_ne!(meets(&renamed, &roots).await, meets(&first, &roots).await);
}

#[tokio::test]
async fn the_certificate_is_renewed_by_the_same_authority_while_running() {
    let state = State::new();
    let endpoint = state.endpoint(&[]).await;
    let roots = bundle(&endpoint);
    let first = meets(&endpoint, &roots).await;
    let mut connection = endpoint.client(&roots, None).connect().await.unwrap();
    for (day, not_after) in [(0, 90), (59, 90), (60, 150), (61, 150), (121, 211)] {
        endpoint.clock.set(day * DAY);
        endpoint.tls.poll_once();
        assert_eq!(endpoint.tls.not_after(), Some(at(not_after * DAY)), "day {day}");
    }
    assert_ne!(meets(&endpoint, &roots).await, first);
    assert_eq!(bundle(&endpoint), roots);
    connection.ask().await.unwrap();
}

#[tokio::test]
async fn a_new_authority_is_announced_a_year_before_it_signs() {
    let state = State::new();
    let endpoint = state.endpoint(&[]).await;
    let first = bundle(&endpoint);
    let poll = |day: i64| {
        endpoint.clock.set(day * DAY);
        endpoint.tls.poll_once();
        assert_eq!(state.text("ca.crt"), bundle(&endpoint), "day {day}");
        bundle(&endpoint)
    };
    assert_eq!(poll(2433), first, "two thirds of ten years are not over");
    let announced = poll(2434);
    assert_eq!(certificates(&announced), 2);
    assert!(announced.starts_with(&first));
    meets(&endpoint, &first).await;
    poll(2434 + 364);
    meets(&endpoint, &first).await;
    let signs = poll(2434 + 365);
    assert_eq!(certificates(&signs), 2);
    meets(&endpoint, &announced).await;
    let refusal = endpoint.client(&first, None).refusal().await;
    assert!(refusal.contains("UnknownIssuer"), "{refusal}");
    let last = poll(3651);
    assert_eq!(certificates(&last), 1, "the old one has ended");
    meets(&endpoint, &announced).await;
    meets(&endpoint, &last).await;
    let restarted = state.endpoint(&[]).await;
    assert_eq!(bundle(&restarted), last);
}

#[tokio::test]
async fn after_years_of_standing_still_it_begins_anew_and_serves() {
    let state = State::new();
    let old = bundle(&state.endpoint(&[]).await);
    let clock = TestClock::new();
    clock.set(5000 * DAY);
    let tls = TlsState::start(state.settings(&[]), clock.clock()).unwrap();
    assert!(tls.is_ready());
    assert_eq!(tls.not_after(), Some(at(5090 * DAY)));
    assert_ne!(tls.ca_bundle().unwrap(), old);
    assert_eq!(certificates(&state.text("ca.crt")), 1);
}

#[tokio::test]
async fn a_damaged_authority_is_an_error_with_a_remedy_and_stays_as_it_is() {
    let state = State::new();
    state.endpoint(&[]).await;
    let (whole, bundle) = (state.text("authority.pem"), state.text("ca.crt"));
    let key = whole.find("-----BEGIN PRIVATE KEY").unwrap();
    let other = State::new();
    other.endpoint(&[]).await;
    let other = other.text("authority.pem");
    let others_key = &other[other.find("-----BEGIN PRIVATE KEY").unwrap()..];
    for damaged in
        ["", "x", &whole[..100], &whole[..key], &whole[key..], &format!("{}{others_key}", &whole[..key])]
    {
        std::fs::write(state.file("authority.pem"), damaged).unwrap();
        let error = state.error();
        assert!(error.contains("authority.pem is damaged") && error.contains("backup"), "{error}");
        assert_eq!(state.text("authority.pem"), damaged, "never replaced");
        assert_eq!(state.text("ca.crt"), bundle);
    }
    std::fs::write(state.file("authority.pem"), &whole).unwrap();
    state.endpoint(&[]).await;
}

#[tokio::test]
async fn a_lost_authority_is_not_replaced_while_its_bundle_is_there() {
    let state = State::new();
    let first = bundle(&state.endpoint(&[]).await);
    std::fs::remove_file(state.file("authority.pem")).unwrap();
    let error = state.error();
    assert!(error.contains("authority.pem is not") && error.contains("remove"), "{error}");
    std::fs::remove_file(state.file("ca.crt")).unwrap();
    assert_ne!(bundle(&state.endpoint(&[]).await), first);
}

#[tokio::test]
async fn damage_while_running_changes_nothing_in_force() {
    let state = State::new();
    let endpoint = state.endpoint(&[]).await;
    let roots = bundle(&endpoint);
    std::fs::write(state.file("authority.pem"), "damaged").unwrap();
    endpoint.clock.set(80 * DAY);
    endpoint.tls.poll_once();
    assert!(endpoint.tls.is_ready());
    assert_eq!(endpoint.tls.not_after(), Some(at(170 * DAY)), "the authority in memory goes on signing");
    meets(&endpoint, &roots).await;
    assert_eq!(state.text("authority.pem"), "damaged");
}

#[tokio::test]
async fn a_damaged_server_certificate_or_a_removed_bundle_is_made_anew() {
    let state = State::new();
    let endpoint = state.endpoint(&[]).await;
    let roots = bundle(&endpoint);
    std::fs::remove_file(state.file("ca.crt")).unwrap();
    endpoint.tls.poll_once();
    assert_eq!(state.text("ca.crt"), roots);
    std::fs::write(state.file("server.pem"), "damaged").unwrap();
    std::fs::write(state.file(".server.pem.new"), "left behind").unwrap();
    let restarted = state.endpoint(&[]).await;
    assert_eq!(bundle(&restarted), roots);
    meets(&restarted, &roots).await;
    assert!(state.text("server.pem").contains("PRIVATE KEY"));
}

#[tokio::test]
async fn keys_that_others_may_read_are_taken_away_from_them() {
    let state = State::new();
    state.endpoint(&[]).await;
    let keys = ["authority.pem", "server.pem"].map(|name| state.file(name));
    for path in &keys {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
    }
    state.endpoint(&[]).await;
    assert_eq!(keys.map(|path| mode(&path)), [0o600; 2]);
}

#[test]
fn processes_that_start_at_once_share_one_authority() {
    let state = Arc::new(State::new());
    let start = || {
        let state = Arc::clone(&state);
        let start = move || {
            let tls = TlsState::start(state.settings(&[]), TestClock::new().clock()).unwrap();
            tls.ca_bundle().unwrap()
        };
        std::thread::spawn(start)
    };
    let threads: Vec<_> = (0..8).map(|_| start()).collect();
    let bundles: Vec<String> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert!(bundles.iter().all(|bundle| *bundle == bundles[0]));
    assert_eq!(certificates(&bundles[0]), 1);
}

#[tokio::test]
async fn a_process_takes_over_what_another_one_changed() {
    let state = State::new();
    let (one, other) = (state.endpoint(&["one.example"]).await, state.endpoint(&["other.example"]).await);
    let day = 2434 * DAY;
    one.clock.set(day);
    one.tls.poll_once();
    assert_eq!(certificates(&bundle(&one)), 2);
    other.clock.set(day);
    other.tls.poll_once();
    assert_eq!(bundle(&other), bundle(&one));
    let shown = meets(&one, &bundle(&one)).await;
    for _ in 0..3 {
        other.tls.poll_once();
        one.tls.poll_once();
    }
    assert_eq!(meets(&one, &bundle(&one)).await, shown, "each keeps the certificate of its own names");
}

/// Another than the one that was announced: clients that trust the former one alone are to learn of it first.
#[tokio::test]
async fn an_authority_that_was_exchanged_signs_once_clients_had_the_time_to_learn_of_it() {
    let (state, other) = (State::new(), State::new());
    let endpoint = state.endpoint(&[]).await;
    let (old, new) = (bundle(&endpoint), bundle(&other.endpoint(&[]).await));
    std::fs::write(state.file("authority.pem"), other.text("authority.pem")).unwrap();
    for second in [10, 12] {
        endpoint.clock.set(second);
        endpoint.tls.poll_once();
        meets(&endpoint, &old).await;
        assert_eq!(bundle(&endpoint), new, "clients are told at once");
    }
    endpoint.clock.set(13);
    endpoint.tls.poll_once();
    meets(&endpoint, &new).await;
}

#[test]
fn a_state_folder_that_cannot_be_used_and_a_name_that_is_none_are_errors_with_a_remedy() {
    let state = State::new();
    std::fs::create_dir_all(state.path.parent().unwrap()).unwrap();
    std::fs::write(&state.path, "a file").unwrap();
    let error = state.error();
    assert!(error.contains("deep/state") && error.contains("--state-dir"), "{error}");
    let settings = state.settings(&["not a name"]);
    let error = TlsState::start(settings, TestClock::new().clock()).unwrap_err().to_string();
    assert!(error.contains("--tls-san \"not a name\""), "{error}");
}
