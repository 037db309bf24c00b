//! Who wins where the Secret of the authority and the file of the state folder differ. Pure.
//!
//! The Secret is what the replicas agree on. A replica that takes a due step writes its file first, and the
//! step counts once the Secret has it: whoever is second takes the winner's.

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    /// Both are the same.
    Agree,
    /// Make an authority, and with it the Secret.
    Make,
    /// Make the Secret from the file.
    Create,
    /// Write the Secret's content into the file.
    TakeSecret,
    /// Write the file's content into the Secret, unless that changes meanwhile.
    PutSecret,
}

/// What to do. `agreed`: what both held when they were the same last; `secret`: what the Secret holds, if it
/// is there and can be read.
pub(super) fn next(agreed: Option<&[u8]>, file: Option<&[u8]>, secret: Option<&[u8]>) -> Move {
    match (file, secret) {
        (None, None) => Move::Make,
        (Some(_), None) => Move::Create,
        (Some(file), Some(secret)) if file == secret => Move::Agree,
        (Some(_), Some(secret)) if agreed == Some(secret) => Move::PutSecret,
        (_, Some(_)) => Move::TakeSecret,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: Option<&[u8]> = Some(b"old");
    const MINE: Option<&[u8]> = Some(b"mine");
    const THEIRS: Option<&[u8]> = Some(b"theirs");

    #[test]
    fn the_secret_wins_unless_only_the_file_changed() {
        for (agreed, file, secret, expected) in [
            (None, None, None, Move::Make),
            (None, MINE, None, Move::Create),
            (None, None, THEIRS, Move::TakeSecret),
            (None, MINE, THEIRS, Move::TakeSecret),
            (None, MINE, MINE, Move::Agree),
            (OLD, OLD, None, Move::Create),
            (OLD, OLD, THEIRS, Move::TakeSecret),
            (OLD, MINE, OLD, Move::PutSecret),
            (OLD, MINE, THEIRS, Move::TakeSecret),
            (OLD, MINE, None, Move::Create),
            (OLD, None, OLD, Move::TakeSecret),
            (OLD, OLD, OLD, Move::Agree),
        ] {
            assert_eq!(next(agreed, file, secret), expected, "{agreed:?} {file:?} {secret:?}");
        }
    }
}
