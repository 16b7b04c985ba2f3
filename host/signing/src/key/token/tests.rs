//! With SoftHSM, whose settings are a process's own: each test runs once more in a process with a folder of tokens.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use cryptoki::context::{CInitializeArgs, CInitializeFlags};

use super::*;
use crate::{Envelope, KeyRef, KeySet, Password};

const MODULES: [&str; 3] =
    ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so"];
/// Tells the second process where its tokens are.
const FOLDER: &str = "CERTUS_TEST_TOKENS";
const PIN: &str = "98-76";

/// A folder of tokens, in a process that knows of it.
struct Tokens {
    folder: PathBuf,
    module: PathBuf,
}

/// Runs `test` in a process of its own; `name` is that of the test.
fn with_tokens(name: &str, test: impl FnOnce(&Tokens)) {
    let Some(module) = MODULES.iter().map(PathBuf::from).find(|path| path.is_file()) else {
        println!("skipped: there is no SoftHSM here");
        return;
    };
    if Command::new("softhsm2-util").arg("--version").output().is_err() {
        println!("skipped: there is no softhsm2-util here");
        return;
    }
    #[expect(clippy::disallowed_methods, reason = "the settings of SoftHSM are the process's")]
    if let Some(folder) = std::env::var_os(FOLDER) {
        return test(&Tokens { folder: folder.into(), module });
    }
    let folder = tempfile::tempdir().unwrap();
    let (settings, tokens) = (folder.path().join("softhsm2.conf"), folder.path().join("tokens"));
    fs::create_dir(&tokens).unwrap();
    fs::write(&settings, format!("directories.tokendir = {}\nobjectstore.backend = file\n", tokens.display())).unwrap();
    let module = module_path!().split_once("::").unwrap().1;
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("{module}::{name}"), "--nocapture"])
        .env("SOFTHSM2_CONF", settings)
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

impl Tokens {
    /// Makes a token.
    fn make(&self, label: &str) {
        let arguments = ["--init-token", "--free", "--label", label, "--so-pin", PIN, "--pin", PIN];
        let output = Command::new("softhsm2-util").args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        // Tokens that came since the module began are seen by a module that begins anew.
        self.begin_anew();
    }

    /// What a module does that lost its device: every session is void.
    fn begin_anew(&self) {
        let context = Module::load(&self.module).unwrap().context.clone();
        context.clone().finalize().unwrap();
        context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    }

    /// Makes a key pair in a token.
    fn key(&self, token: &str, kind: &Mechanism, form: Attribute, label: &str, id: u8) {
        let uri: TokenUri = format!("pkcs11:token={token};object={label}").parse().unwrap();
        let door = Door::new(&uri, &self.with(PIN)).unwrap();
        let slot = door.slot().unwrap();
        let session = door.module.context.open_rw_session(slot).unwrap();
        door.module.log_in(&session, slot, door.pin.as_ref().unwrap()).unwrap();
        let names = [Attribute::Token(true), Attribute::Label(label.into()), Attribute::Id(vec![id])];
        let public = [&names[..], &[Attribute::Private(false), form]].concat();
        let private = [&names[..], &[Attribute::Private(true), Attribute::Sensitive(true)]].concat();
        session.generate_key_pair(kind, &public, &private).unwrap();
        session.logout().unwrap();
    }

    fn p256(&self, token: &str, label: &str, id: u8) {
        self.key(token, &Mechanism::EccKeyPairGen, Attribute::EcParams(form::P256.to_vec()), label, id);
    }

    fn with(&self, pin: &str) -> OpenWith {
        let pin = Some(Password::new(pin)).filter(|pin| !pin.is_empty());
        OpenWith { pin, pkcs11_module: Some(self.module.clone()), ..OpenWith::default() }
    }

    fn open(&self, reference: &str) -> Result<SigningKey, Error> {
        self.open_with(reference, PIN)
    }

    fn open_with(&self, reference: &str, pin: &str) -> Result<SigningKey, Error> {
        reference.parse::<KeyRef>().unwrap().open(&self.with(pin))
    }

    fn pin_file(&self, text: &str) -> PathBuf {
        let file = self.folder.join("pin");
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        file
    }
}

#[test]
fn a_token_signs_what_everybody_can_verify() {
    with_tokens("a_token_signs_what_everybody_can_verify", |tokens| {
        tokens.make("with space");
        tokens.p256("with space", "signing", 1);
        tokens.p256("with space", "other", 2);
        let pin = tokens.pin_file(&format!("{PIN}\n"));
        let file = format!("?module-path={}&pin-source=file:{}", tokens.module.display(), pin.display());
        let table = [
            ("pkcs11:token=with%20space;object=signing", PIN),
            ("pkcs11:id=%01", PIN),
            ("pkcs11:object=signing;id=%01;type=private;manufacturer=SoftHSM%20project", PIN),
            (&format!("pkcs11:token=with%20space;object=signing{file}"), ""),
            (&format!("pkcs11:token=with%20space;object=signing{file}"), "another"),
        ];
        let first = tokens.open(table[0].0).unwrap();
        let keys = KeySet::from_iter([first.public().clone()]);
        for (reference, pin) in table {
            let key = tokens.open_with(reference, pin).unwrap();
            assert_eq!(key.public(), first.public(), "{reference}");
            // Often enough that halves with a leading zero or a high bit occur.
            for number in 0..40_u8 {
                Envelope::sign("application/x", vec![number], &key).unwrap().verify(&keys).unwrap();
            }
            // A verifier needs no PIN.
            let public = reference.parse::<KeyRef>().unwrap().public(&tokens.with("")).unwrap();
            assert_eq!(&public, first.public(), "{reference}");
        }
        assert_ne!(tokens.open("pkcs11:object=other").unwrap().public(), first.public());
        assert!(matches!(first.to_cosign_pem(&Password::default()), Err(Error::NotExportable)));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..20).for_each(|_| drop(first.sign(b"x").unwrap())));
            }
        });
    });
}

#[test]
fn case_125_a_token_without_the_key_with_another_kind_or_a_wrong_pin_is_refused_by_name() {
    with_tokens("case_125_a_token_without_the_key_with_another_kind_or_a_wrong_pin_is_refused_by_name", |tokens| {
        // P-384, and the RSA that signs too.
        let p384 = vec![0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];
        tokens.make("a");
        tokens.key("a", &Mechanism::EccKeyPairGen, Attribute::EcParams(p384), "p384", 1);
        tokens.key("a", &Mechanism::RsaPkcsKeyPairGen, Attribute::ModulusBits(2048.into()), "rsa", 2);
        tokens.p256("a", "twice", 3);
        tokens.p256("a", "twice", 4);
        let error = |reference: &str| tokens.open(reference).unwrap_err();
        assert!(matches!(error("pkcs11:object=p384"), Error::KeyKind(_)));
        assert!(matches!(error("pkcs11:object=rsa"), Error::KeyKind(_)));
        assert!(matches!(error("pkcs11:object=absent"), Error::KeyMissing { .. }));
        assert!(matches!(error("pkcs11:id=%09"), Error::KeyMissing { .. }));
        assert!(matches!(error("pkcs11:token=absent;object=twice"), Error::TokenAway(_)));
        assert!(matches!(error("pkcs11:slot-id=77;object=twice"), Error::TokenAway(_)));
        assert!(matches!(error("pkcs11:object=twice"), Error::KeyAmbiguous { .. }));
        tokens.open("pkcs11:object=twice;id=%03").unwrap();
        // What the token does not show is not made up.
        tokens.p256("a", "half", 5);
        let half: TokenUri = "pkcs11:token=a;object=half".parse().unwrap();
        tokens.open("pkcs11:object=half").unwrap();
        let door = Door::new(&half, &tokens.with(PIN)).unwrap();
        let session = door.module.context.open_rw_session(door.slot().unwrap()).unwrap();
        session.destroy_object(door.find(&session, ObjectClass::PUBLIC_KEY).unwrap().unwrap()).unwrap();
        assert!(matches!(error("pkcs11:object=half"), Error::KeyHolder { .. }));

        tokens.make("b");
        assert!(matches!(error("pkcs11:object=twice;id=%03"), Error::KeyAmbiguous { .. }), "two tokens");
        tokens.open("pkcs11:token=a;object=twice;id=%03").unwrap();

        let reference = "pkcs11:token=a;object=twice;id=%03";
        let open = tokens.open(reference).unwrap();
        let wrong = tokens.open_with(reference, "98-77").unwrap_err();
        assert!(matches!(wrong, Error::WrongPin(_)), "also where the token is open with the right one: {wrong}");
        open.sign(b"x").unwrap();
        tokens.begin_anew();
        let wrong = tokens.open_with(reference, "98-77").unwrap_err();
        assert!(matches!(wrong, Error::WrongPin(_)), "{wrong}");
        assert!(!format!("{wrong} {wrong:?}").contains("98-77"));
        assert!(matches!(tokens.open_with(reference, ""), Err(Error::KeyNeeds { .. })));
        tokens.open(reference).unwrap();

        let shared = tokens.pin_file(PIN);
        let by_file = format!("{reference}?pin-source={}", shared.display());
        tokens.open_with(&by_file, "").unwrap();
        fs::set_permissions(&shared, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(tokens.open_with(&by_file, ""), Err(Error::ReadableByOthers { .. })));

        for module in ["/nonexistent/p11.so", "/etc/passwd"] {
            let error = tokens.open(&format!("{reference}?module-path={module}")).unwrap_err();
            assert!(matches!(error, Error::TokenModule { .. }), "{module}: {error}");
        }
        let none = OpenWith { pin: Some(Password::new(PIN)), ..OpenWith::default() };
        assert!(matches!(reference.parse::<KeyRef>().unwrap().open(&none), Err(Error::KeyNeeds { .. })));
    });
}

#[test]
fn a_token_that_was_away_signs_again() {
    with_tokens("a_token_that_was_away_signs_again", |tokens| {
        tokens.make("a");
        tokens.p256("a", "signing", 1);
        let key = tokens.open("pkcs11:token=a;object=signing").unwrap();
        key.sign(b"x").unwrap();
        tokens.begin_anew();
        key.sign(b"every session is void").unwrap();
        let door = Door::new(&"pkcs11:token=a;object=signing".parse().unwrap(), &tokens.with("")).unwrap();
        door.session().unwrap().logout().unwrap();
        key.sign(b"logged out").unwrap();

        // Pulled for good, then plugged in again.
        let (there, away) = (tokens.folder.join("tokens"), tokens.folder.join("away"));
        move_all(&there, &away);
        tokens.begin_anew();
        assert!(matches!(key.sign(b"x"), Err(Error::TokenAway(_))));
        move_all(&away, &there);
        tokens.begin_anew();
        key.sign(b"x").unwrap();

        // Another token with that name holds another key: what it signs is not used.
        move_all(&there, &away);
        tokens.make("a");
        tokens.p256("a", "signing", 1);
        tokens.begin_anew();
        assert!(matches!(key.sign(b"x"), Err(Error::FaultySigner(id)) if id == key.public().key_id()));
    });
}

fn move_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::rename(entry.path(), to.join(entry.file_name())).unwrap();
    }
}
