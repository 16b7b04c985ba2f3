//! The image: its Dockerfile, and what it asks itself.

use std::process::Command;

use super::{deploy, output, read, root, said, validator};
use crate::support::home::Home;
use crate::support::service::Service;

#[test]
fn the_dockerfile_has_no_fault_that_a_linter_knows() {
    let Some(linter) = validator("hadolint", "the Dockerfile") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let lint = |text: &str| {
        let file = folder.path().join("Dockerfile");
        std::fs::write(&file, text).expect("a file");
        output(Command::new(&linter).args(["--no-color", "--failure-threshold", "style"]).arg(file))
    };
    let text = read(&root().join("host/Dockerfile"));
    let linted = lint(&text);
    assert!(linted.status.success(), "{}", said(&linted));
    // The check can fail.
    let wrong = lint(&text.replace("WORKDIR /var/lib/certus", "RUN cd /var/lib/certus"));
    assert!(!wrong.status.success(), "{}", said(&wrong));
}

#[test]
fn the_image_runs_as_nobody_and_is_built_on_what_is_named() {
    let text = read(&root().join("host/Dockerfile"));
    let lines = |word: &str| -> Vec<&str> { text.lines().filter_map(|line| line.strip_prefix(word)).collect() };
    assert_eq!(lines("USER "), ["65532:65532"]);
    assert_eq!(lines("ENTRYPOINT "), ["[\"certus\"]"]);
    for from in lines("FROM ") {
        assert!(from.starts_with("${"), "a base is an argument, so that it can be a digest: {from}");
    }
    let rust = read(&root().join("rust-toolchain.toml"));
    let channel = rust.lines().find_map(|line| line.strip_prefix("channel = ")).expect("a channel").trim_matches('"');
    assert!(text.contains(&format!("BUILD_IMAGE=rust:{channel}-")), "the compiler is {channel}");
    for (ignored, why) in [(".git", "history"), (".env", "settings"), ("/secrets", "secrets"), ("**/target", "builds")]
    {
        let ignores = read(&root().join(".dockerignore"));
        assert!(ignores.lines().any(|line| line == ignored), "{why} may end up in a layer");
    }
}

#[test]
fn the_image_can_tell_whether_its_service_is_well() {
    let home = Home::new();
    let service = Service::start(&home, &[]);
    let probe = |listen: &str, path: &str| {
        let mut command = Command::new(deploy().join("docker/probe"));
        output(command.arg(path).env_clear().env("PATH", "/usr/bin:/bin").env("CERTUS_ASSURANCE_LISTEN", listen))
    };
    let (_, port) = service.address().rsplit_once(':').expect("a port");
    let listen = format!("0.0.0.0:{port}");
    for path in ["/livez", "/readyz"] {
        let well = probe(&listen, path);
        assert!(well.status.success(), "{path}: {}", said(&well));
    }
    assert!(!probe(&listen, "/nothing").status.success(), "404 is no sign of health");
    drop(service);
    assert!(!probe(&listen, "/livez").status.success(), "nobody is there");
}
