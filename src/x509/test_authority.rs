//! For tests: an authority whose certificates, revocation lists and OCSP answers are built byte by byte, so
//! that they can be wrong in one chosen way.

use der::asn1::ObjectIdentifier;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;

use super::Certificate;

pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
pub(crate) const OCTETS: u8 = 0x04;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const ENUMERATED: u8 = 0x0a;

/// One value.
pub(crate) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let header = match length {
        0..0x80 => vec![tag, u8::try_from(length).unwrap()],
        _ => {
            let digits: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|digit| *digit == 0).collect();
            [vec![tag, 0x80 | u8::try_from(digits.len()).unwrap()], digits].concat()
        }
    };
    [header.as_slice(), content].concat()
}

pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(SEQUENCE, &parts.concat())
}

pub(crate) fn oid(dotted: &str) -> Vec<u8> {
    tlv(0x06, ObjectIdentifier::new_unwrap(dotted).as_bytes())
}

/// A GeneralizedTime at midnight of a day written `20250131`.
pub(crate) fn day(day: &str) -> Vec<u8> {
    tlv(0x18, format!("{day}000000Z").as_bytes())
}

pub(crate) fn extension(id: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &[0x01, 0x01, 0xff] } else { &[] };
    sequence(&[&oid(id), critical, &tlv(OCTETS, value)])
}

/// Addresses as GeneralNames in the full name of a DistributionPointName.
pub(crate) fn point(urls: &[&str]) -> Vec<u8> {
    let names: Vec<u8> = urls.iter().flat_map(|url| tlv(0x86, url.as_bytes())).collect();
    tlv(0xa0, &tlv(0xa0, &names))
}

/// A key with its certificate.
pub(crate) struct Authority {
    pub(crate) key: PKey<Private>,
    pub(crate) certificate: Certificate,
}

/// What a certificate is to say.
#[derive(Clone)]
pub(crate) struct Wanted {
    pub(crate) name: &'static str,
    pub(crate) serial: u8,
    pub(crate) not_before: &'static str,
    pub(crate) not_after: &'static str,
    pub(crate) extensions: Vec<Vec<u8>>,
}

impl Wanted {
    pub(crate) fn leaf(name: &'static str, serial: u8) -> Self {
        Self { name, serial, not_before: "20200101", not_after: "20990101", extensions: Vec::new() }
    }

    pub(crate) fn authority(name: &'static str, serial: u8) -> Self {
        Self::leaf(name, serial)
            .with(extension("2.5.29.19", true, &[0x30, 0x03, 0x01, 0x01, 0xff]))
            .with(extension("2.5.29.15", true, &[0x03, 0x02, 0x01, 0x06]))
    }

    pub(crate) fn with(mut self, extension: Vec<u8>) -> Self {
        self.extensions.push(extension);
        self
    }

    /// A distribution point for each address.
    pub(crate) fn with_lists(self, urls: &[&str]) -> Self {
        self.with_points(&urls.iter().map(std::slice::from_ref).collect::<Vec<_>>())
    }

    /// Distribution points of several addresses.
    pub(crate) fn with_points(self, points: &[&[&str]]) -> Self {
        let points: Vec<u8> = points.iter().flat_map(|urls| sequence(&[&point(urls)])).collect();
        self.with(extension("2.5.29.31", false, &tlv(SEQUENCE, &points)))
    }

    pub(crate) fn with_responders(self, urls: &[&str]) -> Self {
        let method = oid("1.3.6.1.5.5.7.48.1");
        let access: Vec<u8> =
            urls.iter().flat_map(|url| sequence(&[&method, &tlv(0x86, url.as_bytes())])).collect();
        self.with(extension("1.3.6.1.5.5.7.1.1", false, &tlv(SEQUENCE, &access)))
    }

    /// A leaf as timestamp authorities have them.
    pub(crate) fn timestamping(name: &'static str, serial: u8) -> Self {
        Self::leaf(name, serial)
            .with(extension("2.5.29.15", true, &[0x03, 0x02, 0x07, 0x80]))
            .with_purpose("1.3.6.1.5.5.7.3.8", true)
    }

    pub(crate) fn with_purpose(self, purpose: &str, critical: bool) -> Self {
        self.with(extension("2.5.29.37", critical, &sequence(&[&oid(purpose)])))
    }
}

/// ecdsa-with-SHA256.
pub(crate) fn ecdsa() -> Vec<u8> {
    sequence(&[&oid("1.2.840.10045.4.3.2")])
}

impl Authority {
    pub(crate) fn root(name: &'static str) -> Self {
        let key = key();
        let certificate = certificate(&Wanted::authority(name, 1), &key, &key, &distinguished_name(name));
        Self { key, certificate }
    }

    pub(crate) fn issue(&self, wanted: &Wanted) -> Self {
        let key = key();
        let certificate = certificate(wanted, &key, &self.key, self.certificate.subject_der());
        Self { key, certificate }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        sign(&self.key, message)
    }

    /// `tbs` with this authority's signature after it.
    pub(crate) fn signed(&self, tbs: &[u8], after: &[u8]) -> Vec<u8> {
        let signature = [&[0], self.sign(tbs).as_slice()].concat();
        sequence(&[tbs, &ecdsa(), &tlv(0x03, &signature), after])
    }

    pub(crate) fn list(&self, list: &List) -> Vec<u8> {
        let entries = list.entries.concat();
        let entries = if entries.is_empty() { entries } else { tlv(SEQUENCE, &entries) };
        let tbs = sequence(&[
            &tlv(INTEGER, &[1]),
            &ecdsa(),
            self.certificate.subject_der(),
            &day(list.this_update),
            &list.next_update.map(day).unwrap_or_default(),
            &entries,
            &tlv(0xa0, &tlv(SEQUENCE, &list.extensions.concat())),
        ]);
        self.signed(&tbs, &[])
    }

    /// An answer about `certificate`, which `issuer` issued, signed by this authority.
    pub(crate) fn respond(&self, issuer: &Certificate, certificate: &Certificate, says: &Says) -> Vec<u8> {
        self.respond_with(issuer, certificate, says, &[&self.certificate])
    }

    /// The same with these certificates in it.
    pub(crate) fn respond_with(
        &self,
        issuer: &Certificate,
        certificate: &Certificate,
        says: &Says,
        embedded: &[&Certificate],
    ) -> Vec<u8> {
        let sha1 = |data: &[u8]| tlv(OCTETS, &openssl::sha::sha1(data));
        let key = issuer.public_key().ec_key().unwrap();
        let mut context = openssl::bn::BigNumContext::new().unwrap();
        let form = openssl::ec::PointConversionForm::UNCOMPRESSED;
        let point = key.public_key().to_bytes(key.group(), form, &mut context).unwrap();
        let id = sequence(&[
            &sequence(&[&oid("1.3.14.3.2.26"), &[0x05, 0x00]]),
            &sha1(issuer.subject_der()),
            &sha1(&point),
            &tlv(INTEGER, certificate.serial()),
        ]);
        let extensions = match says.extensions.concat() {
            none if none.is_empty() => none,
            some => tlv(0xa1, &tlv(SEQUENCE, &some)),
        };
        let next_update = says.next_update.map(|time| tlv(0xa0, &day(time))).unwrap_or_default();
        let single = sequence(&[&id, &says.status, &day(says.this_update), &next_update, &extensions]);
        let responder = tlv(0xa1, self.certificate.subject_der());
        let tbs = sequence(&[&responder, &day("20250101"), &sequence(&[&single])]);
        let embedded: Vec<u8> = embedded.iter().flat_map(|one| one.der().to_vec()).collect();
        let embedded = tlv(0xa0, &tlv(SEQUENCE, &embedded));
        let basic = self.signed(&tbs, &embedded);
        let typed = sequence(&[&oid("1.3.6.1.5.5.7.48.1.1"), &tlv(OCTETS, &basic)]);
        sequence(&[&tlv(ENUMERATED, &[0]), &tlv(0xa0, &typed)])
    }
}

/// What a revocation list is to say.
#[derive(Clone)]
pub(crate) struct List {
    pub(crate) this_update: &'static str,
    pub(crate) next_update: Option<&'static str>,
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) extensions: Vec<Vec<u8>>,
}

impl List {
    /// A complete list with a number, current from 2025 to 2035.
    pub(crate) fn numbered(number: u8) -> Self {
        Self { this_update: "20250101", next_update: Some("20350101"), entries: vec![], extensions: vec![] }
            .with(extension("2.5.29.20", false, &tlv(INTEGER, &[number])))
    }

    pub(crate) fn with(mut self, extension: Vec<u8>) -> Self {
        self.extensions.push(extension);
        self
    }

    pub(crate) fn delta_from(self, base: u8) -> Self {
        self.with(extension("2.5.29.27", true, &tlv(INTEGER, &[base])))
    }

    pub(crate) fn with_freshest(self, url: &str) -> Self {
        self.with(extension("2.5.29.46", false, &sequence(&[&sequence(&[&point(&[url])])])))
    }

    pub(crate) fn with_scope(self, content: &[u8]) -> Self {
        self.with(extension("2.5.29.28", true, &tlv(SEQUENCE, content)))
    }

    pub(crate) fn revoking(self, serial: u8, at: &str, reason: Option<u8>) -> Self {
        let reason = reason.map(|reason| extension("2.5.29.21", false, &tlv(ENUMERATED, &[reason])));
        self.entry(serial, at, &reason.into_iter().collect::<Vec<_>>())
    }

    pub(crate) fn entry(mut self, serial: u8, at: &str, extensions: &[Vec<u8>]) -> Self {
        let extensions = match extensions.concat() {
            none if none.is_empty() => none,
            some => tlv(SEQUENCE, &some),
        };
        self.entries.push(sequence(&[&tlv(INTEGER, &[serial]), &day(at), &extensions]));
        self
    }
}

/// What an OCSP answer is to say.
#[derive(Clone)]
pub(crate) struct Says {
    pub(crate) status: Vec<u8>,
    pub(crate) this_update: &'static str,
    pub(crate) next_update: Option<&'static str>,
    pub(crate) extensions: Vec<Vec<u8>>,
}

impl Says {
    /// An answer that is current from 2025 to 2035.
    pub(crate) fn good() -> Self {
        let (this_update, next_update) = ("20250101", Some("20350101"));
        Self { status: tlv(0x80, &[]), this_update, next_update, extensions: vec![] }
    }

    pub(crate) fn unknown() -> Self {
        Self { status: tlv(0x82, &[]), ..Self::good() }
    }

    pub(crate) fn revoked(at: &str, reason: u8) -> Self {
        let reason = tlv(0xa0, &tlv(ENUMERATED, &[reason]));
        Self { status: tlv(0xa1, &[day(at), reason].concat()), ..Self::good() }
    }
}

fn key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn sign(key: &PKey<Private>, message: &[u8]) -> Vec<u8> {
    Signer::new(MessageDigest::sha256(), key).unwrap().sign_oneshot_to_vec(message).unwrap()
}

fn distinguished_name(common_name: &str) -> Vec<u8> {
    let attribute = sequence(&[&oid("2.5.4.3"), &tlv(0x0c, common_name.as_bytes())]);
    tlv(SEQUENCE, &tlv(SET, &attribute))
}

fn certificate(
    wanted: &Wanted,
    key: &PKey<Private>,
    issuer_key: &PKey<Private>,
    issuer: &[u8],
) -> Certificate {
    let extensions = match wanted.extensions.concat() {
        none if none.is_empty() => none,
        some => tlv(0xa3, &tlv(SEQUENCE, &some)),
    };
    let tbs = sequence(&[
        &tlv(0xa0, &tlv(INTEGER, &[2])),
        &tlv(INTEGER, &[wanted.serial]),
        &ecdsa(),
        issuer,
        &sequence(&[&day(wanted.not_before), &day(wanted.not_after)]),
        &distinguished_name(wanted.name),
        &key.public_key_to_der().unwrap(),
        &extensions,
    ]);
    let signature = [&[0], sign(issuer_key, &tbs).as_slice()].concat();
    Certificate::from_der(&sequence(&[&tbs, &ecdsa(), &tlv(0x03, &signature)])).unwrap()
}
