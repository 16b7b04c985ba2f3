use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use p256::ecdsa::signature::hazmat::PrehashSigner as _;
use p256::pkcs8::EncodePublicKey as _;
use serde_json::{Value, json};

use super::*;
use crate::{Envelope, KeyRef, KeySet, OpenWith};

/// A stand-in for KMS on this machine.
struct Kms {
    address: String,
    behaviour: Arc<Behaviour>,
}

struct Behaviour {
    key: p256::ecdsa::SigningKey,
    conduct: Conduct,
    asked: AtomicU32,
}

enum Conduct {
    Honest,
    /// Takes the digest for what is to be hashed, as some stand-ins do.
    HashesAgain,
    /// Says no to both questions.
    Refuses(u16, &'static str),
    /// Shows its key and refuses to sign.
    RefusesToSign(u16, &'static str),
    /// Has trouble with so many questions first.
    Recovers(u32),
    /// Has a key of that kind and for that use.
    OtherKey(&'static str, &'static str),
    /// Shows a public key that is none.
    Garbled,
}

impl Kms {
    fn new(conduct: Conduct) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let key = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
        let behaviour = Arc::new(Behaviour { key, conduct, asked: AtomicU32::new(0) });
        let shared = behaviour.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let behaviour = shared.clone();
                thread::spawn(move || behaviour.serve(stream.unwrap()));
            }
        });
        Self { address, behaviour }
    }

    fn with(&self) -> OpenWith {
        let login = KmsLogin {
            access_key_id: "tester".to_owned(),
            secret_access_key: Password::new("9f3k"),
            session_token: None,
        };
        let kms = KmsAccess {
            login: Some(login),
            region: Some("eu-west-1".to_owned()),
            endpoint: Some(self.address.clone()),
            authorities: None,
        };
        OpenWith { kms, ..OpenWith::default() }
    }

    fn open(&self) -> Result<SigningKey, Error> {
        reference().open(&self.with())
    }

    fn asked(&self) -> u32 {
        self.behaviour.asked.load(Ordering::SeqCst)
    }
}

fn reference() -> KeyRef {
    "awskms:///alias/release".parse().unwrap()
}

impl Behaviour {
    /// Answers one connection, as many questions as it brings.
    fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream);
        loop {
            let (mut operation, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap_or(0) == 0 {
                    return;
                }
                let line = line.trim_end().to_ascii_lowercase();
                match line.split_once(": ") {
                    Some(("x-amz-target", target)) => operation = target.to_owned(),
                    Some(("content-length", bytes)) => length = bytes.parse().unwrap(),
                    _ if line.is_empty() => break,
                    _ => {}
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let (status, answer) = self.answer(&operation, &serde_json::from_slice(&body).unwrap());
            let answer = answer.to_string();
            let head = "content-type: application/x-amz-json-1.1";
            let length = answer.len();
            let text = format!("HTTP/1.1 {status} X\r\n{head}\r\ncontent-length: {length}\r\n\r\n{answer}");
            if reader.get_mut().write_all(text.as_bytes()).is_err() {
                return;
            }
        }
    }

    fn answer(&self, operation: &str, question: &Value) -> (u16, Value) {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        assert_eq!(question["KeyId"], "alias/release");
        let signs = operation == "trentservice.sign";
        let no = |status, code: &str| (status, json!({ "__type": code, "message": "9f3k" }));
        match self.conduct {
            Conduct::Refuses(status, code) => return no(status, code),
            Conduct::RefusesToSign(status, code) if signs => return no(status, code),
            Conduct::Recovers(times) if asked < times => return no(500, "KMSInternalException"),
            _ => {}
        }
        if !signs {
            assert_eq!(operation, "trentservice.getpublickey");
            let (spec, usage) = match self.conduct {
                Conduct::OtherKey(spec, usage) => (spec, usage),
                _ => ("ECC_NIST_P256", "SIGN_VERIFY"),
            };
            let mut spki = self.key.verifying_key().to_public_key_der().unwrap().into_vec();
            if matches!(self.conduct, Conduct::Garbled) {
                spki[60] ^= 1;
            }
            return (200, json!({ "PublicKey": BASE64.encode(spki), "KeySpec": spec, "KeyUsage": usage }));
        }
        assert_eq!(
            (&question["MessageType"], &question["SigningAlgorithm"]),
            (&json!("DIGEST"), &json!("ECDSA_SHA_256"))
        );
        let digest = BASE64.decode(question["Message"].as_str().unwrap()).unwrap();
        assert_eq!(digest.len(), 32);
        let digest = match self.conduct {
            Conduct::HashesAgain => Sha256::of(&digest).as_bytes().to_vec(),
            _ => digest,
        };
        let signature: p256::ecdsa::Signature = self.key.sign_prehash(&digest).unwrap();
        (200, json!({ "Signature": BASE64.encode(signature.to_der()) }))
    }
}

#[test]
fn kms_signs_digests_of_any_length() {
    let kms = Kms::new(Conduct::Honest);
    let key = kms.open().unwrap();
    assert_eq!(reference().public(&kms.with()).unwrap(), *key.public());
    let keys = KeySet::from_iter([key.public().clone()]);
    // KMS itself takes 4,096 bytes at most.
    for length in [0, 1, 5_000] {
        Envelope::sign("application/x", vec![1; length], &key).unwrap().verify(&keys).unwrap();
    }
    assert_eq!(kms.asked(), 2 + 3, "the public half is asked for once a key");
    assert!(matches!(key.to_cosign_pem(&Password::default()), Err(Error::NotExportable)));
}

#[test]
fn kms_signs_wherever_it_is_called_from() {
    let kms = Kms::new(Conduct::Honest);
    let plain = kms.open().unwrap();
    plain.sign(b"x").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let with = kms.with();
        let key = tokio::task::spawn_blocking(move || reference().open(&with).unwrap()).await.unwrap();
        let key = Arc::new(key);
        let shared = key.clone();
        tokio::task::spawn_blocking(move || shared.sign(b"x").unwrap()).await.unwrap();
        // Not to be done, as it holds up the runtime; but it does no worse, and neither does the end of the key.
        key.sign(b"x").unwrap();
        drop(key);
    });
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| plain.sign(b"x").unwrap());
        }
    });
}

#[test]
fn a_signature_over_something_else_is_not_used() {
    let kms = Kms::new(Conduct::HashesAgain);
    let key = kms.open().unwrap();
    let error = key.sign(b"x").unwrap_err();
    assert!(matches!(error, Error::FaultySigner(id) if id == key.public().key_id()), "{error}");
    assert!(Envelope::sign("application/x", b"x".to_vec(), &key).is_err());
}

#[test]
fn trouble_that_passes_is_not_noticed() {
    let kms = Kms::new(Conduct::Recovers(2));
    kms.open().unwrap().sign(b"x").unwrap();
    assert_eq!(kms.asked(), 2 + 1 + 1);
    let kms = Kms::new(Conduct::Recovers(1_000));
    assert!(matches!(kms.open(), Err(Error::KeyHolder { .. })));
    assert_eq!(kms.asked(), 3, "and it is given up");
}

#[test]
fn case_125_what_kms_refuses_is_refused_by_name() {
    type Is = fn(&Error) -> bool;
    let denied: Is = |error| matches!(error, Error::KeyDenied { .. });
    let missing: Is = |error| matches!(error, Error::KeyMissing { .. });
    let kind: Is = |error| matches!(error, Error::KeyKind(_));
    let other: Is = |error| matches!(error, Error::KeyHolder { .. });
    let table = [
        (400, "AccessDeniedException", denied),
        (400, "UnrecognizedClientException", denied),
        (400, "ExpiredTokenException", denied),
        (400, "NotFoundException", missing),
        (400, "InvalidKeyUsageException", kind),
        (400, "UnsupportedOperationException", kind),
        (400, "DisabledException", other),
        (400, "KMSInvalidStateException", other),
    ];
    for (status, code, is) in table {
        let error = Kms::new(Conduct::Refuses(status, code)).open().unwrap_err();
        assert!(is(&error), "{code}: {error}");
        assert!(error.to_string().contains("awskms:///alias/release"), "{code}: {error}");
        assert!(!format!("{error:?}").contains("9f3k"), "{code}: {error:?}");
        let key = Kms::new(Conduct::RefusesToSign(status, code)).open().unwrap();
        let error = key.sign(b"x").unwrap_err();
        assert!(is(&error), "{code}, signing: {error}");
    }
    for (spec, usage) in
        [("ECC_NIST_P384", "SIGN_VERIFY"), ("RSA_2048", "SIGN_VERIFY"), ("ECC_NIST_P256", "KEY_AGREEMENT")]
    {
        let error = Kms::new(Conduct::OtherKey(spec, usage)).open().unwrap_err();
        assert!(kind(&error), "{spec} {usage}: {error}");
    }
    assert!(kind(&Kms::new(Conduct::Garbled).open().unwrap_err()));
}

#[test]
fn case_125_a_service_that_is_not_there_is_named() {
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let kms = Kms::new(Conduct::Honest);
    let mut with = kms.with();
    with.kms.endpoint = Some(format!("http://{address}"));
    let error = reference().open(&with).unwrap_err();
    assert!(matches!(error, Error::KmsAway { .. }), "{error}");
    // An endpoint in the reference is asked by TLS, which the stand-in does not speak.
    let host = kms.address.strip_prefix("http://").unwrap();
    let error = format!("awskms://{host}/alias/release").parse::<KeyRef>().unwrap().open(&kms.with()).unwrap_err();
    assert!(matches!(error, Error::KmsAway { .. }), "{error}");
    kms.open().unwrap();
}

#[test]
fn what_is_needed_to_ask_is_named() {
    let kms = Kms::new(Conduct::Honest);
    let open = |change: fn(&mut KmsAccess), text: &str| {
        let mut with = kms.with();
        change(&mut with.kms);
        text.parse::<KeyRef>().unwrap().open(&with)
    };
    let lacks = |change: fn(&mut KmsAccess), what: &str| {
        let error = open(change, "awskms:///alias/release").unwrap_err();
        assert!(matches!(error, Error::KeyNeeds { .. }) && error.to_string().contains(what), "{error}");
    };
    lacks(|access| access.login = None, "AWS_ACCESS_KEY_ID");
    lacks(|access| access.region = None, "AWS_REGION");
    let uri: KmsUri = "awskms:///arn:aws:kms:eu-west-3:111122223333:alias/release".parse().unwrap();
    assert_eq!(uri.region(), Some("eu-west-3"), "an ARN names its region");
    open(|_| {}, "awskms:///alias/release").unwrap();
}
