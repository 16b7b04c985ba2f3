//! A SoftHSM token of a home's own.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::home::Home;

const MODULES: [&str; 3] =
    ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so"];
const PIN: &str = "98-76";

/// Makes a token `certus` of the keys that are named; the settings of a process that uses it. None, said once, where
/// SoftHSM or openssl is not installed. The private half of each lies in `NAME.pem` of the home too.
pub(crate) fn holding(home: &Home, names: &[&str]) -> Option<Vec<(&'static str, String)>> {
    let module = MODULES.iter().find(|module| Path::new(module).is_file());
    let installed = ["softhsm2-util", "openssl"].iter().all(|program| {
        let arguments = if *program == "openssl" { ["version"] } else { ["--version"] };
        Command::new(program).args(arguments).output().is_ok()
    });
    let (Some(module), true) = (module, installed) else {
        println!("skipped: there is no SoftHSM or no openssl here");
        return None;
    };
    let tokens = home.path("tokens");
    std::fs::create_dir_all(&tokens).expect("a folder");
    let settings = home
        .write("softhsm2.conf", format!("directories.tokendir = {}\nobjectstore.backend = file\n", tokens.display()));
    let run = |program: &str, arguments: &[&str]| -> Output {
        let mut command = Command::new(program);
        let done = command.args(arguments).env("SOFTHSM2_CONF", &settings).current_dir(home.path("")).output();
        let done = done.expect("it runs");
        assert!(done.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        done
    };
    run("softhsm2-util", &["--init-token", "--free", "--label", "certus", "--so-pin", PIN, "--pin", PIN]);
    for (at, name) in names.iter().enumerate() {
        let (file, id) = (format!("{name}.pem"), format!("0{at}"));
        run("openssl", &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", &file]);
        let import = ["--import", &file, "--token", "certus", "--pin", PIN, "--label", name, "--id", &id];
        run("softhsm2-util", &import);
    }
    Some(vec![
        ("SOFTHSM2_CONF", settings.display().to_string()),
        ("CERTUS_PKCS11_MODULE", (*module).to_owned()),
        ("CERTUS_PKCS11_PIN", PIN.to_owned()),
    ])
}

/// A detached signature over a file, made with a key of [`holding`]; base64, as cosign writes it.
pub(crate) fn sign_blob(home: &Home, name: &str, bytes: &[u8]) -> String {
    use base64::Engine as _;
    let file = home.write("to-sign", bytes);
    let mut openssl = Command::new("openssl");
    openssl.args(["dgst", "-sha256", "-sign", &format!("{name}.pem")]).arg(file).current_dir(home.path(""));
    let signed = openssl.output().expect("openssl runs");
    assert!(signed.status.success(), "{}", String::from_utf8_lossy(&signed.stderr));
    base64::engine::general_purpose::STANDARD.encode(signed.stdout)
}
