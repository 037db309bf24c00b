//! The scenarios, in the order in which they run.

mod audit;
mod enforcement;
mod outages;
mod replicas;

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
        scenario!(outages, registry_unreachable),
        scenario!(outages, slow_registry_with_two_kinds),
        scenario!(outages, hostile_provider),
        scenario!(outages, provider_down),
        scenario!(replicas, rollout_under_load),
        scenario!(replicas, restart_under_load),
        scenario!(replicas, two_replicas),
        scenario!(audit, audit_of_1000_by_digest),
        scenario!(audit, audit_of_1000_by_tag),
    ]
}
