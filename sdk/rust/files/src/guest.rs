//! What `register!` expands to calls into.

use certus_sdk_core::{self as core, FileScanner};

pub use crate::bindings::certus::scanner::types::{Finding, Problem, Setting};
pub use crate::bindings::exports::certus::scanner::files::{File, Guest as Files};
pub use crate::bindings::exports::certus::scanner::plugin::Guest as Plugin;
use crate::convert;
pub use crate::slot::Slot;

pub fn configure<S: FileScanner>(slot: &Slot<S>, settings: Vec<Setting>) -> Result<(), Problem> {
    Ok(slot.configure(S::configure, &convert::settings(settings))?)
}

pub fn scan<S: FileScanner>(slot: &Slot<S>, file: File) -> Result<Vec<Finding>, Problem> {
    // An offset beyond the address space cannot be one of this content: it is left out.
    let hits: Vec<core::Hit> = file
        .hits
        .into_iter()
        .filter_map(|hit| Some(core::Hit { start: usize::try_from(hit.start).ok()?, keyword: hit.keyword }))
        .collect();
    let file = core::File { path: &file.path, content: &file.content, hits: &hits, hits_complete: file.hits_complete };
    let findings = slot.with(|scanner| scanner.scan(&file))?;
    Ok(convert::all(findings))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::exports::certus::scanner::files::Hit;

    struct Marks;

    impl FileScanner for Marks {
        fn configure(_: &core::Settings) -> Result<Self, core::Problem> {
            Ok(Self)
        }

        fn scan(&self, file: &core::File<'_>) -> Result<Vec<core::Finding>, core::Problem> {
            let mark = |hit: &core::Hit| core::Finding::at("mark", file.path, hit.start..file.content.len());
            Ok(file.hits.iter().map(mark).collect())
        }
    }

    #[test]
    fn a_file_and_its_hits_reach_the_scanner() {
        let slot = Slot::<Marks>::empty();
        assert!(configure(&slot, Vec::new()).is_ok());
        let file = File {
            path: "a".to_owned(),
            content: b"xyz".to_vec(),
            hits: vec![Hit { keyword: 0, start: 1 }],
            hits_complete: true,
        };
        let findings = scan(&slot, file).expect("the scanner accepts every file");
        let span = findings[0].at.span.expect("the finding has a range");
        assert_eq!((findings[0].rule.as_str(), span.start, span.end), ("mark", 1, 3));
    }
}
