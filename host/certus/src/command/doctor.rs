//! `certus doctor`: whether this machine has what a scan needs, and what its kernel adds to the sandbox.

use std::path::Path;
use std::process::Command;

use certus_catalog::Catalog;
use certus_checkout::Scratch;
use certus_sandbox::{Attempt, probe};
use certus_signing::KeyStore;

use crate::command::check::{Check, Found, report, sentence};
use crate::exit::Exit;
use crate::settings::Settings;

pub(crate) fn run(settings: &Settings) -> anyhow::Result<Exit> {
    let checks = [
        ("git", git(settings)),
        ("scratch folder", scratch(&settings.scratch)),
        ("plugin cache", sentence(settings.admission().map(|_| settings.cache.display().to_string()))),
        ("plugins", plugins(settings)),
        ("signing key", key(settings)),
    ];
    report(checks.into_iter().chain(kernel(settings)))
}

fn git(settings: &Settings) -> Found {
    let output = Command::new("git").arg("--version").env_clear().env("PATH", &settings.search_path).output();
    match output {
        Ok(output) if output.status.success() => {
            let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            Found::Good(said.strip_prefix("git version ").map_or(said.clone(), str::to_owned))
        }
        _ => Found::Weak(
            "is not there: directories and archives can be scanned, repositories cannot; install git".to_owned(),
        ),
    }
}

fn scratch(folder: &Path) -> Found {
    sentence(Scratch::open(folder).map(|_| folder.display().to_string()).map_err(Into::into))
}

fn plugins(settings: &Settings) -> Found {
    let catalog = settings.admission().and_then(|admission| Ok(Catalog::open(&settings.plugins, &[], &admission)?));
    match catalog {
        Err(error) => Found::Bad(format!("{error:#}")),
        Ok(catalog) if catalog.entries().is_empty() => Found::Weak(format!(
            "none in {}; install some there, or name them with --plugin",
            settings.plugins.display()
        )),
        Ok(catalog) => {
            let names: Vec<_> = catalog
                .entries()
                .iter()
                .map(|entry| {
                    format!("{} {}", entry.passport.manifest.plugin.id, entry.passport.manifest.plugin.version)
                })
                .collect();
            Found::Good(names.join(", "))
        }
    }
}

fn key(settings: &Settings) -> Found {
    match &settings.key {
        Some(key) => Found::Good(key.clone()),
        None => match KeyStore::at(&settings.keys).development() {
            Ok(_) => {
                Found::Weak("the development key of this machine; make yours with `certus keys generate`".to_owned())
            }
            Err(error) => Found::Bad(error.to_string()),
        },
    }
}

/// What the kernel holds workers to, as it said and as it was tried.
fn kernel(settings: &Settings) -> Vec<Check> {
    let probe = match probe(&settings.program) {
        Ok(probe) => probe,
        Err(error) => return vec![("confinement", Found::Bad(error.to_string()))],
    };
    let landlock = match probe.confinement.landlock {
        0 => Found::Weak(
            "not in this kernel (5.13 or newer): workers may open files, the sandbox alone keeps guests from it"
                .to_owned(),
        ),
        version @ 1..4 => Found::Weak(format!("version {version} of 7: files")),
        version @ 4..6 => Found::Weak(format!("version {version} of 7: files and TCP")),
        version => Found::Good(format!("version {version}: files, TCP, abstract sockets and signals")),
    };
    let seccomp = match probe.confinement.seccomp {
        true => Found::Good("sockets, programs and other processes are out of reach".to_owned()),
        false => Found::Weak("not in this kernel: the sandbox alone keeps guests from the network".to_owned()),
    };
    let list = |refused: bool| {
        let attempts = probe.attempts.iter().filter(move |a: &&Attempt| a.refused == refused);
        attempts.map(|a| a.what.as_str()).collect::<Vec<_>>().join(", ")
    };
    let tried = match (list(true), list(false)) {
        (refused, allowed) if refused.is_empty() => Found::Weak(format!("a worker can {allowed}")),
        (refused, allowed) => Found::Good(format!("a worker cannot {refused}; it can {allowed}")),
    };
    vec![("landlock", landlock), ("seccomp", seccomp), ("tried", tried)]
}
