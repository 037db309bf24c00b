//! What a Provider object must be, and what to do about the one that is there. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use kube::core::DynamicObject;
use serde_json::{Value, json};

use super::overlap::{Former, KEPT};
use super::pem;
use crate::x509::Certificate;

/// Whose object it is: namespace and name of the installation.
pub(super) const INSTALLATION: &str = "hallmark.io/installation";

/// Which certificates of `caBundle` this installation put there, and of former ones until when they stay in it.
const AUTHORITIES: &str = "hallmark.io/authorities";

const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// The longest list of authorities that is read, in bytes.
const MAX_NOTED_BYTES: usize = 4096;

/// The shortest time that is left of one that is needed and noted as former. Replicas may need different ones for
/// a while, and this keeps them from taking turns.
const LEFT: SignedDuration = SignedDuration::from_mins(30);

/// A certificate of the bundle, and until when it stays; `None` for one that vouches for the server now.
type Entry = (Certificate, Option<Timestamp>);

/// The ClusterRole that owns Provider objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub name: String,
    pub uid: String,
}

/// What a Provider object is to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub name: Arc<str>,
    pub url: String,
    /// In whole seconds.
    pub timeout: u64,
    /// `namespace/name` of this installation.
    pub installation: String,
    /// Whether one that somebody else made is taken over.
    pub adopt: bool,
}

/// What to do about a Provider object.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// It is as it must be.
    Keep,
    /// It goes, and is made anew once it is gone.
    Wait,
    /// Somebody else made it: whose it is, in words.
    Foreign(String),
    /// Apply this.
    Apply(Value),
}

impl Wanted {
    /// What to do. `bundle`: the certificates that vouch for this server now; `former`: those that did before
    /// as far as this process knows, and until when they stay.
    pub(super) fn step(
        &self,
        bundle: &[Certificate],
        former: &[Former],
        owner: Option<&Owner>,
        existing: Option<&DynamicObject>,
        now: Timestamp,
    ) -> Step {
        if existing.is_some_and(|existing| existing.metadata.deletion_timestamp.is_some()) {
            return Step::Wait;
        }
        let entries = match existing {
            Some(existing) if self.is_ours(existing, owner) => entries(bundle, former, Some(existing), now),
            Some(existing) if !self.adopt => return Step::Foreign(whose(existing)),
            Some(_) => entries(bundle, &[], None, now),
            None => entries(bundle, former, None, now),
        };
        let object = self.object(&entries, owner);
        if existing.is_some_and(|existing| is_as_wanted(existing, &object, &entries)) {
            Step::Keep
        } else {
            Step::Apply(object)
        }
    }

    fn is_ours(&self, existing: &DynamicObject, owner: Option<&Owner>) -> bool {
        let owners = existing.metadata.owner_references.iter().flatten();
        annotation(existing, INSTALLATION) == Some(self.installation.as_str())
            || owner.is_some_and(|owner| owners.into_iter().any(|one| one.uid == owner.uid))
    }

    fn object(&self, entries: &[Entry], owner: Option<&Owner>) -> Value {
        let annotations = json!({INSTALLATION: self.installation, AUTHORITIES: note(entries)});
        let list = pem::to_pem(entries.iter().map(|(certificate, _)| certificate));
        let mut metadata = json!({
            "name": &*self.name,
            "labels": {MANAGED_BY: "hallmark"},
            "annotations": annotations,
        });
        if let (Some(metadata), Some(owner)) = (metadata.as_object_mut(), owner) {
            let owner = json!([{
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRole",
                "name": owner.name,
                "uid": owner.uid,
            }]);
            metadata.insert("ownerReferences".to_owned(), owner);
        }
        json!({
            "apiVersion": "externaldata.gatekeeper.sh/v1beta1",
            "kind": "Provider",
            "metadata": metadata,
            "spec": {"url": self.url, "timeout": self.timeout, "caBundle": STANDARD.encode(list)},
        })
    }
}

/// What the bundle is to hold: the certificates that vouch for this server, and those that were replaced not long
/// ago. These are what this installation put into the object, so that all replicas agree, a new one too; where
/// the object holds none, those that this process knows.
fn entries(
    bundle: &[Certificate],
    former: &[Former],
    existing: Option<&DynamicObject>,
    now: Timestamp,
) -> Vec<Entry> {
    let after = |span| now.saturating_add(span).unwrap_or(Timestamp::MAX);
    let held = existing.map(held).unwrap_or_default();
    let noted =
        existing.and_then(|existing| annotation(existing, AUTHORITIES)).map(noted).unwrap_or_default();
    let noted = |certificate: &Certificate| noted.get(&short(certificate)).copied();
    let needed = bundle.iter().map(|certificate| {
        let until =
            noted(certificate).flatten().filter(|until| held.contains(certificate) && after(LEFT) <= *until);
        (certificate.clone(), until.map(|until| until.min(after(KEPT))))
    });
    let known = |certificate: &Certificate| {
        former.iter().find(|(one, _)| one == certificate).map(|(_, until)| *until)
    };
    let others: Vec<Former> = if held.is_empty() {
        former.to_vec()
    } else {
        let until = |one: &Certificate| match noted(one) {
            Some(until) => Some(until.unwrap_or(after(KEPT))),
            None => known(one),
        };
        held.iter().filter_map(|one| Some((one.clone(), until(one)?))).collect()
    };
    let stays = |(certificate, until): &Former| {
        !bundle.contains(certificate) && now < *until && now <= certificate.not_after()
    };
    let others = others.into_iter().filter(stays);
    needed.chain(others.map(|(certificate, until)| (certificate, Some(until.min(after(KEPT)))))).collect()
}

/// What the annotation says.
fn note(entries: &[Entry]) -> String {
    let lines: BTreeMap<String, Option<Timestamp>> =
        entries.iter().map(|(certificate, until)| (short(certificate), *until)).collect();
    let lines = lines.into_iter().map(|(short, until)| match until {
        Some(until) => format!("{short}={until}"),
        None => short,
    });
    lines.collect::<Vec<_>>().join(",")
}

fn noted(text: &str) -> BTreeMap<String, Option<Timestamp>> {
    if text.len() > MAX_NOTED_BYTES {
        return BTreeMap::new();
    }
    let entries = text.split(',').filter_map(|entry| match entry.split_once('=') {
        Some((short, until)) => Some((short.to_owned(), Some(until.parse().ok()?))),
        None => Some((entry.to_owned(), None)),
    });
    entries.collect()
}

/// The certificates of the object's bundle; none where it cannot be read.
fn held(existing: &DynamicObject) -> Vec<Certificate> {
    let text = spec(existing, "caBundle").and_then(Value::as_str).unwrap_or_default();
    STANDARD.decode(text).ok().and_then(|bytes| pem::certificates(&bytes).ok()).unwrap_or_default()
}

/// The beginning of a certificate's fingerprint.
fn short(certificate: &Certificate) -> String {
    hex::encode(certificate.fingerprint()).chars().take(16).collect()
}

fn spec<'o>(existing: &'o DynamicObject, name: &str) -> Option<&'o Value> {
    existing.data.get("spec")?.get(name)
}

fn annotation<'o>(existing: &'o DynamicObject, name: &str) -> Option<&'o str> {
    existing.metadata.annotations.as_ref()?.get(name).map(String::as_str)
}

/// Somebody else's object, for people.
fn whose(existing: &DynamicObject) -> String {
    if let Some(installation) = annotation(existing, INSTALLATION) {
        return format!("the Hallmark of {installation}");
    }
    if let Some(release) = annotation(existing, "meta.helm.sh/release-name") {
        let namespace = annotation(existing, "meta.helm.sh/release-namespace").unwrap_or_default();
        return format!("the Helm release {namespace}/{release}");
    }
    let managers = existing.metadata.managed_fields.iter().flatten();
    let managers: Vec<&str> = managers.filter_map(|entry| entry.manager.as_deref()).take(3).collect();
    if managers.is_empty() { "somebody else".to_owned() } else { managers.join(", ") }
}

/// Whether the object says all that is wanted, and in `spec` nothing else. Certificates have no order: of two
/// replicas, one may sign by the next authority a moment before the other.
fn is_as_wanted(existing: &DynamicObject, wanted: &Value, entries: &[Entry]) -> bool {
    let metadata = wanted.get("metadata");
    let text = |member: &str, name: &str| metadata?.get(member)?.get(name)?.as_str();
    let labels = existing.metadata.labels.as_ref();
    let owners = existing.metadata.owner_references.iter().flatten();
    let owner = metadata.and_then(|metadata| metadata.get("ownerReferences")?.get(0)?.get("uid")?.as_str());
    let held = held(existing);
    let certificates = held.len() == entries.len() && entries.iter().all(|(one, _)| held.contains(one));
    certificates
        && others(existing.data.get("spec")) == others(wanted.get("spec"))
        && [INSTALLATION, AUTHORITIES]
            .iter()
            .all(|name| annotation(existing, name) == text("annotations", name))
        && labels.and_then(|labels| labels.get(MANAGED_BY)).map(String::as_str) == text("labels", MANAGED_BY)
        && owner.is_none_or(|uid| owners.into_iter().any(|one| one.uid == uid))
}

/// The fields of `spec` beside the certificates.
fn others(spec: Option<&Value>) -> Option<serde_json::Map<String, Value>> {
    let mut fields = spec?.as_object()?.clone();
    fields.remove("caBundle");
    Some(fields)
}

#[cfg(test)]
pub(super) mod tests {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};

    use super::*;

    pub(in super::super) const HOUR: i64 = 3600;

    /// Seconds after 2026-01-01.
    pub(in super::super) fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_767_225_600 + seconds).unwrap()
    }

    /// An authority that ends so many seconds after 2026-01-01.
    pub(in super::super) fn authority(name: &str, ends: i64) -> Certificate {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_before = date_time_ymd(2025, 12, 1);
        params.not_after = date_time_ymd(2026, 1, 1) + std::time::Duration::from_secs(ends.unsigned_abs());
        let key = KeyPair::generate().unwrap();
        Certificate::from_der(params.self_signed(&key).unwrap().der()).unwrap()
    }

    fn wanted() -> Wanted {
        Wanted {
            name: "hallmark".into(),
            url: "https://hallmark.hallmark-system:6001/verify".to_owned(),
            timeout: 3,
            installation: "hallmark-system/hallmark".to_owned(),
            adopt: false,
        }
    }

    fn owner() -> Owner {
        Owner { name: "hallmark".to_owned(), uid: "1".to_owned() }
    }

    fn applied(step: Step) -> DynamicObject {
        let Step::Apply(value) = step else { panic!("{step:?}") };
        serde_json::from_value(value).unwrap()
    }

    /// The object as it is once everything settled.
    fn settled(bundle: &[Certificate]) -> DynamicObject {
        applied(wanted().step(bundle, &[], Some(&owner()), None, at(0)))
    }

    fn bundle_of(object: &DynamicObject) -> Vec<Certificate> {
        held(object)
    }

    #[test]
    fn a_missing_object_is_made_and_then_left_alone() {
        let one = [authority("one", 400 * HOUR)];
        let made = settled(&one);
        assert_eq!(spec(&made, "url"), Some(&json!("https://hallmark.hallmark-system:6001/verify")));
        assert_eq!(spec(&made, "timeout"), Some(&json!(3)));
        assert_eq!(bundle_of(&made), one);
        assert!(!spec(&made, "caBundle").unwrap().as_str().unwrap().contains('\n'));
        assert_eq!(made.metadata.owner_references.as_ref().unwrap()[0].uid, "1");
        assert_eq!(wanted().step(&one, &[], Some(&owner()), Some(&made), at(1)), Step::Keep);
    }

    #[test]
    fn whatever_was_edited_is_corrected() {
        let one = [authority("one", 400 * HOUR)];
        let edits: [fn(&mut DynamicObject); 5] = [
            |object| object.data["spec"]["url"] = json!("https://elsewhere"),
            |object| object.data["spec"]["timeout"] = json!(30),
            |object| object.data["spec"]["caBundle"] = json!("eA=="),
            |object| object.data["spec"]["insecure"] = json!(true),
            |object| object.metadata.owner_references = None,
        ];
        for edit in edits {
            let mut object = settled(&one);
            edit(&mut object);
            let step = wanted().step(&one, &[], Some(&owner()), Some(&object), at(1));
            assert_eq!(applied(step).data, settled(&one).data);
        }
    }

    #[test]
    fn an_authority_that_somebody_added_does_not_stay() {
        let (one, rogue) = ([authority("one", 400 * HOUR)], authority("rogue", 400 * HOUR));
        let mut object = settled(&one);
        let both = pem::to_pem(one.iter().chain([&rogue]));
        object.data["spec"]["caBundle"] = json!(STANDARD.encode(both));
        let step = wanted().step(&one, &[], Some(&owner()), Some(&object), at(1));
        assert_eq!(bundle_of(&applied(step)), one);
    }

    #[test]
    fn a_replaced_authority_stays_for_an_hour_whoever_looks() {
        let (one, other) = (authority("one", 400 * HOUR), authority("other", 400 * HOUR));
        let before = settled(std::slice::from_ref(&one));
        let new = [other.clone()];
        // The replica that wanted the former one before.
        let former = [(one.clone(), at(HOUR))];
        let object = applied(wanted().step(&new, &former, Some(&owner()), Some(&before), at(0)));
        assert_eq!(bundle_of(&object), [other.clone(), one.clone()]);
        // Another, and the same after a restart.
        for seconds in [1, HOUR - 1] {
            assert_eq!(wanted().step(&new, &[], Some(&owner()), Some(&object), at(seconds)), Step::Keep);
        }
        let step = wanted().step(&new, &former, Some(&owner()), Some(&object), at(HOUR));
        assert_eq!(bundle_of(&applied(step)), [other]);
    }

    /// A Pod that starts while the others still show a certificate of the former authority.
    #[test]
    fn a_replica_that_never_knew_the_former_authority_keeps_it_too() {
        let (one, other) = (authority("one", 400 * HOUR), authority("other", 400 * HOUR));
        let before = settled(std::slice::from_ref(&one));
        let new = [other.clone()];
        let object = applied(wanted().step(&new, &[], Some(&owner()), Some(&before), at(0)));
        assert_eq!(bundle_of(&object), [other.clone(), one]);
        let step = wanted().step(&new, &[], Some(&owner()), Some(&object), at(HOUR));
        assert_eq!(bundle_of(&applied(step)), [other]);
    }

    /// While the chart goes from one kind of certificate to another, replicas of both run side by side.
    #[test]
    fn two_that_want_different_authorities_settle_and_each_finds_its_own_there() {
        let (one, other) = (authority("one", 400 * HOUR), authority("other", 400 * HOUR));
        let (ones, others) = ([one.clone()], [other.clone()]);
        let mut object = settled(&ones);
        let mut writes = 0;
        for seconds in (0..2 * HOUR).step_by(60) {
            for bundle in [&others, &ones] {
                if let Step::Apply(value) =
                    wanted().step(bundle, &[], Some(&owner()), Some(&object), at(seconds))
                {
                    object = serde_json::from_value(value).unwrap();
                    writes += 1;
                }
                let held = bundle_of(&object);
                assert!(held.contains(&one) && held.contains(&other), "second {seconds}");
            }
        }
        assert!(writes < 20, "{writes} writes in two hours");
        // One of them is left.
        for seconds in [2 * HOUR, 4 * HOUR, 4 * HOUR + 1] {
            if let Step::Apply(value) =
                wanted().step(&others, &[], Some(&owner()), Some(&object), at(seconds))
            {
                object = serde_json::from_value(value).unwrap();
            }
        }
        assert_eq!(bundle_of(&object), others);
        assert!(!annotation(&object, AUTHORITIES).unwrap().contains('='));
    }

    #[test]
    fn an_object_that_is_made_again_has_the_former_authorities() {
        let (one, other) = (authority("one", 400 * HOUR), authority("other", 400 * HOUR));
        let (new, former) = ([other.clone()], [(one.clone(), at(HOUR))]);
        let mut damaged = settled(&new);
        damaged.data["spec"]["caBundle"] = json!("eA==");
        for existing in [None, Some(&damaged)] {
            let object = applied(wanted().step(&new, &former, Some(&owner()), existing, at(1)));
            assert_eq!(bundle_of(&object), [other.clone(), one.clone()]);
            assert_eq!(wanted().step(&new, &[], Some(&owner()), Some(&object), at(2)), Step::Keep);
            let step = wanted().step(&new, &former, Some(&owner()), Some(&object), at(HOUR));
            assert_eq!(bundle_of(&applied(step)), std::slice::from_ref(&other));
        }
    }

    /// Of two replicas one may already sign by the next authority: they do not overwrite each other meanwhile.
    #[test]
    fn the_order_of_a_bundle_is_no_difference() {
        let (one, other) = (authority("one", 400 * HOUR), authority("other", 400 * HOUR));
        let object = settled(&[one.clone(), other.clone()]);
        assert_eq!(wanted().step(&[other, one], &[], Some(&owner()), Some(&object), at(1)), Step::Keep);
    }

    #[test]
    fn no_note_makes_an_authority_stay_longer() {
        let (one, other) = (authority("one", 400 * HOUR), authority("other", 400 * HOUR));
        let mut object = settled(&[other.clone(), one.clone()]);
        let annotations = object.metadata.annotations.as_mut().unwrap();
        annotations.insert(AUTHORITIES.to_owned(), format!("{}=2099-01-01T00:00:00Z", short(&one)));
        let step = wanted().step(&[other], &[], Some(&owner()), Some(&object), at(0));
        let noted = format!("{}={}", short(&one), at(HOUR));
        assert!(annotation(&applied(step), AUTHORITIES).unwrap().contains(&noted));
    }

    #[test]
    fn what_somebody_else_made_is_left_alone_unless_it_is_to_be_adopted() {
        let one = [authority("one", 400 * HOUR)];
        let foreign: DynamicObject = serde_json::from_value(json!({
            "apiVersion": "externaldata.gatekeeper.sh/v1beta1",
            "kind": "Provider",
            "metadata": {"name": "hallmark", "annotations": {
                "meta.helm.sh/release-name": "ratify", "meta.helm.sh/release-namespace": "gatekeeper-system",
            }},
            "spec": {"url": "https://ratify", "timeout": 5, "caBundle": STANDARD.encode(pem::to_pem(&one))},
        }))
        .unwrap();
        let other = [authority("other", 400 * HOUR)];
        let former = [(one[0].clone(), at(HOUR))];
        let step = wanted().step(&other, &former, Some(&owner()), Some(&foreign), at(0));
        assert_eq!(step, Step::Foreign("the Helm release gatekeeper-system/ratify".to_owned()));
        let adopting = Wanted { adopt: true, ..wanted() };
        let step = adopting.step(&other, &former, Some(&owner()), Some(&foreign), at(0));
        assert_eq!(bundle_of(&applied(step)), other);
        let mut another = settled(&one);
        another.metadata.owner_references = None;
        another.metadata.annotations.as_mut().unwrap().insert(INSTALLATION.to_owned(), "b/b".to_owned());
        let step = wanted().step(&one, &[], Some(&owner()), Some(&another), at(0));
        assert_eq!(step, Step::Foreign("the Hallmark of b/b".to_owned()));
    }

    #[test]
    fn one_that_goes_is_waited_for() {
        let one = [authority("one", 400 * HOUR)];
        let mut object = settled(&one);
        object.metadata.deletion_timestamp = serde_json::from_value(json!("2026-01-01T00:00:00Z")).unwrap();
        assert_eq!(wanted().step(&one, &[], Some(&owner()), Some(&object), at(0)), Step::Wait);
    }
}
