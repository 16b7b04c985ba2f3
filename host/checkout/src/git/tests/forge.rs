//! Objects and packs made without git, so that they may be what git never makes.

use std::io::Write as _;

use gix::ObjectId;
use gix::hash::Kind as Hash;
use gix::objs::Kind;

/// A pack in the making.
#[derive(Default)]
pub(super) struct Forge {
    entries: Vec<Vec<u8>>,
}

/// Type numbers of pack entries.
const OFS_DELTA: u8 = 6;
const REF_DELTA: u8 = 7;

impl Forge {
    pub(super) fn blob(&mut self, content: &[u8]) -> ObjectId {
        self.object(Kind::Blob, content)
    }

    /// A tree of (mode, name, id), as it is given.
    pub(super) fn tree(&mut self, entries: &[(&str, &[u8], ObjectId)]) -> ObjectId {
        let mut content = Vec::new();
        for (mode, name, id) in entries {
            content.extend([mode.as_bytes(), b" ", name, b"\0", id.as_bytes()].concat());
        }
        self.object(Kind::Tree, &content)
    }

    pub(super) fn commit(&mut self, tree: ObjectId) -> ObjectId {
        let who = "a <a@b> 1700000000 +0000";
        self.object(Kind::Commit, format!("tree {tree}\nauthor {who}\ncommitter {who}\n\nx\n").as_bytes())
    }

    /// A commit of one tree of files with the same content.
    pub(super) fn commit_of(&mut self, entries: &[(&str, &[u8])]) -> ObjectId {
        let blob = self.blob(b"content");
        let below = self.tree(&[("100644", b"x", blob)]);
        let id = |mode: &str| if mode == "40000" { below } else { blob };
        let entries: Vec<_> = entries.iter().map(|(mode, name)| (*mode, *name, id(mode))).collect();
        let tree = self.tree(&entries);
        self.commit(tree)
    }

    pub(super) fn object(&mut self, kind: Kind, content: &[u8]) -> ObjectId {
        let number = match kind {
            Kind::Commit => 1,
            Kind::Tree => 2,
            Kind::Blob => 3,
            Kind::Tag => 4,
        };
        self.entries.push([header(number, content.len()), deflated(content)].concat());
        id(kind, content)
    }

    /// A blob told as a difference from the entry before it.
    pub(super) fn delta_on_last(&mut self, base: &[u8], content: &[u8]) -> ObjectId {
        let back = self.entries.last().expect("a base").len();
        let delta = delta(base, content);
        self.entries.push([header(OFS_DELTA, delta.len()), offset(back), deflated(&delta)].concat());
        id(Kind::Blob, content)
    }

    /// A blob told as a difference from an object that need not be there.
    pub(super) fn delta_on(&mut self, id_of_base: ObjectId, base: &[u8], content: &[u8]) -> ObjectId {
        let delta = delta(base, content);
        self.entries.push([&header(REF_DELTA, delta.len()), id_of_base.as_bytes(), &deflated(&delta)].concat());
        id(Kind::Blob, content)
    }

    pub(super) fn pack(&self) -> Vec<u8> {
        let count = u32::try_from(self.entries.len()).expect("few enough");
        let pack = [b"PACK\0\0\0\x02", &count.to_be_bytes()[..], &self.entries.concat()].concat();
        let mut hasher = gix::hash::hasher(Hash::Sha1);
        hasher.update(&pack);
        let checksum = hasher.try_finalize().expect("no collision");
        [&pack, checksum.as_bytes()].concat()
    }
}

fn id(kind: Kind, content: &[u8]) -> ObjectId {
    gix::objs::compute_hash(Hash::Sha1, kind, content).expect("no collision")
}

/// Type and size of an entry.
fn header(kind: u8, size: usize) -> Vec<u8> {
    let mut bytes = vec![kind << 4 | (size & 15) as u8];
    let mut left = size >> 4;
    while left > 0 {
        *bytes.last_mut().expect("one byte") |= 0x80;
        bytes.push((left & 0x7f) as u8);
        left >>= 7;
    }
    bytes
}

/// How far back the base of a delta begins.
fn offset(mut back: usize) -> Vec<u8> {
    let mut bytes = vec![(back & 0x7f) as u8];
    while back > 0x7f {
        back = (back >> 7) - 1;
        bytes.insert(0, 0x80 | (back & 0x7f) as u8);
    }
    bytes
}

/// A delta that keeps the common beginning and spells the rest.
fn delta(base: &[u8], content: &[u8]) -> Vec<u8> {
    let common = base.iter().zip(content).take_while(|(a, b)| a == b).count().min(0xffff);
    let mut delta = [varint(base.len()), varint(content.len())].concat();
    if common > 0 {
        delta.extend([0xb0, (common & 0xff) as u8, (common >> 8) as u8]);
    }
    for piece in content[common..].chunks(127) {
        delta.push(piece.len() as u8);
        delta.extend(piece);
    }
    delta
}

fn varint(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7f {
        bytes.push(0x80 | (value & 0x7f) as u8);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn deflated(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content).expect("memory");
    encoder.finish().expect("memory")
}
