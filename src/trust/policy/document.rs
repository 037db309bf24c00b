//! Reading a trust policy document and checking it as a whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::error::{PolicyError, PolicyErrors, Problem};
use super::scope::{EVERYWHERE, is_registry_scope};
use super::{Action, Level, SignatureVerification, Statement, VerifyTimestamp, identity};
use crate::json::{self, Repeated};
use crate::outcome::Check;
use crate::trust::store::StoreType;

/// The longest document that is read, in bytes.
pub const MAX_DOCUMENT_BYTES: usize = 1024 * 1024;

/// The most statements, and the most entries of one list of a statement.
pub const MAX_ENTRIES: usize = 1000;

/// The two kinds of trust policy document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentKind {
    /// For artifacts in registries: statements have registry scopes.
    Oci,
    /// For files: statements are chosen by name, or one is global.
    Blob,
}

/// What to do with members that the specification does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownMembers {
    /// As the specification's own tools do. A member whose name differs from a known one only in the
    /// case of its letters is refused all the same: tools disagree on what it means.
    Ignore,
    /// A misspelt member would be a rule that silently does not hold.
    Refuse,
}

/// A trust policy document that is valid as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its kind.
    pub kind: DocumentKind,
    /// Its statements, at least one.
    pub statements: Vec<Statement>,
}

impl Document {
    /// Reads a `trustpolicy.oci.json`, `trustpolicy.json` or `trustpolicy.blob.json`.
    ///
    /// # Errors
    /// Every fault that is found; a document with any is not used at all.
    pub fn from_json(bytes: &[u8], kind: DocumentKind) -> Result<Self, PolicyErrors> {
        if bytes.len() > MAX_DOCUMENT_BYTES {
            return Err(whole(Problem::TooLarge { size: bytes.len(), limit: MAX_DOCUMENT_BYTES }));
        }
        let value = json::read(bytes, json::MAX_DEPTH, Repeated::Refused)
            .map_err(|error| whole(Problem::Json(error.to_string())))?;
        Self::from_value(&value, kind, UnknownMembers::Ignore)
    }

    /// Reads a document that is part of another one, such as a Verifier resource.
    ///
    /// # Errors
    /// Every fault that is found; a document with any is not used at all.
    pub fn from_value(
        value: &Value,
        kind: DocumentKind,
        unknown: UnknownMembers,
    ) -> Result<Self, PolicyErrors> {
        let mut reader = Reader { kind, unknown, statement: None, errors: Vec::new() };
        let statements = reader.document(value);
        if reader.errors.is_empty() {
            Ok(Self { kind, statements })
        } else {
            Err(PolicyErrors(reader.errors))
        }
    }

    /// What is valid and probably not meant: for each statement with level skip that covers every
    /// repository, or without an identity that can ever match, one line.
    pub fn warnings(&self) -> Vec<(Arc<str>, &'static str)> {
        let mut warnings = Vec::new();
        for statement in &self.statements {
            let skip = statement.verification.level == Level::Skip;
            if skip && statement.registry_scopes.iter().any(|scope| scope == EVERYWHERE) {
                let text = "level skip for scope *: every image that no other statement names is admitted unverified";
                warnings.push((statement.name.clone(), text));
            }
            if !skip && !statement.trusted_identities.iter().any(|text| identity::can_match(text)) {
                let text = "no trusted identity is * or x509.subject:…, so no signature is ever authentic";
                warnings.push((statement.name.clone(), text));
            }
        }
        warnings
    }
}

fn whole(problem: Problem) -> PolicyErrors {
    PolicyErrors(vec![PolicyError { statement: None, path: String::new(), problem }])
}

const DOCUMENT_MEMBERS: &[&str] = &["version", "trustPolicies"];
const OCI_MEMBERS: &[&str] =
    &["name", "registryScopes", "signatureVerification", "trustStores", "trustedIdentities"];
const BLOB_MEMBERS: &[&str] =
    &["name", "globalPolicy", "signatureVerification", "trustStores", "trustedIdentities"];
const VERIFICATION_MEMBERS: &[&str] = &["level", "override", "verifyTimestamp"];
const LEVELS: &[&str] = &["strict", "permissive", "audit", "skip"];
const OVERRIDES: &[&str] = &["authenticity", "authenticTimestamp", "expiry", "revocation"];
const ACTIONS: &[&str] = &["enforce", "log", "skip"];
const TIMESTAMP_MODES: &[&str] = &["always", "afterCertExpiry"];

/// Walks a document and gathers every fault instead of stopping at the first.
struct Reader {
    kind: DocumentKind,
    unknown: UnknownMembers,
    statement: Option<String>,
    errors: Vec<PolicyError>,
}

impl Reader {
    fn fault(&mut self, path: &str, problem: Problem) {
        self.errors.push(PolicyError { statement: self.statement.clone(), path: path.to_owned(), problem });
    }

    fn document(&mut self, value: &Value) -> Vec<Statement> {
        let Some(document) = self.object(value, "") else { return Vec::new() };
        self.members(document, "", DOCUMENT_MEMBERS);
        match self.text(document, "", "version").as_deref() {
            Some("1.0") => {}
            Some("") | None => self.fault("version", Problem::Missing),
            Some(other) => {
                let value = other.to_owned();
                self.fault("version", Problem::NotOneOf { value, allowed: &["1.0"] });
            }
        }
        let items = self.list(document, "", "trustPolicies");
        if items.is_empty() && self.errors.iter().all(|error| error.path != "trustPolicies") {
            self.fault("trustPolicies", Problem::Missing);
        }
        let statements: Vec<Statement> =
            items.iter().enumerate().filter_map(|(index, item)| self.statement(item, index)).collect();
        self.statement = None;
        self.uniqueness(&statements);
        statements
    }

    fn statement(&mut self, value: &Value, index: usize) -> Option<Statement> {
        let path = format!("trustPolicies[{index}]");
        self.statement = Some(format!("number {}", index.saturating_add(1)));
        let statement = self.object(value, &path)?;
        let name = self.text(statement, &path, "name").unwrap_or_default();
        if name.is_empty() {
            self.fault(&join(&path, "name"), Problem::Missing);
        } else {
            self.statement = Some(format!("{name:?}"));
        }
        let known = match self.kind {
            DocumentKind::Oci => OCI_MEMBERS,
            DocumentKind::Blob => BLOB_MEMBERS,
        };
        self.members(statement, &path, known);
        let verification = self.verification(statement, &path);
        let skip = verification.as_ref().is_some_and(|verification| verification.level == Level::Skip);
        let trust_stores = self.trust_stores(statement, &path, skip);
        let trusted_identities = self.identities(statement, &path, skip);
        let registry_scopes = match self.kind {
            DocumentKind::Oci => self.scopes(statement, &path),
            DocumentKind::Blob => Vec::new(),
        };
        let global = self.kind == DocumentKind::Blob && self.flag(statement, &path, "globalPolicy");
        if global && skip {
            self.fault(&join(&path, "globalPolicy"), Problem::GlobalSkip);
        }
        Some(Statement {
            name: name.into(),
            registry_scopes,
            verification: verification?,
            trust_stores,
            trusted_identities,
            global,
        })
    }

    /// Names and scopes are unique over the document, and at most one statement is global.
    fn uniqueness(&mut self, statements: &[Statement]) {
        let mut names: BTreeMap<&str, usize> = BTreeMap::new();
        let mut scopes: BTreeMap<&str, usize> = BTreeMap::new();
        for (index, statement) in statements.iter().enumerate() {
            if !statement.name.is_empty() && names.insert(&statement.name, index).is_some() {
                let path = format!("trustPolicies[{index}].name");
                self.fault(&path, Problem::Repeated(statement.name.to_string()));
            }
            for (position, scope) in statement.registry_scopes.iter().enumerate() {
                if scopes.insert(scope, index).is_some() {
                    let path = format!("trustPolicies[{index}].registryScopes[{position}]");
                    self.fault(&path, Problem::Repeated(scope.clone()));
                }
            }
        }
        let mut global = statements.iter().enumerate().filter(|(_, statement)| statement.global).skip(1);
        if let Some((index, _)) = global.next() {
            let path = format!("trustPolicies[{index}].globalPolicy");
            self.fault(&path, Problem::Repeated("globalPolicy: true".to_owned()));
        }
    }

    fn verification(&mut self, statement: &Map<String, Value>, path: &str) -> Option<SignatureVerification> {
        let path = join(path, "signatureVerification");
        let Some(value) = present(statement, "signatureVerification") else {
            self.fault(&path, Problem::Missing);
            return None;
        };
        let verification = self.object(value, &path)?;
        self.members(verification, &path, VERIFICATION_MEMBERS);
        let level = self.level(verification, &path);
        let overrides = self.overrides(verification, &path, level);
        let verify_timestamp = match self.text(verification, &path, "verifyTimestamp").as_deref() {
            None | Some("" | "always") => VerifyTimestamp::Always,
            Some("afterCertExpiry") => VerifyTimestamp::AfterCertExpiry,
            Some(other) => {
                let problem = Problem::NotOneOf { value: other.to_owned(), allowed: TIMESTAMP_MODES };
                self.fault(&join(&path, "verifyTimestamp"), problem);
                VerifyTimestamp::Always
            }
        };
        Some(SignatureVerification { level: level?, overrides, verify_timestamp })
    }

    fn level(&mut self, verification: &Map<String, Value>, path: &str) -> Option<Level> {
        let level = self.text(verification, path, "level").unwrap_or_default();
        let problem = match level.as_str() {
            "strict" => return Some(Level::Strict),
            "permissive" => return Some(Level::Permissive),
            "audit" => return Some(Level::Audit),
            "skip" => return Some(Level::Skip),
            "" => Problem::Missing,
            _ => Problem::NotOneOf { value: level, allowed: LEVELS },
        };
        self.fault(&join(path, "level"), problem);
        None
    }

    fn overrides(
        &mut self,
        verification: &Map<String, Value>,
        path: &str,
        level: Option<Level>,
    ) -> Vec<(Check, Action)> {
        let path = join(path, "override");
        let Some(value) = present(verification, "override") else { return Vec::new() };
        let Some(overrides) = self.object(value, &path) else { return Vec::new() };
        if level == Some(Level::Skip) && !overrides.is_empty() {
            self.fault(&path, Problem::NotWithSkip);
        }
        overrides.iter().filter_map(|(check, action)| self.one_override(check, action, &path)).collect()
    }

    fn one_override(&mut self, check: &str, action: &Value, path: &str) -> Option<(Check, Action)> {
        let path = join(path, check);
        let check = match check {
            "authenticity" => Check::Authenticity,
            "authenticTimestamp" => Check::AuthenticTimestamp,
            "expiry" => Check::Expiry,
            "revocation" => Check::Revocation,
            "integrity" => {
                self.fault(&path, Problem::IntegrityOverride);
                return None;
            }
            other => {
                self.fault(&path, Problem::NotOneOf { value: other.to_owned(), allowed: OVERRIDES });
                return None;
            }
        };
        let action = match action.as_str() {
            Some("enforce") => Action::Enforce,
            Some("log") => Action::Log,
            Some("skip") if check == Check::Revocation => Action::Skip,
            Some("skip") => {
                self.fault(&path, Problem::SkipOverride);
                return None;
            }
            Some(other) => {
                self.fault(&path, Problem::NotOneOf { value: other.to_owned(), allowed: ACTIONS });
                return None;
            }
            None => {
                self.fault(&path, Problem::WrongType { expected: "a text" });
                return None;
            }
        };
        Some((check, action))
    }

    fn scopes(&mut self, statement: &Map<String, Value>, path: &str) -> Vec<String> {
        let scopes = self.texts(statement, path, "registryScopes");
        let path = join(path, "registryScopes");
        if scopes.is_empty() {
            self.missing(&path);
        }
        if scopes.len() > 1 && scopes.iter().any(|scope| scope == EVERYWHERE) {
            self.fault(&path, Problem::WildcardNotAlone);
        }
        for (index, scope) in scopes.iter().enumerate() {
            if scope != EVERYWHERE && !is_registry_scope(scope) {
                self.fault(&format!("{path}[{index}]"), Problem::Scope(scope.clone()));
            }
        }
        scopes
    }

    fn trust_stores(
        &mut self,
        statement: &Map<String, Value>,
        path: &str,
        skip: bool,
    ) -> Vec<(StoreType, String)> {
        let stores = self.texts(statement, path, "trustStores");
        let path = join(path, "trustStores");
        match (stores.is_empty(), skip) {
            (true, false) => self.missing(&path),
            (false, true) => self.fault(&path, Problem::NotWithSkip),
            _ => {}
        }
        let mut parsed = Vec::with_capacity(stores.len());
        for (index, text) in stores.iter().enumerate() {
            let store = text.split_once(':').and_then(|(kind, name)| {
                Some((
                    StoreType::from_prefix(kind)?,
                    crate::trust::store::is_store_name(name).then_some(name)?,
                ))
            });
            match store {
                Some((kind, name)) => parsed.push((kind, name.to_owned())),
                None => self.fault(&format!("{path}[{index}]"), Problem::TrustStore(text.clone())),
            }
        }
        parsed
    }

    fn identities(&mut self, statement: &Map<String, Value>, path: &str, skip: bool) -> Vec<String> {
        let identities = self.texts(statement, path, "trustedIdentities");
        let path = join(path, "trustedIdentities");
        match (identities.is_empty(), skip) {
            (true, false) => self.missing(&path),
            (false, true) => self.fault(&path, Problem::NotWithSkip),
            _ => {}
        }
        for (index, problem) in identity::problems(&identities) {
            match index {
                Some(index) => self.fault(&format!("{path}[{index}]"), problem),
                None => self.fault(&path, problem),
            }
        }
        identities
    }

    /// Says that a list is missing, unless something worse was already said of it.
    fn missing(&mut self, path: &str) {
        if !self.errors.iter().any(|error| error.path.starts_with(path)) {
            self.fault(path, Problem::Missing);
        }
    }

    /// Refuses members that are not known, as far as the reader is told to.
    fn members(&mut self, object: &Map<String, Value>, path: &str, known: &'static [&'static str]) {
        for name in object.keys().filter(|name| !known.contains(&name.as_str())) {
            let is_variant = known.iter().any(|known| fold(known) == fold(name));
            if is_variant || self.unknown == UnknownMembers::Refuse {
                self.fault(&join(path, name), Problem::Unknown { known });
            }
        }
    }

    fn object<'a>(&mut self, value: &'a Value, path: &str) -> Option<&'a Map<String, Value>> {
        let object = value.as_object();
        if object.is_none() {
            self.fault(path, Problem::WrongType { expected: "an object" });
        }
        object
    }

    fn text(&mut self, object: &Map<String, Value>, path: &str, name: &str) -> Option<String> {
        let value = present(object, name)?;
        let text = value.as_str().map(str::to_owned);
        if text.is_none() {
            self.fault(&join(path, name), Problem::WrongType { expected: "a text" });
        }
        text
    }

    fn flag(&mut self, object: &Map<String, Value>, path: &str, name: &str) -> bool {
        let Some(value) = present(object, name) else { return false };
        value.as_bool().unwrap_or_else(|| {
            self.fault(&join(path, name), Problem::WrongType { expected: "true or false" });
            false
        })
    }

    fn list<'a>(&mut self, object: &'a Map<String, Value>, path: &str, name: &str) -> &'a [Value] {
        let Some(value) = present(object, name) else { return &[] };
        match value.as_array() {
            Some(items) if items.len() > MAX_ENTRIES => {
                let problem = Problem::TooMany { count: items.len(), limit: MAX_ENTRIES };
                self.fault(&join(path, name), problem);
                &[]
            }
            Some(items) => items,
            None => {
                self.fault(&join(path, name), Problem::WrongType { expected: "a list" });
                &[]
            }
        }
    }

    fn texts(&mut self, object: &Map<String, Value>, path: &str, name: &str) -> Vec<String> {
        let mut texts = Vec::new();
        for (index, item) in self.list(object, path, name).iter().enumerate() {
            match item.as_str() {
                Some(text) => texts.push(text.to_owned()),
                None => {
                    let path = format!("{}[{index}]", join(path, name));
                    self.fault(&path, Problem::WrongType { expected: "a text" });
                }
            }
        }
        texts
    }
}

/// A member that is there and not null: the two mean the same in these documents.
fn present<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).filter(|value| !value.is_null())
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Equal for names that differ only in case, special letters included (`ſ` is a small S, `K` a K).
fn fold(text: &str) -> String {
    text.to_uppercase().to_lowercase()
}
