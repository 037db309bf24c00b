//! The names that a certificate is made out to. Pure.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rustls::pki_types::DnsName;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::oid_registry::OID_X509_EXT_AUTHORITY_KEY_IDENTIFIER;
use x509_parser::prelude::FromDer as _;

/// A subject alternative name of a kind that TLS compares.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name {
    /// In lower case.
    Dns(String),
    Ip(IpAddr),
}

impl Name {
    /// Reads what a person wrote: an IP address, or a DNS name, which may begin with `*.`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Ok(address) = text.parse() {
            return Some(Self::Ip(address));
        }
        let name = text.to_ascii_lowercase();
        let plain = name.strip_prefix("*.").unwrap_or(&name);
        DnsName::try_from(plain).ok()?;
        (!plain.ends_with('.')).then_some(Self::Dns(name))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => f.write_str(name),
            Self::Ip(address) => address.fmt(f),
        }
    }
}

/// The DNS names and addresses in a certificate's subject alternative names, sorted, each once. None where
/// they cannot be read; the common name is never one of them.
pub(super) fn names_of(certificate: &[u8]) -> Option<Vec<Name>> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let Some(extension) = parsed.subject_alternative_name().ok()? else { return Some(Vec::new()) };
    let mut names: Vec<Name> = extension.value.general_names.iter().filter_map(name).collect();
    names.sort();
    names.dedup();
    Some(names)
}

/// The identifier of the key that signed a certificate, where it says one: authorities of one name differ in it.
pub(super) fn signing_key_of(certificate: &[u8]) -> Option<Vec<u8>> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let extension = parsed.get_extension_unique(&OID_X509_EXT_AUTHORITY_KEY_IDENTIFIER).ok()??;
    Some(extension.value.to_vec())
}

fn name(general: &GeneralName<'_>) -> Option<Name> {
    match general {
        GeneralName::DNSName(name) => Some(Name::Dns(name.to_ascii_lowercase())),
        GeneralName::IPAddress(octets) => address(octets).map(Name::Ip),
        _ => None,
    }
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    if let Ok(octets) = <[u8; 4]>::try_from(octets) {
        return Some(Ipv4Addr::from(octets).into());
    }
    <[u8; 16]>::try_from(octets).ok().map(|octets| Ipv6Addr::from(octets).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_an_address_or_a_name() {
        for (text, name) in [
            ("Hallmark.Gatekeeper-System.SVC", Some("hallmark.gatekeeper-system.svc")),
            ("*.example", Some("*.example")),
            ("10.0.0.1", Some("10.0.0.1")),
            ("::1", Some("::1")),
            ("", None),
            ("a b", None),
            ("https://a", None),
            ("a.*.b", None),
            ("a.", None),
            ("ä.example", None),
        ] {
            assert_eq!(Name::parse(text).map(|name| name.to_string()).as_deref(), name, "{text}");
        }
    }

    #[test]
    fn names_are_read_from_subject_alternative_names_alone() {
        let mut params = rcgen::CertificateParams::new(vec!["B.example".into(), "10.0.0.1".into()]).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, "common.example");
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let names = names_of(certificate.der()).unwrap();
        assert_eq!(names, [Name::Dns("b.example".into()), Name::Ip([10, 0, 0, 1].into())]);
        assert_eq!(names_of(b"no certificate"), None);
    }
}
