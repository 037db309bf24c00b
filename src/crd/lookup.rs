//! Which key source a name means, for a Verifier of the cluster or of a namespace.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::convert_options::{ConvertOptions, Origin};
use super::converted::{Converted, Item};
use super::field::nearest;
use super::inline::{self, Anchors};
use super::kind::Kind;
use super::resource_key::{DEFAULT_NAMESPACE, ResourceKey};
use crate::trust::key_source::KeySourceSettings;
use crate::trust::store::StoreType;

/// Every key source by its resource.
pub(super) struct KeySources {
    sources: BTreeMap<ResourceKey, KeySourceSettings>,
    release_namespace: Arc<str>,
    origin: Origin,
    /// Anchors that were looked for: a source may be named a thousand times.
    anchors: RefCell<BTreeMap<(ResourceKey, StoreType), Rc<Anchors>>>,
}

/// What a name led to.
pub(super) enum Found<'a> {
    /// A key source, and what should be said about which one was taken.
    One { key: ResourceKey, settings: &'a KeySourceSettings, remark: Option<String> },
    /// Nothing.
    None,
    /// It names another namespace than the Verifier's own.
    Forbidden,
}

impl KeySources {
    pub(super) fn of(resources: &[Converted], options: &ConvertOptions) -> Self {
        let sources = resources.iter().filter_map(|resource| match &resource.item {
            Item::KeySource(settings) => Some((resource.key.clone(), settings.clone())),
            _ => None,
        });
        Self {
            sources: sources.collect(),
            release_namespace: options.release_namespace.clone(),
            origin: options.origin,
            anchors: RefCell::default(),
        }
    }

    /// The anchors of a trust store of `kind` that a key source gives.
    pub(super) fn anchors(
        &self,
        key: &ResourceKey,
        settings: &KeySourceSettings,
        kind: StoreType,
    ) -> Rc<Anchors> {
        let mut known = self.anchors.borrow_mut();
        let anchors = known.entry((key.clone(), kind));
        Rc::clone(anchors.or_insert_with(|| Rc::new(inline::anchors(settings, kind))))
    }

    /// Looks a name up for a Verifier of `namespace`, or of the cluster.
    ///
    /// A namespaced Verifier finds key sources of its own namespace, then the cluster's; never another
    /// namespace's. A cluster Verifier finds the cluster's, then a CertificateStore in the release
    /// namespace, then in `default`, never elsewhere; with `namespace/name` what is there, then a
    /// KeyManagementProvider of the cluster of that name, as Ratify does.
    pub(super) fn find(&self, text: &str, namespace: Option<&str>) -> Found<'_> {
        use Kind::{CertificateStore, KeyManagementProvider};
        let (qualifier, name) = match text.split_once('/') {
            Some((qualifier, name)) => (Some(qualifier), name),
            None => (None, text),
        };
        let candidates: Vec<(Kind, Option<&str>)> = match (namespace, qualifier) {
            (Some(own), Some(other)) if own != other => return Found::Forbidden,
            (Some(own), Some(_)) => vec![
                (KeyManagementProvider, Some(own)),
                (CertificateStore, Some(own)),
                (KeyManagementProvider, None),
            ],
            (Some(own), None) => vec![
                (KeyManagementProvider, Some(own)),
                (KeyManagementProvider, None),
                (CertificateStore, Some(own)),
            ],
            (None, Some(other)) => vec![
                (KeyManagementProvider, Some(other)),
                (CertificateStore, Some(other)),
                (KeyManagementProvider, None),
            ],
            (None, None) => vec![
                (KeyManagementProvider, None),
                (CertificateStore, Some(&self.release_namespace)),
                (CertificateStore, Some(DEFAULT_NAMESPACE)),
            ],
        };
        let mut found = candidates.iter().filter_map(|(kind, namespace)| {
            let key = ResourceKey { kind: *kind, namespace: namespace.map(Into::into), name: name.into() };
            self.sources.get_key_value(&key)
        });
        let Some((key, settings)) = found.next() else { return Found::None };
        let other = found.find(|(other, _)| *other != key);
        let plain = (key.kind, key.namespace.as_deref(), namespace);
        let remark = match (other, plain) {
            (Some((other, _)), _) => Some(format!("{text} is {key} here, not {other}")),
            (None, (KeyManagementProvider, None, None)) if qualifier.is_none() => None,
            (None, (KeyManagementProvider, Some(_), Some(_))) => None,
            (None, (KeyManagementProvider, None, _)) => Some(format!("{text} is {key} of the cluster")),
            (None, _) => Some(format!("{text} is {key}")),
        };
        Found::One { key: key.clone(), settings, remark }
    }

    /// True for what is in another namespace than Hallmark's own and `default`.
    pub(super) fn is_of_tenant(&self, key: &ResourceKey) -> bool {
        let ours = [&*self.release_namespace, DEFAULT_NAMESPACE];
        key.namespace.as_deref().is_some_and(|namespace| !ours.contains(&namespace))
    }

    /// A remedy for a name that leads nowhere, for a Verifier of `namespace`, or of the cluster.
    pub(super) fn near(&self, text: &str, namespace: Option<&str>) -> String {
        let name = text.rsplit('/').next().unwrap_or(text);
        // In a cluster, what others call theirs is nobody's business.
        let sees = |key: &&ResourceKey| match (namespace, key.namespace.as_deref()) {
            (Some(own), Some(other)) => own == other || self.origin == Origin::Files,
            _ => true,
        };
        let elsewhere = self.sources.keys().filter(sees).find(|key| *key.name == *name);
        if let Some((key, other)) = elsewhere.and_then(|key| Some((key, key.namespace.as_deref()?))) {
            return match namespace {
                None => format!("write {other}/{name}, and {key} is meant"),
                Some(own) => {
                    format!("{key} serves only its own namespace: add one to {own} or to the cluster")
                }
            };
        }
        let names: Vec<&str> = self.sources.keys().filter(sees).map(|key| &*key.name).collect();
        match nearest(name, &names) {
            Some(near) if near != name => format!("did you mean {near}?"),
            _ => format!("add a KeyManagementProvider called {name}"),
        }
    }
}
