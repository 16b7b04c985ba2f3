//! The table. It goes from the formats of vendors to guesses: where two findings overlap, the earlier
//! row wins. The source of each format stands above its row and in the help of its rule.

/// The rest of a name that begins with a keyword, an assignment in any common notation, and a value
/// of a given form as group 1.
macro_rules! assigned {
    ($name:literal, $value:literal) => {
        concat!("(?i:", $name, r#")[A-Za-z0-9_.\-]*["'\]]*[ \t]*(?::=?|=>?)[ \t]*["'`]?("#, $value, ")")
    };
}

mod app;
mod chat;
mod cloud;
mod file;
mod forge;
mod generic;
mod infra;
mod key;
mod mail;
mod model;
mod money;
mod package;
mod saas;
mod watch;

use crate::detector::Detector;

const TABLE: &[&[Detector]] = &[
    key::ROWS,
    cloud::ROWS,
    forge::ROWS,
    package::ROWS,
    infra::ROWS,
    model::ROWS,
    chat::ROWS,
    mail::ROWS,
    money::ROWS,
    watch::ROWS,
    saas::ROWS,
    file::ROWS,
    app::ROWS,
    generic::ROWS,
];

pub(crate) fn all() -> impl Iterator<Item = &'static Detector> {
    TABLE.iter().copied().flatten()
}

/// All keywords of the table, sorted: what the manifest's `[interest] keywords` must be.
pub fn keywords() -> Vec<&'static str> {
    let mut keywords: Vec<&str> = all().flat_map(|detector| detector.keywords).copied().collect();
    keywords.sort_unstable();
    keywords.dedup();
    keywords
}

#[cfg(test)]
mod tests;
