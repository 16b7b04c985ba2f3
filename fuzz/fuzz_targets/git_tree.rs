//! Raw git objects that no git would write, up to the sealed workspace.
#![no_main]

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use arbitrary::Arbitrary;
use certus_fuzz::{checks, place};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use libfuzzer_sys::fuzz_target;
use sha2::{Digest as _, Sha256};

/// Objects, of which trees name earlier ones; the last is the commit's tree.
#[derive(Arbitrary, Debug)]
struct Store {
    objects: Vec<Object>,
    commit: Commit,
}

#[derive(Arbitrary, Debug)]
enum Object {
    Blob(Vec<u8>),
    Tree { items: Vec<Item>, sorted: bool },
    RawTree(Vec<u8>),
}

#[derive(Arbitrary, Debug)]
struct Item {
    mode: Mode,
    name: Vec<u8>,
    target: u8,
}

#[derive(Arbitrary, Debug)]
enum Mode {
    Tree,
    File,
    Executable,
    Symlink,
    Submodule,
    Other(u32),
}

#[derive(Arbitrary, Debug)]
enum Commit {
    Plain,
    Tagged { times: u8 },
    Raw(Vec<u8>),
}

/// Writes loose objects, whose ids are SHA-256, and forgets them again.
struct Loose {
    folder: PathBuf,
    written: Vec<PathBuf>,
}

impl Loose {
    fn write(&mut self, kind: &str, body: &[u8]) -> Vec<u8> {
        let whole = [format!("{kind} {}\0", body.len()).as_bytes(), body].concat();
        let id = Sha256::digest(&whole).to_vec();
        let name = hex(&id);
        let folder = self.folder.join(&name[..2]);
        fs::create_dir_all(&folder).expect("a folder of objects");
        let path = folder.join(&name[2..]);
        let file = fs::File::create(&path).expect("an object's file");
        let mut packed = ZlibEncoder::new(file, Compression::fast());
        packed.write_all(&whole).and_then(|()| packed.finish().map(drop)).expect("an object is written");
        self.written.push(path);
        id
    }
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Item {
    fn mode(&self) -> u32 {
        match self.mode {
            Mode::Tree => 0o40_000,
            Mode::File => 0o100_644,
            Mode::Executable => 0o100_755,
            Mode::Symlink => 0o120_000,
            Mode::Submodule => 0o160_000,
            Mode::Other(mode) => mode,
        }
    }

    /// As git sorts: a folder's name as if a slash followed it.
    fn key(&self) -> Vec<u8> {
        let slash: &[u8] = if self.mode() == 0o40_000 { b"/" } else { b"" };
        [&self.name, slash].concat()
    }
}

fn tree(items: &[Item], sorted: bool, ids: &[Vec<u8>]) -> Vec<u8> {
    let mut items: Vec<&Item> = items.iter().collect();
    if sorted {
        items.sort_by_key(|item| item.key());
    }
    let mut body = Vec::new();
    for item in items {
        body.extend(format!("{:o} ", item.mode()).bytes());
        body.extend(&item.name);
        body.push(0);
        match ids.get(usize::from(item.target) % (ids.len() + 1)) {
            Some(id) => body.extend(id),
            None => body.extend([0x11; 32]),
        }
    }
    body
}

impl Store {
    /// Writes everything; the id to start from.
    fn write(&self, loose: &mut Loose) -> String {
        let mut ids = Vec::new();
        for object in self.objects.iter().take(64) {
            ids.push(match object {
                Object::Blob(content) => loose.write("blob", content),
                Object::Tree { items, sorted } => loose.write("tree", &tree(items, *sorted, &ids)),
                Object::RawTree(body) => loose.write("tree", body),
            });
        }
        let root = ids.pop().unwrap_or_else(|| vec![0x11; 32]);
        let plain = format!("tree {}\nauthor a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n\nx", hex(&root));
        let mut id = match &self.commit {
            Commit::Raw(body) => loose.write("commit", body),
            _ => loose.write("commit", plain.as_bytes()),
        };
        if let Commit::Tagged { times } = self.commit {
            for number in 0..times % 12 {
                let kind = if number == 0 { "commit" } else { "tag" };
                let body = format!("object {}\ntype {kind}\ntag t\ntagger a <a@b> 1 +0000\n\nx", hex(&id));
                id = loose.write("tag", body.as_bytes());
            }
        }
        hex(&id)
    }
}

fuzz_target!(|store: Store| {
    let place = place::Place::get();
    let mut loose = Loose { folder: place.folder().join("objects"), written: Vec::new() };
    fs::create_dir_all(loose.folder.join("pack")).expect("a folder of objects");
    let start = store.write(&mut loose);
    let limits = place::small();
    match certus_checkout::seal_objects(&loose.folder, &start, &limits, place.scratch()) {
        Ok(workspace) => checks::sealed(&workspace, &limits),
        Err(error) => {
            assert!(error.reason().is_some(), "objects are refused, they do not break the host: {error}");
            checks::one_line(error);
        }
    }
    for path in loose.written {
        // The same object may have been written twice.
        let _ = fs::remove_file(path);
    }
});
