//! Scopes of Executors: which repositories one decides about. Of several that cover a repository the
//! narrowest counts.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::reference::{RegistryHost, Repository};

/// What an Executor decides about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Everything: only for what cannot be read, and may have been meant for anything.
    Everything,
    /// Registries one label below a domain, as in `*.registry.example`, with the port where one is written.
    Below(Arc<str>),
    /// Every repository of a registry.
    Registry(RegistryHost),
    /// One repository.
    Repository(Repository),
}

/// Why a text is no scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// Everything cannot be claimed.
    #[error("a scope that covers everything is not allowed")]
    Everything,
    /// `*` stands elsewhere than in the place of the first label.
    #[error("`*` may only stand for the first label of a registry's name")]
    Wildcard,
    /// It is neither a repository nor a registry.
    #[error("it is neither a repository, nor a registry, nor `*.` and a domain")]
    Malformed,
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        if text == "*" {
            return Err(ScopeError::Everything);
        }
        if let Some(domain) = text.strip_prefix("*.") {
            if domain.contains(['*', '/']) {
                return Err(ScopeError::Wildcard);
            }
            // A single label after `*.` would cover a whole top-level domain.
            let domain = RegistryHost::parse(domain).ok_or(ScopeError::Malformed)?;
            return Ok(Self::Below(domain.as_str().into()));
        }
        if text.contains('*') {
            return Err(ScopeError::Wildcard);
        }
        if text.contains('/') {
            let host = text.split('/').next().and_then(RegistryHost::parse);
            let repository = text.parse().map_err(|_| ScopeError::Malformed)?;
            return host.map(|_| Self::Repository(repository)).ok_or(ScopeError::Malformed);
        }
        RegistryHost::parse(text).map(Self::Registry).ok_or(ScopeError::Malformed)
    }
}

impl Scope {
    /// Whether it covers a repository.
    pub fn covers(&self, repository: &Repository) -> bool {
        match self {
            Self::Everything => true,
            Self::Below(domain) => is_below(repository.host(), domain),
            Self::Registry(host) => repository.host() == host,
            Self::Repository(one) => repository == one,
        }
    }

    /// The scopes that cover more than it and all of it, except everything.
    pub fn wider(&self) -> Vec<Self> {
        let below = |host: &RegistryHost| {
            let domain = host.as_str().split_once('.').map(|(_, domain)| Self::Below(domain.into()));
            domain.into_iter().collect::<Vec<_>>()
        };
        match self {
            Self::Everything | Self::Below(_) => Vec::new(),
            Self::Registry(host) => below(host),
            Self::Repository(repository) => {
                let host = repository.host();
                [vec![Self::Registry(host.clone())], below(host)].concat()
            }
        }
    }

    /// The registry, where it names one.
    pub fn registry(&self) -> Option<&RegistryHost> {
        match self {
            Self::Everything | Self::Below(_) => None,
            Self::Registry(host) => Some(host),
            Self::Repository(repository) => Some(repository.host()),
        }
    }

    /// The narrower, the greater.
    fn narrowness(&self) -> u8 {
        match self {
            Self::Everything => 0,
            Self::Below(_) => 1,
            Self::Registry(_) => 2,
            Self::Repository(_) => 3,
        }
    }

    /// How narrowly a list of scopes covers a repository; `None` where it does not.
    pub fn narrowest(scopes: &[Self], repository: &Repository) -> Option<u8> {
        scopes.iter().filter(|scope| scope.covers(repository)).map(Self::narrowness).max()
    }
}

/// True for a name with exactly one label more.
fn is_below(host: &RegistryHost, domain: &str) -> bool {
    host.as_str().split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest == domain)
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => f.write_str("everything"),
            Self::Below(domain) => write!(f, "*.{domain}"),
            Self::Registry(host) => write!(f, "{host}"),
            Self::Repository(repository) => write!(f, "{repository}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(scope: &str, repository: &str) -> bool {
        let scope: Scope = scope.parse().expect("scope");
        scope.covers(&repository.parse().expect("repository"))
    }

    #[test]
    fn a_scope_is_a_repository_a_registry_or_one_label_of_a_domain() {
        for (scope, repository, expected) in [
            ("r.example/a/b", "r.example/a/b", true),
            ("r.example/a/b", "r.example/a/b/c", false),
            ("r.example", "r.example/a", true),
            ("r.example", "r.example:5000/a", false),
            ("r.example:5000", "r.example:5000/a", true),
            ("R.example", "r.example/a", true),
            ("*.example.com", "r.example.com/a", true),
            ("*.example.com", "example.com/a", false),
            ("*.example.com", "a.b.example.com/a", false),
            ("*.example.com", "r.example.com.evil.example/a", false),
            ("*.example.com", "r.example.com:5000/a", false),
            ("*.example.com:5000", "r.example.com:5000/a", true),
            ("docker.io", "docker.io/library/nginx", true),
        ] {
            assert_eq!(covers(scope, repository), expected, "{scope} {repository}");
        }
    }

    #[test]
    fn what_covers_everything_or_is_a_pattern_elsewhere_is_refused() {
        for (text, error) in [
            ("*", ScopeError::Everything),
            ("*/a", ScopeError::Wildcard),
            ("r.example/*", ScopeError::Wildcard),
            ("*.example.com/a", ScopeError::Wildcard),
            ("r*.example", ScopeError::Wildcard),
            ("*.*.example", ScopeError::Wildcard),
            ("", ScopeError::Malformed),
            ("*.", ScopeError::Malformed),
            ("https://r.example", ScopeError::Malformed),
            ("r.example/A", ScopeError::Malformed),
            ("r.example/a:v1", ScopeError::Malformed),
        ] {
            assert_eq!(text.parse::<Scope>(), Err(error), "{text}");
        }
    }

    #[test]
    fn the_narrowest_scope_counts() {
        let scopes: Vec<Scope> =
            ["*.example.com", "r.example.com"].map(|text| text.parse().expect("scope")).into();
        let narrowest =
            |repository: &str| Scope::narrowest(&scopes, &repository.parse().expect("repository"));
        assert!(narrowest("r.example.com/a") > narrowest("s.example.com/a"));
        assert_eq!(narrowest("elsewhere.example/a"), None);
        assert_eq!(scopes[1].wider(), scopes[..1]);
    }
}
