//! Trusted identities: their form, and that no two of a statement overlap.

use super::error::Problem;

const ANYONE: &str = "*";
const SUBJECT_PREFIX: &str = "x509.subject";

/// True for an identity that a certificate can match without a plugin's help.
pub(super) fn can_match(text: &str) -> bool {
    text == ANYONE || text.split_once(':').is_some_and(|(prefix, _)| prefix == SUBJECT_PREFIX)
}

/// Every fault of a statement's identities, with the entry's position where one entry is at fault.
pub(super) fn problems(identities: &[String]) -> Vec<(Option<usize>, Problem)> {
    let mut problems = Vec::new();
    if identities.len() > 1 && identities.iter().any(|text| text == ANYONE) {
        problems.push((None, Problem::WildcardNotAlone));
    }
    for (index, text) in identities.iter().enumerate().filter(|(_, text)| *text != ANYONE) {
        match text.split_once(':') {
            None | Some(("", _) | (_, "")) => problems.push((Some(index), Problem::Identity(text.clone()))),
            Some(_) => {}
        }
    }
    problems
}
