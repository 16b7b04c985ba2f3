//! Names of files, raw and in their escaped spelling.
#![no_main]

use certus_fuzz::checks;
use certus_model::RepoPath;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    match RepoPath::from_bytes(data) {
        Ok(path) => {
            checks::path(&path);
            assert_eq!(path.to_bytes(), data);
        }
        Err(error) => checks::one_line(error),
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    match text.parse::<RepoPath>() {
        Ok(path) => {
            checks::path(&path);
            assert_eq!(path.as_str(), text);
        }
        Err(error) => checks::one_line(error),
    }
});
