//! The settings file that the chart writes is one that Hallmark starts with.

use std::time::Duration;

use hallmark::config::{Settings, Sources};

use super::rendered::Rendered;
use super::value_sets;

fn load(rendered: &Rendered) -> Settings {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("settings.yaml");
    std::fs::write(&file, rendered.settings().to_string()).expect("written");
    match Settings::load(Sources { file: Some(file), ..Sources::default() }) {
        Ok(settings) => settings,
        Err(problems) => panic!("{problems}"),
    }
}

#[test]
fn every_value_set_gives_settings_without_a_warning() {
    for set in value_sets() {
        let settings = load(&Rendered::of_file(&set));
        assert_eq!(settings.warnings, Vec::<String>::new(), "{}", set.display());
        let kubernetes = settings.kubernetes.expect("life in a cluster");
        assert_eq!(&*kubernetes.namespace.expect("namespace"), "hallmark-system", "{}", set.display());
    }
}

/// Gatekeeper waits whole seconds; whoever it asks must have answered by then.
#[test]
fn hallmark_answers_before_gatekeeper_stops_waiting() {
    for seconds in [1, 2, 5, 30] {
        let values = format!(
            "gatekeeper: {{validatingWebhookTimeoutSeconds: {seconds}, mutatingWebhookTimeoutSeconds: {seconds}}}"
        );
        let server = load(&Rendered::of(&values)).server;
        let timeout = Duration::from_secs(seconds);
        assert_eq!(server.verify_deadline, timeout - Duration::from_millis(500));
        assert_eq!(server.mutate_deadline, timeout - Duration::from_millis(200));
    }
}
