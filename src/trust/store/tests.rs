use jiff::Timestamp;

use super::*;
use crate::test_signer::{KeyKind, TestSigner};
use crate::trust::key_source::{InlineSource, KeyContent, KeySourceError, SourceState};

const NAME: &str = "KeyManagementProvider certs";

fn signer() -> TestSigner {
    TestSigner::new(KeyKind::P256)
}

fn pem(certificate: &openssl::x509::X509) -> String {
    String::from_utf8(certificate.to_pem().unwrap()).unwrap()
}

fn held(pem: &str) -> SourceState {
    let set =
        InlineSource::new(pem.to_owned(), KeyContent::Certificates).read(Timestamp::UNIX_EPOCH).unwrap();
    SourceState { set: Some(Arc::new(set)), ..SourceState::default() }
}

fn failed() -> SourceState {
    let failure = KeySourceError::Unreadable { path: "/keys".into(), why: "broken".to_owned() };
    SourceState { failure: Some(failure), ..SourceState::default() }
}

fn store(kind: StoreType, sources: Vec<(&str, SourceState)>) -> Result<TrustStore, TrustStoreError> {
    let names = sources.iter().map(|(name, _)| KeySourceName::from(*name)).collect();
    let settings = StoreSettings::from([((kind, "certs".to_owned()), names)]);
    let states = sources.into_iter().map(|(name, state)| (name.into(), state)).collect();
    TrustStores::build(&settings, &KeySets::of(states)).get(kind, "certs").cloned()
}

#[test]
fn a_leaf_beside_its_root_is_no_anchor() {
    let signer = signer();
    let chain = pem(&signer.leaf) + &pem(&signer.root);
    let store = store(StoreType::Ca, vec![(NAME, held(&chain))]).unwrap();
    assert_eq!(store.anchors().len(), 1);
    assert!(store.anchors()[0].is_self_signed());
}

#[test]
fn a_store_of_leaves_alone_trusts_nobody() {
    let error = store(StoreType::Ca, vec![(NAME, held(&pem(&signer().leaf)))]).unwrap_err();
    assert!(matches!(error, TrustStoreError::Empty { .. }));
    assert!(!error.is_outage());
}

#[test]
fn a_source_that_cannot_be_read_hides_no_anchor_of_another_and_is_remembered() {
    let store = store(StoreType::Ca, vec![(NAME, held(&pem(&signer().root))), ("other", failed())]).unwrap();
    assert_eq!(store.anchors().len(), 1);
    assert!(store.missing().unwrap().contains("broken"));
}

#[test]
fn a_store_whose_only_source_fails_is_an_outage_and_no_verdict() {
    assert!(store(StoreType::Ca, vec![("other", failed())]).unwrap_err().is_outage());
    assert!(store(StoreType::Ca, vec![]).is_err_and(|error| !error.is_outage()));
}

#[test]
fn a_store_that_nobody_configured_is_an_error_of_its_own() {
    let stores = TrustStores::default();
    let error = stores.get(StoreType::Ca, "certs").unwrap_err();
    assert_eq!(error, TrustStoreError::NotConfigured { kind: StoreType::Ca, name: "certs".to_owned() });
}

#[test]
fn strict_stores_refuse_what_may_be_no_anchor() {
    let signer = signer();
    let certificate = |x509: &openssl::x509::X509| Certificate::from_der(&x509.to_der().unwrap()).unwrap();
    assert!(TrustStore::strict(StoreType::Ca, vec![certificate(&signer.root)]).is_ok());
    assert!(TrustStore::strict(StoreType::Tsa, vec![certificate(&signer.root)]).is_ok());
    let with_leaf = vec![certificate(&signer.root), certificate(&signer.leaf)];
    assert!(matches!(
        TrustStore::strict(StoreType::Ca, with_leaf),
        Err(TrustStoreError::NotAnAnchor { position: 2, .. })
    ));
    assert!(TrustStore::strict(StoreType::Ca, Vec::new()).is_err());
}

#[test]
fn equal_trust_has_equal_content_whatever_its_order() {
    let (one, two) = (signer(), signer());
    let (a, b) = (pem(&one.root), pem(&two.root));
    let content = |text: &str| store(StoreType::Ca, vec![(NAME, held(text))]).unwrap().content();
    assert_eq!(content(&(a.clone() + &b)), content(&(b.clone() + &a + &a)));
    assert_ne!(content(&a), content(&b));
}
