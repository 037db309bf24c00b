//! "Did you mean …?" for names that nothing has.

use strsim::levenshtein;

/// The known name that takes the fewest edits to reach, if those are few. A name that is written without its
/// section, or with another one, is near too.
pub(super) fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    const MAX_NAME: usize = 80;
    if name.len() > MAX_NAME {
        return None;
    }
    let wanted = fold(name);
    let distance = |known: &str| {
        let folded = fold(known);
        let whole = levenshtein(&wanted, &folded);
        let (own_last, known_last) = (last(&wanted), last(&folded));
        let same_last = own_last.len() > 3 && levenshtein(own_last, known_last) <= 1;
        if same_last { whole.min(2) } else { whole }
    };
    known
        .into_iter()
        .map(|known| (distance(known), known))
        .filter(|(edits, known)| *edits <= (known.len() / 4).clamp(1, 3))
        .min()
        .map(|(_, known)| known)
}

fn fold(text: &str) -> String {
    text.to_lowercase().replace('-', "_").replace("__", ".")
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 4] = ["limits.unique_signatures", "limits.keys", "listen", "cache.verified_ttl"];

    #[test]
    fn a_slip_another_dash_and_a_missing_section_are_near() {
        for name in ["limits.uniqe_signatures", "limits.unique-signatures", "unique_signatures"] {
            assert_eq!(nearest(name, KNOWN), Some("limits.unique_signatures"), "{name}");
        }
        assert_eq!(nearest("timeouts.verified_ttl", KNOWN), Some("cache.verified_ttl"));
        assert_eq!(nearest("listn", KNOWN), Some("listen"));
    }

    #[test]
    fn what_is_far_has_no_neighbour() {
        for name in ["", "colour", "limits", &"l".repeat(200)] {
            assert_eq!(nearest(name, KNOWN), None, "{name}");
        }
    }
}
