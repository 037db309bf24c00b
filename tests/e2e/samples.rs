//! The templates of the project with their sample constraints.

use serde_json::{Value, json};

use crate::chart::project;
use crate::world::World;

/// Folder and kind of each template.
pub const TEMPLATES: [(&str, &str); 6] = [
    ("image-verification", "HallmarkImageVerification"),
    ("image-verification-namespaced", "HallmarkImageVerificationNamespaced"),
    ("signer-identity", "HallmarkSignerIdentity"),
    ("several-signers", "HallmarkSeveralSigners"),
    ("digest-required", "HallmarkDigestRequired"),
    ("exemptions", "HallmarkExemptions"),
];

/// A sample constraint of a template: the file `samples/ACTION.yaml`.
pub fn sample(folder: &str, action: &str) -> Value {
    let file = project("templates").join(folder).join("samples").join(format!("{action}.yaml"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_saphyr::from_str(&text).expect("YAML")
}

impl World {
    /// Applies a template and the sample constraint that denies, as it is but for the namespace that it is kept to
    /// and the parameters; gives the constraint's name.
    pub async fn sample_that_denies(&self, folder: &str, namespace: &str, parameters: &Value) -> String {
        let (_, kind) = TEMPLATES.iter().find(|(name, _)| *name == folder).expect("a template");
        self.template(folder, kind).await;
        self.namespace(namespace).await;
        let mut constraint = sample(folder, "deny");
        constraint["spec"]["match"]["namespaces"] = json!([namespace]);
        constraint["spec"]["parameters"] = parameters.clone();
        self.cluster.kubectl.apply(&constraint.to_string()).ok();
        let name = constraint["metadata"]["name"].as_str().expect("name");
        self.enforced(kind, name).await;
        name.to_owned()
    }
}
