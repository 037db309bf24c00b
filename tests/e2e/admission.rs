//! Pods that are tried and not kept, each of an image by a tag of its own: Gatekeeper remembers no answer about it.

use crate::api::Answer;
use crate::support::cluster::pod;
use crate::wait::{PATIENCE, until};
use crate::world::World;

impl World {
    /// Tries to create an object.
    pub async fn try_object(&self, path: &str, object: &serde_json::Value) -> Answer {
        self.api().create(&format!("{path}?dryRun=All"), object).await
    }

    /// Tries a Pod of this image.
    pub async fn try_image(&self, namespace: &str, image: &str) -> Answer {
        self.try_object(&format!("/api/v1/namespaces/{namespace}/pods"), &pod(namespace, "tried", &[image]))
            .await
    }

    /// Tries a Pod of a repository's image.
    pub async fn try_repository(&self, namespace: &str, repository: &str) -> Answer {
        self.try_image(namespace, &self.images.by_new_tag(repository)).await
    }

    /// Waits until Pods of a repository's image are admitted.
    pub async fn becomes_admitted(&self, namespace: &str, repository: &str) {
        until(&format!("{repository} is admitted in {namespace}"), PATIENCE, || async {
            let answer = self.try_repository(namespace, repository).await;
            if answer.is_success() { Ok(()) } else { Err(answer) }
        })
        .await;
    }

    /// Waits until Pods of a repository's image are denied by a webhook, in these words.
    pub async fn becomes_denied(&self, namespace: &str, repository: &str, words: &str) {
        until(&format!("{repository} is denied in {namespace} with {words}"), PATIENCE, || async {
            let answer = self.try_repository(namespace, repository).await;
            let said = answer.message();
            let denied = !answer.is_success() && said.contains("admission webhook") && said.contains(words);
            if denied { Ok(()) } else { Err(answer) }
        })
        .await;
    }
}
