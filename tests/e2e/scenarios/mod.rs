//! The scenarios, in the order in which they run.

mod audit;
mod certificates;
mod chart_objects;
mod configuration;
mod credentials;
mod enforcement;
mod executors;
mod guides;
mod migration;
mod mutation;
mod objects;
mod outages;
mod ratify_templates;
mod replicas;
mod templates;
mod tenants;
mod upgrades;
mod watches;

use crate::runner::Scenario;

/// A scenario is named as its function.
macro_rules! scenario {
    ($module:ident, $name:ident) => {
        Scenario { name: stringify!($name), run: |world| Box::pin($module::$name(world)) }
    };
}

pub fn all() -> Vec<Scenario> {
    vec![
        scenario!(enforcement, deny),
        scenario!(enforcement, warn),
        scenario!(enforcement, dryrun_and_audit),
        scenario!(configuration, aks_examples),
        scenario!(configuration, dangling_reference),
        scenario!(outages, registry_unreachable),
        scenario!(outages, slow_registry_with_two_kinds),
        scenario!(outages, hostile_provider),
        scenario!(outages, provider_down),
        scenario!(tenants, mandatory_baseline),
        scenario!(tenants, certificate_store_of_a_tenant),
        scenario!(tenants, secret_of_another),
        scenario!(tenants, image_with_a_namespace),
        scenario!(credentials, registry_credentials_from_a_secret),
        scenario!(credentials, credentials_of_a_namespace),
        scenario!(credentials, keys_from_a_secret),
        scenario!(objects, ephemeral_containers),
        scenario!(objects, init_containers_and_image_volumes),
        scenario!(objects, workloads_of_every_template),
        scenario!(templates, signer_identity),
        scenario!(templates, several_signers),
        scenario!(templates, digest_required),
        scenario!(templates, exemptions),
        scenario!(ratify_templates, templates_of_ratify),
        scenario!(ratify_templates, wrong_issuer_of_ratifys_template),
        scenario!(executors, executor_in_its_scope),
        scenario!(executors, executor_of_a_namespace),
        scenario!(executors, executors_that_overlap),
        scenario!(configuration, key_rotated),
        scenario!(certificates, gatekeepers_authority_rotated),
        scenario!(certificates, authority_secret_deleted),
        scenario!(certificates, own_authority_renewed),
        scenario!(certificates, cert_manager_renews),
        scenario!(certificates, provided_authority_replaced),
        scenario!(replicas, rollout_under_load),
        scenario!(replicas, restart_under_load),
        scenario!(replicas, two_replicas),
        scenario!(audit, audit_of_1000_by_digest),
        scenario!(audit, audit_by_tag),
        scenario!(mutation, mutation_of_pods),
        scenario!(mutation, mutation_of_workloads),
        scenario!(configuration, burst_of_changes),
        scenario!(chart_objects, chart_objects_are_accepted),
        scenario!(guides, aks_walkthrough),
        scenario!(guides, operators_guide),
        scenario!(upgrades, certificates_mode_changed),
        scenario!(migration, moving_from_ratify),
        scenario!(configuration, api_server_down),
        scenario!(watches, expired_resource_versions),
    ]
}
