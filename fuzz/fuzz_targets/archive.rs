//! Archives, told apart by content, up to the sealed workspace.
#![no_main]

use std::fs;
use std::sync::atomic::AtomicBool;

use certus_checkout::{Git, Source, SourcePolicy, checkout};
use certus_fuzz::{checks, place};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let place = place::Place::get();
    let file = place.folder().join("archive");
    fs::write(&file, data).expect("the archive is written");
    let source = Source::parse(&format!("archive:{}", file.display()), SourcePolicy::Any).expect("a file");
    let limits = place::small();
    match checkout(&source, None, &limits, place.scratch(), &Git::default(), &AtomicBool::new(false)) {
        Ok(checkout) => checks::sealed(&checkout.workspace, &limits),
        Err(error) => {
            assert!(error.reason().is_some(), "an archive is refused, it does not break the host: {error}");
            checks::one_line(error);
        }
    }
});
