//! The API server is down: what runs goes on deciding, what starts waits and says for what.

use super::resources::{IMAGE, all, certificates, pem, store, verifier};
use super::{cluster, ready, verdict};
use crate::support::cluster::until;
use crate::support::program::Served;

#[tokio::test(flavor = "multi_thread")]
async fn while_the_api_is_down_decisions_go_on_and_a_restart_waits_and_says_for_what() {
    let mut cluster = cluster().await;
    cluster.apply(&all(&[store(), certificates("certs", &pem()), verifier("registry.example/app")]));
    let talkative = ["--log-level", "info,hallmark::controller=debug"];
    let running = Served::start_in_cluster(&cluster.kubeconfig(), &talkative);
    ready(&running).await;
    verdict(&running, IMAGE, "notRequired").await;

    cluster.stop_api_server();
    running.wait_for("cannot be asked");
    assert_eq!(running.health("/readyz").await.0, 200);
    verdict(&running, IMAGE, "notRequired").await;
    let restarted = Served::start_in_cluster(&cluster.kubeconfig(), &[]);
    let said = until("the reason", || async {
        let (status, text) = restarted.health("/readyz").await;
        assert_eq!(status, 503);
        if text.contains("cannot be asked since") { Ok(text) } else { Err(text) }
    })
    .await;
    assert!(said.contains(&cluster.address()) && said.contains("11 of 11 kinds"), "{said}");
    assert!(said.contains("refused"), "{said}");
    let undecided = restarted.post("/verify", &[IMAGE]).await;
    assert!(undecided["response"]["systemError"].is_string(), "{undecided}");

    // Both follow what changes once it is back.
    cluster.start_api_server().await;
    ready(&restarted).await;
    // It made an authority of its own, which gives way to the shared one once clients had time to learn that.
    restarted.wait_for("another process changed the authority; it is taken over");
    restarted.wait_for("a server certificate of the process's own is in force");
    verdict(&restarted, IMAGE, "notRequired").await;
    cluster.apply(&verifier("registry.example/other"));
    // The server that was started anew does not remember what came before.
    running.wait_for("too old and is listed anew");
    verdict(&running, IMAGE, "rejected").await;
    verdict(&restarted, IMAGE, "rejected").await;
}
