//! Reads the SPDX list's texts into the index that the scanner compares with.

#[path = "src/words.rs"]
mod words;

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs, io};

/// A text of fewer pairs says too little to be told from ordinary prose.
const MIN_PAIRS: usize = 12;

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/words.rs");
    let mut licences: BTreeMap<Vec<u32>, &str> = BTreeMap::new();
    for (name, text) in spdx::text::LICENSE_TEXTS {
        let deprecated = spdx::license_id(name).is_none_or(spdx::LicenseId::is_deprecated);
        if deprecated {
            continue;
        }
        for text in [Some(*text), own_part(name, text)].into_iter().flatten() {
            let set = words::set(&words::pairs(text.as_bytes()));
            if set.len() >= MIN_PAIRS {
                licences.entry(set).and_modify(|known| *known = simpler(known, name)).or_insert(name);
            }
        }
    }
    let mut index = Vec::new();
    for (set, name) in by_name(&licences) {
        index.push(u8::try_from(name.len()).map_err(io::Error::other)?);
        index.extend(name.as_bytes());
        index.extend(u32::try_from(set.len()).map_err(io::Error::other)?.to_le_bytes());
        index.extend(set.iter().flat_map(|hash| hash.to_le_bytes()));
    }
    #[expect(clippy::disallowed_methods, reason = "cargo tells a build script its folder in no other way")]
    let folder = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("OUT_DIR is not set"))?;
    fs::write(Path::new(&folder).join("licences.bin"), index)
}

/// The part of a text that a file of the licence may be without what follows: LGPL-3.0 ends with
/// GPL-3.0, to which it refers, and several end with how to apply them. Without this part, an
/// Apache-2.0 that leaves its appendix out is nearer to a relative that never had one.
fn own_part<'t>(name: &str, text: &'t str) -> Option<&'t str> {
    let marker = match name.starts_with("LGPL-3.0") {
        true => "\nGNU GENERAL PUBLIC LICENSE",
        false => "END OF TERMS AND CONDITIONS",
    };
    text.find(marker).map(|end| &text[..end])
}

/// Of two ids with the same text, the one that claims less: `-only` before `-or-later`, and the
/// plain one before one with an exception that the text does not hold.
fn simpler<'n>(a: &'n str, b: &'n str) -> &'n str {
    if (b.len(), b) < (a.len(), a) { b } else { a }
}

fn by_name<'l>(licences: &'l BTreeMap<Vec<u32>, &'l str>) -> Vec<(&'l Vec<u32>, &'l str)> {
    let mut list: Vec<_> = licences.iter().map(|(set, name)| (set, *name)).collect();
    list.sort_by_key(|(set, name)| (*name, set.len()));
    list
}
