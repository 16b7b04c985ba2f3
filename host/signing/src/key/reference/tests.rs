use std::fs;

use super::*;
use crate::Validity;

fn parse(text: &str) -> Result<KeyRef, Error> {
    text.parse()
}

#[test]
fn a_reference_says_where_the_key_is_and_shows_what_was_written() {
    let named = |text: &str| KeyRef::Named(text.parse().unwrap());
    let file = |text: &str| KeyRef::File(PathBuf::from(text));
    let table = [
        ("release", named("release"), "release"),
        ("development", KeyRef::Development, "development"),
        ("deterministic", KeyRef::Development, "development"),
        ("cosign.key", file("cosign.key"), "cosign.key"),
        ("./release", file("./release"), "./release"),
        ("/keys/a:b.key", file("/keys/a:b.key"), "/keys/a:b.key"),
        ("file:release", file("release"), "file:release"),
        ("file:/keys/release", file("/keys/release"), "/keys/release"),
        ("file:///keys/release", file("/keys/release"), "/keys/release"),
    ];
    for (text, reference, shown) in table {
        assert_eq!(parse(text).unwrap(), reference, "{text}");
        assert_eq!(reference.to_string(), shown, "{text}");
        assert_eq!(parse(shown).unwrap(), reference, "{text} once more");
    }
    for text in [
        "pkcs11:token=release;object=signing",
        "pkcs11:token=with%20space;slot-id=3;id=%01%ff;type=private?module-path=/lib/p11.so&pin-source=file:/run/pin",
    ] {
        let reference = parse(text).unwrap();
        assert!(matches!(reference, KeyRef::Token(_)), "{text}");
        assert_eq!(reference.to_string(), text);
    }
    for (text, key) in [
        ("awskms:///alias/release", "alias/release"),
        ("awskms:///0190d2f1-aaaa-bbbb-cccc-0123456789ab", "0190d2f1-aaaa-bbbb-cccc-0123456789ab"),
        ("awskms:///arn:aws:kms:eu-west-1:111122223333:alias/a", "arn:aws:kms:eu-west-1:111122223333:alias/a"),
        ("awskms://kms.example.com:4566/alias/a", "alias/a"),
        ("awskms://[::1]:4566/alias/a", "alias/a"),
    ] {
        let reference = parse(text).unwrap();
        assert!(matches!(&reference, KeyRef::Kms(uri) if uri.key() == key), "{text}");
        assert_eq!(reference.to_string(), text);
    }
}

#[test]
fn what_cannot_be_used_is_refused_with_the_reason() {
    let table = [
        ("", "is no key's name"),
        ("Release", "is no key's name"),
        ("file:", "names no file"),
        ("file://host/key", "names no file of this machine"),
        ("aws-kms", "awskms:///KEY"),
        ("gcpkms://projects/a", "is of no kind that is known"),
        ("env://KEY", "is of no kind that is known"),
        ("awskms:", "is not awskms://"),
        ("awskms://", "is not awskms://"),
        ("awskms:///", "is not awskms://"),
        ("awskms://host", "is not awskms://"),
        ("awskms:///a?b", "is not awskms://"),
        ("awskms://user@host/a", "is not awskms://"),
        ("pkcs11:", "names no key in the token"),
        ("pkcs11:token=a", "names no key in the token"),
        ("pkcs11:object=a;object=b", "twice"),
        ("pkcs11:object=a;slot-id=x", "no number"),
        ("pkcs11:object=a;type=cert", "no key pair"),
        ("pkcs11:object=%ff", "UTF-8"),
        ("pkcs11:object=a;x-vendor=b", "not known"),
        ("pkcs11:object", "without `=`"),
        ("pkcs11:object=a?module-path=p11.so", "absolute path"),
        ("pkcs11:object=a?pin-source=pin", "absolute path"),
        ("pkcs11:object=a?pin-source=|cat /pin", "absolute path"),
    ];
    for (text, says) in table {
        let error = parse(text).unwrap_err();
        assert!(matches!(error, Error::BadKeyRef { .. }), "{text}: {error}");
        assert!(error.to_string().contains(says), "{text}: {error}");
    }
    for text in ["kms-hmac", "kms-hmac:key", "kms-hmac://prod/signing"] {
        let error = parse(text).unwrap_err();
        assert!(matches!(error, Error::HmacKey) && error.to_string().contains("nobody without the secret"), "{text}");
    }
}

#[test]
fn no_secret_is_shown() {
    for text in [
        "pkcs11:object=a?pin-value=9f3k",
        "pkcs11:object=a;pin-value=9f3k",
        "pkcs11:object=a&pin-value=9f3k",
        "pkcs11:object=a?pin-source=9f3k",
        "awskms://9f3k@host/key",
    ] {
        let error = parse(text).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("9f3k"), "{text}: {shown}");
    }
    let with = OpenWith {
        password: Password::new("9f3k"),
        pin: Some(Password::new("9f3k")),
        kms: KmsAccess {
            login: Some(crate::KmsLogin {
                access_key_id: "9f3k".to_owned(),
                secret_access_key: Password::new("9f3k"),
                session_token: Some(Password::new("9f3k")),
            }),
            ..KmsAccess::default()
        },
        ..OpenWith::default()
    };
    let shown = format!("{with:?} {:?}", with.kms.login);
    assert!(!shown.contains("9f3k"), "{shown}");
}

#[test]
fn names_and_files_open() {
    let folder = tempfile::tempdir().unwrap();
    let store = KeyStore::at(folder.path().join("keys"));
    let password = Password::new("open");
    let made = store.generate(&"release".parse().unwrap(), &password).unwrap();
    let with = OpenWith { store: Some(store.clone()), password, ..OpenWith::default() };
    let file = store.folder().join("release");
    for text in ["release".to_owned(), format!("{}.key", file.display()), format!("file:{}.key", file.display())] {
        let key = parse(&text).unwrap().open(&with).unwrap();
        assert_eq!((key.public(), key.is_development()), (&made.public, false), "{text}");
    }
    for text in ["release".to_owned(), format!("{}.pub", file.display())] {
        assert_eq!(parse(&text).unwrap().public(&with).unwrap(), made.public, "{text}");
    }
    let development = parse("deterministic").unwrap();
    assert!(development.open(&with).unwrap().is_development());
    assert_eq!(&development.public(&with).unwrap(), store.development().unwrap().public());
    let without = OpenWith::default();
    for text in ["release", "development"] {
        assert!(matches!(parse(text).unwrap().open(&without), Err(Error::BadKeyRef { .. })), "{text}");
    }
}

#[test]
fn case_125_a_key_that_is_missing_of_another_kind_or_revoked_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let store = KeyStore::at(folder.path().join("keys"));
    let with = OpenWith { store: Some(store.clone()), ..OpenWith::default() };
    store.import(&"other".parse().unwrap(), SigningKey::generate().unwrap().public(), Validity::default()).unwrap();
    let error = |text: &str| parse(text).unwrap().open(&with).unwrap_err();
    assert!(matches!(error("absent"), Error::NoSuchKey { .. }));
    assert!(matches!(error("other"), Error::NoSuchKey { .. }), "a public half alone");
    let absent = folder.path().join("absent.key").display().to_string();
    assert!(matches!(error(&absent), Error::Io { .. }));
    let public = store.folder().join("other.pub").display().to_string();
    assert!(matches!(error(&public), Error::ReadableByOthers { .. }));

    // A file elsewhere has no record beside it; that of the key folder counts for it too.
    let key = SigningKey::generate().unwrap();
    let file = folder.path().join("elsewhere.key");
    fs::write(&file, &*key.to_cosign_pem(&Password::default()).unwrap()).unwrap();
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let text = file.display().to_string();
    parse(&text).unwrap().open(&with).unwrap();
    store.revoke(&key.public().key_id().to_string(), "lost", time::OffsetDateTime::now_utc()).unwrap();
    assert!(matches!(error(&text), Error::KeyRevoked { .. }));
}
