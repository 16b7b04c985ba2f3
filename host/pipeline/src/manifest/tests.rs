use certus_signing::SigningKey;

use super::*;

const MANIFEST: &[u8] = br#"{"product": "p", "profiles": [{"name": "Release", "tools": ["sbom"]}]}"#;

fn signed(key: &SigningKey, bytes: &[u8]) -> Vec<u8> {
    let text = serde_json::to_value(key.sign(bytes).unwrap()).unwrap();
    format!("{}\n", text.as_str().unwrap()).into_bytes()
}

#[test]
fn every_pair_of_rules_and_signature_has_its_answer() {
    let (key, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
    let (good, foreign, stale) = (signed(&key, MANIFEST), signed(&other, MANIFEST), signed(&key, b"{}"));
    let none: Option<&[u8]> = None;
    let table = [
        ("no key, no signature", false, false, none, Ok(false)),
        ("no key to check a signature with", false, false, Some(&good[..]), Ok(false)),
        ("required without a key", false, true, none, Err("manifest verification requires a key")),
        ("required without a key, signed", false, true, Some(&good), Err("manifest verification requires a key")),
        ("key, no signature", true, false, none, Ok(false)),
        ("key, signature", true, false, Some(&good), Ok(true)),
        ("required, no signature", true, true, none, Err("manifest signature is required")),
        ("required, signature", true, true, Some(&good), Ok(true)),
        ("another's signature", true, false, Some(&foreign), Err("does not verify")),
        ("another's signature, required", true, true, Some(&foreign), Err("does not verify")),
        ("a signature over other bytes", true, false, Some(&stale), Err("does not verify")),
        ("no base64", true, false, Some(b"?"), Err("does not verify")),
        ("an empty signature", true, false, Some(b""), Err("does not verify")),
    ];
    for (name, with_key, required, signature, expected) in table {
        let rules = ManifestVerification { key: with_key.then(|| key.public().clone()), required };
        match (given(MANIFEST.to_vec(), signature, &rules), expected) {
            (Ok(checked), Ok(verified)) => {
                assert_eq!((checked.verified, checked.digest), (verified, Sha256::of(MANIFEST)), "{name}");
            }
            (Err(error), Err(says)) => {
                assert!(error.to_string().contains(says) && error.to_string().lines().count() == 1, "{name}: {error}");
                assert_eq!(error.reason(), certus_model::FailureReason::Manifest, "{name}");
            }
            (Ok(_), Err(_)) => panic!("{name}: accepted"),
            (Err(error), Ok(_)) => panic!("{name}: {error}"),
        }
    }
}

#[test]
fn the_signature_is_looked_at_before_the_content() {
    let key = SigningKey::generate().unwrap();
    let rules = ManifestVerification { key: Some(key.public().clone()), required: true };
    let error = given(b"no manifest".to_vec(), Some(b"?"), &rules).err().unwrap();
    assert!(matches!(error, Error::ManifestSignature(_)), "{error}");
    let large = given(vec![b' '; (MAX_MANIFEST + 1) as usize], None, &ManifestVerification::default());
    assert!(matches!(large, Err(Error::ManifestTooLarge { .. })));
}

#[test]
fn a_profile_can_be_checked_before_a_scan() {
    let none: Option<&[u8]> = None;
    for (profile, manifest) in
        [("light", none), ("LIGHT", none), ("release", Some(MANIFEST)), ("fast", Some(b"{\"product\":\"p\"}"))]
    {
        check_profile(profile, manifest).unwrap();
    }
    for (profile, manifest, says) in [
        ("lihgt", none, "did you mean `light`"),
        ("light", Some(MANIFEST), "manifest profile 'light' not found"),
        ("light", Some(b"{"), "does not parse"),
        ("nothing", Some(b"{\"product\":\"p\"}"), "available: smoke"),
        (
            "light",
            Some(br#"{"product":"p","profiles":[{"name":"light\u001b]0;x"}]}"#),
            r"did you mean `light\u{1b}]0;x`",
        ),
    ] {
        let error = check_profile(profile, manifest).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}
