//! From a timestamp authority's certificate to a trusted root, by name and signature, whatever order the
//! token's certificates are in.

use jiff::Timestamp;

use crate::x509::Certificate;
use crate::x509::chain::check_timestamping;

/// Most certificates from authority to root.
const MAX_LENGTH: usize = 8;

/// Most signatures that are checked for one path. Cross-signed certificates of one name could otherwise make
/// the number of paths explode.
const MAX_SIGNATURES: usize = 64;

/// Why no path was found: the first that was complete and failed, or that there was none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// No path ends in an anchor.
    #[error("the timestamp authority, which calls itself \"{subject}\", does not lead to a trusted root")]
    Untrusted {
        /// Subject of the authority's certificate.
        subject: String,
    },
    /// A certificate of the path was not valid at the time that the token states.
    #[error("the certificate {subject} was not valid at {time}")]
    NotValidAt {
        /// Subject of the certificate.
        subject: String,
        /// The token's time.
        time: Timestamp,
    },
    /// The path breaks the rules for timestamp authorities.
    #[error("{reason}")]
    Rules {
        /// Which rule.
        reason: String,
    },
}

/// Finds a path from `leaf` over `intermediates` to one of `anchors` that was valid at `time` and keeps the
/// rules for timestamp authorities. Only self-signed anchors end a path.
pub(super) fn find(
    leaf: &Certificate,
    intermediates: &[Certificate],
    anchors: &[Certificate],
    time: Timestamp,
) -> Result<Vec<Certificate>, PathError> {
    let mut search = Search { intermediates, anchors, time, signatures: MAX_SIGNATURES, failure: None };
    search
        .extend(vec![leaf.clone()])
        .ok_or_else(|| search.failure.unwrap_or_else(|| PathError::Untrusted { subject: leaf.subject() }))
}

struct Search<'a> {
    intermediates: &'a [Certificate],
    anchors: &'a [Certificate],
    time: Timestamp,
    signatures: usize,
    failure: Option<PathError>,
}

impl Search<'_> {
    fn extend(&mut self, path: Vec<Certificate>) -> Option<Vec<Certificate>> {
        let (anchors, intermediates) = (self.anchors, self.intermediates);
        let last = path.last()?;
        for anchor in anchors.iter().filter(|anchor| anchor.is_self_signed()) {
            let complete = if anchor.der() == last.der() {
                path.clone()
            } else if self.issued(anchor, last) {
                [path.as_slice(), std::slice::from_ref(anchor)].concat()
            } else {
                continue;
            };
            match self.check(&complete) {
                Ok(()) => return Some(complete),
                Err(failure) => self.failure.get_or_insert(failure),
            };
        }
        if path.len() + 1 >= MAX_LENGTH {
            return None;
        }
        for next in intermediates.iter().filter(|next| !path.iter().any(|used| used.der() == next.der())) {
            if self.issued(next, last)
                && let Some(complete) = self.extend([path.as_slice(), std::slice::from_ref(next)].concat())
            {
                return Some(complete);
            }
        }
        None
    }

    fn issued(&mut self, issuer: &Certificate, certificate: &Certificate) -> bool {
        if issuer.subject_der() != certificate.issuer_der() || self.signatures == 0 {
            return false;
        }
        self.signatures -= 1;
        certificate.signed_by(issuer)
    }

    fn check(&self, path: &[Certificate]) -> Result<(), PathError> {
        if let Some(outside) = path.iter().find(|certificate| !certificate.valid_at(self.time)) {
            return Err(PathError::NotValidAt { subject: outside.subject(), time: self.time });
        }
        check_timestamping(path).map_err(|error| PathError::Rules { reason: error.to_string() })
    }
}
