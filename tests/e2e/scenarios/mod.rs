//! The scenarios, in the order in which they run.

mod enforcement;

use crate::runner::Scenario;

/// A scenario is named as its function.
macro_rules! scenario {
    ($module:ident, $name:ident) => {
        Scenario { name: stringify!($name), run: |world| Box::pin($module::$name(world)) }
    };
}

pub fn all() -> Vec<Scenario> {
    vec![scenario!(enforcement, deny), scenario!(enforcement, warn), scenario!(enforcement, dryrun_and_audit)]
}
