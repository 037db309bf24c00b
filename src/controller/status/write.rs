//! Brings statuses to the API: by server-side apply, those that differ, while this replica leads.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use kube::core::DynamicObject;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::super::Shared;
use super::super::client::{REQUEST_TIMEOUT, one_line};
use super::super::failure::Failure;
use super::super::index::ObjectName;
use super::super::kinds::{WatchedKind, resource};
use super::grant::Reader;
use super::judged::Judged;
use super::ledger::{self, Ledger};
use super::render::{lost_conditions, without_conditions};
use super::wanted::{Wanted, wanted};
use crate::secret::Secrets;

/// Who the fields of a status belong to.
const FIELD_MANAGER: &str = "hallmark";

/// How soon a status is tried again that could not be written.
const RETRY: Duration = Duration::from_secs(10);

/// How long a look at everything waits for what comes right after.
const GATHER: Duration = Duration::from_millis(200);

/// Writes statuses.
pub(in super::super) struct Writer {
    shared: Arc<Shared>,
    secrets: Secrets,
    reader: Reader,
    ledger: Ledger,
    /// Kinds whose schema drops conditions.
    outdated: BTreeSet<usize>,
    /// What the last failure was, to say each once.
    said: Option<String>,
}

/// What the API says of a field that its schema does not have. It refuses to apply such a field, where it
/// would only drop it from an update.
const UNDECLARED: &str = "field not declared in schema";

/// How soon it is looked whether definitions that were too old have been replaced.
const LOOK_AGAIN: Duration = Duration::from_secs(20);

/// Why a status was not applied.
enum Refusal {
    /// The definition does not know a part of it.
    OldSchema,
    Other(Failure),
}

/// One status that is to be written.
pub(super) struct Due {
    name: ObjectName,
    watched: &'static WatchedKind,
    wanted: Wanted,
    before: Option<Arc<Value>>,
    status: Value,
}

impl Writer {
    pub(in super::super) fn new(shared: Arc<Shared>, secrets: Secrets) -> Self {
        // A guess until the API says better.
        let user = format!("system:serviceaccount:{}:{}", shared.connection.namespace, shared.name);
        let reader = Reader { prefix: shared.name.to_string(), user };
        let (ledger, outdated, said) = Default::default();
        Self { shared, secrets, reader, ledger, outdated, said }
    }

    /// Writes whenever something changes, for as long as the runtime lives.
    pub(in super::super) async fn run(
        mut self,
        mut judged: watch::Receiver<Option<Judged>>,
        mut leads: watch::Receiver<bool>,
    ) {
        let mut touched = self.shared.touched.subscribe();
        let mut looked = Instant::now();
        let mut asked = false;
        loop {
            let mut contested = false;
            let reading = judged.borrow_and_update().clone();
            let leading = *leads.borrow_and_update();
            touched.mark_unchanged();
            let mut all_written = true;
            if let Some(reading) = reading.filter(|_| leading) {
                if !std::mem::replace(&mut asked, true) {
                    self.ask_who_i_am().await;
                }
                (all_written, contested) = self.pass(&reading).await;
            }
            let changed = async {
                tokio::select! {
                    changed = judged.changed() => changed,
                    changed = leads.changed() => changed,
                    changed = touched.changed() => changed,
                }
            };
            let limit = match (all_written, contested || !self.outdated.is_empty()) {
                (false, _) => RETRY,
                (true, true) => LOOK_AGAIN,
                (true, false) => Duration::MAX,
            };
            if let Ok(Err(_)) = tokio::time::timeout(limit, changed).await {
                return;
            }
            if looked.elapsed() >= LOOK_AGAIN {
                looked = Instant::now();
                // One object of each such kind is tried anew.
                self.outdated.iter().for_each(|kind| self.ledger.forget_one(*kind));
            }
            tokio::time::sleep(GATHER).await;
        }
    }

    /// Writes what differs. The first is false where something could not be written, the second true where
    /// somebody else writes too.
    async fn pass(&mut self, judged: &Judged) -> (bool, bool) {
        let (due, contested) = self.due(judged, Timestamp::now());
        let mut failed = 0_usize;
        for one in due {
            if !*self.shared.leads.borrow() {
                return (true, contested);
            }
            failed += usize::from(!self.write(one).await);
        }
        if failed == 0 {
            self.said = None;
        }
        (failed == 0, contested)
    }

    /// What is to be written, and whether somebody else writes too.
    pub(super) fn due(&mut self, judged: &Judged, now: Timestamp) -> (Vec<Due>, bool) {
        let sorted = judged.sorted();
        let index = self.shared.index();
        self.ledger.keep(|name| index.get(name).is_some());
        let (mut due, mut contested) = (Vec::new(), false);
        for (name, generation) in &*judged.generations {
            // What is gone meanwhile needs no status.
            let (Some(watched), Some(seen)) = (name.watched(), index.get(name)) else { continue };
            // What is another by now, or made anew under the same name, is judged in a moment.
            if seen.generation != *generation {
                continue;
            }
            let wanted = wanted(name, *generation, &sorted, &self.secrets, &self.reader);
            let before = seen.status.clone();
            match self.ledger.due(name, watched, &wanted, before.as_ref(), now) {
                ledger::Next::Write(status) => {
                    due.push(Due { name: name.clone(), watched, wanted, before, status });
                }
                ledger::Next::Later => contested = true,
                ledger::Next::Nothing => {}
            }
        }
        (due, contested)
    }

    async fn write(&mut self, due: Due) -> bool {
        let Due { name, watched, wanted, before, status } = due;
        let mut written = self.apply(&name, watched, &status).await;
        if matches!(written, Err(Refusal::OldSchema)) {
            written = self.apply(&name, watched, &without_conditions(status)).await;
        }
        let failure = match written {
            Ok(after) => {
                self.look_at_schema(&name, watched, after.as_ref());
                self.ledger.wrote(name, wanted, before, after, Timestamp::now());
                self.shared.counts.wrote();
                return true;
            }
            Err(Refusal::Other(failure)) => failure,
            Err(Refusal::OldSchema) => Failure::Unreachable("the definition knows no such status".to_owned()),
        };
        // It was deleted meanwhile, or its kind was.
        if failure == Failure::NotInstalled {
            return true;
        }
        self.shared.counts.failed();
        self.say(&name, watched, &failure);
        false
    }

    /// Asks as whom Hallmark is known, for the grants that it prints.
    async fn ask_who_i_am(&mut self) {
        let api: Api<SelfSubjectReview> = Api::all(self.shared.connection.client.clone());
        let review = SelfSubjectReview::default();
        let parameters = PostParams::default();
        let answer = tokio::time::timeout(REQUEST_TIMEOUT, api.create(&parameters, &review)).await;
        let answer = answer.ok().and_then(Result::ok).and_then(|review| review.status);
        if let Some(user) = answer.and_then(|status| status.user_info).and_then(|user| user.username) {
            self.reader.user = user;
        }
    }

    /// Applies a status, and gives what the API made of it.
    async fn apply(
        &self,
        name: &ObjectName,
        watched: &WatchedKind,
        status: &Value,
    ) -> Result<Option<Value>, Refusal> {
        let client = self.shared.connection.client.clone();
        let resource = resource(watched, self.shared.version(name.kind, watched));
        let api: Api<DynamicObject> = match &name.namespace {
            Some(namespace) => Api::namespaced_with(client, namespace, &resource),
            None => Api::all_with(client, &resource),
        };
        let patch = Patch::Apply(json!({
            "apiVersion": resource.api_version,
            "kind": watched.kind,
            "metadata": {"name": &*name.name},
            "status": status,
        }));
        let parameters = PatchParams::apply(FIELD_MANAGER).force();
        let answer = api.patch_status(&name.name, &parameters, &patch);
        match tokio::time::timeout(REQUEST_TIMEOUT, answer).await {
            Ok(Ok(object)) => Ok(object.data.get("status").cloned()),
            Ok(Err(kube::Error::Api(said))) if said.message.contains(UNDECLARED) => Err(Refusal::OldSchema),
            Ok(Err(error)) => Err(Refusal::Other(Failure::from(&error))),
            Err(late) => Err(Refusal::Other(Failure::Unreachable(one_line(&late)))),
        }
    }

    fn say(&mut self, name: &ObjectName, watched: &WatchedKind, failure: &Failure) {
        let said = match failure {
            Failure::Forbidden(said) => format!(
                "{said} (the ClusterRole lacks {{apiGroups: [{}], resources: [{}/status], verbs: [get, patch]}})",
                watched.group, watched.plural
            ),
            Failure::Unreachable(why) => why.clone(),
            Failure::Expired | Failure::NotInstalled => "it changed meanwhile".to_owned(),
        };
        if self.said.as_ref() != Some(&said) {
            tracing::warn!(resource = %name, why = said, "the status cannot be written; it is tried again");
            self.said = Some(said);
        }
    }

    fn look_at_schema(&mut self, name: &ObjectName, watched: &WatchedKind, after: Option<&Value>) {
        let lost = lost_conditions(after);
        if lost && self.outdated.insert(name.kind) {
            tracing::warn!(
                definition = format!("{}.{}", watched.plural, watched.group),
                "the served definition is older than Hallmark's and knows no conditions of status; to replace it: \
                 hallmark crds | kubectl apply --server-side --force-conflicts -f -"
            );
        } else if !lost && self.outdated.remove(&name.kind) {
            self.ledger.forget_kind(name.kind);
            let definition = format!("{}.{}", watched.plural, watched.group);
            tracing::info!(definition, "the served definition keeps conditions of status now");
        }
        self.shared.counts.outdated(self.outdated.len());
    }
}
