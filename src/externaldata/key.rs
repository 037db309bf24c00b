//! Keys: `image`, or `[namespace]image` for namespaced configuration. The prefix is the template's word;
//! whether the rest is an image reference is judged where references are parsed.

use crate::engine::Question;
use crate::outcome::ReasonCode;

/// Why a key names no image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It is empty.
    #[error("{}: the key is empty", ReasonCode::InvalidReference)]
    Empty,
    /// It is longer than is looked at.
    #[error("{}: the key has more than {limit} bytes", ReasonCode::InvalidReference)]
    TooLong {
        /// How many bytes it may have.
        limit: usize,
    },
    /// It begins with `[` and names no namespace.
    #[error(
        "{}: a key that begins with [ is [NAMESPACE]IMAGE, with the name of a namespace",
        ReasonCode::InvalidReference
    )]
    Namespace,
    /// Mutation takes image fields as they are, and no image begins with `[`.
    #[error("{}: an image does not begin with [", ReasonCode::InvalidReference)]
    Bracket,
}

/// Splits a key of a verification request. `[]image` means no namespace, as it does to Ratify.
///
/// # Errors
/// [`KeyError`] where the key has no form that could name an image.
pub fn parse_key(key: &str, max_bytes: usize) -> Result<Question<'_>, KeyError> {
    check_length(key, max_bytes)?;
    let Some(rest) = key.strip_prefix('[') else {
        return Ok(Question { namespace: None, image: key });
    };
    let (namespace, image) = rest.split_once(']').ok_or(KeyError::Namespace)?;
    if image.is_empty() {
        return Err(KeyError::Empty);
    }
    match namespace {
        "" => Ok(Question { namespace: None, image }),
        namespace if is_namespace(namespace) => Ok(Question { namespace: Some(namespace), image }),
        _ => Err(KeyError::Namespace),
    }
}

/// Takes a key of a mutation request, which is an image field as somebody wrote it.
///
/// # Errors
/// [`KeyError`] where it cannot name an image.
pub fn parse_mutation_key(key: &str, max_bytes: usize) -> Result<Question<'_>, KeyError> {
    check_length(key, max_bytes)?;
    if key.starts_with('[') {
        return Err(KeyError::Bracket);
    }
    Ok(Question { namespace: None, image: key })
}

fn check_length(key: &str, limit: usize) -> Result<(), KeyError> {
    match key.len() {
        0 => Err(KeyError::Empty),
        length if length > limit => Err(KeyError::TooLong { limit }),
        _ => Ok(()),
    }
}

/// A DNS label (RFC 1123), as Kubernetes names namespaces.
fn is_namespace(text: &str) -> bool {
    const MAX_BYTES: usize = 63;
    text.len() <= MAX_BYTES
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 100;

    #[test]
    fn keys_name_an_image_and_perhaps_a_namespace() {
        for (key, namespace, image) in [
            ("alpine", None, "alpine"),
            ("[team-a]alpine:3", Some("team-a"), "alpine:3"),
            ("[]alpine", None, "alpine"),
            ("[a][b]alpine", Some("a"), "[b]alpine"),
            ("[a] alpine", Some("a"), " alpine"),
        ] {
            assert_eq!(parse_key(key, LIMIT), Ok(Question { namespace, image }), "{key}");
        }
    }

    #[test]
    fn keys_that_can_name_no_image_are_refused() {
        let long = "a".repeat(LIMIT + 1);
        let namespace = format!("[{}]a", "n".repeat(64));
        for (key, error) in [
            ("", KeyError::Empty),
            ("[a]", KeyError::Empty),
            ("[]", KeyError::Empty),
            (&long, KeyError::TooLong { limit: LIMIT }),
            ("[a", KeyError::Namespace),
            ("[A]x", KeyError::Namespace),
            ("[-a]x", KeyError::Namespace),
            ("[a-]x", KeyError::Namespace),
            ("[a.b]x", KeyError::Namespace),
            ("[::1]:5000/x", KeyError::Namespace),
            (&namespace, KeyError::Namespace),
        ] {
            assert_eq!(parse_key(key, LIMIT), Err(error), "{key}");
        }
    }

    #[test]
    fn mutation_takes_no_namespace_from_an_image_field() {
        assert_eq!(parse_mutation_key("[a]x", LIMIT), Err(KeyError::Bracket));
        assert_eq!(parse_mutation_key("", LIMIT), Err(KeyError::Empty));
        assert_eq!(parse_mutation_key("x", LIMIT), Ok(Question { namespace: None, image: "x" }));
    }
}
