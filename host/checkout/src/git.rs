//! A commit of a git repository, fetched by git into an empty store and read in process.

mod child;
mod objects;
mod pins;
mod refs;
mod secrets;
mod store;

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use certus_model::limits::WorkspaceLimits;
use certus_model::source::SourceRecord;
use certus_outbound::{Credential, Pinned, RemoteUrl};
use gix::ObjectId;
use gix::hash::Kind as Hash;
use url::Url;

use crate::error::{Error, shown};
use crate::place::Place;
use crate::reference::Reference;
use crate::scratch::{Folder, Scratch};
use crate::seal::{SealedWorkspace, Sealer};
use child::{Confinement, Ended};
use store::{CONFIG, SHA256_STORE, STORE};

/// Which git is run. Version 2.32 or newer is needed, 2.37 for a service; for local repositories of other
/// people, one with the fixes of May 2024 (2.39.4, 2.45.1).
#[derive(Clone, Debug)]
pub struct Git {
    program: PathBuf,
    search_path: OsString,
}

impl Git {
    /// The program, by path or by name, and the `PATH` that it and its helpers are looked up in.
    pub fn new(program: impl Into<PathBuf>, search_path: impl Into<OsString>) -> Self {
        Self { program: program.into(), search_path: search_path.into() }
    }
}

impl Default for Git {
    /// `git` in the usual places.
    fn default() -> Self {
        Self::new("git", "/usr/local/bin:/usr/bin:/bin")
    }
}

/// Where to fetch from.
pub(crate) struct Origin<'a> {
    /// As git is told.
    url: String,
    /// As it is recorded and shown.
    place: String,
    /// The one protocol that git may speak.
    protocol: &'static str,
    /// Paths whose owner does not matter, for the user named this very one.
    safe: Vec<PathBuf>,
    credential: Option<&'a Credential>,
    /// The addresses that git is held to.
    pinned: Option<&'a Pinned>,
}

impl<'a> Origin<'a> {
    pub(crate) fn remote(url: &RemoteUrl, credential: Option<&'a Credential>, pinned: Option<&'a Pinned>) -> Self {
        Self { url: url.to_string(), place: url.to_string(), protocol: "https", safe: Vec::new(), credential, pinned }
    }

    pub(crate) fn local(place: &Place) -> Result<Self, Error> {
        // git compares owners on the path without links.
        let real = place.real();
        let place = place.path().to_string_lossy().into_owned();
        let real = real.map_err(|cause| Error::unreadable(&place, cause))?;
        let url = Url::from_file_path(&real).map_err(|()| Error::unreadable(&place, io::ErrorKind::InvalidInput))?;
        let safe = vec![real.join(".git"), real];
        Ok(Self { url: url.into(), place, protocol: "file", safe, credential: None, pinned: None })
    }
}

/// Name under which the commit is kept.
const TARGET: &str = "refs/scan/target";

/// Address space of git while it lists what there is, in bytes: a million names take 380 MiB.
const LIST_MEMORY: u64 = 1 << 30;
/// While it fetches: four times what index-pack takes for a 2 GiB pack, its threads' reservations included, and
/// little enough that a hostile pack cannot exhaust the machine.
const FETCH_MEMORY: u64 = 4 << 30;

/// Fetches one commit and seals its tree.
pub(crate) fn checkout(
    origin: &Origin<'_>,
    reference: Option<&Reference>,
    limits: &WorkspaceLimits,
    scratch: &Scratch,
    git: &Git,
    cancelled: &AtomicBool,
) -> Result<(SealedWorkspace, SourceRecord), Error> {
    let deadline = Instant::now() + limits.fetch_wall;
    let folder = scratch.folder("git")?;
    store::lay_out(&folder, &origin.safe, origin.pinned).map_err(|cause| Error::scratch("make a store", cause))?;
    let session = Session { origin, reference, limits, folder: &folder, git, deadline, cancelled };
    session.holds_pins()?;
    let wanted = session.resolve()?;
    session.fetch(wanted)?;
    let objects = objects::Objects::open(&folder.path().join(STORE).join("objects"), wanted.kind(), &session)?;
    let commit = objects.commit(wanted)?;
    let mut sealer = Sealer::new(limits, scratch, cancelled);
    objects.tree(commit.tree, &mut sealer)?;
    let record = SourceRecord::Git {
        git_url: origin.place.clone(),
        git_commit: commit.id.to_string(),
        commit_time: commit.time,
        branch: reference.map(Reference::to_string),
    };
    Ok((sealer.seal(&origin.place)?, record))
}

/// Seals the tree of `commit` out of a folder of git objects: what a fetch ends with, for those who
/// bring objects that no git would hand over. The id's length says which kind of ids they have.
///
/// # Errors
/// As [`crate::checkout`].
#[doc(hidden)]
pub fn seal_objects(
    objects: &Path,
    commit: &str,
    limits: &WorkspaceLimits,
    scratch: &Scratch,
) -> Result<SealedWorkspace, Error> {
    let place = objects.to_string_lossy().into_owned();
    let wanted = ObjectId::from_hex(commit.as_bytes()).map_err(|_| Error::malformed(&place, "that is no object id"))?;
    let origin =
        Origin { url: String::new(), place, protocol: "file", safe: Vec::new(), credential: None, pinned: None };
    let folder = scratch.folder("objects")?;
    let deadline = Instant::now() + limits.fetch_wall;
    let git = Git::default();
    let cancelled = &AtomicBool::new(false);
    let session = Session { origin: &origin, reference: None, limits, folder: &folder, git: &git, deadline, cancelled };
    let objects = objects::Objects::open(objects, wanted.kind(), &session)?;
    let mut sealer = Sealer::new(limits, scratch, cancelled);
    objects.tree(objects.commit(wanted)?.tree, &mut sealer)?;
    sealer.seal(&origin.place)
}

/// Everything that one fetch is about.
struct Session<'a> {
    origin: &'a Origin<'a>,
    reference: Option<&'a Reference>,
    limits: &'a WorkspaceLimits,
    folder: &'a Folder,
    git: &'a Git,
    deadline: Instant,
    cancelled: &'a AtomicBool,
}

impl Session<'_> {
    /// Asks the repository which object is meant, so that exactly this one is fetched and recorded
    /// even if the name moves on meanwhile.
    fn resolve(&self) -> Result<ObjectId, Error> {
        let mut advertised = refs::Advertised::new(self.reference);
        let list = ["ls-remote", "--quiet", "--", &self.origin.url];
        match self.run(&list, LIST_MEMORY, |line| advertised.line(line))? {
            Ended::Well => advertised.choose(&self.origin.place),
            Ended::Badly(notes) => Err(self.unreachable(&notes)),
            Ended::TimedOut => Err(self.timeout()),
            Ended::Cancelled => Err(Error::Cancelled),
        }
    }

    fn fetch(&self, wanted: ObjectId) -> Result<(), Error> {
        if wanted.kind() == Hash::Sha256 {
            // A store takes objects of one kind of id only, and which one is known from here on.
            let store = Path::new(STORE).join("config");
            self.folder.dir().write(store, SHA256_STORE).map_err(|cause| Error::scratch("make a store", cause))?;
        }
        let refspec = format!("{wanted}:{TARGET}");
        let arguments = [
            "fetch",
            "--quiet",
            "--depth=1",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
            "--update-shallow",
            "--",
            &self.origin.url,
            &refspec,
        ];
        match self.run(&arguments, FETCH_MEMORY, |_| {})? {
            Ended::Well => Ok(()),
            Ended::TimedOut => Err(self.timeout()),
            Ended::Cancelled => Err(Error::Cancelled),
            Ended::Badly(_) => Err(self.refused()),
        }
    }

    fn run(&self, arguments: &[&str], memory: u64, line: impl FnMut(&[u8])) -> Result<Ended, Error> {
        let confinement = Confinement {
            program: &self.git.program,
            environment: self.environment(),
            directory: self.folder.path(),
            cpu: self.limits.fetch_cpu,
            file: self.limits.fetch_pack,
            memory,
            deadline: self.deadline,
            cancelled: self.cancelled,
        };
        let arguments: Vec<_> = ["--git-dir", STORE].iter().chain(arguments).map(OsStr::new).collect();
        child::run(&confinement, &arguments, line)
    }

    /// All that git sees. Whatever else could configure it is shut out.
    fn environment(&self) -> Vec<(&'static str, OsString)> {
        let mut environment: Vec<(&'static str, OsString)> = vec![
            ("PATH", self.git.search_path.clone()),
            ("HOME", "/nonexistent".into()),
            ("LC_ALL", "C".into()),
            ("GIT_CONFIG_GLOBAL", self.folder.path().join(CONFIG).into()),
            ("GIT_CONFIG_NOSYSTEM", "1".into()),
            ("GIT_ATTR_NOSYSTEM", "1".into()),
            ("GIT_TERMINAL_PROMPT", "0".into()),
            ("GIT_ALLOW_PROTOCOL", self.origin.protocol.into()),
            ("GIT_NO_LAZY_FETCH", "1".into()),
            ("GIT_NO_REPLACE_OBJECTS", "1".into()),
            ("GIT_OPTIONAL_LOCKS", "0".into()),
        ];
        environment.extend(secrets::settings(self.origin.credential, self.origin.pinned));
        environment
    }

    fn timeout(&self) -> Error {
        Error::Timeout { place: shown(&self.origin.place), seconds: self.limits.fetch_wall.as_secs() }
    }

    /// Why a repository could not even be listed. The reason is the same whatever git says; its words
    /// only choose the advice, and none of them is passed on.
    fn unreachable(&self, notes: &[u8]) -> Error {
        let notes = String::from_utf8_lossy(notes);
        // git asks for a login when there was none and when there was a wrong one.
        let asked = match self.origin.credential {
            None => ("it does not exist or asks for a login", "check the address, or give a token"),
            Some(_) => ("it refuses the login", "check the token and what it may read"),
        };
        let advice = [
            ("Could not resolve host", "its host name is unknown", "check the address and the network"),
            ("Failed to connect", "its host does not answer", "check the address and the network"),
            ("could not read Username", asked.0, asked.1),
            ("Authentication failed", "it refuses the login", "check the token and what it may read"),
            ("error: 403", "it refuses the login", "check the token and what it may read"),
            ("unable to update url base from redirection", "it has moved", "give the address that it redirects to"),
            ("error: 30", "it has moved", "give the address that it redirects to"),
            ("certificate", "its certificate is not trusted", "check the address and the certificates of this machine"),
            ("dubious ownership", "its git directory belongs to another user", "scan it as its owner"),
        ];
        let (_, cause, remedy) = advice.into_iter().find(|(words, ..)| notes.contains(words)).unwrap_or((
            "",
            "there is no git repository that answers",
            "check that the address is right and that you may read it",
        ));
        Error::NotFound { place: shown(&self.origin.place), cause: cause.to_owned(), remedy }
    }

    /// Why a fetch from a repository that could be listed failed, told by what it left in the store.
    fn refused(&self) -> Error {
        let packs = self.pack_sizes();
        // The limit counts blocks of 512 bytes, and the write that would pass it is cut short.
        if packs.iter().any(|size| size + 512 >= self.limits.fetch_pack) {
            let excess = format!("a pack of more than {} bytes", self.limits.fetch_pack);
            return Error::FileBudget { path: shown(&self.origin.place), excess };
        }
        match self.reference.filter(|asked| asked.is_commit() && packs.is_empty()) {
            Some(asked) => {
                let problem = format!("is no commit that `{}` gives out", shown(&self.origin.place));
                refs::unknown(Some(asked), &problem, "name a commit that is on one of its branches")
            }
            None => Error::malformed(
                &self.origin.place,
                "git's checks rejected its objects, or sending them broke off; \
                 try again, and run `git fsck --strict` in the repository if it stays so",
            ),
        }
    }

    /// Sizes of the files below `objects/pack`; none when nothing has come.
    fn pack_sizes(&self) -> Vec<u64> {
        let Ok(entries) = self.folder.dir().read_dir(Path::new(STORE).join("objects/pack")) else {
            return Vec::new();
        };
        entries.filter_map(|entry| entry.ok()?.metadata().ok()).map(|metadata| metadata.len()).collect()
    }
}

#[cfg(test)]
mod tests;
