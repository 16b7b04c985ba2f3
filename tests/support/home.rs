//! The command in a home of its own: nothing of this machine's user is read or changed.

use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use tempfile::TempDir;

/// A temporary home with its own keys, cache and scratch folder. Compiled plugins are shared between
/// tests, since compiling them takes longer than most tests.
pub(crate) struct Home {
    folder: TempDir,
}

/// What a run of the command came to.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The command, with this home's environment and nothing else.
    pub(crate) fn certus(&self) -> Command {
        Command::from_std(self.command())
    }

    /// The same as the standard library's, for a process that is watched while it runs.
    pub(crate) fn command(&self) -> std::process::Command {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_certus"));
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("CERTUS_CACHE_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled"))
            .env("CERTUS_SCRATCH_DIR", self.path("scratch"))
            .current_dir(self.folder.path());
        command
    }

    /// Runs the command with these arguments.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        ended(self.certus().args(arguments).output().expect("the command runs"))
    }

    /// Writes a file, with the folders above it.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        std::fs::write(&path, content).expect("a file");
        path
    }

    /// A git repository of these files, with one commit.
    pub(crate) fn repository(&self, name: &str, files: &[(&str, &[u8])]) -> PathBuf {
        for (path, content) in files {
            self.write(&format!("{name}/{path}"), content);
        }
        let folder = self.path(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        self.git(name, &["init", "-q", "-b", "main"]);
        self.git(name, &["add", "-A"]);
        self.git(name, &["commit", "-q", "--allow-empty", "-m", "first"]);
        folder
    }

    /// Runs git in a folder of this home, with a fixed author and clock.
    pub(crate) fn git(&self, folder: &str, arguments: &[&str]) {
        let status = std::process::Command::new("git")
            .args(arguments)
            .current_dir(self.path(folder))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .envs(["AUTHOR", "COMMITTER"].iter().flat_map(|who| {
                [
                    (format!("GIT_{who}_NAME"), "Test".to_owned()),
                    (format!("GIT_{who}_EMAIL"), "test@example.com".to_owned()),
                    (format!("GIT_{who}_DATE"), "2026-01-02T03:04:05Z".to_owned()),
                ]
            }))
            .status()
            .expect("git runs");
        assert!(status.success(), "git {arguments:?}");
    }

    /// Files left in the scratch folder, but for its own bookkeeping.
    pub(crate) fn left_over(&self) -> Vec<String> {
        let Ok(listing) = std::fs::read_dir(self.path("scratch")) else { return Vec::new() };
        let names = listing.map(|item| item.expect("an entry").file_name().to_string_lossy().into_owned());
        names.filter(|name| !name.starts_with('.')).collect()
    }
}

pub(crate) fn ended(output: Output) -> Ended {
    Ended {
        code: output.status.code().expect("it was not killed"),
        stdout: String::from_utf8(output.stdout).expect("UTF-8 on stdout"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8 on stderr"),
    }
}
