//! Who is let in.

use hallmark::server::tls::{TlsSettings, TlsState};
use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode, SslVersion};

use super::Server;
use super::pki::{Authority, DAY, Pair, START, Validity};
use super::wire::{Endpoint, TestClock};

const GATEKEEPER: &str = "gatekeeper-webhook-service.gatekeeper-system.svc";

#[tokio::test]
async fn tls_1_2_is_refused_and_tls_1_3_is_not() {
    let server = Server::new();
    let endpoint = Endpoint::start(server.settings()).await;
    let address = endpoint.address;
    let connect = move |version| {
        let mut builder = SslConnector::builder(SslMethod::tls()).unwrap();
        builder.set_verify(SslVerifyMode::NONE);
        builder.set_max_proto_version(Some(version)).unwrap();
        let stream = std::net::TcpStream::connect(address).unwrap();
        let connected = builder.build().connect("localhost", stream);
        connected.map(|stream| stream.ssl().version_str().to_owned()).map_err(|error| error.to_string())
    };
    let both = move || (connect(SslVersion::TLS1_2), connect(SslVersion::TLS1_3));
    let (old, new) = tokio::task::spawn_blocking(both).await.unwrap();
    assert!(old.unwrap_err().contains("protocol version"));
    assert_eq!(new.unwrap(), "TLSv1.3");
}

#[tokio::test]
async fn without_an_authority_for_clients_everybody_is_let_in() {
    let server = Server::new();
    let endpoint = Endpoint::start(server.settings()).await;
    let stranger = Authority::new("strangers").issue(&["stranger"]);
    endpoint.client(&server.authority.pem, None).connect().await.unwrap();
    endpoint.client(&server.authority.pem, Some(&stranger)).connect().await.unwrap();
}

#[tokio::test]
async fn only_a_certificate_of_the_authority_with_a_wanted_name_is_let_in() {
    let server = Server::new();
    let (clients, strangers) = (Authority::new("clients"), Authority::new("clients"));
    let endpoint = Endpoint::start(server.demanding(&clients.pem, &["other.example", GATEKEEPER])).await;
    let refusal = async |identity: Option<Pair>| {
        endpoint.client(&server.authority.pem, identity.as_ref()).refusal().await
    };
    for (what, identity, alert) in [
        ("no certificate", None, "CertificateRequired"),
        ("another authority of the same name", Some(strangers.issue(&[GATEKEEPER])), "UnknownCA"),
        ("another name", Some(clients.issue(&["intruder.gatekeeper-system.svc"])), "AccessDenied"),
        ("only part of the name", Some(clients.issue(&["gatekeeper-webhook-service"])), "AccessDenied"),
        ("a wildcard", Some(clients.issue(&["*.gatekeeper-system.svc"])), "AccessDenied"),
        ("no name but the common name", Some(clients.issue(&[])), "AccessDenied"),
        ("ended", Some(clients.issue_valid(&[GATEKEEPER], Validity(-9, -1))), "CertificateExpired"),
    ] {
        let refusal = refusal(identity).await;
        assert!(refusal.contains(alert), "{what}: {refusal}");
    }
    for names in [&[GATEKEEPER][..], &["a", &GATEKEEPER.to_uppercase()], &["other.example"]] {
        let identity = clients.issue(names);
        endpoint.client(&server.authority.pem, Some(&identity)).connect().await.unwrap();
    }
}

#[tokio::test]
async fn the_common_name_is_no_name() {
    let server = Server::new();
    let clients = Authority::new("clients");
    let endpoint = Endpoint::start(server.demanding(&clients.pem, &["common.example"])).await;
    let refusal = endpoint.client(&server.authority.pem, Some(&clients.issue(&["a"]))).refusal().await;
    assert!(refusal.contains("AccessDenied"), "{refusal}");
}

#[tokio::test]
async fn a_chain_through_an_intermediate_is_let_in() {
    let server = Server::new();
    let root = Authority::new("root");
    let intermediate = root.intermediate("intermediate");
    let endpoint = Endpoint::start(server.demanding(&root.pem, &[GATEKEEPER])).await;
    let mut identity = intermediate.issue(&[GATEKEEPER]);
    endpoint.client(&server.authority.pem, Some(&identity)).refusal().await;
    identity.chain.push_str(&intermediate.pem);
    endpoint.client(&server.authority.pem, Some(&identity)).connect().await.unwrap();
}

#[tokio::test]
async fn while_the_authorities_file_is_missing_nobody_is_let_in_and_it_is_not_ready() {
    let server = Server::new();
    let clients = Authority::new("clients");
    let settings = server.demanding(&clients.pem, &[]);
    std::fs::remove_file(settings.client_ca.as_ref().unwrap()).unwrap();
    let endpoint = Endpoint::start(settings).await;
    let client = endpoint.client(&server.authority.pem, Some(&clients.issue(&["a"])));
    assert!(!endpoint.tls.is_ready());
    assert!(endpoint.tls.not_ready().unwrap().contains("clients.crt does not exist"));
    assert!(client.refusal().await.contains("UnknownCA"));
    assert!(
        endpoint.client(&server.authority.pem, None).refusal().await.contains("CertificateRequired"),
        "a certificate is demanded all the same"
    );
    server.write_clients(&clients.pem);
    endpoint.tls.poll_once();
    assert!(endpoint.tls.is_ready());
    client.connect().await.unwrap();
}

#[tokio::test]
async fn a_leaf_among_the_authorities_vouches_for_nobody() {
    let server = Server::new();
    let clients = Authority::new("clients");
    let leaf = clients.issue(&["a"]);
    let endpoint = Endpoint::start(server.demanding(&leaf.chain, &[])).await;
    assert!(endpoint.tls.not_ready().unwrap().contains("no certificate of an authority"));
    endpoint.client(&server.authority.pem, Some(&leaf)).refusal().await;
}

#[tokio::test]
async fn an_authority_counts_only_within_its_validity() {
    let server = Server::new();
    let ended = Authority::valid("ended", Validity(-9 * DAY, DAY));
    let begins = Authority::valid("begins", Validity(2 * DAY, 9 * DAY));
    let endpoint = Endpoint::start(server.demanding(&(ended.pem.clone() + &begins.pem), &[])).await;
    let client = |authority: &Authority| {
        let identity = authority.issue_valid(&["a"], Validity(-DAY, 100 * DAY));
        endpoint.client(&server.authority.pem, Some(&identity))
    };
    let (of_ended, of_begins) = (client(&ended), client(&begins));
    for (day, ended, begins) in [(0, true, false), (1, true, false), (3, false, true), (10, false, false)] {
        endpoint.clock.set(day * DAY);
        endpoint.tls.poll_once();
        assert_eq!(of_ended.connect().await.is_ok(), ended, "day {day}");
        assert_eq!(of_begins.connect().await.is_ok(), begins, "day {day}");
        assert_eq!(endpoint.tls.is_ready(), ended || begins, "day {day}");
    }
}

#[tokio::test]
async fn no_session_is_resumed() {
    let server = Server::new();
    let clients = Authority::new("clients");
    let endpoint = Endpoint::start(server.demanding(&clients.pem, &[])).await;
    // The client of the TLS library keeps sessions by default.
    let client = endpoint.client(&server.authority.pem, Some(&clients.issue(&["a"])));
    for _ in 0..3 {
        assert!(!client.connect().await.unwrap().was_resumed());
    }
}

#[tokio::test]
async fn names_without_an_authority_are_a_contradiction() {
    let server = Server::new();
    let settings = TlsSettings { client_san: vec![GATEKEEPER.into()], ..server.settings() };
    let error = TlsState::start(settings, TestClock::new().clock()).unwrap_err();
    assert!(error.to_string().contains("--client-ca"), "{error}");
}

#[tokio::test]
async fn a_client_as_people_write_them_is_served() {
    let server = Server::new();
    // This client knows no chosen clock.
    let now = jiff::Timestamp::now().as_second() - START;
    let validity = Validity(now - DAY, now + DAY);
    let clients = Authority::valid("clients", validity);
    super::write_pair(server.folder.path(), &server.authority.issue_valid(&["localhost"], validity));
    let endpoint = Endpoint::start(server.demanding(&clients.pem, &["a"])).await;
    endpoint.clock.set(now);
    endpoint.tls.poll_once();
    let status = async |identity: Option<Pair>| {
        hallmark::transport::install_crypto_provider();
        let root = reqwest::Certificate::from_pem(server.authority.pem.as_bytes()).unwrap();
        let mut builder = reqwest::Client::builder().tls_certs_only([root]).no_proxy();
        if let Some(pair) = identity {
            let pem = pair.chain + &pair.key;
            builder = builder.identity(reqwest::Identity::from_pem(pem.as_bytes()).unwrap());
        }
        let client = builder.resolve("localhost", endpoint.address).build().unwrap();
        let url = format!("https://localhost:{}/", endpoint.address.port());
        client.get(url).send().await.ok().map(|answer| answer.status().as_u16())
    };
    assert_eq!(status(None).await, None);
    assert_eq!(status(Some(clients.issue_valid(&["b"], validity))).await, None);
    assert_eq!(status(Some(clients.issue_valid(&["a"], validity))).await, Some(200));
}
