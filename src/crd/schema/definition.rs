//! Which kinds there are, and the definition of each.

use serde_json::{Value, json};

use super::served::{SCHEMA_ANNOTATION, needed_schema};
use super::v1::set;
use super::{executor, status, v1};
use crate::crd::kind::{EXECUTOR_GROUP, GROUP};

/// Whose the objects of a kind are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The cluster's.
    Cluster,
    /// A namespace's.
    Namespaced,
}

/// What the objects of a kind hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    KeySource,
    CertificateStore,
    Store,
    Verifier,
    Policy,
    Executor,
}

/// A version that is served beside the one that is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Other {
    /// As Ratify serves it of its older kinds.
    V1Alpha1,
    /// What Ratify 2 calls the same form since; its definition stores and serves it.
    V2Beta1,
}

/// A kind, and how it is defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Definition {
    /// The API group.
    pub group: &'static str,
    /// The kind.
    pub kind: &'static str,
    /// What the API's paths and `kubectl get` call it.
    pub plural: &'static str,
    /// What `kubectl get` also understands.
    pub short: &'static str,
    /// Whose its objects are.
    pub scope: Scope,
    /// The version that is stored, and read by the controller where the API serves it.
    pub version: &'static str,
    shape: Shape,
    /// A version that is served too.
    other: Option<Other>,
}

const fn v1(
    (kind, plural, short): (&'static str, &'static str, &'static str),
    scope: Scope,
    shape: Shape,
    other: Option<Other>,
) -> Definition {
    Definition { group: GROUP, kind, plural, short, scope, version: "v1beta1", shape, other }
}

const fn v2((kind, plural, short): (&'static str, &'static str, &'static str), scope: Scope) -> Definition {
    let (shape, other) = (Shape::Executor, Some(Other::V2Beta1));
    Definition { group: EXECUTOR_GROUP, kind, plural, short, scope, version: "v2alpha1", shape, other }
}

const V2BETA1: &str = "v2beta1";

/// Every kind that is read from the Kubernetes API.
pub const DEFINITIONS: &[Definition] = &[
    v1(("KeyManagementProvider", "keymanagementproviders", "kmp"), Scope::Cluster, Shape::KeySource, None),
    v1(
        ("NamespacedKeyManagementProvider", "namespacedkeymanagementproviders", "nkmp"),
        Scope::Namespaced,
        Shape::KeySource,
        None,
    ),
    v1(
        ("CertificateStore", "certificatestores", "certstore"),
        Scope::Namespaced,
        Shape::CertificateStore,
        Some(Other::V1Alpha1),
    ),
    v1(("Store", "stores", "rstore"), Scope::Cluster, Shape::Store, Some(Other::V1Alpha1)),
    v1(("NamespacedStore", "namespacedstores", "nrstore"), Scope::Namespaced, Shape::Store, None),
    v1(("Verifier", "verifiers", "rverifier"), Scope::Cluster, Shape::Verifier, Some(Other::V1Alpha1)),
    v1(("NamespacedVerifier", "namespacedverifiers", "nrverifier"), Scope::Namespaced, Shape::Verifier, None),
    v1(("Policy", "policies", "rpolicy"), Scope::Cluster, Shape::Policy, Some(Other::V1Alpha1)),
    v1(("NamespacedPolicy", "namespacedpolicies", "nrpolicy"), Scope::Namespaced, Shape::Policy, None),
    v2(("Executor", "executors", "rexecutor"), Scope::Cluster),
    v2(("NamespacedExecutor", "namespacedexecutors", "nrexecutor"), Scope::Namespaced),
];

impl Definition {
    /// The name of its CustomResourceDefinition.
    pub fn name(&self) -> String {
        format!("{}.{}", self.plural, self.group)
    }

    /// Every version of the form that is read, the one that is stored first.
    pub fn versions(&self) -> impl Iterator<Item = &'static str> {
        let other = (self.other == Some(Other::V2Beta1)).then_some(V2BETA1);
        std::iter::once(self.version).chain(other)
    }

    /// `config.ratify.deislabs.io/v1beta1`: what its objects say that they are.
    pub fn api_version(&self) -> String {
        format!("{}/{}", self.group, self.version)
    }

    /// Whether its objects are a namespace's.
    pub fn is_namespaced(&self) -> bool {
        self.scope == Scope::Namespaced
    }

    /// Whether its objects give keys or certificates, so that their status has Ratify's keys for that.
    pub fn is_key_source(&self) -> bool {
        matches!(self.shape, Shape::KeySource | Shape::CertificateStore)
    }

    /// Whether the status of its objects has the keys of Ratify v2.
    pub fn is_executor(&self) -> bool {
        self.shape == Shape::Executor
    }

    /// Its CustomResourceDefinition.
    pub fn to_value(&self) -> Value {
        let scope = match self.scope {
            Scope::Cluster => "Cluster",
            Scope::Namespaced => "Namespaced",
        };
        let mut versions = vec![self.stored()];
        match self.other {
            Some(Other::V1Alpha1) => versions.insert(0, self.older()),
            Some(Other::V2Beta1) => versions.push(self.current(V2BETA1)),
            None => {}
        }
        json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {
                "name": self.name(),
                "annotations": {SCHEMA_ANNOTATION: needed_schema().to_string()},
                "labels": {"app.kubernetes.io/name": "hallmark"},
            },
            "spec": {
                "group": self.group,
                "names": {
                    "kind": self.kind,
                    "listKind": format!("{}List", self.kind),
                    "plural": self.plural,
                    "singular": self.kind.to_ascii_lowercase(),
                    "shortNames": [self.short],
                    "categories": ["ratify", "hallmark"],
                },
                "scope": scope,
                "conversion": {"strategy": "None"},
                "versions": versions,
            },
        })
    }

    fn stored(&self) -> Value {
        let mut version = self.current(self.version);
        set(&mut version, "storage", json!(true));
        version
    }

    fn current(&self, name: &str) -> Value {
        let spec = match self.shape {
            Shape::KeySource => v1::key_source("type"),
            Shape::CertificateStore => v1::key_source("provider"),
            Shape::Store => v1::store(),
            Shape::Verifier => v1::verifier(),
            Shape::Policy => v1::policy(),
            Shape::Executor => executor::spec(),
        };
        let mut rules = vec![v1::spec_is_there()];
        if self.shape == Shape::Policy {
            rules.push(v1::policy_has_its_name());
        }
        self.served(name, self.schema(&spec, &rules))
    }

    /// v1alpha1 demands nothing, as Ratify's does not.
    fn older(&self) -> Value {
        let spec = match self.shape {
            Shape::CertificateStore => v1::without_demands(v1::key_source("provider")),
            Shape::Store => v1::without_demands(v1::store()),
            Shape::Verifier => v1::without_demands(v1::verifier()),
            _ => v1::without_demands(v1::policy()),
        };
        let mut version = self.served("v1alpha1", self.schema(&spec, &[]));
        set(&mut version, "deprecated", json!(true));
        let warning = format!("{GROUP}/v1alpha1 {} is deprecated; write {GROUP}/v1beta1", self.kind);
        set(&mut version, "deprecationWarning", json!(warning));
        version
    }

    fn served(&self, name: &str, schema: Value) -> Value {
        json!({
            "name": name,
            "served": true,
            "storage": false,
            "schema": {"openAPIV3Schema": schema},
            "subresources": {"status": {}},
            "additionalPrinterColumns": self.columns(),
        })
    }

    fn schema(&self, spec: &Value, rules: &[Value]) -> Value {
        let status = if self.shape == Shape::Executor { status::v2() } else { status::v1() };
        let mut schema = json!({
            "type": "object",
            "description": self.description(),
            "properties": {
                "apiVersion": {"type": "string"},
                "kind": {"type": "string"},
                "metadata": {"type": "object"},
                "spec": spec,
                "status": status,
            },
        });
        if !rules.is_empty() {
            set(&mut schema, "x-kubernetes-validations", json!(rules));
        }
        schema
    }

    fn description(&self) -> String {
        let what = match self.shape {
            Shape::KeySource => "Where keys or certificates come from.",
            Shape::CertificateStore => {
                "Where certificates come from; the older form of NamespacedKeyManagementProvider."
            }
            Shape::Store => "How registries are read.",
            Shape::Verifier => "What checks one kind of evidence about an image.",
            Shape::Policy => "What must hold for an image to be admitted.",
            Shape::Executor => "What must hold for the images of its scopes, and how it is checked.",
        };
        match self.scope {
            Scope::Cluster => format!("{what} For the whole cluster."),
            Scope::Namespaced => format!("{what} For the images of its namespace."),
        }
    }

    fn columns(&self) -> Vec<Value> {
        let column =
            |name: &str, kind: &str, path: &str| json!({"name": name, "type": kind, "jsonPath": path});
        let mut columns = match self.shape {
            Shape::Executor => vec![
                column("Succeeded", "boolean", ".status.succeeded"),
                column("Error", "string", ".status.briefError"),
            ],
            _ => vec![
                column("IsSuccess", "boolean", ".status.issuccess"),
                column("Error", "string", ".status.brieferror"),
            ],
        };
        if matches!(self.shape, Shape::KeySource | Shape::CertificateStore) {
            columns.push(column("LastFetchedTime", "date", ".status.lastfetchedtime"));
        }
        columns.push(column("Age", "date", ".metadata.creationTimestamp"));
        columns
    }
}
