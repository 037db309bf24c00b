//! The Role and RoleBinding that let Hallmark read what a resource names.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::secret::{SecretName, ServiceAccountName};

/// The most objects that one grant lists.
const MAX_NAMED: usize = 20;

/// Who needs the grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Reader {
    /// The service account's namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// What may not be read, in one namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Forbidden<'f> {
    pub secrets: BTreeSet<&'f SecretName>,
    pub service_accounts: BTreeSet<&'f ServiceAccountName>,
}

impl Forbidden<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.secrets.is_empty() && self.service_accounts.is_empty()
    }

    /// What to apply, as YAML.
    pub(super) fn remedy(&self, reader: &Reader) -> String {
        let secrets = self.secrets.iter().map(|name| (&*name.namespace, "secrets", &*name.name));
        let accounts = self.service_accounts.iter();
        let accounts = accounts.map(|(namespace, name)| (&**namespace, "serviceaccounts", &**name));
        let objects: BTreeSet<_> = secrets.chain(accounts).take(MAX_NAMED).collect();
        let namespaces: BTreeSet<&str> = objects.iter().map(|(namespace, _, _)| *namespace).collect();
        let mut text = String::new();
        for namespace in namespaces {
            let here = |resource| {
                let here = objects.iter().filter(|one| one.0 == namespace && one.1 == resource);
                here.map(|(_, _, name)| *name).collect::<Vec<_>>().join(", ")
            };
            // Writing to a String does not fail.
            let _ = grant(&mut text, reader, namespace, &here("secrets"), &here("serviceaccounts"));
        }
        text
    }
}

fn grant(
    text: &mut String,
    reader: &Reader,
    namespace: &str,
    secrets: &str,
    accounts: &str,
) -> std::fmt::Result {
    let Reader { namespace: own, name } = reader;
    let metadata = format!("metadata: {{name: {name}-reader, namespace: {namespace}}}");
    writeln!(text, "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\n{metadata}\nrules:")?;
    for (resource, names) in [("secrets", secrets), ("serviceaccounts", accounts)] {
        if !names.is_empty() {
            writeln!(
                text,
                "- {{apiGroups: [\"\"], resources: [{resource}], resourceNames: [{names}], verbs: [get, list, watch]}}"
            )?;
        }
    }
    writeln!(text, "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\n{metadata}")?;
    writeln!(text, "roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: {name}-reader}}")?;
    writeln!(text, "subjects:\n- {{kind: ServiceAccount, name: {name}, namespace: {own}}}")
}
