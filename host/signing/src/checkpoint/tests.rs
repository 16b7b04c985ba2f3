use super::*;

fn checkpoint() -> Checkpoint {
    Checkpoint { origin: "log.example.com".to_owned(), size: 7, root: Sha256::of(b"root") }
}

#[test]
fn a_known_log_states_its_size_and_root() {
    let key = LogKey::generate("log.example.com").unwrap();
    let signed = checkpoint().sign(&key).unwrap();
    let text = signed.to_string();
    assert!(text.starts_with("log.example.com\n7\n"), "{text}");
    let signed: SignedCheckpoint = text.parse().unwrap();
    let verified = signed.verify(&[key.verifier()]).unwrap();
    assert_eq!((verified.checkpoint(), verified.log_id()), (&checkpoint(), key.verifier().id()));
    assert!(verified.witnesses().is_empty());
    let stranger = LogKey::generate("log.example.com").unwrap();
    assert!(matches!(signed.verify(&[stranger.verifier()]), Err(Error::UnknownLog(_))));
    assert!(matches!(signed.verify(&[]), Err(Error::UnknownLog(_))));
}

#[test]
fn a_log_speaks_for_itself_alone() {
    let (log, other) = (LogKey::generate("log.example.com").unwrap(), LogKey::generate("other.example.com").unwrap());
    assert!(matches!(checkpoint().sign(&other), Err(Error::OtherLog { .. })));
    let note = other.sign_note(&checkpoint().to_string()).unwrap().to_string();
    let signed: SignedCheckpoint = note.parse().unwrap();
    assert!(matches!(signed.verify(&[log.verifier(), other.verifier()]), Err(Error::UnknownLog(_))));
    let mut witnessed = checkpoint().sign(&log).unwrap();
    witnessed.add(other.cosign(witnessed.note().text(), 5).unwrap());
    let known = [log.verifier(), other.witness_verifier()];
    assert_eq!(witnessed.verify(&known).unwrap().witnesses(), [Cosignature { name: other.name().to_owned(), time: 5 }]);
    assert_eq!(witnessed.verify_all(&known).unwrap().witnesses().len(), 1);
    assert!(witnessed.verify(&known[..1]).unwrap().witnesses().is_empty(), "an unknown witness says nothing");
    assert!(matches!(witnessed.verify_all(&known[..1]), Err(Error::UnknownSigner(_))), "where every byte counts");
    assert!(witnessed.verify(&known[1..]).is_err(), "a witness without the log");
}

#[test]
fn there_is_one_form() {
    let root = BASE64.encode(Sha256::of(b"").as_bytes());
    assert!(format!("a\n0\n{root}\n").parse::<Checkpoint>().is_ok());
    for bad in [
        format!("a\n0\n{root}"),
        format!("a\n00\n{root}\n"),
        format!("a\n+1\n{root}\n"),
        format!("a\n-1\n{root}\n"),
        format!("a\n18446744073709551616\n{root}\n"),
        format!("\n0\n{root}\n"),
        format!("a\n0\n{root}\nextension\n"),
        format!("a\n0\n{}\n", &root[4..]),
        format!("a\n0\n{}\n", root.trim_end_matches('=')),
        "a\n0\n".to_owned(),
    ] {
        assert!(matches!(bad.parse::<Checkpoint>(), Err(Error::MalformedCheckpoint(_))), "{bad:?}");
    }
}

#[test]
fn a_log_s_name_can_be_shown() {
    let text = |origin: &str| format!("{origin}\n7\n{}\n", BASE64.encode([0; 32]));
    for origin in ["log.example.com", "rekor.example.com - 2605736670972794746", &"x".repeat(255)] {
        assert_eq!(text(origin).parse::<Checkpoint>().unwrap().origin, origin);
    }
    for origin in ["", "log\u{7f}", "log\u{1b}[2J", "log\u{202e}", &"x".repeat(256)] {
        assert!(matches!(text(origin).parse::<Checkpoint>(), Err(Error::MalformedCheckpoint(_))), "{origin:?}");
    }
}
