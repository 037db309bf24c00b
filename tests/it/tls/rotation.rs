//! Authorities for clients that change under a server that goes on.

use std::time::Duration;

use super::Server;
use super::pki::Authority;
use super::wire::{Client, Endpoint};

struct Rotation {
    server: Server,
    old: Authority,
    new: Authority,
    endpoint: Endpoint,
}

impl Rotation {
    /// A server that believes the old authority.
    async fn start() -> Self {
        let server = Server::new();
        // Of one name, as cert-controller's are: only the keys tell them apart.
        let (old, new) = (Authority::new("gatekeeper-ca"), Authority::new("gatekeeper-ca"));
        let endpoint = Endpoint::start(server.demanding(&old.pem, &["gatekeeper"])).await;
        Self { server, old, new, endpoint }
    }

    fn client(&self, authority: &Authority) -> Client {
        self.endpoint.client(&self.server.authority.pem, Some(&authority.issue(&["gatekeeper"])))
    }

    fn put(&self, bundle: &str) {
        self.server.write_clients(bundle);
        self.endpoint.tls.poll_once();
    }

    /// Whether clients of the old and the new authority are let in.
    async fn lets_in(&self) -> (bool, bool) {
        let (old, new) = (self.client(&self.old), self.client(&self.new));
        (old.connect().await.is_ok(), new.connect().await.is_ok())
    }
}

#[tokio::test]
async fn with_an_overlap_clients_of_both_authorities_are_let_in() {
    let rotation = Rotation::start().await;
    assert_eq!(rotation.lets_in().await, (true, false));
    rotation.put(&(rotation.old.pem.clone() + &rotation.new.pem));
    assert_eq!(rotation.lets_in().await, (true, true));
    rotation.put(&rotation.new.pem);
    assert_eq!(rotation.lets_in().await, (false, true));
}

#[tokio::test]
async fn without_an_overlap_the_new_authority_counts_at_once_even_for_a_client_that_keeps_sessions() {
    let rotation = Rotation::start().await;
    let client = rotation.client(&rotation.old);
    client.connect().await.unwrap();
    rotation.put(&rotation.new.pem);
    assert!(client.refusal().await.contains("UnknownCA"));
    assert_eq!(rotation.lets_in().await, (false, true));
}

#[tokio::test]
async fn a_file_that_goes_bad_leaves_the_authorities_in_force() {
    let rotation = Rotation::start().await;
    let whole = rotation.new.pem.clone();
    let half = &whole[..whole.len() / 2];
    for bad in ["", "no certificate", half, &(whole.clone() + half)] {
        rotation.put(bad);
        assert_eq!(rotation.lets_in().await, (true, false), "{bad}");
        assert!(rotation.endpoint.tls.is_ready(), "{bad}");
    }
    std::fs::remove_file(rotation.server.folder.path().join("clients.crt")).unwrap();
    rotation.endpoint.tls.poll_once();
    assert_eq!(rotation.lets_in().await, (true, false));
    rotation.put(&whole);
    assert_eq!(rotation.lets_in().await, (false, true));
}

#[tokio::test]
async fn a_connection_that_is_up_goes_on_through_every_change() {
    let rotation = Rotation::start().await;
    let mut connection = rotation.client(&rotation.old).connect().await.unwrap();
    let pair = rotation.server.authority.issue(&["localhost"]);
    super::write_pair(rotation.server.folder.path(), &pair);
    rotation.put(&rotation.new.pem);
    connection.ask().await.unwrap();
    assert_eq!(rotation.client(&rotation.new).meets().await.unwrap(), super::wire::der(&pair.chain));
    rotation.put("");
    connection.ask().await.unwrap();
    assert_eq!(rotation.lets_in().await, (false, true));
}

#[tokio::test(start_paused = true)]
async fn a_change_is_in_force_within_five_seconds_without_being_asked_for() {
    let rotation = Rotation::start().await;
    let tls = std::sync::Arc::clone(&rotation.endpoint.tls);
    let watching = tokio::spawn(async move { tls.watch().await });
    rotation.server.write_clients(&rotation.new.pem);
    let pair = rotation.server.authority.issue(&["localhost"]);
    super::write_pair(rotation.server.folder.path(), &pair);
    // The clock stands and jumps only when nothing else is to be done.
    tokio::time::advance(Duration::from_secs(1)).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(rotation.client(&rotation.new).meets().await.unwrap(), super::wire::der(&pair.chain));
    watching.abort();
}
