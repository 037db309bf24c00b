//! The `WWW-Authenticate` header (RFC 9110 §11.6.1, RFC 6750 §3): several challenges in one value or in
//! several, with commas inside quotes.

/// What a registry wants to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// A user and a password.
    Basic,
    /// A token of a token service.
    Bearer(BearerChallenge),
}

/// Where tokens are to be had. Every text is the registry's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BearerChallenge {
    /// The address of the token service.
    pub realm: String,
    /// What it calls the registry.
    pub service: Option<String>,
    /// What the token is to be good for.
    pub scope: Option<String>,
}

/// The challenge to answer: Bearer before Basic, the first of its kind. `None` where there is none that
/// is understood.
pub fn choose<'a>(values: impl Iterator<Item = &'a str>) -> Option<Challenge> {
    let mut basic = None;
    for challenge in values.take(MAX_VALUES).flat_map(parse) {
        match challenge {
            Challenge::Bearer(_) => return Some(challenge),
            Challenge::Basic => basic = Some(challenge),
        }
    }
    basic
}

/// The understood challenges of one header value.
fn parse(value: &str) -> Vec<Challenge> {
    let mut challenges = Vec::new();
    let mut open: Option<Open<'_>> = None;
    if value.len() > MAX_BYTES {
        return challenges;
    }
    for element in elements(value) {
        let (scheme, parameter) = split_scheme(element);
        if let Some(scheme) = scheme {
            challenges.extend(open.take().and_then(Open::close));
            open = Some(Open { scheme, parameters: Vec::new() });
        }
        if let (Some(open), Some((name, value))) = (&mut open, parameter.split_once('=')) {
            open.parameters.push((name.trim().to_ascii_lowercase(), unquoted(value.trim())));
        }
    }
    challenges.extend(open.take().and_then(Open::close));
    challenges
}

struct Open<'a> {
    scheme: &'a str,
    parameters: Vec<(String, String)>,
}

impl Open<'_> {
    fn close(self) -> Option<Challenge> {
        if self.scheme.eq_ignore_ascii_case("basic") {
            return Some(Challenge::Basic);
        }
        if !self.scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let value = |name: &str| {
            let found = self.parameters.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
        };
        Some(Challenge::Bearer(BearerChallenge {
            realm: value("realm")?,
            service: value("service"),
            scope: value("scope"),
        }))
    }
}

/// Splits at commas that are not inside quotes.
fn elements(value: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    for (position, byte) in value.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                found.push(value.get(start..position).unwrap_or_default().trim());
                start = position + 1;
            }
            _ => {}
        }
    }
    found.push(value.get(start..).unwrap_or_default().trim());
    found.retain(|element| !element.is_empty());
    found
}

/// An element that starts a challenge is `scheme` or `scheme parameter`; others are a parameter alone.
fn split_scheme(element: &str) -> (Option<&str>, &str) {
    let token_end = element.find(|c: char| !is_token(c)).unwrap_or(element.len());
    let (token, rest) = element.split_at_checked(token_end).unwrap_or((element, ""));
    let after = rest.trim_start();
    if after.is_empty() {
        (Some(token), "")
    } else if after.starts_with('=') {
        (None, element)
    } else if rest.starts_with([' ', '\t']) {
        (Some(token), after)
    } else {
        (None, element)
    }
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"') else {
        return value.to_owned();
    };
    let mut text = String::with_capacity(inner.len());
    let mut escaped = false;
    for c in inner.chars() {
        match c {
            _ if escaped => {
                text.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => break,
            _ => text.push(c),
        }
    }
    text
}

const MAX_BYTES: usize = 8 * 1024;
const MAX_VALUES: usize = 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Option<Challenge> {
        Some(Challenge::Bearer(BearerChallenge {
            realm: realm.to_owned(),
            service: service.map(str::to_owned),
            scope: scope.map(str::to_owned),
        }))
    }

    #[test]
    fn challenges_of_real_registries_and_awkward_ones_are_read() {
        for (values, want) in [
            (
                vec![
                    r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push""#,
                ],
                bearer(
                    "https://auth.docker.io/token",
                    Some("registry.docker.io"),
                    Some("repository:a/b:pull,push"),
                ),
            ),
            (vec![r#"Basic realm="a, registry""#], Some(Challenge::Basic)),
            (vec![r#"Basic realm="x", Bearer realm="https://t/""#], bearer("https://t/", None, None)),
            (vec![r#"Basic realm="x""#, r#"bearer realm="https://t/""#], bearer("https://t/", None, None)),
            (
                vec![r#"Negotiate, NTLM, BEARER service="s\"q", Realm = "https://t/?a,b""#],
                bearer("https://t/?a,b", Some("s\"q"), None),
            ),
            (vec!["Bearer realm=https://t/token,service=s"], bearer("https://t/token", Some("s"), None)),
            (vec!["Basic"], Some(Challenge::Basic)),
            (vec![r#"Bearer service="s""#], None),
            (vec![r#"Bearer realm="""#], None),
            (vec!["Digest realm=\"x\", nonce=\"y\""], None),
            (vec![""], None),
            (vec![",,, ,"], None),
            (vec![], None),
        ] {
            assert_eq!(choose(values.iter().copied()), want, "{values:?}");
        }
    }

    #[test]
    fn an_absurdly_long_header_is_not_read() {
        let value = format!("Bearer realm=\"https://t/{}\"", "a".repeat(MAX_BYTES));
        assert_eq!(choose([value.as_str()].into_iter()), None);
    }

    proptest! {
        #[test]
        fn no_header_panics(value in ".{0,300}") {
            let _ = choose([value.as_str()].into_iter());
        }
    }
}
