//! What the tests of this crate share: a folder of their own, and repositories made by git itself.
#![allow(clippy::disallowed_methods, reason = "tests prepare and inspect trees from outside")]

use std::fs;
use std::io::Write as _;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;

use certus_model::limits::WorkspaceLimits;
use certus_model::outcome::CheckoutReason;
use certus_model::workspace::{EntryKind, Workspace as _};
use certus_outbound::{Guard, Policy, Resolver};

use crate::{Checkout, Error, Git, Scratch, Source, SourcePolicy, checkout};

/// For checkouts that nobody cancels.
pub(crate) static NEVER: AtomicBool = AtomicBool::new(false);

/// A temporary folder with a scratch folder in it.
pub(crate) struct Sandbox(tempfile::TempDir);

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn scratch(&self) -> Scratch {
        Scratch::open(&self.path("scratch")).unwrap()
    }

    /// Writes a file, its folders included.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn executable(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.write(name, content);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    pub(crate) fn link(&self, name: &str, target: &str) {
        std::os::unix::fs::symlink(target, self.path(name)).unwrap();
    }

    /// Parses `text`, with `{}` for this folder, and checks it out with the default limits.
    pub(crate) fn checkout(&self, text: &str) -> Result<Checkout, Error> {
        self.checkout_at(text, None, &WorkspaceLimits::default())
    }

    /// The same at a reference and with other limits. Nothing may be left in scratch either way.
    pub(crate) fn checkout_at(
        &self,
        text: &str,
        reference: Option<&str>,
        limits: &WorkspaceLimits,
    ) -> Result<Checkout, Error> {
        let source = Source::parse(&text.replace("{}", self.0.path().to_str().unwrap()), SourcePolicy::Any)?;
        let reference = reference.map(str::parse).transpose()?;
        let result = checkout(&source, reference.as_ref(), limits, &self.scratch(), &Git::default(), &NEVER);
        let left: Vec<_> = names(&self.path("scratch")).into_iter().filter(|name| name != ".gate").collect();
        assert!(left.is_empty(), "left behind: {left:?}");
        result
    }

    /// Runs git in the folder `name` and returns what it prints.
    pub(crate) fn git(&self, name: &str, arguments: &[&str]) -> String {
        self.git_with(name, arguments, b"")
    }

    /// The same with input.
    pub(crate) fn git_with(&self, name: &str, arguments: &[&str], input: &[u8]) -> String {
        fs::create_dir_all(self.path(name)).unwrap();
        let mut child = Command::new("git")
            .args(["-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always", "-c", "core.autocrlf=false"])
            .args(arguments)
            .current_dir(self.path(name))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_NAME"), "a")))
            .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_EMAIL"), "a@example.org")))
            .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_DATE"), "1700000000 +0100")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Commits everything in the work tree `name`, made if it is none, and returns the commit's id.
    pub(crate) fn commit(&self, name: &str) -> String {
        self.git(name, &["init", "--quiet"]);
        self.git(name, &["add", "--all"]);
        self.git(name, &["commit", "--quiet", "--allow-empty", "--message=x"]);
        self.git(name, &["rev-parse", "HEAD"])
    }
}

/// A guard that knows one address inside, `inside.example` and `git.corp`, and takes every other name for a
/// public one.
pub(crate) fn guard(allow: &[&str]) -> Guard {
    struct Known;
    impl Resolver for Known {
        fn resolve(&self, name: &str) -> std::io::Result<Vec<IpAddr>> {
            let inside = ["inside.example", "git.corp"].contains(&name);
            Ok(vec![if inside { [127, 0, 0, 1].into() } else { [93, 184, 216, 34].into() }])
        }
    }
    let allow = allow.iter().map(|text| text.parse().unwrap()).collect();
    Guard::with_resolver(Policy { allow, ..Policy::default() }, Known)
}

/// Sorted names in a folder.
pub(crate) fn names(path: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Entries as text: path, kind, content.
pub(crate) fn listing(checkout: &Checkout) -> Vec<(String, EntryKind, String)> {
    let workspace = &checkout.workspace;
    let content = |index| String::from_utf8_lossy(&workspace.read(index).unwrap()).into_owned();
    let entries = workspace.entries().iter().enumerate();
    entries.map(|(index, entry)| (entry.path.to_string(), entry.kind, content(index))).collect()
}

/// The reason of a refusal, whose message must be one printable line.
pub(crate) fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> CheckoutReason {
    let error = result.unwrap_err();
    let message = error.to_string();
    assert!(message.chars().all(certus_model::escape::is_printable) && message.len() < 1000, "{message}");
    error.reason().unwrap_or_else(|| panic!("{message}"))
}
