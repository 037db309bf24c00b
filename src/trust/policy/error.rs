//! What can be wrong with a trust policy document.

use std::fmt;

/// One fault of a trust policy document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct PolicyError {
    /// The statement's name, or its position where it has none; `None` for the document itself.
    pub statement: Option<String>,
    /// The member, as a path from the document's root: `trustPolicies[0].trustStores[1]`.
    pub path: String,
    /// What is wrong with it.
    pub problem: Problem,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(statement) = &self.statement {
            write!(f, "statement {statement}: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "{}", self.problem)
    }
}

/// Everything that is wrong with a document: never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct PolicyErrors(pub Vec<PolicyError>);

impl fmt::Display for PolicyErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, error) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

/// What is wrong with a member of a trust policy document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The document has more bytes than are read.
    #[error("the document has {size} bytes, {limit} at most are read")]
    TooLarge {
        /// Its size.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// The bytes are no single, unambiguous JSON value.
    #[error("not a JSON document: {0}")]
    Json(String),
    /// The value has another type than it must have.
    #[error("{expected} is wanted here")]
    WrongType {
        /// What is wanted.
        expected: &'static str,
    },
    /// A member is missing or empty.
    #[error("is required")]
    Missing,
    /// A member that does not exist.
    #[error("unknown member; known are {}", .known.join(", "))]
    Unknown {
        /// The members that exist here.
        known: &'static [&'static str],
    },
    /// A value outside the closed list.
    #[error("{value:?} is not one of {}", .allowed.join(", "))]
    NotOneOf {
        /// What is written.
        value: String,
        /// What may be written.
        allowed: &'static [&'static str],
    },
    /// More statements, scopes, stores or identities than are read.
    #[error("{count} entries, {limit} at most are read")]
    TooMany {
        /// How many there are.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// A name, scope or global mark that must be unique and is not.
    #[error("{0:?} is written more than once")]
    Repeated(String),
    /// `*` beside other entries.
    #[error("`*` must stand alone")]
    WildcardNotAlone,
    /// No registry scope.
    #[error("{0:?} is not a registry scope: write host[:port]/repository, without tag, digest or wildcard")]
    Scope(String),
    /// No trust store.
    #[error("{0:?} is not a trust store: write ca:NAME, signingAuthority:NAME or tsa:NAME")]
    TrustStore(String),
    /// No trusted identity.
    #[error("{0:?} is not a trusted identity: write `*` or x509.subject:DISTINGUISHED NAME")]
    Identity(String),
    /// A distinguished name that cannot be read or lacks C, ST or O.
    #[error("{identity:?}: {why}")]
    DistinguishedName {
        /// What is written.
        identity: String,
        /// What the parser says.
        why: String,
    },
    /// Two identities of which one covers the other.
    #[error("{0:?} and {1:?} overlap: one covers the other")]
    Overlap(String, String),
    /// Something that level skip makes meaningless.
    #[error("must be empty at level skip")]
    NotWithSkip,
    /// `integrity` in an override.
    #[error("integrity cannot be overridden")]
    IntegrityOverride,
    /// The action `skip` for another check than revocation.
    #[error("only revocation can be skipped")]
    SkipOverride,
    /// A global blob statement that checks nothing.
    #[error("the global statement must not have level skip")]
    GlobalSkip,
}
