//! C. The file system of a WASI guest, attacked by the guest and from behind its back.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use tempfile::TempDir;

use crate::support::process::alone;
use crate::support::wasi::{Arg, Ran, Wasi, generous, run};

/// A folder `root` with a file `x` and a folder `d` with a file `y`, beside a folder that must never be
/// seen.
pub(super) fn planted() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, content) in [("root/x", "inside"), ("root/d/y", "deep"), ("outside/x", "outside")] {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    folder
}

/// The arguments of `open-at` and how it is answered: `flags` is 1 to follow links.
pub(super) fn opens(guest: Wasi, path: &str, flags: i32) -> Wasi {
    guest.call("open-at", &[Arg::Root, Arg::Int(flags), Arg::Text(path), Arg::Int(0), Arg::Int(1)], 4)
}

/// Reads `path` from the start and says its bytes.
pub(super) fn reads(guest: Wasi, path: &str) -> Wasi {
    let guest = guest.open(path);
    guest
        .wat("(call $read (local.get $h) (i64.const 100) (i64.const 0) (i32.const 512))")
        .bytes("(i32.load (i32.const 516))", "(i32.load (i32.const 520))")
}

pub(super) fn root(folder: &TempDir) -> std::path::PathBuf {
    folder.path().join("root")
}

const OUT: &[(&str, &str)] = &[
    ("../x", "not-permitted"),
    ("..", "not-permitted"),
    ("../outside/x", "not-permitted"),
    ("d/../../outside/x", "not-permitted"),
    ("/etc/passwd", "not-permitted"),
    ("/", "not-permitted"),
    ("x/", "not-directory"),
    ("x//", "not-directory"),
    ("./x/.", "not-directory"),
    ("x/..", "not-directory"),
    ("x\0", "no-entry"),
    ("\0", "no-entry"),
    ("", "no-entry"),
    ("nothing", "no-entry"),
    ("d/nothing/../../x", "no-entry"),
];

#[test]
fn case_034_no_wasi_path_leads_out_of_the_root() {
    const NAME: &str = "hostile::filesystem::case_034_no_wasi_path_leads_out_of_the_root";
    traced(NAME, || {
        let folder = planted();
        for flags in [0, 1] {
            let guest = OUT.iter().fold(Wasi::default(), |guest, (path, _)| opens(guest, path, flags));
            let ran = guest.run(&generous(), Some(&root(&folder)));
            let expected: Vec<_> = OUT.iter().map(|(_, answer)| *answer).collect();
            assert_eq!((ran.struck, ran.lines), (None, expected.iter().map(ToString::to_string).collect::<Vec<_>>()));
        }
        let inside = ["x", "./x", "d/y", "d/../x", "d/./y", "d/"];
        let guest = inside.iter().fold(Wasi::default(), |guest, path| opens(guest, path, 0));
        assert_eq!(guest.run(&generous(), Some(&root(&folder))).lines, vec!["ok"; inside.len()], "the twins open");
        assert_eq!(reads(Wasi::default(), "d/../x").run(&generous(), Some(&root(&folder))).lines, ["inside"]);
    });
}

/// Runs `body` in a process of its own under strace, if that is here, and looks at what it opened:
/// every path of a guest is resolved beneath the root and through no link, and nothing outside is read.
fn traced(name: &str, body: impl FnOnce()) {
    if std::env::var_os("CERTUS_TEST_ALONE").is_some() {
        return body();
    }
    let trace = tempfile::NamedTempFile::new().unwrap();
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-s", "200", "-e", "trace=open,openat,openat2", "-o"]).arg(trace.path());
    let works = strace.arg("true").status().is_ok_and(|status| status.success());
    if !works {
        println!("skipped: case 034: strace does not run here, so only the answers are checked");
        return alone(name, body);
    }
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-s", "200", "-e", "trace=open,openat,openat2", "-o"]).arg(trace.path());
    let program = std::env::current_exe().unwrap();
    let ended = strace.arg(program).args(["--exact", name]).env("CERTUS_TEST_ALONE", "1").output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
    let trace = std::fs::read_to_string(trace.path()).unwrap();
    let beneath: Vec<&str> = trace.lines().filter(|line| line.contains("openat2(")).collect();
    assert!(beneath.len() > 2 * OUT.len(), "the guests' paths were traced");
    for line in beneath {
        assert!(line.contains("RESOLVE_BENEATH") && line.contains("RESOLVE_NO_SYMLINKS"), "{line}");
        assert!(!line.contains("outside") || line.contains("EXDEV"), "{line}");
    }
    for line in trace.lines().filter(|line| line.contains("/outside/x") && !line.contains("openat2(")) {
        assert!(line.contains("O_WRONLY"), "only the test itself may have made it: {line}");
    }
}

#[test]
fn case_035_a_planted_link_leads_nowhere() {
    let folder = planted();
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, root(&folder).join(name)).unwrap();
    link("../outside", "out");
    link("../outside/x", "file");
    link("/etc/passwd", "absolute");
    link("..", "up");
    link("/proc/self/root", "magic");
    let forms: Vec<String> = ["out", "file", "absolute", "up", "magic", "d/../out"]
        .iter()
        .flat_map(|name| ["", "/", "//", "/.", "/./", "/x", "/..", "/../outside/x"].map(|tail| format!("{name}{tail}")))
        .collect();
    for form in &forms {
        let path = Arg::Text(form);
        let mut guest = Wasi::default();
        for flags in [0, 1].map(Arg::Int) {
            guest = guest
                .call("open-at", &[Arg::Root, flags, path, Arg::Int(0), Arg::Int(1)], 4)
                .call("open-at", &[Arg::Root, flags, path, Arg::Int(2), Arg::Int(1)], 4)
                .call("link-at", &[Arg::Root, flags, path, Arg::Root, Arg::Text("new")], 1);
        }
        guest = guest
            .call("readlink-at", &[Arg::Root, path], 4)
            .call("rename-at", &[Arg::Root, path, Arg::Root, Arg::Text("new")], 1)
            .call("rename-at", &[Arg::Root, Arg::Text("x"), Arg::Root, path], 1)
            .call("unlink-file-at", &[Arg::Root, path], 1);
        let ran = guest.run(&generous(), Some(&root(&folder)));
        assert_eq!((ran.struck, ran.lines.len()), (None, 10), "{form}");
        assert!(!ran.lines.contains(&"ok".to_owned()), "{form}: {:?}", ran.lines);
        // Followed or not, what is seen of a link is that it is one.
        for flags in [0, 1].map(Arg::Int) {
            let guest = Wasi::default().call("stat-at", &[Arg::Root, flags, path], 8);
            let ran =
                guest.number("(i64.extend_i32_u (i32.load8_u (i32.const 520)))").run(&generous(), Some(&root(&folder)));
            assert!(ran.lines[0] != "ok" || ran.lines[1].ends_with("05"), "{form}: {:?}", ran.lines);
        }
    }
    let twin = opens(Wasi::default(), "d", 1).call("stat-at", &[Arg::Root, Arg::Int(1), Arg::Text("x")], 8);
    assert_eq!(twin.run(&generous(), Some(&root(&folder))).lines, ["ok", "ok"]);
    assert!(folder.path().join("outside/x").exists() && root(&folder).join("out").is_symlink());
}

#[test]
fn case_036_nothing_can_be_changed() {
    let folder = planted();
    let before = digest(&root(&folder));
    let (x, new) = (Arg::Text("x"), Arg::Text("new"));
    let time = [Arg::Int(2), Arg::Long(0), Arg::Int(0), Arg::Int(1), Arg::Long(0), Arg::Int(0)];
    let open = |flags: i32, how: i32, path| [Arg::Root, Arg::Int(0), path, Arg::Int(how), Arg::Int(flags)];
    let guest = Wasi::default()
        .open("x")
        // Create, create exclusively, truncate, write, read and write, append to what is there.
        .call("open-at", &open(1, 1, new), 4)
        .call("open-at", &open(2, 5, new), 4)
        .call("open-at", &open(1, 8, x), 4)
        .call("open-at", &open(2, 8, x), 4)
        .call("open-at", &open(2, 0, x), 4)
        .call("open-at", &open(3, 0, x), 4)
        .call("write", &[Arg::Handle, Arg::Text("changed"), Arg::Long(0)], 8)
        .call("write-via-stream", &[Arg::Handle, Arg::Long(0)], 4)
        .call("append-via-stream", &[Arg::Handle], 4)
        .call("set-size", &[Arg::Handle, Arg::Long(0)], 1)
        .call("set-times", &[&[Arg::Handle], time.as_slice()].concat(), 1)
        .call("set-times-at", &[&[Arg::Root, Arg::Int(0), x], time.as_slice()].concat(), 1)
        .call("create-directory-at", &[Arg::Root, new], 1)
        .call("remove-directory-at", &[Arg::Root, Arg::Text("d")], 1)
        .call("unlink-file-at", &[Arg::Root, x], 1)
        .call("symlink-at", &[Arg::Root, Arg::Text("/etc"), new], 1)
        .call("rename-at", &[Arg::Root, x, Arg::Root, new], 1)
        .call("rename-at", &[Arg::Root, x, Arg::Root, Arg::Text("d/y")], 1)
        .call("link-at", &[Arg::Root, Arg::Int(0), x, Arg::Root, new], 1);
    let ran = guest.run(&generous(), Some(&root(&folder)));
    assert_eq!(ran.struck, None);
    assert_eq!(ran.lines, vec!["not-permitted"; 19]);
    assert_eq!(digest(&root(&folder)), before);
    assert_eq!(reads(Wasi::default(), "x").run(&generous(), Some(&root(&folder))).lines, ["inside"], "reading is fine");
}

/// Every path below a folder with its kind, mode, time of change and content.
fn digest(folder: &Path) -> Vec<String> {
    let mut seen = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let (path, metadata) = (entry.path(), entry.metadata().unwrap());
            let content = if metadata.is_file() { std::fs::read(&path).unwrap() } else { Vec::new() };
            seen.push(format!("{path:?} {:?} {:?} {content:?}", metadata.permissions(), metadata.modified().unwrap()));
            folders.extend(metadata.is_dir().then_some(path));
        }
    }
    seen.sort();
    seen
}

#[test]
fn case_041_a_swapped_folder_is_never_read_through() {
    let folder = planted();
    std::fs::write(root(&folder).join("d/x"), "inside").unwrap();
    std::os::unix::fs::symlink("../outside", root(&folder).join("link")).unwrap();
    // Counts in memory how often `d/x` begins with `i`, with anything else, or does not open.
    let mut guest = Wasi::default();
    let open = guest.arguments(&[Arg::Root, Arg::Int(1), Arg::Text("d/x"), Arg::Int(0), Arg::Int(1)]);
    let count = |at: u32| format!("(i32.store (i32.const {at}) (i32.add (i32.const 1) (i32.load (i32.const {at}))))");
    let (inside, outside, refused) = (count(768), count(772), count(776));
    let guest = guest.repeat(
        2_000,
        format!(
            "(call $open-at {open} (i32.const 512))
         (if (i32.load8_u (i32.const 512)) (then {refused}) (else
           (local.set $h (i32.load (i32.const 516)))
           (global.set $next (global.get $heap))
           (call $read (local.get $h) (i64.const 8) (i64.const 0) (i32.const 512))
           (if (i32.eq (i32.load8_u (i32.load (i32.const 516))) (i32.const {})) (then {inside}) (else {outside}))
           (call $drop-descriptor (local.get $h))))",
            b'i'
        ),
    );
    let guest =
        [768, 772, 776].iter().fold(guest, |guest, at| guest.number(&format!("(i64.load32_u (i32.const {at}))")));
    let plugin = crate::support::admit(&guest.build()).unwrap();

    let swap = || renameat_with(CWD, root(&folder).join("d"), CWD, root(&folder).join("link"), RenameFlags::EXCHANGE);
    let limit = Duration::from_secs(if std::env::var_os("CERTUS_HOSTILE_LONG").is_some() { 60 } else { 2 });
    let (begin, over) = (Instant::now(), AtomicBool::new(false));
    let mut sums = [0; 3];
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                swap().unwrap()
            }
        });
        while begin.elapsed() < limit {
            let Ran { struck, lines, .. } = run(&plugin, &generous(), Some(&root(&folder)));
            assert_eq!(struck, None);
            for (sum, line) in sums.iter_mut().zip(&lines) {
                *sum += u64::from_str_radix(line, 16).unwrap();
            }
        }
        over.store(true, Ordering::Relaxed);
    });
    let [inside, outside, refused] = sums;
    println!("case 041: {inside} reads inside, {outside} outside, {refused} refused in {limit:?}");
    assert_eq!(outside, 0);
    assert!(inside > 0 && refused > 0, "both sides of the swap were met");
}
