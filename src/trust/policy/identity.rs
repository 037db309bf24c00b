//! Trusted identities: their form, and that no two of a statement overlap.

use super::error::Problem;
use crate::x509::name::DistinguishedName;

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
    let mut names: Vec<(&String, DistinguishedName)> = Vec::new();
    for (index, text) in identities.iter().enumerate().filter(|(_, text)| *text != ANYONE) {
        match text.split_once(':') {
            None | Some(("", _) | (_, "")) => problems.push((Some(index), Problem::Identity(text.clone()))),
            Some((SUBJECT_PREFIX, name)) => match DistinguishedName::parse(name) {
                Ok(name) => {
                    if let Some((other, _)) = names.iter().find(|(_, other)| other.overlaps(&name)) {
                        problems.push((Some(index), Problem::Overlap((*other).clone(), text.clone())));
                    }
                    names.push((text, name));
                }
                Err(error) => {
                    let (identity, why) = (text.clone(), error.to_string());
                    problems.push((Some(index), Problem::DistinguishedName { identity, why }));
                }
            },
            Some(_) => {}
        }
    }
    problems
}
