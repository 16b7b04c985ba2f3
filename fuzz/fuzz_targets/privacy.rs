//! Files, read by the scanner for personal data as it runs in a guest. The first line names the file.
#![no_main]

use std::sync::OnceLock;

use certus_fuzz::file::Scanner;
use certus_plugin_privacy::Privacy;
use certus_sdk_core::{FileScanner as _, Settings};
use libfuzzer_sys::fuzz_target;

static SCANNER: OnceLock<Scanner<Privacy>> = OnceLock::new();

fuzz_target!(|data: &[u8]| {
    let scanner = SCANNER.get_or_init(|| {
        let scanner = Privacy::configure(&Settings::default()).expect("the defaults are sound");
        Scanner::new(include_str!("../../plugins/privacy/plugin.toml"), scanner)
    });
    scanner.read(data);
});
