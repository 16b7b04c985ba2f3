//! The systemd units, checked by systemd itself, and their filter of system calls against a real scan.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{deploy, output, read, said, system};
use crate::support::home::Home;

const UNITS: [&str; 2] = ["certus.service", "certus-worker.service"];

/// What `systemd-analyze security` may count at most, of 10; certus.service has 1.2.
const EXPOSURE: &str = "15";

fn unit(name: &str) -> String {
    read(&deploy().join("systemd").join(name))
}

/// The unit in a folder of its own, for this build of the program.
fn installed(folder: &Path, name: &str, text: &str) -> PathBuf {
    let file = folder.join(name);
    std::fs::write(&file, text.replace("/usr/bin/certus", env!("CARGO_BIN_EXE_certus"))).expect("a file");
    file
}

/// The values of a setting of a unit.
fn values<'u>(unit: &'u str, name: &str) -> Vec<&'u str> {
    unit.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('=')).collect()
}

#[test]
fn systemd_takes_the_units_and_finds_them_hardened() {
    let Some(analyze) = system("systemd-analyze", "the units") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let verify = |file: &Path| output(Command::new(&analyze).args(["verify", "--man=no"]).arg(file));
    let exposure = |file: &Path| {
        let options = ["security", "--offline=true", "--no-pager", "--threshold", EXPOSURE];
        output(Command::new(&analyze).args(options).arg(file))
    };
    for name in UNITS {
        let file = installed(folder.path(), name, &unit(name));
        let (verified, exposed) = (verify(&file), exposure(&file));
        assert!(verified.status.success() && said(&verified).is_empty(), "{name}: {}", said(&verified));
        assert!(exposed.status.success(), "{name}: {}", said(&exposed));
        // The checks can fail.
        let soft = unit(name).replace("NoNewPrivileges=true", "").replace("CapabilityBoundingSet=\n", "");
        assert!(!exposure(&installed(folder.path(), "soft.service", &soft)).status.success(), "{name}");
        let wrong = unit(name).replace("ProtectSystem=", "ProtectSystems=");
        assert!(!said(&verify(&installed(folder.path(), "wrong.service", &wrong))).is_empty(), "{name}");
    }
}

#[test]
fn both_units_are_hardened_alike_and_wait_for_scans() {
    let hardening = |name: &str| {
        let text = unit(name);
        text.split_once("\n# What the process has no use for.").expect("that part").1.to_owned()
    };
    assert_eq!(hardening(UNITS[0]), hardening(UNITS[1]));
    for name in UNITS {
        let text = unit(name);
        let environment = values(&text, "Environment");
        let drain = environment.iter().find_map(|line| line.strip_prefix("CERTUS_DRAIN_SECONDS=")).expect("a drain");
        let stop = values(&text, "TimeoutStopSec");
        assert!(stop[0].parse::<u32>().unwrap() > drain.parse().unwrap(), "{name}");
        assert_eq!(values(&text, "Type"), ["exec"], "{name}: the program tells systemd nothing");
        for credential in values(&text, "LoadCredential") {
            let (name, _) = credential.split_once(':').expect("NAME:PATH");
            assert!(environment.iter().any(|line| line.ends_with(&format!("_FILE=%d/{name}"))), "{credential} is used");
        }
        assert!(!environment.iter().any(|line| line.starts_with("COSIGN_PASSWORD=")), "{name}: a secret is a file");
    }
}

/// The names in a group of system calls, as this systemd knows it, and in the groups within it.
fn group(analyze: &Path, name: &str) -> BTreeSet<String> {
    let listed = output(Command::new(analyze).args(["syscall-filter", "--no-pager", name]));
    assert!(listed.status.success(), "{name}: {}", said(&listed));
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    let mut calls = BTreeSet::new();
    for word in text.lines().filter_map(|line| line.strip_prefix("    ")).filter(|line| !line.starts_with('#')) {
        match word.starts_with('@') {
            true => calls.extend(group(analyze, word)),
            false => calls.extend([word.to_owned()]),
        }
    }
    calls
}

/// What a unit's filter lets through.
fn permitted(analyze: &Path, unit: &str) -> BTreeSet<String> {
    // systemd itself adds what every program needs.
    let mut calls = group(analyze, "@default");
    for line in values(unit, "SystemCallFilter") {
        let (forbids, line) = line.strip_prefix('~').map_or((false, line), |line| (true, line));
        for word in line.split_whitespace() {
            let named = if word.starts_with('@') { group(analyze, word) } else { BTreeSet::from([word.to_owned()]) };
            match forbids {
                true => calls.retain(|call| !named.contains(call)),
                false => calls.extend(named),
            }
        }
    }
    calls
}

#[test]
fn a_scan_makes_no_call_that_the_units_forbid() {
    let (Some(analyze), Some(strace)) = (system("systemd-analyze", "the units"), system("strace", "the units")) else {
        return;
    };
    let home = Home::new();
    let repository = home.repository("source", &[("a.txt", b"nothing\n"), ("b/LICENSE", b"MIT License\n")]);
    let trace = home.path("trace");
    let certus = home.command();
    let mut command = Command::new(strace);
    command.args(["--follow-forks", "--quiet=all", "--output"]).arg(&trace).arg(certus.get_program());
    command.args(["scan", repository.to_str().unwrap(), "--profile", "standard", "--out", "out"]);
    command
        .env_clear()
        .envs(certus.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .current_dir(home.path(""));
    let scanned = output(&mut command);
    assert_ne!(scanned.status.code(), Some(1), "{}", said(&scanned));
    let text = String::from_utf8_lossy(&std::fs::read(&trace).expect("a trace")).into_owned();
    let made: BTreeSet<&str> = text
        .lines()
        // What a confined child was refused by its own filter is none of the unit's business.
        .filter(|line| !line.contains(" = -1 EPERM") && !line.contains(" = -1 ENOSYS"))
        .filter_map(|line| line.split_once(' ')?.1.trim_start().split_once('('))
        .map(|(call, _)| call)
        .filter(|call| call.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'))
        .collect();
    for call in ["landlock_restrict_self", "seccomp", "execve", "prctl"] {
        assert!(made.contains(call), "the trace is of a confined scan of a repository: no {call}");
    }
    for name in UNITS {
        let permitted = permitted(&analyze, &unit(name));
        let refused: Vec<_> = made.iter().filter(|call| !permitted.contains(**call)).collect();
        assert!(refused.is_empty(), "{name} forbids {refused:?}");
        for call in ["mount", "bpf", "kexec_load", "init_module", "reboot", "chroot"] {
            assert!(!permitted.contains(call), "{name} permits {call}");
        }
    }
}
