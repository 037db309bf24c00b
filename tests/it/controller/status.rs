//! What statuses say, who writes them, and how often.

use super::resources::{IMAGE, all, certificates, pem, store, verifier};
use super::{VERIFIER, cluster, metric, ready, status, verdict};
use crate::support::cluster::until;
use crate::support::program::Served;

#[tokio::test(flavor = "multi_thread")]
async fn resources_are_followed_whatever_their_order_and_one_replica_says_in_status_what_became_of_them() {
    let cluster = cluster().await;
    let one = Served::start_in_cluster(&cluster.kubeconfig(), &[]);
    ready(&one).await;

    // The Verifier comes before what it names.
    cluster.apply(&verifier("registry.example/app"));
    let object = status(&cluster, VERIFIER, None, |status| status["issuccess"] == false).await;
    let error = object["status"]["error"].as_str().expect("text");
    assert!(error.contains("certs"), "{error}");
    cluster.apply(&all(&[store(), certificates("certs", &pem())]));
    let object = status(&cluster, VERIFIER, None, |status| status["issuccess"] == true).await;
    assert_eq!(object["status"]["conditions"][0]["type"], "Ready");
    assert_eq!(object["status"]["conditions"][0]["status"], "True");
    assert_eq!(object["status"]["observedGeneration"], object["metadata"]["generation"]);
    verdict(&one, IMAGE, "notRequired").await;
    cluster.apply(&verifier("registry.example/other"));
    verdict(&one, IMAGE, "rejected").await;
    let kmp = "keymanagementproviders.config.ratify.deislabs.io/certs";
    let object = status(&cluster, kmp, None, |status| status["issuccess"] == true).await;
    assert!(object["status"]["lastfetchedtime"].is_string(), "{object}");
    let columns = cluster.ok(&["get", kmp], "");
    assert!(columns.contains("true"), "{columns}");

    // A resource that makes no sense costs only itself.
    cluster.apply(
        "apiVersion: config.ratify.deislabs.io/v1beta1\nkind: KeyManagementProvider\n\
         metadata: {name: nonsense}\nspec: {type: sunshine, parameters: {rays: [1]}}\n",
    );
    let nonsense = "keymanagementproviders.config.ratify.deislabs.io/nonsense";
    let refused = status(&cluster, nonsense, None, |status| status["issuccess"] == false).await;
    assert!(refused["status"]["brieferror"].as_str().expect("text").contains("sunshine"), "{refused}");
    assert_eq!(cluster.get(VERIFIER, None).expect("the Verifier")["status"]["issuccess"], true);

    // What somebody else writes is corrected, and nothing else is written anew.
    let settled = status(&cluster, VERIFIER, None, |status| status["observedGeneration"] == 2).await;
    let patch = r#"{"status":{"issuccess":false,"error":"not so"}}"#;
    let store = "stores.config.ratify.deislabs.io/store-oras";
    status(&cluster, store, None, |status| status["issuccess"] == true).await;
    cluster.ok(&["patch", store, "--subresource=status", "--type=merge", "-p", patch], "");
    status(&cluster, store, None, |status| status["issuccess"] == true).await;
    let later = cluster.get(VERIFIER, None).expect("the Verifier");
    assert_eq!(later["metadata"]["resourceVersion"], settled["metadata"]["resourceVersion"]);

    // A burst of changes is one change of configuration, or two.
    let before = metric(&one, "hallmark_plan_generation").await;
    let pem = pem();
    let burst: Vec<String> = (0..100).map(|number| certificates(&format!("spare-{number}"), &pem)).collect();
    cluster.apply(&all(&burst));
    let last = "keymanagementproviders.config.ratify.deislabs.io/spare-99";
    status(&cluster, last, None, |status| status["issuccess"] == true).await;
    let plans = metric(&one, "hallmark_plan_generation").await - before;
    assert!((1..=3).contains(&plans), "{plans} plans for a hundred changes");

    // A second replica stands by, and takes over at once when the first ends.
    assert_eq!(metric(&one, "hallmark_status_leader").await, 1);
    let other = Served::start_in_cluster(&cluster.kubeconfig(), &[]);
    ready(&other).await;
    assert_eq!(metric(&other, "hallmark_status_leader").await, 0);
    assert_eq!(one.terminate(), Some(0));
    until("the second leads", || async {
        if metric(&other, "hallmark_status_leader").await == 1 { Ok(()) } else { Err("it waits".to_owned()) }
    })
    .await;
    cluster.apply(&verifier("registry.example/app"));
    status(&cluster, VERIFIER, None, |status| status["observedGeneration"] == 3).await;
    assert_eq!(metric(&other, "hallmark_status_write_failures_total").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_definition_without_conditions_is_reported_written_once_and_noticed_when_it_is_replaced() {
    let cluster = crate::support::cluster::Cluster::start().await;
    cluster.ok(&["create", "namespace", "hallmark-system"], "");
    cluster.apply(OLD_STORE);
    cluster.ok(&["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"], "");
    cluster.apply(&store());
    // Ten kinds are not installed at all, which does not keep it from being ready.
    let served = Served::start_in_cluster(&cluster.kubeconfig(), &[]);
    ready(&served).await;
    let object = "stores.config.ratify.deislabs.io/store-oras";
    let written = status(&cluster, object, None, |status| status["issuccess"] == true).await;
    assert!(written["status"].get("conditions").is_none(), "{written}");
    let said = served.wait_for("knows no conditions");
    assert!(said["message"].as_str().expect("text").contains("hallmark crds | kubectl apply"), "{said}");
    let second = store().replace("store-oras", "second");
    cluster.apply(&second);
    let object = "stores.config.ratify.deislabs.io/second";
    status(&cluster, object, None, |status| status["issuccess"] == true).await;
    // Each was written once; metrics are told every second.
    until("the metrics", || async {
        let outdated = metric(&served, "hallmark_outdated_definitions").await;
        let writes = metric(&served, "hallmark_status_writes_total").await;
        if (outdated, writes) == (1, 2) { Ok(()) } else { Err(format!("{outdated} {writes}")) }
    })
    .await;
    // Replacing it is noticed within half a minute.
    let definitions = crate::support::program::run(&["crds"]).stdout;
    cluster.ok(&["apply", "--server-side", "--force-conflicts", "-f", "-"], &definitions);
    until("conditions", || async {
        let seen = cluster.get(object, None)?;
        let conditions = seen["status"]["conditions"].is_array();
        if conditions { Ok(()) } else { Err(seen["status"].to_string()) }
    })
    .await;
}

/// As Ratify's chart has it: without conditions.
const OLD_STORE: &str = "\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: stores.config.ratify.deislabs.io}
spec:
  group: config.ratify.deislabs.io
  scope: Cluster
  names: {kind: Store, listKind: StoreList, plural: stores, singular: store}
  versions:
  - name: v1beta1
    served: true
    storage: true
    subresources: {status: {}}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          apiVersion: {type: string}
          kind: {type: string}
          metadata: {type: object}
          spec: {type: object, x-kubernetes-preserve-unknown-fields: true}
          status:
            type: object
            properties:
              issuccess: {type: boolean}
              error: {type: string}
              brieferror: {type: string}
";
