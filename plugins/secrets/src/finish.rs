//! Where a secret ends, for the forms that an expression cannot follow.

use std::ops::Range;

/// The most bytes of a private key in PEM: RSA with 16,384 bits has 12,800.
const PEM: usize = 16 * 1024;

/// The most bytes of a value behind an assignment.
const VALUE: usize = 512;

/// From the line that begins a key in PEM to the end of the line that ends it.
pub(crate) fn pem(content: &[u8], header: Range<usize>) -> Option<Range<usize>> {
    let rest = &content[header.end..content.len().min(header.end + PEM)];
    let end = find(rest, b"-----")?;
    // Another key begins before this one ends: this one is a fragment.
    let tail = rest[end..].strip_prefix(b"-----END ")?;
    let dashes = find(&tail[..tail.len().min(64)], b"-----")?;
    Some(header.start..header.end + end + 9 + dashes + 5)
}

/// The password of a URL's authority: up to the last `@`, since people forget to escape one.
pub(crate) fn before_last_at(content: &[u8], authority: Range<usize>) -> Option<Range<usize>> {
    let at = content[authority.clone()].iter().rposition(|&byte| byte == b'@')?;
    (at > 0).then_some(authority.start..authority.start + at)
}

/// The value behind a name and an assignment, in the notation of most languages and formats. `head`
/// ends behind the operator.
///
/// A quoted value ends at its quote, one within an XML element at the next tag, any other at a blank
/// or a separator.
pub(crate) fn value(content: &[u8], head: Range<usize>) -> Option<Range<usize>> {
    let operator = content[..head.end].iter().rposition(|byte| !matches!(byte, b' ' | b'\t'))?;
    let limit = content.len().min(head.end + VALUE);
    let mut start = head.end;
    if content[operator] == b':' {
        start = behind_type(&content[..limit], start).unwrap_or(start);
    }
    let rest = &content[start..limit];
    // Prefixes of literals: b'', r"", f"", u"", @"".
    let prefix = match rest {
        [b'b' | b'B' | b'f' | b'r' | b'u' | b'@', b'"' | b'\'', ..] => 1,
        _ => 0,
    };
    match rest.get(prefix) {
        Some(&quote @ (b'"' | b'\'' | b'`')) => quoted(content, start + prefix, quote, limit),
        // An argument or a comparison is a value only where it is quoted.
        _ if matches!(content[operator], b',') || rest.starts_with(b"=") => None,
        _ if content[operator] == b'>' && content[operator - 1] != b'=' => {
            let end = rest.iter().position(|byte| matches!(byte, b'<' | b'\n'))?;
            Some(start..start + end)
        }
        // YAML's tags, aliases, anchors, blocks and flows.
        Some(b'!' | b'*' | b'&' | b'|' | b'>' | b'[' | b'{') => None,
        _ => {
            let stops = |byte: &u8| byte.is_ascii_whitespace() || b"\"'`,;<>)]}|".contains(byte);
            let end = rest.iter().position(stops).unwrap_or(rest.len());
            (end > 0).then_some(start..start + end)
        }
    }
}

fn quoted(content: &[u8], open: usize, quote: u8, limit: usize) -> Option<Range<usize>> {
    let start = open + 1;
    // Three quotes begin a text of several lines: prose, not a value.
    if content[start..limit].starts_with(&[quote, quote]) {
        return None;
    }
    let mut end = start;
    while end < limit {
        match content[end] {
            b'\\' => end += 1,
            b'\n' | b'\r' => return None,
            byte if byte == quote => return Some(start..end),
            _ => {}
        }
        end += 1;
    }
    None
}

/// Behind a type annotation, as in `password: &str = "..."`.
fn behind_type(content: &[u8], start: usize) -> Option<usize> {
    let is_type = |byte: &u8| byte.is_ascii_alphanumeric() || b"_&<>[]?.' ".contains(byte);
    let rest = &content[start..];
    let name = rest.iter().take(48).take_while(|byte| is_type(byte)).count();
    if name == 0 || !rest[0].is_ascii_alphabetic() && rest[0] != b'&' {
        return None;
    }
    let rest = rest[name..].strip_prefix(b"=")?;
    let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
    matches!(rest.get(blanks), Some(b'"' | b'\'' | b'b' | b'r')).then_some(content.len() - rest.len() + blanks)
}

pub(crate) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after_operator(content: &str, operator: &str) -> Option<String> {
        let head = content.find(operator).expect("the operator is there") + operator.len();
        let range = value(content.as_bytes(), 0..head)?;
        Some(content[range].to_owned())
    }

    #[test]
    fn a_value_is_found_in_many_notations() {
        // content, operator, value
        let table = [
            ("K = 'a b'", "= ", Some("a b")),
            (r#"k = "a\"b" # c"#, "= ", Some(r#"a\"b"#)),
            ("K=abc # comment", "=", Some("abc")),
            ("k: abc, d: e", ": ", Some("abc")),
            ("k = b'ab'", "= ", Some("ab")),
            ("let k: &str = \"ab\";", ": ", Some("ab")),
            ("k: string = 'ab'", ": ", Some("ab")),
            ("<pass>abc</pass>", ">", Some("abc")),
            ("put('k', 'ab')", ", ", Some("ab")),
            ("call(k, other)", ", ", None),
            ("k == 'x'", "=", None),
            ("k = '''doc", "= ", None),
            ("k = 'open", "= ", None),
            ("k = 'two\nlines'", "= ", None),
            ("k: !vault |", ": ", None),
        ];
        for (content, operator, expected) in table {
            assert_eq!(after_operator(content, operator).as_deref(), expected, "{content}");
        }
    }

    #[test]
    fn a_key_ends_with_its_own_last_line() {
        let content = b"-----BEGIN X-----\nabc\n-----END X-----\n";
        assert_eq!(pem(content, 0..17), Some(0..37));
        assert_eq!(pem(b"-----BEGIN X-----\nabc\n", 0..17), None);
        let two = b"-----BEGIN X-----\nabc\n-----BEGIN X-----\nabc\n-----END X-----\n";
        assert_eq!(pem(two, 0..17), None);
    }

    #[test]
    fn a_password_may_hold_an_at_sign() {
        let content = b"pass@word@host";
        assert_eq!(before_last_at(content, 0..content.len()), Some(0..9));
        assert_eq!(before_last_at(b"host", 0..4), None);
        assert_eq!(before_last_at(b"@host", 0..5), None);
    }
}
