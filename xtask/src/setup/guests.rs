use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::debian;
use crate::project::{Project, answer, is_there, say};

/// What plugins are compiled for: plain ones, and those that run on WASI.
const TARGETS: [&str; 2] = ["wasm32-unknown-unknown", "wasm32-wasip1"];

/// What `certus plugin build` needs where rustup cannot add the targets: a compiler, the source of
/// its standard library, the C library for WASI, each with the file that shows it is there.
const PACKAGES: [(&str, &str); 3] = [
    ("rustc-web", "/usr/bin/rustc"),
    ("rust-web-src", "/usr/lib/rustlib/src/rust/library/std/Cargo.toml"),
    ("wasi-libc", "/usr/lib/wasm32-wasi/libc.a"),
];

/// A target is some twenty megabytes.
const RUSTUP_DEADLINE: Duration = Duration::from_secs(120);

/// Sees to it that plugins compile here: by rustup's targets, else from Debian's source.
pub(super) fn install(project: &Project) -> Result<()> {
    let missing = missing_targets(project)?;
    if missing.is_empty() {
        say("setup: the WebAssembly targets are there");
        return Ok(());
    }
    let packages: Vec<&str> =
        PACKAGES.into_iter().filter(|(_, file)| !Path::new(file).exists()).map(|(name, _)| name).collect();
    if packages.is_empty() {
        say("setup: plugins build with Debian's compiler and library source");
        return Ok(());
    }
    if is_there("rustup") && rustup_adds(project, &missing)? {
        say(&format!("setup: rustup added {}", missing.join(" and ")));
        return Ok(());
    }
    if debian::can_install(project) {
        return debian::install(project, &packages);
    }
    bail!(
        "nothing here compiles plugins; run `rustup target add {}`, or on Debian, as root, `apt-get install {}`",
        missing.join(" "),
        packages.join(" ")
    )
}

/// The targets that the compiler has no standard library for.
fn missing_targets(project: &Project) -> Result<Vec<&'static str>> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let sysroot = answer(project.command(rustc).args(["--print", "sysroot"])).context("rustc does not start")?;
    let libraries = Path::new(&sysroot).join("lib/rustlib");
    Ok(TARGETS.into_iter().filter(|target| !libraries.join(target).join("lib").is_dir()).collect())
}

/// Whether rustup could add `targets` before the deadline. Where it cannot reach its server that is
/// no fault: there is another way.
fn rustup_adds(project: &Project, targets: &[&str]) -> Result<bool> {
    say(&format!("setup: asking rustup for {}", targets.join(" and ")));
    let mut command = project.command("rustup");
    command.args(["target", "add"]).args(targets).stdout(Stdio::null()).stderr(Stdio::null());
    let mut rustup = command.spawn().context("rustup does not start")?;
    let start = Instant::now();
    while start.elapsed() < RUSTUP_DEADLINE {
        if let Some(status) = rustup.try_wait()? {
            return Ok(status.success() && missing_targets(project)?.is_empty());
        }
        thread::sleep(Duration::from_millis(100));
    }
    rustup.kill()?;
    rustup.wait()?;
    Ok(false)
}
