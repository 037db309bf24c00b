//! The vectors at `../shared/conformance`, and chains, lists and answers made here.

mod caches;
mod http;
mod lists;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use super::*;
use crate::x509::{Certificate, certificates_from_pem_or_der};

fn vectors(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/conformance/notation").join(path)
}

fn now() -> Timestamp {
    "2027-01-01T00:00:00Z".parse().unwrap()
}

/// A time within the dates of what `test_authority` makes.
fn day(day: &str) -> Timestamp {
    format!("{day}T00:00:00Z").parse().unwrap()
}

/// Answers by address; every other address refuses the connection.
#[derive(Debug, Default)]
struct Served(BTreeMap<String, Result<Bytes, FetchFailure>>);

impl RevocationFetcher for Served {
    fn fetch<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Bytes, FetchFailure>> {
        let refused = Err(FetchFailure::Unreachable { reason: "connection refused".to_owned() });
        let answer = self.0.get(query.url()).cloned().unwrap_or(refused);
        Box::pin(std::future::ready(answer))
    }
}

fn served(case: &Value) -> Served {
    let files = case["serve"].as_object().unwrap().iter();
    Served(
        files
            .map(|(url, answer)| {
                let answer = match (answer.as_str(), answer["http_status"].as_u64()) {
                    (Some(file), _) => Ok(std::fs::read(vectors(file)).unwrap().into()),
                    (None, Some(status)) => Err(FetchFailure::Status { status: status.try_into().unwrap() }),
                    (None, None) => panic!("{}", case["id"]),
                };
                (url.clone(), answer)
            })
            .collect(),
    )
}

fn chain(case: &Value) -> Vec<Certificate> {
    let pem = std::fs::read(vectors(case["chain"].as_str().unwrap())).unwrap();
    certificates_from_pem_or_der(&pem).unwrap()
}

fn word(status: &Status) -> &'static str {
    match status {
        Status::Ok => "OK",
        Status::NonRevokable => "NonRevokable",
        Status::Unknown { .. } => "Unknown",
        Status::Revoked { .. } => "Revoked",
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(1)
}

#[tokio::test]
async fn the_vectors_get_the_status_that_the_specification_wants() {
    let cases: Value = serde_json::from_slice(&std::fs::read(vectors("cases.json")).unwrap()).unwrap();
    let cases = cases.as_array().or_else(|| cases["cases"].as_array()).unwrap();
    let cases: Vec<_> = cases.iter().filter(|case| case["kind"] == "revocation").collect();
    assert!(cases.len() >= 14);
    for case in cases {
        let checker = RevocationChecker::new(Arc::new(served(case)), CheckerSettings::default());
        let evidence = checker.check(&chain(case), now(), soon()).await;
        let signed_at = case["authentic_signing_time"].as_str().map(|time| time.parse().unwrap());
        let status = evidence.certificates.first().unwrap().status(signed_at);
        assert_eq!(case["expected"], word(&status), "{}: {status:?}", case["id"]);
    }
}
