//! Licences as package metadata states them, brought to SPDX expressions where that needs no guess.

use spdx::{Expression, ParseMode};

/// What is forgiven: `/` for `OR` (old Cargo manifests), `GPL-2.0+` and deprecated identifiers, each of
/// which has one meaning. Not forgiven are names that stand for several licences, such as `BSD`.
const FORGIVING: ParseMode = ParseMode {
    allow_slash_as_or_operator: true,
    allow_imprecise_license_names: false,
    allow_postfix_plus_on_gpl: true,
    allow_deprecated: true,
    allow_unknown: false,
};

/// `text` as a valid SPDX expression, or none.
pub(super) fn expression(text: &str) -> Option<String> {
    Expression::parse_mode(text, FORGIVING).ok()?;
    let canonical = Expression::canonicalize(text).ok()?.unwrap_or_else(|| text.to_owned());
    Expression::parse(&canonical).ok().map(|_| canonical)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_taken_and_names_are_not() {
        for (stated, expected) in [
            ("MIT", Some("MIT")),
            ("MIT/Apache-2.0", Some("MIT OR Apache-2.0")),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", Some("(MIT OR Apache-2.0) AND Unicode-3.0")),
            ("Apache-2.0 WITH LLVM-exception", Some("Apache-2.0 WITH LLVM-exception")),
            ("GPL-2.0+", Some("GPL-2.0-or-later")),
            ("GPL-3.0", Some("GPL-3.0-only")),
            ("LicenseRef-ours", Some("LicenseRef-ours")),
            ("BSD", None),
            ("Apache License, Version 2.0", None),
            ("MIT AND", None),
            ("", None),
            ("<script>", None),
        ] {
            assert_eq!(expression(stated).as_deref(), expected, "{stated}");
        }
    }
}
