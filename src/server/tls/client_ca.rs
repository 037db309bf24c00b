//! The file of authorities that vouch for clients, looked at again and again.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::x509::{BundleError, Certificate, certificates_from_pem_or_der};

use super::client::ClientVerifier;
use super::files::{self, FileError};
use super::once::Complaint;

/// The file, and what it held when it was good last.
pub(super) struct ClientAuthorities {
    path: PathBuf,
    content: Option<[u8; 32]>,
    held: Vec<Certificate>,
    in_force: Vec<[u8; 32]>,
    unusable: Complaint,
    out_of_date: Complaint,
}

/// Why the file is not taken.
#[derive(Debug, thiserror::Error)]
enum ClientCaError {
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is no whole list of certificates.
    #[error("{path}: {error}", path = .path.display())]
    Bundle {
        /// The path.
        path: PathBuf,
        /// What is wrong.
        error: BundleError,
    },
    /// It holds certificates, and none is an authority's.
    #[error("{path} holds no certificate of an authority; it needs Gatekeeper's ca.crt", path = .path.display())]
    NoAuthority {
        /// The path.
        path: PathBuf,
    },
    /// The TLS library cannot use one of them.
    #[error("{path}: {error}", path = .path.display())]
    Library {
        /// The path.
        path: PathBuf,
        /// What it says.
        error: rustls::Error,
    },
}

impl ClientAuthorities {
    /// Nothing read yet.
    pub(super) fn new(path: PathBuf) -> Self {
        let (unusable, out_of_date) = Default::default();
        Self { path, content: None, held: Vec::new(), in_force: Vec::new(), unusable, out_of_date }
    }

    /// Reads the file, and puts those of its authorities in force that are valid now. An authority counts
    /// only within its validity, so that one that has ended need not be taken out in a hurry.
    pub(super) fn poll(&mut self, now: Timestamp, verifier: &ClientVerifier) {
        match self.read() {
            Ok(()) => self.unusable.clear(),
            Err(error) => self.unusable.raise(&error, self.meanwhile()),
        }
        if let Err(error) = self.put_in_force(now, verifier) {
            let error = ClientCaError::Library { path: self.path.clone(), error };
            self.unusable.raise(&error, self.meanwhile());
        }
    }

    /// Why nobody is let in, where that is so.
    pub(super) fn not_ready(&self) -> Option<String> {
        let why = self.unusable.text().or(self.out_of_date.text());
        let nothing = || why.unwrap_or("it was not read yet").to_owned();
        self.in_force.is_empty().then(nothing)
    }

    fn meanwhile(&self) -> &'static str {
        if self.held.is_empty() { "no client is let in" } else { "the authorities read before stay in force" }
    }

    fn read(&mut self) -> Result<(), ClientCaError> {
        let bytes = files::read(&self.path)?;
        let content = files::content_of(&[&bytes]);
        if self.content == Some(content) {
            return Ok(());
        }
        let path = || self.path.clone();
        let read = certificates_from_pem_or_der(&bytes);
        let mut read = read.map_err(|error| ClientCaError::Bundle { path: path(), error })?;
        // A leaf in the list must not be able to vouch for others.
        read.retain(Certificate::may_anchor);
        if read.is_empty() {
            return Err(ClientCaError::NoAuthority { path: path() });
        }
        self.held = read;
        self.content = Some(content);
        Ok(())
    }

    fn put_in_force(&mut self, now: Timestamp, verifier: &ClientVerifier) -> Result<(), rustls::Error> {
        let valid: Vec<Certificate> = self.held.iter().filter(|one| one.valid_at(now)).cloned().collect();
        self.complain_of_dates(&valid);
        let wanted: Vec<[u8; 32]> = valid.iter().map(Certificate::fingerprint).collect();
        if wanted == self.in_force {
            return Ok(());
        }
        verifier.put_in_force(&valid)?;
        self.in_force = wanted;
        for authority in &valid {
            tracing::info!(
                subject = authority.subject(),
                not_after = %authority.not_after(),
                "an authority vouches for clients"
            );
        }
        Ok(())
    }

    fn complain_of_dates(&mut self, valid: &[Certificate]) {
        let outside = self.held.iter().filter(|one| !valid.contains(one));
        let named: Vec<String> = outside
            .map(|one| format!("{} (from {} to {})", one.subject(), one.not_before(), one.not_after()))
            .collect();
        if named.is_empty() {
            self.out_of_date.clear();
            return;
        }
        let path = self.path.display();
        let what = format_args!("{path}: outside the validity of {}", named.join(", ")).to_string();
        let consequence =
            if valid.is_empty() { "no client is let in" } else { "they vouch for nobody, the others do" };
        self.out_of_date.raise(&what, consequence);
    }
}
