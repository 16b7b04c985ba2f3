//! Where a bundle is written: beside its place under a temporary name, then put in place whole.

mod staging;

use std::ffi::OsString;
use std::io;
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use certus_model::Sha256;
use certus_signing::sigstore::{LoggedEntry, verify_wrapped, wrap};
use certus_signing::{Envelope, KeySet, LogVerifier, SigningKey, Statement};
use rustix::fs::RenameFlags;
use rustix::io::Errno;

use crate::attestation::{PREDICATE_TYPE, Predicate, subjects};
use crate::facts::ScanFacts;
use crate::index::Index;
use crate::name::{APART, FileName};
use crate::refusal::{Problem, Refusal};
use crate::tree::{Tree, open_folder};
use crate::verify::{parse_policy, verify_dir};
use crate::{BundleFiles, Error, Verification};
use certus_model::document::{ATTESTATION, INDEX, LOGGED};

use staging::Staging;

/// What to do with a bundle that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Refuse.
    Keep,
    /// Replace it, if it is a bundle and holds nothing else.
    Replace,
}

/// The place of a bundle to be. Until [`Output::write`] has put the bundle there, nothing of it is
/// visible, and dropping the output leaves nothing.
#[derive(Debug)]
pub struct Output {
    parent: Dir,
    name: OsString,
    shown: String,
    existing: Existing,
    staging: Staging,
}

/// A bundle that is written and verified beside its place; dropping it leaves nothing.
#[derive(Debug)]
pub struct Staged {
    output: Output,
    verification: Verification,
    envelope: Option<Envelope>,
}

/// What stands in the bundle's place.
enum Place {
    /// Nothing, or an empty folder.
    Free,
    /// A bundle, to be replaced.
    Bundle,
}

impl Output {
    /// Claims the folder at `out`, so that an unusable place shows before a scan rather than after it.
    /// Also sweeps away what interrupted runs have left beside it.
    ///
    /// # Errors
    /// A place that is taken, or a parent folder that does not exist or may not be written to.
    pub fn open(out: &Path, existing: Existing) -> Result<Self, Error> {
        let shown = out.display().to_string();
        let name = out.file_name().ok_or_else(|| Error::NoName(shown.clone()))?.to_owned();
        let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let parent = Dir::open_ambient_dir(parent, ambient_authority())
            .map_err(|cause| Error::io(parent.display(), "opened", cause))?;
        look(&parent, &name, &shown, existing)?;
        staging::sweep(&parent);
        let staging = Staging::make(&parent).map_err(|cause| Error::io(&shown, "written", cause))?;
        Ok(Self { parent, name, shown, existing, staging })
    }

    /// Writes the bundle of `files`, signed by `key`, verifies what was written, and puts it in place.
    ///
    /// # Errors
    /// A disk that is full or fails, a place that has been taken meanwhile, files that make no sound
    /// bundle. Nothing is left then, and a bundle that was to be replaced is still there.
    pub fn write(self, files: &BundleFiles, facts: ScanFacts, key: &SigningKey) -> Result<Verification, Error> {
        self.stage(files, facts, key)?.put_in_place()
    }

    /// All of [`Output::write`] but the last step.
    ///
    /// # Errors
    /// As [`Output::write`].
    pub fn stage(self, files: &BundleFiles, facts: ScanFacts, key: &SigningKey) -> Result<Staged, Error> {
        let index = Index::of(files)?;
        let index_bytes = index.to_bytes()?;
        let predicate = Predicate {
            decision: decision(files).map_err(Error::Unsound)?,
            development: key.is_development(),
            result_digest: index.result_digest(),
            scan: facts,
        };
        let subjects = subjects(&index, Sha256::of(&index_bytes));
        let envelope = Statement::new(subjects, PREDICATE_TYPE, predicate).sign(key)?;
        let attestation = envelope.to_bytes()?;

        let listed = files.iter().map(|(name, bytes)| (name.path(), bytes));
        for (path, bytes) in listed.chain([(INDEX, &*index_bytes), (ATTESTATION, &*attestation)]) {
            let failed = |cause| Error::io(format_args!("{}/{path}", self.shown), "written", cause);
            self.staging.put(path, bytes).map_err(failed)?;
        }

        let mut keys = KeySet::default();
        if key.is_development() {
            keys.insert_development(key.public().clone());
        } else {
            keys.insert(key.public().clone());
        }
        let verification = verify_dir(self.staging.dir(), &keys).map_err(|error| match error {
            Error::Refused(refusal) => Error::Unsound(refusal),
            other => other,
        })?;
        Ok(Staged { output: self, verification, envelope: Some(envelope) })
    }

    /// A file of a bundle that somebody else has written, to be filled. It may lie at no other place than bundles
    /// have files.
    ///
    /// # Errors
    /// [`Error::Refused`] for a name that no bundle holds or that was there before; a disk that fails.
    pub fn file(&self, path: &str) -> Result<std::fs::File, Error> {
        if !APART.contains(&path) && path.parse::<FileName>().is_err() {
            return Err(Refusal::new(&certus_model::escape::one_line(path, 200), Problem::Unlisted).into());
        }
        let file = self.staging.file(path);
        file.map_err(|cause| Error::io(format_args!("{}/{path}", self.shown), "written", cause))
    }

    /// Verifies what was written through [`Output::file`], as [`crate::verify`] does, against the known `keys`.
    ///
    /// # Errors
    /// As [`crate::verify`]. Nothing is left then.
    pub fn received(self, keys: &KeySet) -> Result<Staged, Error> {
        let verification = verify_dir(self.staging.dir(), keys)?;
        Ok(Staged { output: self, verification, envelope: None })
    }

    fn put_in_place(&mut self) -> Result<(), Error> {
        // Looked at anew: a scan takes time, and the place may have been filled meanwhile.
        let moved = match look(&self.parent, &self.name, &self.shown, self.existing)? {
            Place::Free => {
                let moved = self.parent.rename(self.staging.name(), &self.parent, &self.name);
                moved.inspect(|()| self.staging.release())
            }
            Place::Bundle => self.exchange(),
        };
        moved.map_err(|cause| match cause.kind() {
            io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists => Error::NotEmpty(self.shown.clone()),
            io::ErrorKind::NotADirectory => Error::NotAFolder(self.shown.clone()),
            _ => Error::io(&self.shown, "put in place", cause),
        })
    }

    /// Swaps the new bundle with the old one, in one step where the file system can. The old one then
    /// has the temporary name and goes with it.
    fn exchange(&mut self) -> io::Result<()> {
        let (parent, name) = (&self.parent, &self.name);
        match rustix::fs::renameat_with(parent, self.staging.name(), parent, name, RenameFlags::EXCHANGE) {
            Ok(()) => {
                self.staging.holds_another();
                Ok(())
            }
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => self.exchange_in_two_steps(),
            Err(errno) => Err(errno.into()),
        }
    }

    /// For file systems that cannot swap. An interrupt between the steps leaves the place free.
    fn exchange_in_two_steps(&mut self) -> io::Result<()> {
        let (parent, name, aside) = (&self.parent, &self.name, staging::fresh_name());
        // Locked, so that no sweeper takes it for a left one while it may have to come back.
        let old = open_folder(parent, Path::new(name))?;
        staging::lock(&old);
        parent.rename(name, parent, &aside)?;
        if let Err(cause) = parent.rename(self.staging.name(), parent, name) {
            parent.rename(&aside, parent, name)?;
            return Err(cause);
        }
        self.staging.renamed(aside);
        Ok(())
    }
}

impl Staged {
    /// What was verified.
    pub const fn verification(&self) -> &Verification {
        &self.verification
    }

    /// The signed statement, where this host has signed it now.
    pub const fn envelope(&self) -> Option<&Envelope> {
        self.envelope.as_ref()
    }

    /// Adds the proof that a log holds the signature, which `key` has made: a Sigstore bundle around the same
    /// envelope. Nothing that was written is changed.
    ///
    /// # Errors
    /// An entry that the log does not prove, a disk that is full or fails.
    pub fn add_log_entry(&self, key: &SigningKey, entry: &LoggedEntry, log: LogVerifier) -> Result<(), Error> {
        let Some(envelope) = &self.envelope else { return Ok(()) };
        let unsound =
            |cause: &dyn std::fmt::Display| Error::Unsound(Refusal::new(LOGGED, Problem::Log(cause.to_string())));
        let bytes = wrap(envelope, key.public(), entry).map_err(|cause| unsound(&cause))?;
        verify_wrapped(&bytes, envelope, key.public(), &[log]).map_err(|cause| unsound(&cause))?;
        let written = self.output.staging.put(LOGGED, &bytes);
        written.map_err(|cause| Error::io(format_args!("{}/{LOGGED}", self.output.shown), "written", cause))
    }

    /// The bytes of a file; none where there is no such file.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn read(&self, name: FileName) -> Result<Option<Vec<u8>>, Error> {
        match self.output.staging.dir().read(name.path()) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(Error::io(format_args!("{}/{name}", self.output.shown), "read", cause)),
        }
    }

    /// Gives the bundle its name.
    ///
    /// # Errors
    /// A place that has been taken meanwhile, a file system that fails. Nothing is left then, and a bundle
    /// that was to be replaced is still there.
    pub fn put_in_place(mut self) -> Result<Verification, Error> {
        self.output.put_in_place()?;
        Ok(self.verification)
    }
}

/// What stands at `name`, or why it may not be used.
fn look(parent: &Dir, name: &OsString, shown: &str, existing: Existing) -> Result<Place, Error> {
    let unreadable = |cause| Error::io(shown, "read", cause);
    match parent.symlink_metadata(name) {
        Ok(meta) if meta.is_dir() => {}
        Ok(_) => return Err(Error::NotAFolder(shown.to_owned())),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Place::Free),
        Err(cause) => return Err(unreadable(cause)),
    }
    let dir = open_folder(parent, Path::new(name)).map_err(unreadable)?;
    if dir.entries().map_err(unreadable)?.next().is_none() {
        return Ok(Place::Free);
    }
    if existing == Existing::Keep {
        return Err(Error::NotEmpty(shown.to_owned()));
    }
    let foreign = |why: String| Err(Error::NotABundle { folder: shown.to_owned(), why });
    match Tree::open(&dir) {
        Ok(tree) if tree.has(INDEX) => Ok(Place::Bundle),
        Ok(_) => foreign(format!("has no {INDEX}, so it is no bundle")),
        Err(Error::Refused(refusal)) => foreign(format!("holds `{}`, which no bundle holds", refusal.file())),
        Err(other) => Err(other),
    }
}

fn decision(files: &BundleFiles) -> Result<certus_model::outcome::Verdict, Refusal> {
    match files.get(FileName::PolicyResult) {
        Some(bytes) => parse_policy(bytes).map(|result| result.decision),
        None => Err(Refusal::new(FileName::PolicyResult.path(), Problem::Missing)),
    }
}

#[cfg(test)]
mod tests;
