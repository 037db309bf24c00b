//! Certificates as people keep them: PEM with anything between the blocks, or DER one after another.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Certificate, CertificateError};

/// Certificates of one file. Bundles of public authorities hold about 150.
const MAX_CERTIFICATES: usize = 1_000;

/// Bytes of one file.
const MAX_SIZE: usize = 4 * 1024 * 1024;

/// Why a file gives no certificates.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// The file holds nothing.
    #[error("it holds no certificate")]
    Empty,
    /// The file is larger than what is read.
    #[error("it has {size} bytes, at most {limit} are read")]
    TooLarge {
        /// How large it is, in bytes.
        size: usize,
        /// How large it may be, in bytes.
        limit: usize,
    },
    /// More certificates than are read.
    #[error("it holds more than {limit} certificates")]
    TooMany {
        /// How many are read.
        limit: usize,
    },
    /// A PEM block has no end, or its label or base64 text is malformed.
    #[error("PEM block {position} is malformed")]
    Pem {
        /// Which block, counted from 1.
        position: usize,
    },
    /// One certificate cannot be read.
    #[error("certificate {position}: {error}")]
    Certificate {
        /// Which one, counted from 1.
        position: usize,
        /// What is wrong with it.
        #[source]
        error: CertificateError,
    },
}

/// Reads every certificate of `bytes`: the PEM blocks, whatever their label and whatever text stands between
/// them, or else DER certificates one after another. At most 4 MiB and 1000 certificates.
///
/// # Errors
/// [`BundleError`] if there is none or one cannot be read: a store that loads in part is a store that nobody
/// asked for.
pub fn certificates_from_pem_or_der(bytes: &[u8]) -> Result<Vec<Certificate>, BundleError> {
    if bytes.len() > MAX_SIZE {
        return Err(BundleError::TooLarge { size: bytes.len(), limit: MAX_SIZE });
    }
    // A DER certificate begins with a SEQUENCE of the long form, and no text begins so.
    let certificates = match bytes {
        [0x30, 0x80..=0x84, ..] => from_der_sequence(bytes)?,
        _ => from_pem_blocks(bytes)?,
    };
    if certificates.is_empty() { Err(BundleError::Empty) } else { Ok(certificates) }
}

fn from_der_sequence(mut bytes: &[u8]) -> Result<Vec<Certificate>, BundleError> {
    let mut certificates = Vec::new();
    while !bytes.is_empty() {
        let length = der_length(bytes).unwrap_or(bytes.len());
        let Some((first, rest)) = bytes.split_at_checked(length) else { break };
        push(&mut certificates, first)?;
        bytes = rest;
    }
    Ok(certificates)
}

/// Length of the DER element that `bytes` begins with, header included; none if it has no sane length.
fn der_length(bytes: &[u8]) -> Option<usize> {
    let (header, content) = match bytes {
        [_, length @ ..=0x7f, ..] => (2, usize::from(*length)),
        [_, 0x81, length, ..] => (3, usize::from(*length)),
        [_, 0x82, high, low, ..] => (4, usize::from(u16::from_be_bytes([*high, *low]))),
        [_, 0x83, a, b, c, ..] => (5, usize::try_from(u32::from_be_bytes([0, *a, *b, *c])).ok()?),
        _ => return None,
    };
    let length = header + content;
    (length <= bytes.len()).then_some(length)
}

fn from_pem_blocks(bytes: &[u8]) -> Result<Vec<Certificate>, BundleError> {
    let mut certificates = Vec::new();
    let mut block: Option<Block> = None;
    for line in bytes.split(|byte| *byte == b'\n') {
        let line = line.trim_ascii();
        let position = certificates.len() + 1;
        match block.as_mut() {
            None => block = begin(line),
            Some(open) if line.starts_with(b"-----") => {
                let der = open.end(line).ok_or(BundleError::Pem { position })?;
                push(&mut certificates, &der)?;
                block = None;
            }
            Some(open) => open.text.extend_from_slice(line),
        }
    }
    match block {
        None => Ok(certificates),
        Some(_) => Err(BundleError::Pem { position: certificates.len() + 1 }),
    }
}

/// A PEM block whose end was not seen yet.
struct Block {
    label: Vec<u8>,
    text: Vec<u8>,
}

fn begin(line: &[u8]) -> Option<Block> {
    let label = line.strip_prefix(b"-----BEGIN ")?.strip_suffix(b"-----")?;
    Some(Block { label: label.to_vec(), text: Vec::new() })
}

impl Block {
    fn end(&self, line: &[u8]) -> Option<Vec<u8>> {
        let label = line.strip_prefix(b"-----END ")?.strip_suffix(b"-----")?;
        if label == self.label { STANDARD.decode(&self.text).ok() } else { None }
    }
}

fn push(certificates: &mut Vec<Certificate>, der: &[u8]) -> Result<(), BundleError> {
    if certificates.len() >= MAX_CERTIFICATES {
        return Err(BundleError::TooMany { limit: MAX_CERTIFICATES });
    }
    let position = certificates.len() + 1;
    certificates
        .push(Certificate::from_der(der).map_err(|error| BundleError::Certificate { position, error })?);
    Ok(())
}

#[cfg(test)]
mod tests;
