//! The `Link` header (RFC 8288), of which only `rel="next"` matters.

/// The target of the first link whose relation is `next`.
pub fn next(value: &str) -> Option<&str> {
    let mut rest = value;
    loop {
        let (_, after) = rest.split_once('<')?;
        let (target, after) = after.split_once('>')?;
        let end = end_of_parameters(after);
        let parameters = after.get(..end)?;
        if parameters.split(';').any(is_next) {
            return Some(target.trim());
        }
        rest = after.get(end..)?;
    }
}

fn is_next(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else {
        return false;
    };
    let relations = value.trim().trim_matches('"');
    name.trim().eq_ignore_ascii_case("rel")
        && relations.split_ascii_whitespace().any(|relation| relation.eq_ignore_ascii_case("next"))
}

/// Where the parameters of one link end: at a comma that is not quoted.
fn end_of_parameters(text: &str) -> usize {
    let mut quoted = false;
    for (position, byte) in text.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b',' if !quoted => return position,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::next;

    #[test]
    fn the_next_link_is_found_among_others() {
        for (value, want) in [
            ("</a?n=1>; rel=\"next\"", Some("/a?n=1")),
            ("</a>; rel=next", Some("/a")),
            ("<https://r.io/a,b>; REL=\"prev next\"; title=\"x, y\"", Some("https://r.io/a,b")),
            ("</p>; rel=\"prev\", </n>; rel=\"next\"", Some("/n")),
            ("</p>; title=\"a, <b>\"; rel=prev, </n>;rel=next", Some("/n")),
            ("</p>; rel=\"prev\"", None),
            ("</p>", None),
            ("/a; rel=next", None),
            ("<a; rel=next", None),
            ("", None),
        ] {
            assert_eq!(next(value), want, "{value}");
        }
    }
}
