//! Registry scopes: their grammar, and which statement covers a repository.

use super::Statement;
use crate::reference::{RegistryHost, Repository};

/// The scope that covers every repository.
pub const EVERYWHERE: &str = "*";

/// The statement for a repository, written as `host[:port]/path`: the one that lists exactly this scope,
/// else the one whose scope is `*`. `None` means that no policy applies, and then nothing may be trusted.
///
/// The comparison is exact. Whoever calls it writes references and scopes in one normal form first
/// ([`Repository`] does for references).
pub fn select<'a>(statements: &'a [Statement], scope: &str) -> Option<&'a Statement> {
    let listing = |wanted: &str| {
        statements.iter().find(|statement| statement.registry_scopes.iter().any(|s| s == wanted))
    };
    match scope {
        EVERYWHERE => listing(EVERYWHERE),
        _ => listing(scope).or_else(|| listing(EVERYWHERE)),
    }
}

/// The blob statement called `name`, or without a name the global one.
pub fn select_blob<'a>(statements: &'a [Statement], name: Option<&str>) -> Option<&'a Statement> {
    match name {
        Some(name) => statements.iter().find(|statement| &*statement.name == name),
        None => statements.iter().find(|statement| statement.global),
    }
}

/// True for `domain[:port]/path`: a host name or IPv4 address, and a repository path without tag, digest
/// or wildcard.
pub fn is_registry_scope(text: &str) -> bool {
    let Some((host, path)) = text.split_once('/') else { return false };
    if host.starts_with('[') || RegistryHost::parse(host).is_none() {
        return false;
    }
    // The path's grammar does not depend on the host; this one is never short for Docker Hub.
    format!("host.invalid/{path}").parse::<Repository>().is_ok()
}
