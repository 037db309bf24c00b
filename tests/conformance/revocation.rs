//! Revocation cases: a chain, and what its responders and list servers answer.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use hallmark::trust::revocation::{
    ChainStatus, CheckerSettings, FetchFailure, Query, RevocationChecker, RevocationFetcher, decide,
};
use hallmark::x509::certificates_from_pem_or_der;
use serde_json::Value;
use tokio::time::Instant;

use crate::case::{Case, needed};
use crate::clock::now;
use crate::report::Answer;

pub fn answer(folder: &Path, case: &Case) -> anyhow::Result<Answer> {
    let chain = std::fs::read(folder.join(needed(&case.chain, "chain")?))?;
    let chain = certificates_from_pem_or_der(&chain)?;
    let authentic_time = case.authentic_signing_time.as_deref().map(str::parse).transpose()?;
    let served = served(folder, case)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let status = runtime.block_on(async {
        let checker = RevocationChecker::new(Arc::new(served), CheckerSettings::default());
        // The cases ask about the leaf alone; its issuer is the last of the chain that is looked at.
        let pair = chain.get(..2.min(chain.len())).unwrap_or(&chain);
        let evidence = checker.check(pair, now(), Instant::now() + Duration::from_secs(10)).await;
        decide(&evidence, authentic_time, now()).status
    });
    let verdict = match &status {
        ChainStatus::Ok => "OK",
        ChainStatus::NonRevokable => "NonRevokable",
        ChainStatus::Unknown { .. } => "Unknown",
        ChainStatus::Revoked { .. } => "Revoked",
    };
    Ok(Answer::verdict(verdict, status.to_string()))
}

/// Answers by URL; every other URL refuses the connection.
#[derive(Debug)]
struct Served(BTreeMap<String, (u16, Vec<u8>)>);

fn served(folder: &Path, case: &Case) -> anyhow::Result<Served> {
    let mut answers = BTreeMap::new();
    for (url, served) in &case.serve {
        let (status, file) = match served {
            Value::String(file) => (200, Some(file.as_str())),
            Value::Object(members) => {
                let status = members.get("http_status").and_then(Value::as_u64).unwrap_or(200);
                (u16::try_from(status)?, members.get("file").and_then(Value::as_str))
            }
            _ => anyhow::bail!("{url} is served as neither a file nor a status"),
        };
        let body = match file {
            Some(file) => std::fs::read(folder.join(file)).with_context(|| file.to_owned())?,
            None => Vec::new(),
        };
        answers.insert(url.trim_end_matches('/').to_owned(), (status, body));
    }
    Ok(Served(answers))
}

impl RevocationFetcher for Served {
    fn fetch<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Bytes, FetchFailure>> {
        Box::pin(async move {
            match self.answer(query.url()) {
                Some((200, body)) => Ok(Bytes::copy_from_slice(body)),
                Some((status, _)) => Err(FetchFailure::Status { status: *status }),
                None => Err(FetchFailure::Unreachable { reason: "connection refused".to_owned() }),
            }
        })
    }
}

impl Served {
    fn answer(&self, url: &str) -> Option<&(u16, Vec<u8>)> {
        // As the client of `trust::revocation` does: nothing but plain HTTP is asked.
        self.0.get(url.trim_end_matches('/')).filter(|_| url.starts_with("http://"))
    }
}
