//! A folder with the server's pair that changes under a server that goes on.

use std::path::Path;

use super::pki::{Authority, DAY, Pair, Validity, at};
use super::wire::{Endpoint, der};
use super::{folder_settings, write_pair};

fn mount(folder: &Path, pair: &Pair) {
    crate::support::cluster::mount(folder, &[("tls.crt", &pair.chain), ("tls.key", &pair.key)]);
}

#[tokio::test]
async fn a_swapped_link_is_seen() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new("servers"));
    let (first, second) = (authority.issue(&["localhost"]), authority.issue(&["localhost"]));
    mount(folder.path(), &first);
    let endpoint = Endpoint::start(folder_settings(folder.path())).await;
    let client = endpoint.client(&authority.pem, None);
    assert_eq!(client.meets().await.unwrap(), der(&first.chain));
    mount(folder.path(), &second);
    assert_eq!(client.meets().await.unwrap(), der(&first.chain), "nobody looked yet");
    endpoint.tls.poll_once();
    assert_eq!(client.meets().await.unwrap(), der(&second.chain));
}

#[tokio::test]
async fn a_half_written_pair_is_ignored_until_it_is_whole() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new("servers"));
    let (first, second) = (authority.issue(&["localhost"]), authority.issue(&["localhost"]));
    write_pair(folder.path(), &first);
    let endpoint = Endpoint::start(folder_settings(folder.path())).await;
    let client = endpoint.client(&authority.pem, None);
    let half = |text: &str| text[..text.len() / 2].to_owned();
    let of = |chain: &str, key: &str| Pair { chain: chain.to_owned(), key: key.to_owned() };
    for broken in [
        of(&second.chain, &first.key),
        of(&first.chain, &second.key),
        of(&half(&second.chain), &first.key),
        of(&second.chain, &half(&second.key)),
        of(&(second.chain.clone() + &half(&first.chain)), &second.key),
        of("", &second.key),
        of(&second.chain, ""),
    ] {
        write_pair(folder.path(), &broken);
        endpoint.tls.poll_once();
        assert_eq!(client.meets().await.unwrap(), der(&first.chain), "{} {}", broken.chain, broken.key);
        assert!(endpoint.tls.is_ready());
    }
    std::fs::remove_file(folder.path().join("tls.crt")).unwrap();
    endpoint.tls.poll_once();
    assert_eq!(client.meets().await.unwrap(), der(&first.chain));
    write_pair(folder.path(), &second);
    endpoint.tls.poll_once();
    assert_eq!(client.meets().await.unwrap(), der(&second.chain));
}

#[tokio::test]
async fn an_empty_folder_is_not_ready_until_it_is_filled() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new("servers"));
    let endpoint = Endpoint::start(folder_settings(folder.path())).await;
    let client = endpoint.client(&authority.pem, None);
    assert!(!endpoint.tls.is_ready());
    assert!(endpoint.tls.not_ready().unwrap().contains("tls.crt does not exist"));
    assert_eq!((endpoint.tls.not_after(), endpoint.tls.ca_bundle()), (None, None));
    assert!(client.refusal().await.contains("AccessDenied"), "an alert, not a broken connection");
    write_pair(folder.path(), &authority.issue(&["localhost"]));
    endpoint.tls.poll_once();
    assert!(endpoint.tls.is_ready());
    assert_eq!(endpoint.tls.not_ready(), None);
    assert_eq!(endpoint.tls.not_after(), Some(at(365 * DAY)));
    client.connect().await.unwrap();
}

#[tokio::test]
async fn a_folder_that_does_not_exist_yet_is_looked_for() {
    let (parent, authority) = (tempfile::tempdir().unwrap(), Authority::new("servers"));
    let folder = parent.path().join("later");
    let endpoint = Endpoint::start(folder_settings(&folder)).await;
    assert!(!endpoint.tls.is_ready());
    std::fs::create_dir(&folder).unwrap();
    write_pair(&folder, &authority.issue(&["localhost"]));
    endpoint.tls.poll_once();
    endpoint.client(&authority.pem, None).connect().await.unwrap();
}

#[tokio::test]
async fn a_pair_outside_its_validity_never_replaces_one_inside() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new("servers"));
    let issue = |from, to| authority.issue_valid(&["localhost"], Validity(from * DAY, to * DAY));
    let (good, ended, begins) = (issue(-1, 10), issue(-9, -1), issue(2, 20));
    write_pair(folder.path(), &ended);
    let endpoint = Endpoint::start(folder_settings(folder.path())).await;
    let client = endpoint.client(&authority.pem, None);
    let poll = |pair: &Pair| {
        write_pair(folder.path(), pair);
        endpoint.tls.poll_once();
        endpoint.tls.not_after()
    };
    assert_eq!(endpoint.tls.not_after(), Some(at(-DAY)), "better than none: the client says what is wrong");
    assert_eq!(poll(&good), Some(at(10 * DAY)));
    assert_eq!(poll(&ended), Some(at(10 * DAY)));
    assert_eq!(poll(&begins), Some(at(10 * DAY)));
    client.connect().await.unwrap();
    endpoint.clock.set(2 * DAY);
    endpoint.tls.poll_once();
    assert_eq!(endpoint.tls.not_after(), Some(at(20 * DAY)), "it is taken once it begins");
    client.connect().await.unwrap();
}

/// As cert-manager renews: certificate and authority at one stroke. Gatekeeper reads the authority elsewhere.
#[tokio::test]
async fn a_certificate_of_another_authority_is_shown_once_clients_had_the_time_to_learn_of_it() {
    let folder = tempfile::tempdir().unwrap();
    // Of one name: only the keys tell them apart.
    let (old, new) = (Authority::new("servers"), Authority::new("servers"));
    write_pair(folder.path(), &old.issue(&["localhost"]));
    let endpoint = Endpoint::start(folder_settings(folder.path())).await;
    let meets = async |authority: &Authority, second: i64| {
        endpoint.clock.set(second);
        endpoint.tls.poll_once();
        endpoint.client(&authority.pem, None).meets().await.map(drop)
    };
    write_pair(folder.path(), &new.issue(&["localhost"]));
    for second in [10, 11, 12] {
        meets(&old, second).await.unwrap();
    }
    // Another renewal meanwhile gets the same time.
    write_pair(folder.path(), &new.issue(&["localhost"]));
    for second in [13, 15] {
        meets(&old, second).await.unwrap();
    }
    meets(&new, 16).await.unwrap();
    // Nobody waits for the sake of a certificate that has ended.
    write_pair(folder.path(), &old.issue(&["localhost"]));
    meets(&old, 365 * DAY).await.unwrap_err();
    write_pair(folder.path(), &old.issue_valid(&["localhost"], Validity(0, 400 * DAY)));
    meets(&old, 365 * DAY + 1).await.unwrap();
}
