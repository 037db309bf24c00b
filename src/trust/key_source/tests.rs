use std::collections::BTreeMap;
use std::fs;

use super::*;
use crate::secret::Secrets;
use crate::test_signer::{KeyKind, TestSigner};
use crate::trust::store::KeySourceName;

fn root_pem() -> String {
    TestSigner::new(KeyKind::P256).root_pem()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn file(path: &std::path::Path) -> KeySources {
    let settings = KeySourceSettings::File { path: path.to_owned(), content: KeyContent::Certificates };
    KeySources::build(&BTreeMap::from([(KeySourceName::from("k"), settings)]), &Secrets::default())
}

fn count(sets: &KeySets) -> usize {
    sets.get("k").and_then(|state| state.set.as_ref()).map_or(0, |set| set.keys().len())
}

#[test]
fn certificates_and_keys_are_told_apart() {
    let signer = TestSigner::new(KeyKind::P256);
    let key = String::from_utf8(signer.root_key().public_key_to_pem().unwrap()).unwrap();
    let keys = read_material(key.as_bytes(), KeyContent::Keys, "x").unwrap();
    assert!(keys[0].certificate().is_none());
    assert!(keys[0].validity().is_none());
    assert!(matches!(
        read_material(key.as_bytes(), KeyContent::Certificates, "x"),
        Err(MaterialError::Certificates(_))
    ));
    let certificate = signer.root_pem();
    assert!(matches!(
        read_material(certificate.as_bytes(), KeyContent::Keys, "x"),
        Err(MaterialError::Key { position: 1 })
    ));
    assert_eq!(read_material(b"", KeyContent::Keys, "x").unwrap_err(), MaterialError::NoKey);
}

#[test]
fn a_private_key_is_refused_whatever_stands_beside_it() {
    let signer = TestSigner::new(KeyKind::P256);
    let private = String::from_utf8(signer.root_key().private_key_to_pem_pkcs8().unwrap()).unwrap();
    for content in [KeyContent::Certificates, KeyContent::Keys] {
        let error = read_material((signer.root_pem() + &private).as_bytes(), content, "x").unwrap_err();
        assert_eq!(error, MaterialError::PrivateKey);
    }
}

#[tokio::test]
async fn a_clock_that_is_put_back_keeps_no_key_that_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.pem");
    fs::write(&path, root_pem()).unwrap();
    let sources = file(&path);
    let held = sources.refresh(&KeySets::default(), at(1_000_000)).await;
    assert_eq!(count(&held), 1);
    fs::remove_file(&path).unwrap();
    assert_eq!(count(&sources.refresh(&held, at(10)).await), 0);
}

#[tokio::test]
async fn a_broken_file_leaves_the_last_good_set_and_a_removed_one_takes_it_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.pem");
    fs::write(&path, root_pem()).unwrap();
    let sources = file(&path);
    let first = sources.refresh(&KeySets::default(), at(1)).await;
    assert_eq!(count(&first), 1);

    fs::write(&path, "-----BEGIN CERTIFICATE-----\nhalf").unwrap();
    let second = sources.refresh(&first, at(3)).await;
    assert_eq!(count(&second), 1);
    assert!(second.get("k").unwrap().failure.is_some());
    assert!(second.same_content(&first));
    assert_eq!(second.get("k").unwrap().set.as_ref().unwrap().age(at(11)).as_secs(), 10);

    fs::remove_file(&path).unwrap();
    let third = sources.refresh(&second, at(5)).await;
    assert_eq!(count(&third), 0);
    assert!(!third.same_content(&second));
}

/// What a source was serves until what it is now has given a set; then a removal counts as ever.
#[tokio::test]
async fn a_source_configured_to_what_is_not_there_leaves_the_former_set() {
    let folder = tempfile::tempdir().unwrap();
    let (former, latter) = (folder.path().join("former.pem"), folder.path().join("latter.pem"));
    fs::write(&former, root_pem()).unwrap();
    let first = file(&former).refresh(&KeySets::default(), at(1)).await;
    let changed = first.clone().with_due(&std::collections::BTreeSet::from([KeySourceName::from("k")]));
    let sources = file(&latter);
    let second = sources.refresh(&changed, at(2)).await;
    let third = sources.refresh(&second, at(9)).await;
    for sets in [&second, &third] {
        assert!(sets.same_content(&first), "it serves on");
        let failure = sets.get("k").unwrap().failure.as_ref();
        assert!(matches!(failure, Some(KeySourceError::NotFound { .. })), "and the failure is said");
    }
    fs::write(&latter, root_pem()).unwrap();
    let fourth = sources.refresh(&third, at(20)).await;
    assert!(!fourth.same_content(&first));
    fs::remove_file(&latter).unwrap();
    assert_eq!(count(&sources.refresh(&fourth, at(30)).await), 0);
}

#[tokio::test]
async fn a_mounted_folder_follows_its_swapped_link() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    for (version, certificates) in [("..1", vec![root_pem()]), ("..2", vec![root_pem(), root_pem()])] {
        fs::create_dir(path.join(version)).unwrap();
        fs::write(path.join(version).join("ca.crt"), certificates.concat()).unwrap();
    }
    std::os::unix::fs::symlink("..1", path.join("..data")).unwrap();
    std::os::unix::fs::symlink("..data/ca.crt", path.join("ca.crt")).unwrap();
    let sources = file(path);
    let first = sources.refresh(&KeySets::default(), at(1)).await;
    assert_eq!(count(&first), 1);
    std::os::unix::fs::symlink("..2", path.join("..tmp")).unwrap();
    fs::rename(path.join("..tmp"), path.join("..data")).unwrap();
    assert_eq!(count(&sources.refresh(&first, at(1)).await), 1, "not due yet");
    assert_eq!(count(&sources.refresh(&first, at(2)).await), 2);
}

#[test]
fn what_is_too_large_or_no_file_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let read =
        |path: &std::path::Path| FileSource::new(path.to_owned(), KeyContent::Certificates).read(at(0));
    assert!(matches!(read(folder.path()), Err(KeySourceError::Empty { .. })));
    let large = folder.path().join("large");
    fs::File::create(&large).unwrap().set_len(MAX_FILE_BYTES + 1).unwrap();
    assert!(matches!(read(&large), Err(KeySourceError::TooLarge { .. })));
    assert!(matches!(read(std::path::Path::new("/dev/zero")), Err(KeySourceError::Unreadable { .. })));
    assert!(matches!(read(&folder.path().join("none")), Err(KeySourceError::NotFound { .. })));
}

#[tokio::test]
async fn a_refused_source_holds_nothing_and_a_forgotten_one_is_gone() {
    let settings = KeySourceSettings::Refused { reason: "not supported".to_owned() };
    let sources =
        KeySources::build(&BTreeMap::from([(KeySourceName::from("k"), settings)]), &Secrets::default());
    let sets = sources.refresh(&KeySets::default(), at(0)).await;
    assert_eq!(sets.get("k").unwrap().failure, Some(KeySourceError::Refused("not supported".to_owned())));
    assert!(KeySources::default().refresh(&sets, at(1)).await.get("k").is_none());
}
