//! Registry credentials and keys in Secrets that resources name, read one by one under the chart's rights.

use serde_json::json;

use crate::support::parts::{Notation, PushedImage, REAL_USER, RealRegistry, ReferrersBy, SignatureFormat};
use crate::support::signer::{KeyKind, TestSigner};
use crate::wait::{PATIENCE, until};
use crate::world::{VERIFICATION, World, resource_path};

const NAMESPACED: &str = "HallmarkImageVerificationNamespaced";
const PASSWORD: &str = "correct-horse";
const NEXT_PASSWORD: &str = "battery-staple";

/// The registry wants a password, and has got none or another.
const REFUSED: &str = "REGISTRY_DENIED";
/// What the Store names cannot be read.
const UNREADABLE: &str = "REGISTRY_UNAVAILABLE";

/// A registry that wants a password, and images in it that `notation` signed.
struct Private {
    registry: RealRegistry,
    notation: Notation,
    pushed: usize,
}

impl Private {
    fn start(signer: &TestSigner) -> Self {
        let mut notation = Notation::new();
        notation.add_key("signer", signer);
        notation.log_in(PASSWORD);
        Self { registry: RealRegistry::with_password(PASSWORD), notation, pushed: 0 }
    }

    fn change_password(&mut self, password: &str) {
        self.registry.change_password(password);
        self.notation.log_in(password);
    }

    /// An image that nobody has asked about: its answer is remembered nowhere.
    async fn image(&mut self, signed: bool) -> String {
        self.pushed += 1;
        let note = format!("app{}", self.pushed);
        let image: PushedImage = self.registry.push_image(&format!("private/{note}"), "v1", &note).await;
        if signed {
            self.notation.sign(&image, "signer", SignatureFormat::Jws, ReferrersBy::TagSchema);
        }
        image.by_digest()
    }
}

/// A Store names a Secret: without the right to read it nothing can be decided, and status prints the Role that is
/// missing. With the Role images are admitted, and what becomes of the Secret is followed.
pub async fn registry_credentials_from_a_secret(world: &mut World) {
    let mut private = Private::start(&world.signer);
    world.namespace("private").await;
    world.constraint(VERIFICATION, "signed-images", "deny", &["private"], json!({})).await;
    // The registry refuses whoever has no password.
    undecided(world, "private", &private.image(true).await, REFUSED).await;

    log_in(world, "hallmark-system", &private, PASSWORD);
    world.trust(&store("Store", "store-oras", "hallmark-system"));
    let roles = roles_in_status(world, "Store", "store-oras").await;
    let signed = private.image(true).await;
    undecided(world, "private", &signed, UNREADABLE).await;
    let said = world.cluster.kubectl.apply(&roles).ok();
    assert!(said.contains("role.rbac.authorization.k8s.io/hallmark-store-store-oras created"), "{said}");
    world.status_says("Store", "store-oras", "True", "").await;
    admitted(world, "private", &signed).await;
    let answer = world.try_image("private", &private.image(false).await).await;
    assert!(answer.denied().contains("NO_SIGNATURE"), "{answer}");

    // The registry takes another password: the Secret follows, and Hallmark the Secret.
    private.change_password(NEXT_PASSWORD);
    let signed = private.image(true).await;
    undecided(world, "private", &signed, REFUSED).await;
    log_in(world, "hallmark-system", &private, NEXT_PASSWORD);
    admitted(world, "private", &signed).await;

    // Without the Secret again.
    world.cluster.kubectl.run(&["delete", "secret", "pull", "--namespace=hallmark-system"]).ok();
    world.status_says("Store", "store-oras", "False", "there is no Secret hallmark-system/pull").await;
    undecided(world, "private", &private.image(true).await, UNREADABLE).await;
}

/// A tenant's Store reads Secrets of its own namespace: it admits there and nowhere else. One that names the Secret
/// of its neighbour is refused, and reads nothing.
pub async fn credentials_of_a_namespace(world: &mut World) {
    let mut private = Private::start(&world.signer);
    for namespace in ["owner", "thief"] {
        world.namespace(namespace).await;
    }
    world.template("image-verification-namespaced", NAMESPACED).await;
    world.constraint(NAMESPACED, "signed-images", "deny", &["owner", "thief"], json!({})).await;
    log_in(world, "owner", &private, PASSWORD);
    world.trust(&store("NamespacedStore", "own", "owner"));
    let roles = roles_in_status(world, "NamespacedStore", "owner/own").await;
    world.cluster.kubectl.apply(&roles).ok();
    world.status_says_in("NamespacedStore", "owner", "own", "True", "").await;
    admitted(world, "owner", &private.image(true).await).await;

    world.trust(
        &store("NamespacedStore", "own", "owner")
            .replacen("namespace: owner", "namespace: thief", 1)
            .replace("name: own\n", "name: greedy\n"),
    );
    let said = "a resource of namespace thief reads no Secret of another namespace";
    world.status_says_in("NamespacedStore", "thief", "greedy", "False", said).await;
    undecided(world, "thief", &private.image(true).await, "CONFIG_INVALID").await;
    // Nor without a Store of its own.
    world.cluster.kubectl.run(&["delete", "namespacedstore", "greedy", "--namespace=thief"]).ok();
    undecided(world, "thief", &private.image(true).await, REFUSED).await;
    // Nor may the process read any other Secret, be it of the same namespace.
    for (secret, namespace, may) in
        [("pull", "owner", "yes\n"), ("other", "owner", "no\n"), ("pull", "thief", "no\n")]
    {
        let resource = format!("secrets/{secret}");
        let subject = "system:serviceaccount:hallmark-system:hallmark";
        let arguments = ["auth", "can-i", "get", &resource, "--as", subject, "-n", namespace];
        assert_eq!(world.cluster.kubectl.run(&arguments).stdout, may, "{namespace}/{secret}");
    }
}

/// The certificates to trust are in a Secret: they count once it may be read, and are followed when it changes.
pub async fn keys_from_a_secret(world: &mut World) {
    let (first, second) = (TestSigner::new(KeyKind::P256), TestSigner::new(KeyKind::P384));
    world.images.signed("keys/first", &first);
    world.images.signed("keys/second", &second);
    world.namespace("keys").await;
    world.constraint(VERIFICATION, "signed-images", "deny", &["keys"], json!({})).await;
    let anchors = |signer: &TestSigner| {
        let secret = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "anchors", "namespace": "hallmark-system"},
            "stringData": {"ca.crt": signer.root_pem()},
        });
        world.cluster.kubectl.apply(&secret.to_string()).ok();
    };
    anchors(&first);
    world.trust(
        "apiVersion: config.ratify.deislabs.io/v1beta1
kind: KeyManagementProvider
metadata: {name: certstore-inline}
spec: {type: secret, parameters: {name: anchors, key: ca.crt, contentType: certificate}}
",
    );
    let roles = roles_in_status(world, "KeyManagementProvider", "certstore-inline").await;
    let answer = world.try_repository("keys", "keys/first").await;
    assert!(answer.denied().contains("[signed-images]"), "{answer}");
    world.cluster.kubectl.apply(&roles).ok();
    world.status_says("KeyManagementProvider", "certstore-inline", "True", "").await;
    world.becomes_admitted("keys", "keys/first").await;
    world.becomes_denied("keys", "keys/second", "UNTRUSTED_SIGNER").await;
    anchors(&second);
    world.becomes_admitted("keys", "keys/second").await;
    world.becomes_denied("keys", "keys/first", "UNTRUSTED_SIGNER").await;
    // With the Secret its keys go.
    world.cluster.kubectl.run(&["delete", "secret", "anchors", "--namespace=hallmark-system"]).ok();
    let gone = "there is no Secret hallmark-system/anchors";
    world.status_says("KeyManagementProvider", "certstore-inline", "False", gone).await;
    world.becomes_denied("keys", "keys/second", "KEY_SOURCE_UNAVAILABLE").await;
}

/// An image is denied because nothing could be found out.
async fn undecided(world: &World, namespace: &str, image: &str, code: &str) {
    let said = format!("{image}: {code}: could not be decided now");
    until(&format!("{image} is denied in {namespace} with {code}"), PATIENCE, || async {
        let answer = world.try_image(namespace, image).await;
        if answer.denied().contains("[signed-images]") && answer.denied().contains(&said) {
            Ok(())
        } else {
            Err(answer)
        }
    })
    .await;
}

/// What was undecided is remembered nowhere for long.
async fn admitted(world: &World, namespace: &str, image: &str) {
    until(&format!("{image} is admitted"), PATIENCE, || async {
        let answer = world.try_image(namespace, image).await;
        if answer.is_success() { Ok(()) } else { Err(answer) }
    })
    .await;
}

/// Writes the Secret `pull` as people do.
fn log_in(world: &World, namespace: &str, private: &Private, password: &str) {
    let made = world.cluster.kubectl.run(&[
        "create",
        "secret",
        "docker-registry",
        "pull",
        "--namespace",
        namespace,
        &format!("--docker-server={}", private.registry.host()),
        &format!("--docker-username={REAL_USER}"),
        &format!("--docker-password={password}"),
        "--dry-run=client",
        "--output=yaml",
    ]);
    world.cluster.kubectl.apply(&made.ok()).ok();
}

/// A Store as the guide has it, with a Secret of a namespace.
fn store(kind: &str, name: &str, namespace: &str) -> String {
    let place = if kind == "Store" { String::new() } else { format!("\n  namespace: {namespace}") };
    format!(
        "apiVersion: config.ratify.deislabs.io/v1beta1
kind: {kind}
metadata:
  name: {name}{place}
spec:
  name: oras
  parameters:
    useHttp: true
    authProvider:
      name: k8Secrets
      secrets:
        - secretName: pull
          namespace: {namespace}
"
    )
}

/// The YAML that status gives for whoever may grant what is missing.
async fn roles_in_status(world: &World, kind: &str, name: &str) -> String {
    let path = resource_path(kind, name);
    until(&format!("{kind} {name} says which Role is missing"), PATIENCE, || async {
        let status = world.api().get(&path).await.body["status"].clone();
        let error = status["error"].as_str().unwrap_or_default();
        match error.split_once("Hallmark may not read what it names; apply:\n") {
            Some((_, yaml)) if status["issuccess"] == false => Ok(yaml.to_owned()),
            _ => Err(status),
        }
    })
    .await
}
