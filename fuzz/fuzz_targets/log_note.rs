//! The signed notes of transparency logs: a note that reads is written the same, and a checkpoint verifies if, and only
//! if, it is the one that the log has signed.
#![no_main]

use std::sync::OnceLock;

use certus_fuzz::checks;
use certus_model::Sha256;
use certus_signing::{Checkpoint, LogKey, LogVerifier, Note, SignedCheckpoint};
use libfuzzer_sys::fuzz_target;

/// A checkpoint, and what verifies it.
struct Signed {
    text: String,
    log: LogVerifier,
}

static SIGNED: OnceLock<Signed> = OnceLock::new();

fn signed() -> &'static Signed {
    SIGNED.get_or_init(|| {
        let key = LogKey::generate("log.example.com").expect("a key");
        let checkpoint = Checkpoint { origin: "log.example.com".to_owned(), size: 7, root: Sha256::of(b"root") };
        Signed { text: checkpoint.sign(&key).expect("a signature").to_string(), log: key.verifier() }
    })
}

fuzz_target!(|bytes: &[u8]| {
    let signed = signed();
    // What the first byte asks for: these bytes as they are, or written over the signed text at a place.
    let (Some((how, rest)), Ok(given)) = (bytes.split_first(), std::str::from_utf8(bytes)) else { return };
    let mut text = given.to_owned();
    if how & 1 == 1 {
        let mut over = signed.text.clone().into_bytes();
        let at = usize::from(*how) * over.len() / 256;
        over.splice(at..(at + rest.len()).min(over.len()), rest.iter().copied());
        let Ok(over) = String::from_utf8(over) else { return };
        text = over;
    }
    match text.parse::<Note>() {
        Ok(note) => assert_eq!(note.to_string(), text, "a note is written as it was read"),
        Err(error) => checks::one_line(error),
    }
    let Ok(checkpoint) = text.parse::<SignedCheckpoint>() else { return };
    match checkpoint.verify(std::slice::from_ref(&signed.log)) {
        Ok(verified) => {
            assert_eq!((verified.checkpoint().size, verified.checkpoint().root), (7, Sha256::of(b"root")));
            assert_eq!(
                checkpoint.note().text(),
                signed.text.split("\n\n").next().map(|text| format!("{text}\n")).unwrap_or_default()
            );
        }
        Err(error) => checks::one_line(error),
    }
});
