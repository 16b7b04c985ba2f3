//! Guests as WAT: a core module that follows the contract's binary form, wrapped into a component
//! with a manifest, as `certus plugin build` would.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Address of the answer of `scan`: zeros there are an empty list, or an empty report.
pub(crate) const ANSWER: u32 = 64;
/// Where a guest's own data may lie.
pub(crate) const DATA: u32 = 1024;

/// A guest to be. The defaults answer that there is nothing to report.
pub(crate) struct Guest {
    world: &'static str,
    /// Pages of 64 KiB at the start.
    pages: u32,
    imports: String,
    items: String,
    /// What `cabi_realloc` does first.
    realloc: String,
    scan: String,
    manifest: String,
}

impl Guest {
    /// A `files` scanner.
    pub(crate) fn files() -> Self {
        Self::new("file-scanner", "files")
    }

    /// A `tree` scanner that may read every `*.txt`.
    pub(crate) fn tree() -> Self {
        let guest = Self::new("tree-scanner", "tree");
        guest.manifest("[capabilities.workspace]\ninclude = [\"**/*.txt\"]\nreason = \"a test\"")
    }

    fn new(world: &'static str, export: &str) -> Self {
        let manifest = format!(
            r#"
[plugin]
id = "test.guest"
version = "0.0.1"
summary = "A guest of the tests."
licence = "Apache-2.0"
contract = "certus:scanner@0.1.0"
exports = ["{export}"]
"#
        );
        Self {
            world,
            pages: 4,
            imports: String::new(),
            items: String::new(),
            realloc: String::new(),
            scan: format!("(i32.const {ANSWER})"),
            manifest,
        }
    }

    /// Body of `scan`; its parameters are path (0, 1), content (2, 3), hits (4, 5) and whether they
    /// are complete (6) for files, none for a tree. It leaves the answer's address.
    pub(crate) fn scan(mut self, body: impl Into<String>) -> Self {
        self.scan = body.into();
        self
    }

    /// Imports of the core module.
    pub(crate) fn imports(mut self, text: impl Into<String>) -> Self {
        self.imports = text.into();
        self
    }

    /// Further items: data, globals, functions.
    pub(crate) fn items(mut self, text: impl AsRef<str>) -> Self {
        self.items += text.as_ref();
        self
    }

    /// What `cabi_realloc` does first; its parameters are `$old $old_size $align $size`.
    pub(crate) fn realloc(mut self, text: impl Into<String>) -> Self {
        self.realloc = text.into();
        self
    }

    /// Memory at the start.
    pub(crate) fn pages(mut self, pages: u32) -> Self {
        self.pages = pages;
        self
    }

    /// More of the manifest.
    pub(crate) fn manifest(mut self, text: &str) -> Self {
        self.manifest += text;
        self.manifest += "\n";
        self
    }

    /// Declares rule `r`.
    pub(crate) fn rule(self, more: &str) -> Self {
        self.manifest(&format!(
            "[[rules]]\nid = \"r\"\ntitle = \"A rule\"\nseverity = \"high\"\nmessage = \"found\"\nhelp = \"Remove it.\"\n{more}"
        ))
    }

    /// Answers with one finding of rule `rule` at `path` and a span.
    pub(crate) fn reports(self, rule: &str, path: &str, span: Option<(u64, u64)>) -> Self {
        let one = finding(rule, path, span);
        self.answers(&one, 1)
    }

    /// Answers with one finding of rule `r` at `path`, whose 80 bytes `spoil` has had in hand: the rule's
    /// id at 0 (address and length), the path at 8, the revision at 16, the span at 24, the lists of
    /// sensitive spans, related places and parameters at 48, 56 and 64, confidence at 72, severity at 73.
    pub(crate) fn spoilt(self, path: &str, spoil: impl FnOnce(&mut [u8])) -> Self {
        let one = finding("r", path, None);
        let mut record = one.record(DATA);
        spoil(&mut record);
        self.data(DATA, &one.text).data(DATA + 4096, &record).list(DATA + 4096, 1)
    }

    /// Bytes at an address.
    pub(crate) fn data(self, at: u32, bytes: &[u8]) -> Self {
        self.items(format!("(data (i32.const {at}) \"{}\")", escaped(bytes)))
    }

    /// Answers with a list of `count` findings at `at`.
    pub(crate) fn list(self, at: u32, count: u32) -> Self {
        self.data(ANSWER + 8, &[at.to_le_bytes(), count.to_le_bytes()].concat())
    }

    /// Answers with a list of `count` findings whose bytes are `list`, at an address of its own.
    fn answers(self, list: &Finding, count: u32) -> Self {
        self.data(DATA, &list.text).data(DATA + 4096, &list.record(DATA)).list(DATA + 4096, count)
    }

    /// The core module as WAT.
    fn module(&self) -> String {
        let (export, parameters) = match self.world {
            "file-scanner" => ("files", "(param i32 i32 i32 i32 i32 i32 i32)"),
            _ => ("tree", ""),
        };
        format!(
            r#"(module
  {imports}
  (memory (export "memory") {pages})
  (global $next (mut i32) (i32.const 131072))
  (func $alloc (export "cabi_realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    {realloc}
    (local.set $at (i32.and (i32.add (global.get $next) (i32.const 15)) (i32.const -16)))
    (global.set $next (i32.add (local.get $at) (local.get $size)))
    (if (i32.gt_u (global.get $next) (i32.mul (memory.size) (i32.const 65536)))
      (then (if (i32.eq (i32.const -1) (memory.grow (i32.add (i32.div_u (local.get $size) (i32.const 65536)) (i32.const 1))))
        (then unreachable))))
    (local.get $at))
  (func (export "certus:scanner/plugin@0.1.0#configure") (param i32 i32) (result i32) (i32.const 16))
  (func (export "certus:scanner/{export}@0.1.0#scan") {parameters} (result i32) {scan})
  {items})"#,
            imports = self.imports,
            pages = self.pages,
            scan = self.scan,
            items = self.items,
            realloc = self.realloc,
        )
    }

    /// The component, without a manifest.
    pub(crate) fn bare(&self) -> Vec<u8> {
        let mut module = wat::parse_str(self.module()).expect("the guest's WAT parses");
        let mut resolve = Resolve::default();
        let (package, _) =
            resolve.push_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit/scanner")).expect("wit parses");
        let world = resolve.select_world(&[package], Some(self.world)).expect("the world exists");
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("metadata embeds");
        ComponentEncoder::default().validate(true).module(&module).expect("a module").encode().expect("a component")
    }

    /// The component with its manifest inside.
    pub(crate) fn build(&self) -> Vec<u8> {
        with_manifest(self.bare(), &self.manifest)
    }

    /// The manifest's text.
    pub(crate) fn manifest_text(&self) -> &str {
        &self.manifest
    }
}

/// Appends a manifest as `certus plugin build` does.
pub(crate) fn with_manifest(mut component: Vec<u8>, manifest: &str) -> Vec<u8> {
    let mut body = leb(certus_model::plugin::SECTION.len());
    body.extend(certus_model::plugin::SECTION.as_bytes());
    body.extend(manifest.as_bytes());
    component.push(0);
    component.extend(leb(body.len()));
    component.extend(body);
    component
}

fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// A finding in the contract's binary form.
struct Finding {
    text: Vec<u8>,
    rule: u32,
    path: u32,
    span: Option<(u64, u64)>,
}

fn finding(rule: &str, path: &str, span: Option<(u64, u64)>) -> Finding {
    let text = [rule.as_bytes(), path.as_bytes()].concat();
    Finding { text, rule: rule.len() as u32, path: path.len() as u32, span }
}

impl Finding {
    /// The record's 80 bytes, its texts at `text`.
    fn record(&self, text: u32) -> Vec<u8> {
        let mut record = [text, self.rule, text + self.rule, self.path].map(u32::to_le_bytes).concat();
        record.resize(24, 0); // revision head
        let (some, (start, end)) = (u64::from(self.span.is_some()), self.span.unwrap_or_default());
        record.extend([some, start, end].map(u64::to_le_bytes).concat());
        record.resize(72, 0); // no sensitive spans, related places, parameters
        record.extend([2, 0, 0]); // confidence high, no severity
        record.resize(80, 0);
        record
    }
}

/// Bytes as a WAT string.
pub(crate) fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:02x}")).collect()
}
