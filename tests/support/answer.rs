//! Answers of guests in the contract's binary form, laid out by hand: a guest of these tests may say
//! what no bindings would let it say.

use super::guest::{ANSWER, Guest, escaped};

/// Where the answer's parts lie: beyond what `cabi_realloc` hands out for small files.
const BASE: u32 = 1 << 20;
/// Size of a record in a list.
const FINDING: usize = 80;
const PLACE: usize = 40;
const PARAMETER: usize = 56;
const PROBLEM: usize = 64;
const PACKAGE: usize = 104;

/// A place as a guest states it.
#[derive(Clone, Default)]
pub(crate) struct Place {
    pub(crate) path: Vec<u8>,
    /// 0 is the head, 1 the base.
    pub(crate) revision: u8,
    pub(crate) span: Option<(u64, u64)>,
}

/// A finding as a guest states it.
#[derive(Clone, Default)]
pub(crate) struct Stated {
    pub(crate) rule: Vec<u8>,
    pub(crate) at: Place,
    pub(crate) sensitive: Vec<(u64, u64)>,
    pub(crate) related: Vec<Place>,
    pub(crate) parameters: Vec<(&'static str, Argument)>,
    /// 0 is `info`.
    pub(crate) severity: Option<u8>,
}

/// An argument as a guest states it.
#[derive(Clone)]
pub(crate) enum Argument {
    Text(Vec<u8>),
    Number(i64),
    Place(Place),
}

/// A problem as a guest states it.
#[derive(Clone, Default)]
pub(crate) struct Problem {
    /// The contract's `reason`: 0 is `unsupported`.
    pub(crate) reason: u8,
    pub(crate) at: Option<Place>,
    pub(crate) note: Vec<u8>,
}

/// A record of the inventory as a guest states it; its hashes and what it needs stay empty.
#[derive(Clone, Default)]
pub(crate) struct Package {
    pub(crate) id: Vec<u8>,
    pub(crate) ecosystem: Vec<u8>,
    pub(crate) name: Vec<u8>,
    pub(crate) version: Option<Vec<u8>>,
    pub(crate) qualifiers: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) licences: Vec<Vec<u8>>,
    pub(crate) origin: Option<Vec<u8>>,
    pub(crate) evidence: Vec<Place>,
}

/// At bytes `span` of `path`; the path alone without one.
pub(crate) fn place(path: impl AsRef<[u8]>, span: Option<(u64, u64)>) -> Place {
    Place { path: path.as_ref().to_vec(), revision: 0, span }
}

/// A finding of rule `r`.
pub(crate) fn stated(at: Place) -> Stated {
    Stated { rule: b"r".to_vec(), at, ..Stated::default() }
}

impl Guest {
    /// Answers every file with these findings.
    pub(crate) fn states(self, findings: &[Stated]) -> Self {
        let mut heap = Heap::default();
        let list = heap.list(findings, FINDING, Heap::finding);
        self.returns(&heap, &[&[0; 8][..], &list].concat())
    }

    /// Answers every file, or the tree, with a problem alone.
    pub(crate) fn fails(self, problem: &Problem) -> Self {
        let mut heap = Heap::default();
        let mut record = vec![0; PROBLEM];
        heap.problem(problem, &mut record);
        self.returns(&heap, &[&1_u64.to_le_bytes()[..], &record].concat())
    }

    /// Answers the tree with a report.
    pub(crate) fn reports_all(self, findings: &[Stated], problems: &[Problem], packages: &[Package]) -> Self {
        let mut heap = Heap::default();
        let mut answer = vec![0; 8];
        answer.extend(heap.list(findings, FINDING, Heap::finding));
        answer.extend(heap.list(problems, PROBLEM, Heap::problem));
        answer.extend(heap.list(packages, PACKAGE, Heap::package));
        self.returns(&heap, &answer)
    }

    fn returns(self, heap: &Heap, answer: &[u8]) -> Self {
        let pages = (BASE as usize + heap.bytes.len()) / 65_536 + 1;
        self.pages(pages as u32).items(format!(
            "(data (i32.const {ANSWER}) \"{}\") (data (i32.const {BASE}) \"{}\")",
            escaped(answer),
            escaped(&heap.bytes)
        ))
    }
}

/// What the answer's pointers point to.
#[derive(Default)]
struct Heap {
    bytes: Vec<u8>,
}

impl Heap {
    /// Puts `bytes` down; the address.
    fn put(&mut self, bytes: &[u8]) -> u32 {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        let at = BASE + self.bytes.len() as u32;
        self.bytes.extend(bytes);
        at
    }

    /// A string or list of bytes: address and length.
    fn text(&mut self, text: &[u8]) -> [u8; 8] {
        pair(self.put(text), text.len())
    }

    /// A list of records of `size` bytes each, written by `write`.
    fn list<T>(&mut self, items: &[T], size: usize, write: impl Fn(&mut Self, &T, &mut [u8])) -> [u8; 8] {
        let mut records = vec![0; items.len() * size];
        for (item, record) in items.iter().zip(records.chunks_mut(size)) {
            write(self, item, record);
        }
        pair(self.put(&records), items.len())
    }

    fn finding(&mut self, finding: &Stated, record: &mut [u8]) {
        record[..8].copy_from_slice(&self.text(&finding.rule));
        self.place(&finding.at, &mut record[8..48]);
        record[48..56].copy_from_slice(&self.list(&finding.sensitive, 16, |_, (start, end), record| {
            record.copy_from_slice(&[start.to_le_bytes(), end.to_le_bytes()].concat());
        }));
        record[56..64].copy_from_slice(&self.list(&finding.related, PLACE, Self::place));
        record[64..72].copy_from_slice(&self.list(&finding.parameters, PARAMETER, |heap, (name, value), record| {
            record[..8].copy_from_slice(&heap.text(name.as_bytes()));
            heap.argument(value, &mut record[8..]);
        }));
        record[72] = 2;
        record[73..75].copy_from_slice(&[u8::from(finding.severity.is_some()), finding.severity.unwrap_or(0)]);
    }

    fn place(&mut self, place: &Place, record: &mut [u8]) {
        record[..8].copy_from_slice(&self.text(&place.path));
        record[8] = place.revision;
        let (start, end) = place.span.unwrap_or_default();
        record[16] = u8::from(place.span.is_some());
        record[24..40].copy_from_slice(&[start.to_le_bytes(), end.to_le_bytes()].concat());
    }

    fn argument(&mut self, value: &Argument, record: &mut [u8]) {
        let payload = match value {
            Argument::Text(text) => (0, self.text(text).to_vec()),
            Argument::Number(number) => (1, number.to_le_bytes().to_vec()),
            Argument::Place(place) => {
                let mut bytes = vec![0; PLACE];
                self.place(place, &mut bytes);
                (3, bytes)
            }
        };
        record[0] = payload.0;
        record[8..8 + payload.1.len()].copy_from_slice(&payload.1);
    }

    fn problem(&mut self, problem: &Problem, record: &mut [u8]) {
        record[0] = problem.reason;
        if let Some(place) = &problem.at {
            record[8] = 1;
            self.place(place, &mut record[16..56]);
        }
        record[56..64].copy_from_slice(&self.text(&problem.note));
    }

    fn package(&mut self, package: &Package, record: &mut [u8]) {
        record[..8].copy_from_slice(&self.text(&package.id));
        record[8..16].copy_from_slice(&self.text(&package.ecosystem));
        record[28..36].copy_from_slice(&self.text(&package.name));
        self.optional(package.version.as_deref(), &mut record[36..48]);
        record[48..56].copy_from_slice(&self.list(&package.qualifiers, 16, |heap, (key, value), record| {
            record.copy_from_slice(&[heap.text(key), heap.text(value)].concat());
        }));
        record[60..68].copy_from_slice(&self.list(&package.licences, 8, |heap, text, record| {
            record.copy_from_slice(&heap.text(text));
        }));
        self.optional(package.origin.as_deref(), &mut record[76..88]);
        record[96..104].copy_from_slice(&self.list(&package.evidence, PLACE, Self::place));
    }

    fn optional(&mut self, text: Option<&[u8]>, record: &mut [u8]) {
        if let Some(text) = text {
            record[0] = 1;
            record[4..].copy_from_slice(&self.text(text));
        }
    }
}

fn pair(address: u32, length: usize) -> [u8; 8] {
    let mut pair = [0; 8];
    pair[..4].copy_from_slice(&address.to_le_bytes());
    pair[4..].copy_from_slice(&(length as u32).to_le_bytes());
    pair
}
