//! Signed attributes, the same for both envelope formats: scheme, times, plugin and extended attributes, and
//! which of them must be understood (Notary Project signature specification v1.1, "Signed Attributes").

use std::fmt;

use jiff::Timestamp;
use semver::Version;

use super::{CriticalProblem, EnvelopeError};

/// Who vouches for the time of signing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `notary.x509`: nobody but the signer, and a timestamp where there is one.
    X509,
    /// `notary.x509.signingAuthority`: a trusted third party signs, and its time counts.
    SigningAuthority,
}

impl Scheme {
    /// The name in envelopes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::X509 => "notary.x509",
            Self::SigningAuthority => "notary.x509.signingAuthority",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The name of a signed attribute.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AttributeName {
    /// A text.
    Text(String),
    /// A COSE integer label.
    Integer(i64),
}

impl AttributeName {
    fn is(&self, name: &str) -> bool {
        matches!(self, Self::Text(text) if text == name)
    }
}

impl fmt::Display for AttributeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Integer(label) => label.fmt(f),
        }
    }
}

/// The value of a signed attribute, as far as anything here or a plugin reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttributeValue {
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A point in time (COSE only, but for the standard attributes).
    Time(Timestamp),
    /// Anything else; that it exists is what counts.
    Other,
}

/// A signed attribute that the specification does not define.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtendedAttribute {
    /// Its name.
    pub name: AttributeName,
    /// Its value.
    pub value: AttributeValue,
    /// The signer demands that whoever verifies understands it.
    pub critical: bool,
}

/// A plugin without which the signer does not want the signature to be verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginRequirement {
    /// Its name, as written: never a path.
    pub name: String,
    /// The oldest version that will do.
    pub min_version: Option<Version>,
}

/// What a format found in its protected header besides algorithm, content type and certificates.
#[derive(Debug, Default)]
pub(super) struct ProtectedHeaders {
    pub(super) critical: Vec<AttributeName>,
    pub(super) attributes: Vec<(AttributeName, AttributeValue)>,
}

/// Signed attributes that obey the rules.
#[derive(Clone, Debug)]
pub(super) struct SignedAttributes {
    pub(super) scheme: Scheme,
    pub(super) signing_time: Timestamp,
    pub(super) expiry: Option<Timestamp>,
    pub(super) plugin: Option<PluginRequirement>,
    pub(super) extended: Vec<ExtendedAttribute>,
}

impl SignedAttributes {
    pub(super) fn read(headers: ProtectedHeaders) -> Result<Self, EnvelopeError> {
        let mut remaining = Remaining::new(headers)?;
        let scheme = remaining.scheme()?;
        let signing_time = remaining.signing_time(scheme)?;
        let expiry = remaining.expiry(signing_time)?;
        let plugin = remaining.plugin()?;
        let extended = remaining.0;
        match extended.iter().find(|attribute| attribute.critical) {
            Some(attribute) if plugin.is_none() => {
                Err(critical(attribute.name.clone(), CriticalProblem::NotUnderstood))
            }
            _ => Ok(Self { scheme, signing_time, expiry, plugin, extended }),
        }
    }

    /// About how many bytes of memory they take.
    pub(super) fn retained_bytes(&self) -> usize {
        let texts = self.extended.iter().flat_map(|attribute| {
            let name = match &attribute.name {
                AttributeName::Text(text) => text.len(),
                AttributeName::Integer(_) => 0,
            };
            let value = match &attribute.value {
                AttributeValue::Text(text) => text.len(),
                _ => 0,
            };
            [name, value, size_of::<ExtendedAttribute>()]
        });
        let plugin = self.plugin.as_ref().map_or(0, |plugin| plugin.name.len());
        size_of::<Self>() + plugin + texts.sum::<usize>()
    }
}

/// Attributes that no rule has claimed yet.
struct Remaining(Vec<ExtendedAttribute>);

impl Remaining {
    /// Joins attributes with the list of critical ones, which names each once and nothing that is absent.
    fn new(headers: ProtectedHeaders) -> Result<Self, EnvelopeError> {
        let unmarked = |(name, value)| ExtendedAttribute { name, value, critical: false };
        let mut attributes: Vec<_> = headers.attributes.into_iter().map(unmarked).collect();
        for name in headers.critical {
            match attributes.iter_mut().find(|attribute| attribute.name == name) {
                Some(attribute) if attribute.critical => {
                    return Err(critical(name, CriticalProblem::MarkedTwice));
                }
                Some(attribute) if !name.is(SIGNING_TIME) => attribute.critical = true,
                _ => return Err(critical(name, CriticalProblem::WronglyMarked)),
            }
        }
        Ok(Self(attributes))
    }

    fn take(&mut self, name: &str) -> Option<ExtendedAttribute> {
        let index = self.0.iter().position(|attribute| attribute.name.is(name))?;
        Some(self.0.swap_remove(index))
    }

    /// Takes an attribute that is critical wherever it occurs.
    fn take_critical(&mut self, name: &'static str) -> Result<Option<AttributeValue>, EnvelopeError> {
        match self.take(name) {
            Some(attribute) if !attribute.critical => {
                Err(critical(attribute.name, CriticalProblem::NotMarked))
            }
            taken => Ok(taken.map(|attribute| attribute.value)),
        }
    }

    fn scheme(&mut self) -> Result<Scheme, EnvelopeError> {
        match self.take_critical(SIGNING_SCHEME)? {
            Some(AttributeValue::Text(text)) => [Scheme::X509, Scheme::SigningAuthority]
                .into_iter()
                .find(|scheme| scheme.as_str() == text)
                .ok_or(EnvelopeError::Scheme(text)),
            Some(_) => Err(EnvelopeError::member(SIGNING_SCHEME, "is not a text")),
            None => Err(EnvelopeError::member(SIGNING_SCHEME, "is missing")),
        }
    }

    /// Each scheme has its own attribute and forbids the other's.
    fn signing_time(&mut self, scheme: Scheme) -> Result<Timestamp, EnvelopeError> {
        let unauthenticated = self.take(SIGNING_TIME).map(|attribute| attribute.value);
        let authentic = self.take_critical(AUTHENTIC_SIGNING_TIME)?;
        let (name, wanted, forbidden_name, forbidden) = match scheme {
            Scheme::X509 => (SIGNING_TIME, unauthenticated, AUTHENTIC_SIGNING_TIME, authentic),
            Scheme::SigningAuthority => (AUTHENTIC_SIGNING_TIME, authentic, SIGNING_TIME, unauthenticated),
        };
        if forbidden.is_some() {
            return Err(EnvelopeError::member(forbidden_name, "does not belong to the signing scheme"));
        }
        time(name, wanted)?.ok_or_else(|| EnvelopeError::member(name, "is missing"))
    }

    fn expiry(&mut self, signing_time: Timestamp) -> Result<Option<Timestamp>, EnvelopeError> {
        let expiry = time(EXPIRY, self.take_critical(EXPIRY)?)?;
        match expiry {
            Some(expiry) if expiry <= signing_time => {
                Err(EnvelopeError::ExpiryNotAfterSigning { expiry, signing_time })
            }
            _ => Ok(expiry),
        }
    }

    fn plugin(&mut self) -> Result<Option<PluginRequirement>, EnvelopeError> {
        let name = text(PLUGIN, self.take_critical(PLUGIN)?)?;
        let min_version = text(PLUGIN_MIN_VERSION, self.take_critical(PLUGIN_MIN_VERSION)?)?;
        let min_version = min_version
            .map(|version| Version::parse(&version))
            .transpose()
            .map_err(|_| EnvelopeError::member(PLUGIN_MIN_VERSION, "is not a semantic version"))?;
        match name {
            Some(name) => Ok(Some(PluginRequirement { name, min_version })),
            None if min_version.is_some() => {
                Err(EnvelopeError::member(PLUGIN_MIN_VERSION, "stands without the plugin's name"))
            }
            None => Ok(None),
        }
    }
}

fn time(name: &'static str, value: Option<AttributeValue>) -> Result<Option<Timestamp>, EnvelopeError> {
    match value {
        None => Ok(None),
        Some(AttributeValue::Time(time)) => Ok(Some(time)),
        Some(_) => Err(EnvelopeError::member(name, "is not a time from 1970 to 9999")),
    }
}

fn text(name: &'static str, value: Option<AttributeValue>) -> Result<Option<String>, EnvelopeError> {
    match value {
        None => Ok(None),
        Some(AttributeValue::Text(text)) if !text.trim().is_empty() => Ok(Some(text)),
        Some(_) => Err(EnvelopeError::member(name, "is not a text, or blank")),
    }
}

fn critical(name: AttributeName, problem: CriticalProblem) -> EnvelopeError {
    EnvelopeError::Critical { name, problem }
}

const SIGNING_SCHEME: &str = "io.cncf.notary.signingScheme";
const PLUGIN: &str = "io.cncf.notary.verificationPlugin";
const PLUGIN_MIN_VERSION: &str = "io.cncf.notary.verificationPluginMinVersion";
pub(super) const SIGNING_TIME: &str = "io.cncf.notary.signingTime";
pub(super) const AUTHENTIC_SIGNING_TIME: &str = "io.cncf.notary.authenticSigningTime";
pub(super) const EXPIRY: &str = "io.cncf.notary.expiry";
