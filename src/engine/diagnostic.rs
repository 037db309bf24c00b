//! What is said about a configuration: errors, warnings and notices, each with its place and remedy.
//! Written where documents are converted; read by `config check`, by resource status and by logs.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// How much a diagnostic matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The resource, or what needs it, is not in force.
    Error,
    /// It is in force, and probably not what was meant.
    Warning,
    /// It is in force, and a part of it has no effect.
    Notice,
}

impl Severity {
    /// The word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that a person should know about a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How much it matters.
    pub severity: Severity,
    /// The resource, as in `Verifier verifier-notation`; empty where a file as a whole is meant.
    pub resource: String,
    /// The file, where the resource came from one.
    pub file: Option<Arc<Path>>,
    /// The line of the file, from 1.
    pub line: Option<u32>,
    /// The field, as in `spec.parameters.value`; empty where the resource as a whole is meant.
    pub field: String,
    /// What is the matter, on one line.
    pub message: String,
    /// What to do about it; empty where there is nothing to do.
    pub remedy: String,
}

impl Diagnostic {
    /// `FILE:LINE`, as far as known.
    pub fn place(&self) -> Option<String> {
        let file = self.file.as_ref()?.display();
        Some(match self.line {
            Some(line) => format!("{file}:{line}"),
            None => file.to_string(),
        })
    }
}

impl fmt::Display for Diagnostic {
    /// One line: place, severity, resource, field, message, remedy.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = self.place() {
            write!(f, "{place}: ")?;
        }
        write!(f, "{}: ", self.severity)?;
        if !self.resource.is_empty() {
            write!(f, "{}: ", self.resource)?;
        }
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)?;
        if !self.remedy.is_empty() {
            write!(f, " ({})", self.remedy)?;
        }
        Ok(())
    }
}
