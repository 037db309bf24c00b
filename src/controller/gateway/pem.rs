//! Certificates of objects in the cluster: whoever wrote them, they are bounded and read as a whole.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::x509::{Certificate, certificates_from_pem_or_der};

/// The longest list that is read, in bytes.
const MAX_BYTES: usize = 256 * 1024;

/// The most certificates of one list.
const MAX_CERTIFICATES: usize = 64;

/// The certificates of a list in PEM.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn certificates(bytes: &[u8]) -> Result<Vec<Certificate>, String> {
    if bytes.len() > MAX_BYTES {
        return Err(format!("is longer than {MAX_BYTES} bytes"));
    }
    let read = certificates_from_pem_or_der(bytes).map_err(|error| error.to_string())?;
    if read.len() > MAX_CERTIFICATES {
        return Err(format!("holds more than {MAX_CERTIFICATES} certificates"));
    }
    Ok(without_repetitions(read))
}

/// The certificates that may vouch for others: a leaf in a list must not.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn authorities(bytes: &[u8]) -> Result<Vec<Certificate>, String> {
    let mut read = certificates(bytes)?;
    read.retain(Certificate::may_anchor);
    if read.is_empty() { Err("holds no certificate of an authority".to_owned()) } else { Ok(read) }
}

/// Each certificate once, in order.
pub(super) fn without_repetitions(certificates: Vec<Certificate>) -> Vec<Certificate> {
    let mut kept: Vec<Certificate> = Vec::new();
    for certificate in certificates {
        if !kept.contains(&certificate) {
            kept.push(certificate);
        }
    }
    kept
}

/// The list in PEM (RFC 7468).
pub(super) fn to_pem<'c>(certificates: impl IntoIterator<Item = &'c Certificate>) -> String {
    let mut pem = String::new();
    for certificate in certificates {
        pem.push_str("-----BEGIN CERTIFICATE-----\n");
        for line in STANDARD.encode(certificate.der()).as_bytes().chunks(64) {
            pem.extend(line.iter().map(|byte| char::from(*byte)));
            pem.push('\n');
        }
        pem.push_str("-----END CERTIFICATE-----\n");
    }
    pem
}
