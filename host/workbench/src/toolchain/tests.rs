use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

/// A machine in a folder: compilers that only know their sysroot.
struct Machine {
    root: tempfile::TempDir,
    tools: Tools,
}

impl Machine {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let rustc = |name: &str| {
            let sysroot = root.path().join(name);
            fs::create_dir_all(sysroot.join("lib/rustlib/host/bin")).unwrap();
            let program = sysroot.join("rustc");
            fs::write(&program, format!("#!/bin/sh\necho '{}'\n", sysroot.display())).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
            program
        };
        let tools = Tools {
            cargo: "cargo".into(),
            rustc: rustc("own"),
            distribution_rustc: rustc("distribution"),
            distribution_libc: root.path().join("libc"),
            cargo_home: None,
            search_path: OsString::new(),
        };
        Self { root, tools }
    }

    fn with(self, file: &str) -> Self {
        let path = self.root.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
        self
    }

    fn find(&self, target: Target) -> Result<Toolchain, Error> {
        Toolchain::find(&self.tools, target, self.root.path())
    }
}

const SOURCE: &str = "distribution/lib/rustlib/src/rust/library/std/Cargo.toml";
const LINKER: &str = "own/lib/rustlib/host/bin/rust-lld";

#[test]
fn an_installed_target_comes_first() {
    let machine =
        Machine::new().with(SOURCE).with(LINKER).with("own/lib/rustlib/wasm32-unknown-unknown/lib/libstd.rlib");
    assert_eq!(machine.find(Target::Plain).unwrap(), Toolchain::Installed);
    assert!(machine.find(Target::Wasi).is_err(), "one target is not the other");
}

#[test]
fn otherwise_the_library_is_built_from_source() {
    let machine = Machine::new().with(SOURCE).with(LINKER).with("libc/libc.a");
    for (target, libc) in [(Target::Plain, None), (Target::Wasi, Some(machine.root.path().join("libc")))] {
        let expected = Toolchain::BuildStd {
            rustc: machine.tools.distribution_rustc.clone(),
            source: machine.root.path().join("distribution/lib/rustlib/src/rust"),
            linker: machine.root.path().join("own/lib/rustlib/host/bin"),
            libc,
        };
        assert_eq!(machine.find(target).unwrap(), expected, "{target}");
    }
}

#[test]
fn what_is_missing_is_named_with_both_ways_to_get_it() {
    for (name, machine, target) in [
        ("no source", Machine::new().with(LINKER), Target::Plain),
        ("no linker", Machine::new().with(SOURCE), Target::Plain),
        ("no libc", Machine::new().with(SOURCE).with(LINKER), Target::Wasi),
    ] {
        let error = machine.find(target).unwrap_err();
        assert!(matches!(error, Error::NoTarget { .. }), "{name}");
        let message = error.to_string();
        assert!(message.contains(&format!("rustup target add {target}")), "{name}: {message}");
        assert!(message.contains("apt-get install rustc-web rust-web-src wasi-libc"), "{name}: {message}");
    }
}

#[test]
fn a_compiler_that_does_not_start_is_named() {
    let mut machine = Machine::new();
    machine.tools.rustc = "/nonexistent/rustc".into();
    let error = machine.find(Target::Plain).unwrap_err();
    assert!(error.to_string().contains("/nonexistent/rustc"), "{error}");
}

#[test]
fn the_environment_names_tools_and_an_empty_variable_names_none() {
    let tools = Tools::from_environment(|name| match name {
        "RUSTC" => Some("/opt/rustc".into()),
        "CARGO" => Some("".into()),
        "HOME" => Some("/home/a".into()),
        _ => None,
    });
    assert_eq!(tools.rustc, Path::new("/opt/rustc"));
    assert_eq!(tools.cargo, Path::new("cargo"));
    assert_eq!(tools.cargo_home.as_deref(), Some(Path::new("/home/a/.cargo")));
}
