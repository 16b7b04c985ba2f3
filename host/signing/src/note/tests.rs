use super::*;

/// The key, the text and the signature of Go's `golang.org/x/mod/sumdb/note` documentation (example PeterNeumann).
const GO_VERIFIER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const GO_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\
    \n\
    \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

fn name() -> &'static str {
    "log.example.com/certus"
}

#[test]
fn a_note_that_go_signed_verifies() {
    let verifier: LogVerifier = GO_VERIFIER.parse().unwrap();
    assert_eq!((verifier.name(), verifier.to_string().as_str()), ("PeterNeumann", GO_VERIFIER));
    let note: Note = GO_NOTE.parse().unwrap();
    assert_eq!(note.to_string(), GO_NOTE);
    assert_eq!(note.verify(std::slice::from_ref(&verifier)).unwrap(), [Signer::Log(&verifier)]);
    let changed: Note = GO_NOTE.replace("your problem is", "your problem was").parse().unwrap();
    assert!(matches!(changed.verify(&[verifier]), Err(Error::BadSignature(_))));
}

#[test]
fn only_known_signatures_count_and_a_false_one_spoils_all() {
    let (log, other) = (LogKey::generate(name()).unwrap(), LogKey::generate("other.example.com").unwrap());
    let mut note = log.sign_note("a\n\nb\n").unwrap();
    note.add(other.sign_note("a\n\nb\n").unwrap().signatures()[0].clone());
    let note: Note = note.to_string().parse().unwrap();
    assert_eq!(note.text(), "a\n\nb\n", "an empty line in the text");
    assert_eq!(note.verify(&[log.verifier()]).unwrap().len(), 1);
    assert_eq!(note.verify(&[log.verifier(), other.verifier()]).unwrap().len(), 2);
    let nobody = LogKey::generate(name()).unwrap();
    assert_eq!(note.verify(&[nobody.verifier()]).unwrap(), [], "another key of that name");

    let mut forged = log.sign_note("a\n\nb\n").unwrap();
    forged.add(other.sign_note("c\n").unwrap().signatures()[0].clone());
    assert_eq!(forged.verify(&[log.verifier()]).unwrap().len(), 1);
    assert!(forged.verify(&[log.verifier(), other.verifier()]).is_err());
    let twice: Note = format!("{note}{}\n", note.signatures()[0]).parse().unwrap();
    assert!(matches!(twice.verify(&[log.verifier()]), Err(Error::SignedTwice(_))));
}

#[test]
fn a_witness_signs_the_text_with_a_time() {
    let (log, witness) = (LogKey::generate(name()).unwrap(), LogKey::generate("witness.example.com").unwrap());
    let mut note = log.sign_note("text\n").unwrap();
    note.add(witness.cosign("text\n", 1_800_000_000).unwrap());
    let known = [log.verifier(), witness.witness_verifier()];
    let seen = Cosignature { name: "witness.example.com".to_owned(), time: 1_800_000_000 };
    assert_eq!(note.verify(&known).unwrap(), [Signer::Log(&known[0]), Signer::Witness(seen)]);
    // As a plain signature it is of nobody, and the time is signed too.
    assert_eq!(note.verify(&[witness.verifier()]).unwrap(), []);
    let mut later = note.signatures()[1].clone();
    later.bytes[7] ^= 1;
    note.add(later);
    assert!(note.verify(&known).is_err());
    note.add(witness.cosign("text\n", 1_800_000_001).unwrap());
    assert_eq!(note.verify(&known).unwrap().len(), 2, "a newer cosignature takes the place of the older");
}

#[test]
fn keys_are_kept_as_text() {
    let key = LogKey::generate(name()).unwrap();
    let again = LogKey::from_pem(name(), &key.to_pem().unwrap()).unwrap();
    assert_eq!(again.verifier(), key.verifier());
    for verifier in [key.verifier(), key.witness_verifier()] {
        assert_eq!(verifier.to_string().parse::<LogVerifier>().unwrap(), verifier);
    }
    assert_ne!(key.verifier().id(), key.witness_verifier().id());
    assert_ne!(key.verifier().id(), LogKey::from_pem("b", &key.to_pem().unwrap()).unwrap().verifier().id());
    let shown = format!("{key:?}");
    assert!(shown.contains(name()) && !shown.contains(key.to_pem().unwrap().lines().nth(1).unwrap()), "{shown}");
    for bad in ["", "a b", "a+b", "a\nb", "a\u{a0}b"] {
        assert!(matches!(LogKey::generate(bad), Err(Error::BadName(_))), "{bad:?}");
    }
    assert!(LogKey::from_pem(name(), "no key").is_err());
}

#[test]
fn other_texts_are_no_verifiers() {
    let [name, hint, key] = <[&str; 3]>::try_from(GO_VERIFIER.splitn(3, '+').collect::<Vec<_>>()).unwrap();
    let zero = BASE64.encode([[1].as_slice(), &[0; 32]].concat());
    for bad in [
        "".to_owned(),
        name.to_owned(),
        format!("{name}+{hint}"),
        format!("{name}x+{hint}+{key}"),
        format!("{name}+{}+{key}", hint.to_uppercase()),
        format!("{name}+c74f20a4+{key}"),
        format!("{name}+{hint}+{}", &key[..key.len() - 4]),
        format!("{name}+{:?}+{zero}", Hint::from_bytes([0; 4])),
    ] {
        assert!(matches!(bad.parse::<LogVerifier>(), Err(Error::MalformedVerifier(_))), "{bad}");
    }
}

#[test]
fn other_texts_are_no_notes() {
    let line = GO_NOTE.lines().last().unwrap();
    for (what, bad) in [
        ("nothing", String::new()),
        ("no signature", "text\n".to_owned()),
        ("no signature under the line", "text\n\n".to_owned()),
        ("no line break at the end", format!("text\n\n{line}")),
        ("a hyphen", format!("text\n\n- {}\n", &line[4..])),
        ("two spaces", format!("text\n\n{}\n", line.replacen(' ', "  ", 1))),
        ("a tab", format!("te\txt\n\n{line}\n")),
        ("no base64", format!("text\n\n{line}*\n")),
        ("a hint alone", "text\n\n\u{2014} a AAAAAA==\n".to_owned()),
        ("too many", format!("text\n\n{}", format!("{line}\n").repeat(101))),
    ] {
        assert!(matches!(bad.parse::<Note>(), Err(Error::MalformedNote(_))), "{what}");
    }
}
