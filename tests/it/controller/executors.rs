//! Executors under the definition of Ratify 2, which serves v2beta1 alone.

use super::resources::pem;
use super::{cluster, ready, status};
use crate::support::program::{Served, run};

/// As Ratify has it, cut to what matters.
const RATIFYS: &str = "\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: executors.config.ratify.sh}
spec:
  group: config.ratify.sh
  scope: Cluster
  names: {kind: Executor, listKind: ExecutorList, plural: executors, singular: executor}
  versions:
  - name: v2beta1
    served: true
    storage: true
    subresources: {status: {}}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, x-kubernetes-preserve-unknown-fields: true}
          status:
            type: object
            required: [succeeded]
            properties: {succeeded: {type: boolean}, error: {type: string}, briefError: {type: string}}
";

const EXECUTOR: &str = "executors.config.ratify.sh/build";

fn executor(policy: &str) -> String {
    let pem = pem().trim().replace('\n', "\n            ");
    format!(
        "apiVersion: config.ratify.sh/v2beta1\n\
         kind: Executor\n\
         metadata: {{name: build}}\n\
         spec:\n  \
           scopes: [registry.example]\n  \
           stores: [{{type: registry-store, parameters: {{credential: {{provider: static}}}}}}]\n  \
           verifiers:\n  \
           - name: notation\n    \
             type: notation\n    \
             parameters:\n      \
               certificates:\n      \
               - type: ca\n        \
                 inline:\n          \
                   certs: |\n            {pem}\n  \
           policyEnforcer: {{type: threshold-policy, parameters: {{policy: {{rules: [{{verifierName: {policy}}}]}}}}}}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn executors_that_are_served_as_v2beta1_alone_are_followed_and_go_on_under_hallmarks_definition() {
    let cluster = cluster().await;
    let established = ["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"];
    cluster.ok(&["delete", "crd", "executors.config.ratify.sh"], "");
    cluster.apply(RATIFYS);
    cluster.ok(&established, "");
    cluster.apply(&executor("notation"));
    let served = Served::start_in_cluster(&cluster.kubeconfig(), &[]);
    ready(&served).await;
    status(&cluster, EXECUTOR, None, |status| status["succeeded"] == true).await;
    cluster.apply(&executor("absent"));
    status(&cluster, EXECUTOR, None, |status| status["succeeded"] == false).await;

    let definitions = run(&["crds"]).stdout;
    cluster.ok(&["apply", "--server-side", "--force-conflicts", "-f", "-"], &definitions);
    cluster.ok(&established, "");
    cluster.apply(&executor("notation"));
    status(&cluster, EXECUTOR, None, |status| status["succeeded"] == true).await;
}
