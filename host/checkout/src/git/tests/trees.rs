//! Trees that git accepts and that would do harm if anyone wrote them to disk as they are.

use certus_model::escape::is_printable;

use super::forge::Forge;
use super::server::{ADDRESS, Asked, Server};
use super::*;

/// What comes of a commit of these entries: (mode, name, content), a gitlink for mode 160000.
fn scanned(entries: &[(&str, &[u8], &[u8])]) -> Result<crate::Checkout, Error> {
    let mut forge = Forge::default();
    let mut listed = Vec::new();
    for (mode, name, content) in entries {
        let id = if *mode == "160000" { ObjectId::null(Hash::Sha1) } else { forge.blob(content) };
        let id = if *mode == "160000" { ObjectId::from_hex(&[b'1'; 40]).unwrap() } else { id };
        listed.push((*mode, *name, id));
    }
    listed.sort_by_key(|(_, name, _)| name.to_vec());
    let tree = forge.tree(&listed);
    let commit = forge.commit(tree);
    let sandbox = Sandbox::new();
    let server = Server::of(commit, forge.pack());
    let result = run(&sandbox, ADDRESS, &server.git(&sandbox), &WorkspaceLimits::default());
    let asked: Vec<_> = server.seen().iter().map(|request| request.asked).collect();
    assert!(!asked.contains(&Asked::Other), "only the repository itself was asked for: {asked:?}");
    result
}

#[test]
fn case_072_links_are_recorded_and_never_created() {
    let links: [(&[u8], &[u8]); 6] = [
        (b"absolute", b"/etc/passwd"),
        (b"environ", b"/proc/self/environ"),
        (b"folder", b"/"),
        (b"parent", b"../../../../../../etc"),
        (b"self", b"self"),
        (b"within", b"z"),
    ];
    let mut entries: Vec<_> = links.iter().map(|(name, target)| ("120000", *name, *target)).collect();
    entries.push(("100644", b"z", b"content"));
    let checkout = scanned(&entries).unwrap();
    let workspace = &checkout.workspace;
    for (index, (name, target)) in links.iter().enumerate() {
        let entry = &workspace.entries()[index];
        assert_eq!((entry.path.to_bytes(), entry.kind), (name.to_vec(), EntryKind::Symlink));
        assert_eq!(&*workspace.read(index).unwrap(), *target);
    }
    let sandbox = Sandbox::new();
    let all: Vec<_> = (0..entries.len()).collect();
    let tree = crate::materialise(workspace, &all, &sandbox.scratch()).unwrap();
    assert_eq!(tree.skipped(), &all[..links.len()]);
    // Twin: the file that is no link.
    assert_eq!(names(&tree.path()), ["z"]);
}

#[test]
fn case_073_names_are_escaped_on_disk_and_lead_back_to_their_bytes() {
    let longest = [b'n'; 255];
    let odd: [&[u8]; 16] = [
        b"\x1b[2Jescape",
        b"a:b",
        b"a\\b",
        b"bad utf-8 \xff\xfe",
        b"bidi \xe2\x80\xae gpj.exe",
        b"carriage\rreturn",
        b"CON",
        "COM\u{b9}".as_bytes(),
        b"new\nline",
        b"percent%41",
        b"trailing ",
        b"trailing.",
        b"--option",
        b"~",
        b"$(id)",
        &longest,
    ];
    let entries: Vec<_> = odd.iter().map(|name| ("100644", *name, *name)).collect();
    let checkout = scanned(&entries).unwrap();
    let workspace = &checkout.workspace;
    assert_eq!(workspace.entries().len(), odd.len());
    let all: Vec<_> = (0..odd.len()).collect();
    let sandbox = Sandbox::new();
    let tree = crate::materialise(workspace, &all, &sandbox.scratch()).unwrap();
    assert_eq!(tree.skipped(), [0; 0]);
    let on_disk = names(&tree.path());
    assert_eq!(on_disk.len(), odd.len());
    for (entry, index) in workspace.entries().iter().zip(all) {
        let raw = entry.path.to_bytes();
        assert!(odd.contains(&raw.as_slice()), "{raw:?}");
        // Every file holds its own name.
        assert_eq!(*workspace.read(index).unwrap(), raw);
        assert_eq!(fs::read(tree.path().join(entry.path.as_str())).unwrap(), raw);
        assert!(entry.path.as_str().chars().all(is_printable), "{}", entry.path);
    }
    let too_long = [b'n'; 256];
    assert_eq!(reason(scanned(&[("100644", &too_long, b"x")])), CheckoutReason::TreeBudget);
}

#[test]
fn case_074_twins_are_two_files() {
    let twins: [(&str, &str); 3] = [("README", "readme"), ("caf\u{e9}", "cafe\u{301}"), ("stra\u{df}e", "STRASSE")];
    for (one, other) in twins {
        let entries = [one, other].map(|name| ("100644", name.as_bytes(), name.as_bytes()));
        let checkout = scanned(&entries).unwrap();
        let mut read: Vec<_> = (0..2).map(|index| checkout.workspace.read(index).unwrap().into_owned()).collect();
        read.sort();
        let mut expected = [one.as_bytes(), other.as_bytes()];
        expected.sort_unstable();
        assert_eq!(read, expected, "each is read by its own name");
        let [a, b] = [0, 1].map(|index| &checkout.workspace.entries()[index]);
        assert!(a.path != b.path && a.digest != b.digest, "{} {}", a.path, b.path);
    }
}

#[test]
fn case_078_submodules_are_recorded_and_never_fetched() {
    let module = |name: &str, path: &str, url: &str| {
        format!("[submodule \"{name}\"]\n\tpath = {path}\n\turl = {url}\n\tupdate = !touch ran\n").into_bytes()
    };
    let cases = [
        ("ext", module("x", "module", "ext::sh -c touch% ran")),
        ("file", module("x", "module", "file:///etc")),
        ("option", module("x", "module", "-u./evil")),
        ("option for ssh", module("x", "module", "ssh://-oProxyCommand=id/x")),
        ("name out", module("../../evil", "module", "https://hostile.example/repo")),
        ("path out", module("x", "../../evil", "https://hostile.example/repo")),
        ("carriage return", module("x", "module\r", "https://hostile.example/repo")),
        ("honest", b"[submodule \"x\"]\n\tpath = module\n\turl = https://hostile.example/repo\n".to_vec()),
    ];
    for (case, gitmodules) in &cases {
        let entries: [(&str, &[u8], &[u8]); 2] = [("100644", b".gitmodules", gitmodules), ("160000", b"module", b"")];
        match scanned(&entries) {
            Ok(checkout) => recorded(&checkout, case),
            // git itself has refused it.
            Err(error) => {
                assert_eq!(error.reason(), Some(CheckoutReason::Fsck), "{case}: {error}");
                assert_ne!(*case, "honest");
            }
        }
    }
    recorded(&scanned(&[("100644", b"file", b"x"), ("160000", b"module", b"")]).unwrap(), "without .gitmodules");
    let carriage_return: [(&str, &[u8], &[u8]); 2] = [("100644", b"file", b"x"), ("160000", b"module\r", b"")];
    recorded(&scanned(&carriage_return).unwrap(), "carriage return in its own name");
}

/// The submodule is there, by the commit that it names and nothing else.
fn recorded(checkout: &crate::Checkout, case: &str) {
    let entry = &checkout.workspace.entries()[1];
    assert_eq!(entry.kind, EntryKind::Submodule, "{case}");
    assert_eq!(entry.digest, certus_model::Sha256::of("1".repeat(40).as_bytes()), "{case}");
}
