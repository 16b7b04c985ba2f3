//! The sentence of a finding: the manifest's template with the finding's parameters.

use std::collections::BTreeMap;

use certus_model::escape::one_line;

use super::Argument;

/// Longest message in bytes: the longest template and room for its arguments.
const LONGEST: usize = 2000;

/// `template` with each `{name}` replaced by its argument, in one printable line. An argument is put
/// in once and never read as a template itself; one that the finding does not have is shown as `?`.
pub(super) fn message(template: &str, arguments: &BTreeMap<String, Argument>) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((text, tail)) = rest.split_once('{') {
        out += text;
        let Some((name, after)) = tail.split_once('}') else {
            out.push('{');
            rest = tail;
            break;
        };
        match arguments.get(name) {
            Some(argument) => out += &argument.to_string(),
            None => out.push('?'),
        }
        rest = after;
    }
    one_line(&(out + rest), LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_put_in_once() {
        let text = |value: &str| Argument::Text(value.to_owned());
        let arguments = BTreeMap::from([
            ("a".to_owned(), text("{b}")),
            ("b".to_owned(), text("B")),
            ("n".to_owned(), Argument::Number(-3)),
            ("f".to_owned(), Argument::Flag(true)),
        ]);
        for (template, expected) in [
            ("{a} and {b}", "{b} and B"),
            ("{n}{f}", "-3yes"),
            ("no {such} name", "no ? name"),
            ("open {brace", "open {brace"),
            ("two\nlines", "two\\u{a}lines"),
            ("", ""),
        ] {
            assert_eq!(message(template, &arguments), expected, "{template}");
        }
    }
}
