//! One replica writes statuses: the one that holds the Lease.

mod election;

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::Api;
use kube::api::PostParams;
use kube::core::ObjectMeta;
use tokio::sync::watch;

use self::election::{Election, INTERVAL, LEASE_DURATION, Record, Step};
use super::Shared;
use super::client::{REQUEST_TIMEOUT, one_line};
use super::failure::Failure;

/// Takes part in the election for as long as the process lives.
pub(super) struct Candidate {
    shared: Arc<Shared>,
    api: Api<Lease>,
    election: Election,
    began: Instant,
    said: Option<Failure>,
}

impl Candidate {
    /// A candidate with a name of its own.
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let namespace = &shared.connection.namespace;
        let api = Api::namespaced(shared.connection.client.clone(), namespace);
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let identity = format!("{}_{}", host.trim(), uuid::Uuid::new_v4());
        Self { shared, api, election: Election::new(identity), began: Instant::now(), said: None }
    }

    /// Takes part until `stop` says so, and then gives up what it holds.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            self.round().await;
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                () = tokio::time::sleep(INTERVAL) => {}
            }
        }
        self.give_up().await;
    }

    async fn round(&mut self) {
        let result = match tokio::time::timeout(REQUEST_TIMEOUT, self.step()).await {
            Ok(result) => result,
            Err(late) => Err(Failure::Unreachable(one_line(&late))),
        };
        match result {
            Ok(()) => self.said = None,
            Err(failure) => self.say(failure),
        }
        self.tell();
    }

    async fn step(&mut self) -> Result<(), Failure> {
        let name = Arc::clone(&self.shared.name);
        let began = self.now();
        let lease = self.api.get_opt(&name).await.map_err(|error| Failure::from(&error))?;
        let step = self.election.look(lease.as_ref().map(record), began);
        let parameters = PostParams::default();
        let written = match (step, lease) {
            (Step::Wait, _) => return Ok(()),
            (Step::Create, _) | (_, None) => {
                let metadata = ObjectMeta { name: Some(name.to_string()), ..ObjectMeta::default() };
                let lease = Lease { metadata, spec: Some(self.spec(None)) };
                self.api.create(&parameters, &lease).await
            }
            (Step::Take | Step::Renew, Some(mut lease)) => {
                lease.spec = Some(self.spec(lease.spec.as_ref()));
                self.api.replace(&name, &parameters, &lease).await
            }
        };
        match written {
            Ok(_) => self.election.written(began),
            Err(kube::Error::Api(status)) if status.code == 409 => self.election.lost(),
            Err(error) => return Err(Failure::from(&error)),
        }
        Ok(())
    }

    fn spec(&self, before: Option<&LeaseSpec>) -> LeaseSpec {
        let now = Some(MicroTime(Timestamp::now()));
        let identity = self.election.identity();
        let held = before.filter(|before| before.holder_identity.as_deref() == Some(identity));
        let transitions = before.and_then(|before| before.lease_transitions).unwrap_or_default();
        LeaseSpec {
            holder_identity: Some(identity.to_owned()),
            lease_duration_seconds: i32::try_from(LEASE_DURATION.as_secs()).ok(),
            acquire_time: held.and_then(|held| held.acquire_time.clone()).or_else(|| now.clone()),
            renew_time: now,
            lease_transitions: Some(transitions.saturating_add(i32::from(held.is_none()))),
            ..LeaseSpec::default()
        }
    }

    async fn give_up(&mut self) {
        let held = self.election.leads(self.now());
        self.election.lost();
        self.tell();
        if !held {
            return;
        }
        let name = Arc::clone(&self.shared.name);
        let identity = self.election.identity().to_owned();
        let release = async {
            let mut lease = self.api.get(&name).await?;
            let spec = lease.spec.get_or_insert_default();
            if spec.holder_identity.as_deref() == Some(&identity) {
                spec.holder_identity = None;
                self.api.replace(&name, &PostParams::default(), &lease).await?;
            }
            Ok::<(), kube::Error>(())
        };
        // Whoever comes next waits a little longer where this fails.
        if let Ok(Err(error)) = tokio::time::timeout(REQUEST_TIMEOUT, release).await {
            tracing::debug!(why = one_line(&error), "the Lease was not given up");
        }
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn tell(&self) {
        let leads = self.election.leads(self.now());
        let changed = self.shared.leads.send_if_modified(|known| std::mem::replace(known, leads) != leads);
        if changed {
            tracing::info!(lease = %self.shared.name, leads, "this replica writes statuses, or no more");
        }
    }

    fn say(&mut self, failure: Failure) {
        if self.said.as_ref() != Some(&failure) {
            let rule =
                "{apiGroups: [coordination.k8s.io], resources: [leases], verbs: [get, create, update]}";
            match &failure {
                Failure::Forbidden(said) => {
                    tracing::error!(said, rule, "the Role lacks a rule for the Lease")
                }
                Failure::Unreachable(why) => tracing::debug!(why, "the Lease cannot be looked at"),
                Failure::NotInstalled | Failure::Expired => {
                    tracing::warn!(namespace = %self.shared.connection.namespace, "there is no such namespace");
                }
            }
            self.said = Some(failure);
        }
    }
}

fn record(lease: &Lease) -> Record {
    let spec = lease.spec.clone().unwrap_or_default();
    let seconds = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
    Record {
        holder: spec.holder_identity.unwrap_or_default(),
        version: lease.metadata.resource_version.clone().unwrap_or_default(),
        // Whoever writes a Lease for a year does not lock others out for it.
        duration: seconds.map_or(LEASE_DURATION, Duration::from_secs).min(LEASE_DURATION * 4),
    }
}
