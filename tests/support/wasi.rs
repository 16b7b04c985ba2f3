//! Guests on WASI as WAT: `tree` scanners made of steps, each of which says on standard output what it
//! came to.

use std::path::Path;

use certus_model::limits::Limits;
use certus_model::outcome::CallReason;
use certus_sandbox::{CallError, GuestLog};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use super::guest::{escaped, with_manifest};

/// Functions and imports that every guest has.
const PRELUDE: &str = include_str!("wasi.wat");

const MANIFEST: &str = r#"
[plugin]
id = "test.wasi"
version = "0.0.1"
summary = "A guest of the tests."
licence = "Apache-2.0"
contract = "certus:scanner@0.1.0"
exports = ["tree"]

[capabilities.wasi]
filesystem = ["**"]
reason = "a test"
"#;

/// Where texts begin; they end before what is said, at 65536.
const TEXTS: usize = 1024;

/// The standard's error codes in order.
const CODES: &[&str] = &[
    "access",
    "would-block",
    "already",
    "bad-descriptor",
    "busy",
    "deadlock",
    "quota",
    "exist",
    "file-too-large",
    "illegal-byte-sequence",
    "in-progress",
    "interrupted",
    "invalid",
    "io",
    "is-directory",
    "loop",
    "too-many-links",
    "message-size",
    "name-too-long",
    "no-device",
    "no-entry",
    "no-lock",
    "insufficient-memory",
    "insufficient-space",
    "not-directory",
    "not-empty",
    "not-recoverable",
    "unsupported",
    "no-tty",
    "no-such-device",
    "overflow",
    "not-permitted",
];

/// A guest to be.
#[derive(Default)]
pub(crate) struct Wasi {
    steps: String,
    texts: Vec<u8>,
}

/// An argument of a WASI function.
#[derive(Clone, Copy)]
pub(crate) enum Arg<'a> {
    /// The handle of `/`.
    Root,
    /// The handle in local `$h`.
    Handle,
    Int(i32),
    Long(i64),
    Text(&'a str),
}

impl Wasi {
    /// WAT as it is. Locals are `$i $h` (i32) and `$k` (i64); `wasi.wat` has the functions.
    pub(crate) fn wat(mut self, text: impl AsRef<str>) -> Self {
        self.steps += text.as_ref();
        self.steps += "\n";
        self
    }

    /// WAT, `times` times.
    pub(crate) fn repeat(self, times: u64, text: impl AsRef<str>) -> Self {
        self.wat(format!(
            "(local.set $k (i64.const {times}))
             (loop $again {} (local.set $k (i64.sub (local.get $k) (i64.const 1))) (br_if $again (i64.ne (local.get $k) (i64.const 0))))",
            text.as_ref()
        ))
    }

    /// Opens `path` for the steps that follow, as `$h`; a guest that cannot traps.
    pub(crate) fn open(mut self, path: &str) -> Self {
        let path = self.arguments(&[Arg::Text(path)]);
        self.wat(format!("(local.set $h (call $open {path}))"))
    }

    /// Calls a function that answers with a result, whose error code is `error` bytes in, and says
    /// `ok` or the code.
    pub(crate) fn call(mut self, function: &str, arguments: &[Arg<'_>], error: u32) -> Self {
        let arguments = self.arguments(arguments);
        self.wat(format!(
            "(call ${function} {arguments} (i32.const 512)) (call $say-outcome (i32.const {error})) (call $line)"
        ))
    }

    /// Says the number that `wat` leaves, in hexadecimal digits.
    pub(crate) fn number(self, wat: &str) -> Self {
        self.wat(format!("(call $say-number {wat}) (call $line)"))
    }

    /// Says the `length` bytes at `at`, both as WAT.
    pub(crate) fn bytes(self, at: &str, length: &str) -> Self {
        self.wat(format!("(call $say (i32.const 61)) (call $say-bytes {at} {length}) (call $line)"))
    }

    /// A function's arguments as WAT.
    pub(crate) fn arguments(&mut self, arguments: &[Arg<'_>]) -> String {
        let words: Vec<String> = arguments
            .iter()
            .map(|argument| match argument {
                Arg::Root => "(global.get $root)".to_owned(),
                Arg::Handle => "(local.get $h)".to_owned(),
                Arg::Int(number) => format!("(i32.const {number})"),
                Arg::Long(number) => format!("(i64.const {number})"),
                Arg::Text(text) => {
                    let at = TEXTS + self.texts.len();
                    self.texts.extend(text.as_bytes());
                    format!("(i32.const {at}) (i32.const {})", text.len())
                }
            })
            .collect();
        words.join(" ")
    }

    /// The component with its manifest.
    pub(crate) fn build(&self) -> Vec<u8> {
        let module = format!(
            "(module {PRELUDE}
               (data (i32.const {TEXTS}) \"{}\")
               (func (export \"certus:scanner/plugin@0.1.0#configure\") (param i32 i32) (result i32) (i32.const 16))
               (func (export \"certus:scanner/tree@0.1.0#scan\") (result i32) (local $i i32) (local $h i32) (local $k i64)
                 (call $begin) {} (call $end) (i32.const 64)))",
            escaped(&self.texts),
            self.steps
        );
        let mut module = wat::parse_str(module).expect("the guest's WAT parses");
        let mut resolve = Resolve::default();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        resolve.push_path(root.join("wit/scanner")).expect("the contract parses");
        let (package, _) = resolve.push_path(root.join("tests/support/wit")).expect("wit parses");
        let world = resolve.select_world(&[package], Some("wasi-scanner")).expect("the world exists");
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("metadata embeds");
        let component = ComponentEncoder::default().validate(true).module(&module).expect("a module").encode();
        with_manifest(component.expect("a component"), MANIFEST)
    }

    /// Runs it once, `root` at `/`.
    pub(crate) fn run(&self, limits: &Limits, root: Option<&Path>) -> Ran {
        let plugin = super::admit(&self.build()).expect("the guest is admitted");
        run(&plugin, limits, root)
    }
}

/// What a run came to.
pub(crate) struct Ran {
    /// Why it gave no answer, and the note for the operator.
    pub(crate) struck: Option<(CallReason, String)>,
    /// What the steps said.
    pub(crate) lines: Vec<String>,
    pub(crate) log: GuestLog,
}

impl Ran {
    /// The reason for which it gave no answer.
    pub(crate) fn reason(&self) -> Option<CallReason> {
        self.struck.as_ref().map(|(reason, _)| *reason)
    }
}

/// Runs one instance of `plugin`. When this returns, nothing that it waited for is left.
pub(crate) fn run(plugin: &certus_sandbox::Plugin, limits: &Limits, root: Option<&Path>) -> Ran {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        let mut instance = plugin.instantiate(limits, None, root).await.expect("an instance");
        let struck = match instance.scan_tree(limits.run_deadline).await {
            Ok(_) => None,
            Err(CallError::Struck { reason, note }) => Some((reason, note)),
            Err(error) => panic!("neither an answer nor contained: {error:?}"),
        };
        let log = instance.log();
        Ran { struck, lines: log.lines().map(|line| spelt(&line)).collect(), log }
    })
}

/// Limits that leave a guest all the instructions it wants.
pub(crate) fn generous() -> Limits {
    let mut limits = Limits::default();
    limits.fuel.tree_call = u64::MAX / 2;
    limits
}

/// A line as the tests read it.
fn spelt(line: &str) -> String {
    match line.as_bytes() {
        b"." => "ok".to_owned(),
        [b'!', letter] => {
            let code = if letter.is_ascii_lowercase() { letter - b'a' } else { letter - b'A' + 26 };
            CODES.get(usize::from(code)).map_or_else(|| format!("code {code}"), |name| (*name).to_owned())
        }
        _ => line.strip_prefix('=').unwrap_or(line).to_owned(),
    }
}
