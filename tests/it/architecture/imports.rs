//! Reads which modules a source uses: `crate::`, `hallmark::` and `super::` paths, in `use` trees
//! and in expressions, outside comments, strings and test code. A scanner, not a parser: it need only be
//! right about paths.

use std::collections::BTreeSet;

/// The attribute that keeps an item out of the product.
const TEST_ONLY: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];

/// Top-level modules named by paths in `text`; `here` is the path of the module that the file is.
pub fn used_modules(text: &str, here: &[&str]) -> BTreeSet<String> {
    used_paths(text, here).into_iter().filter_map(|path| path.into_iter().next()).collect()
}

/// Paths that `text` names, from the crate down; `here` is the path of the module that the file is. What a
/// file names without `crate`, `hallmark` or `super` is below itself.
pub fn used_paths(text: &str, here: &[&str]) -> BTreeSet<Vec<String>> {
    let tokens = without_tests(tokens(text));
    let mut used = BTreeSet::new();
    for (at, token) in tokens.iter().enumerate() {
        if at > 0 && tokens[at - 1] == "::" {
            continue;
        }
        match token.as_str() {
            "crate" | "hallmark" => paths_after(&tokens, at + 1, &[], &mut used),
            "super" => {
                let supers = supers_from(&tokens, at);
                let base: Vec<String> =
                    here[..here.len().saturating_sub(supers)].iter().map(|&name| name.to_owned()).collect();
                paths_after(&tokens, at + 2 * supers - 1, &base, &mut used);
            }
            _ => {}
        }
    }
    used
}

/// Every identifier in the code of `text`.
pub fn words(text: &str) -> BTreeSet<String> {
    without_tests(tokens(text)).into_iter().collect()
}

/// Names of the modules that `text` declares for tests only, in files of their own.
pub fn test_modules(text: &str) -> BTreeSet<String> {
    let tokens = tokens(text);
    let declares = |at: &usize| tokens[*at..].iter().take(TEST_ONLY.len()).eq(TEST_ONLY);
    let items = (0..tokens.len()).filter(declares).map(|at| &tokens[at + TEST_ONLY.len()..]);
    items.filter_map(|item| (item.first()? == "mod").then(|| item.get(1).cloned())?).collect()
}

/// How many `super` stand in a row: `super::super::x` has two.
fn supers_from(tokens: &[String], at: usize) -> usize {
    tokens[at..].chunks(2).take_while(|pair| pair[0] == "super").count()
}

/// The paths behind a `::` at `at`, each with `base` before it: one, or one for each branch of a group.
fn paths_after(tokens: &[String], at: usize, base: &[String], used: &mut BTreeSet<Vec<String>>) {
    let is = |index: usize, wanted: &str| tokens.get(index).is_some_and(|token| token == wanted);
    let mut path = base.to_vec();
    let mut at = at;
    while is(at, "::") && !is(at + 1, "{") {
        path.extend(tokens.get(at + 1).cloned());
        at += 2;
    }
    if !is(at, "::") {
        if path.len() > base.len() {
            used.insert(path);
        }
        return;
    }
    for branch in branches(tokens, at + 1) {
        match tokens.get(branch).map(String::as_str) {
            Some("self" | "}") | None => _ = used.insert(path.clone()),
            Some(name) => {
                let base = [path.as_slice(), &[name.to_owned()]].concat();
                if is(branch + 1, "::") {
                    paths_after(tokens, branch + 1, &base, used);
                } else {
                    used.insert(base);
                }
            }
        }
    }
}

/// Where each branch of the group that opens at `at` begins.
fn branches(tokens: &[String], at: usize) -> Vec<usize> {
    let mut begins = Vec::new();
    let mut depth = 0;
    for (index, token) in tokens.iter().enumerate().skip(at) {
        match token.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        if depth == 1 && matches!(token.as_str(), "{" | ",") {
            begins.push(index + 1);
        }
    }
    begins
}

/// Drops every item behind `#[cfg(test)]`: up to its `;`, or to the end of its braces.
fn without_tests(tokens: Vec<String>) -> Vec<String> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at..].iter().take(TEST_ONLY.len()).eq(TEST_ONLY) {
            at = end_of_item(&tokens, at + TEST_ONLY.len());
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

fn end_of_item(tokens: &[String], start: usize) -> usize {
    let mut depth = 0;
    for (offset, token) in tokens[start..].iter().enumerate() {
        match token.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 && matches!(token.as_str(), ";" | "}") {
            return start + offset + 1;
        }
    }
    tokens.len()
}

/// Identifiers, `::` and single punctuation marks; comments, strings and characters are left out.
fn tokens(text: &str) -> Vec<String> {
    let mut scanner = Scanner { rest: text, tokens: Vec::new() };
    while !scanner.rest.is_empty() {
        scanner.step();
    }
    scanner.tokens
}

struct Scanner<'a> {
    rest: &'a str,
    tokens: Vec<String>,
}

impl Scanner<'_> {
    fn step(&mut self) {
        let rest = self.rest;
        let first = rest.chars().next().unwrap_or_default();
        if rest.starts_with("//") {
            self.skip(rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            self.skip(block_comment(rest));
        } else if let Some(length) = raw_string(rest) {
            self.skip(length);
        } else if first == '"' {
            self.skip(quoted(rest, '"'));
        } else if first == '\'' {
            self.skip(character_or_lifetime(rest));
        } else if first.is_alphanumeric() || first == '_' {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            self.take(end);
        } else if rest.starts_with("::") {
            self.take(2);
        } else if first.is_whitespace() {
            self.skip(first.len_utf8());
        } else {
            self.take(first.len_utf8());
        }
    }

    fn skip(&mut self, length: usize) {
        self.rest = &self.rest[length..];
    }

    fn take(&mut self, length: usize) {
        self.tokens.push(self.rest[..length].to_owned());
        self.skip(length);
    }
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// Length of a raw string (`r"…"`, `br#"…"#`) at the start of `text`.
fn raw_string(text: &str) -> Option<usize> {
    let body = text.strip_prefix('b').unwrap_or(text).strip_prefix('r')?;
    let hashes = body.len() - body.trim_start_matches('#').len();
    let content = body[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let close = content.find(&end).map_or(content.len(), |at| at + end.len());
    Some(text.len() - content.len() + close)
}

fn quoted(text: &str, mark: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == mark => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// `'a'` and `'\n'` are characters; `'a` without a second quote is a lifetime.
fn character_or_lifetime(text: &str) -> usize {
    let mut inside = text.chars().skip(1);
    match (inside.next(), inside.next()) {
        (Some('\\'), _) | (_, Some('\'')) => quoted(text, '\''),
        _ => 1,
    }
}
