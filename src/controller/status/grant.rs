//! The Role and RoleBinding that let Hallmark read what a resource names.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::super::index::ObjectName;
use crate::secret::{SecretName, ServiceAccountName};

/// The most objects that one grant lists.
const MAX_NAMED: usize = 20;

/// The longest name of a Role.
const MAX_NAME_CHARS: usize = 253;

/// Who needs the grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Reader {
    /// What the names of its Roles begin with.
    pub prefix: String,
    /// The user, as the API calls it.
    pub user: String,
}

impl Reader {
    /// An entry of a RoleBinding's `subjects`.
    fn subject(&self) -> String {
        let account = self.user.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':'));
        match account {
            Some((namespace, name)) => {
                format!("{{kind: ServiceAccount, name: {name}, namespace: {namespace}}}")
            }
            // Written as JSON, so that no user's name can be more than a text.
            None => format!(
                "{{kind: User, name: {}, apiGroup: rbac.authorization.k8s.io}}",
                serde_json::json!(self.user)
            ),
        }
    }
}

/// What may not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Forbidden {
    pub secrets: BTreeSet<SecretName>,
    pub service_accounts: BTreeSet<ServiceAccountName>,
}

impl Forbidden {
    pub(super) fn is_empty(&self) -> bool {
        self.secrets.is_empty() && self.service_accounts.is_empty()
    }

    /// What to apply so that `object` can have what it names, as YAML.
    pub(super) fn remedy(&self, object: &ObjectName, reader: &Reader) -> String {
        let secrets = self.secrets.iter().map(|name| (&*name.namespace, "secrets", &*name.name));
        let accounts = self.service_accounts.iter();
        let accounts = accounts.map(|(namespace, name)| (&**namespace, "serviceaccounts", &**name));
        let objects: BTreeSet<_> = secrets.chain(accounts).take(MAX_NAMED).collect();
        let namespaces: BTreeSet<&str> = objects.iter().map(|(namespace, _, _)| *namespace).collect();
        // A Role for each resource: applying one must not take away what another needs.
        let kind = object.watched().map_or("", |watched| watched.kind).to_lowercase();
        let role: String =
            format!("{}-{kind}-{}", reader.prefix, object.name).chars().take(MAX_NAME_CHARS).collect();
        let mut text = String::new();
        for namespace in namespaces {
            let here = |resource| {
                let here = objects.iter().filter(|one| one.0 == namespace && one.1 == resource);
                here.map(|(_, _, name)| *name).collect::<Vec<_>>().join(", ")
            };
            let rules = [("secrets", here("secrets")), ("serviceaccounts", here("serviceaccounts"))];
            // Writing to a String does not fail.
            let _ = grant(&mut text, &reader.subject(), namespace, &role, &rules);
        }
        text
    }
}

fn grant(
    text: &mut String,
    subject: &str,
    namespace: &str,
    role: &str,
    rules: &[(&str, String)],
) -> std::fmt::Result {
    let metadata = format!("metadata: {{name: {role}, namespace: {namespace}}}");
    writeln!(text, "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\n{metadata}\nrules:")?;
    for (resource, names) in rules.iter().filter(|(_, names)| !names.is_empty()) {
        writeln!(
            text,
            "- {{apiGroups: [\"\"], resources: [{resource}], resourceNames: [{names}], verbs: [get, list, watch]}}"
        )?;
    }
    writeln!(text, "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\n{metadata}")?;
    writeln!(text, "roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: {role}}}")?;
    writeln!(text, "subjects:\n- {subject}")
}
