use std::io::{Cursor, Write as _};

use ::zip::ZipWriter;
use ::zip::write::SimpleFileOptions;
use certus_model::outcome::CheckoutReason;
use certus_model::source::SourceRecord;
use certus_model::workspace::Workspace as _;

use super::*;
use crate::testing::{NEVER, Sandbox, listing, reason};

mod hostile;

/// One tar entry: raw name, type, mode, link target and content, none of them checked.
struct Raw<'a>(&'a [u8], u8, u32, &'a [u8], &'a [u8]);

fn file<'a>(name: &'a str, content: &'a str) -> Raw<'a> {
    Raw(name.as_bytes(), b'0', 0o644, b"", content.as_bytes())
}

fn link<'a>(name: &'a str, kind: u8, target: &'a str) -> Raw<'a> {
    Raw(name.as_bytes(), kind, 0o777, target.as_bytes(), b"")
}

fn block(raw: &Raw<'_>) -> Vec<u8> {
    let mut header = ::tar::Header::new_gnu();
    header.as_old_mut().name[..raw.0.len()].copy_from_slice(raw.0);
    header.as_old_mut().linkname[..raw.3.len()].copy_from_slice(raw.3);
    header.set_entry_type(::tar::EntryType::new(raw.1));
    header.set_mode(raw.2);
    header.set_size(raw.4.len() as u64);
    header.set_cksum();
    padded(&header, raw.4)
}

fn padded(header: &::tar::Header, content: &[u8]) -> Vec<u8> {
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    bytes
}

fn tarball(entries: &[Raw<'_>]) -> Vec<u8> {
    entries.iter().flat_map(block).chain([0; 2 * BLOCK]).collect()
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn bzip2(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ::bzip2::write::BzEncoder::new(Vec::new(), ::bzip2::Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

/// A zip of (name, mode, content); a mode of a link makes the content its target.
fn zipped(entries: &[(&str, u32, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, mode, content) in entries {
        let options = SimpleFileOptions::default().unix_permissions(*mode);
        match mode & 0o170_000 {
            0o120_000 => writer.add_symlink(*name, str::from_utf8(content).unwrap(), options).unwrap(),
            0o040_000 => writer.add_directory(*name, options).unwrap(),
            _ => {
                writer.start_file(*name, options).unwrap();
                writer.write_all(content).unwrap();
            }
        }
    }
    writer.finish().unwrap().into_inner()
}

fn checkout_with(bytes: &[u8], limits: &WorkspaceLimits) -> Result<crate::Checkout, Error> {
    let sandbox = Sandbox::new();
    sandbox.write("upload", bytes);
    sandbox.checkout_at("{}/upload", None, limits)
}

fn checkout(bytes: &[u8]) -> Result<crate::Checkout, Error> {
    checkout_with(bytes, &WorkspaceLimits::default())
}

/// Replaces every `from` by `to` of the same length.
fn patched(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    let places: Vec<_> = (0..=bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(from)).collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    bytes
}

#[test]
fn every_form_gives_the_digest_of_the_directory() {
    let sandbox = Sandbox::new();
    sandbox.write("t/top/a/file", "content");
    sandbox.executable("t/top/run", "#!");
    sandbox.write("t/top/empty", "");
    sandbox.link("t/top/link", "a/file");
    let expected = sandbox.checkout("{}/t").unwrap();
    let tar = tarball(&[
        Raw(b"./", b'5', 0o755, b"", b""),
        Raw(b"./top/", b'5', 0o755, b"", b""),
        file("./top/a/file", "content"),
        Raw(b"./top/run", b'0', 0o755, b"", b"#!"),
        file("./top/empty", ""),
        link("./top/link", b'2', "a/file"),
        file("./top/.git/config", "passed over"),
    ]);
    let zip = zipped(&[
        ("top/", 0o040_755, b""),
        ("top/a/file", 0o644, b"content"),
        ("top/run", 0o755, b"#!"),
        ("top/empty", 0o644, b""),
        ("top/link", 0o120_777, b"a/file"),
        ("top/.git/config", 0o644, b"passed over"),
    ]);
    for (form, bytes) in [
        ("tar", tar.clone()),
        ("gzip", gzip(&tar)),
        ("gzip in two members", [gzip(&tar[..700]), gzip(&tar[700..])].concat()),
        ("bzip2", bzip2(&tar)),
        ("zstd", zstd::encode_all(&tar[..], 3).unwrap()),
        ("zip", zip),
    ] {
        let checkout = checkout(&bytes).unwrap_or_else(|error| panic!("{form}: {error}"));
        assert_eq!(listing(&checkout), listing(&expected), "{form}");
        assert_eq!(checkout.tree_digest, expected.tree_digest, "{form}");
        let record = SourceRecord::Archive { archive_name: "upload".to_owned(), archive_hash: Sha256::of(&bytes) };
        assert_eq!(checkout.record, record, "{form}");
    }
}

#[test]
fn hostile_tar_entries_are_refused_by_name() {
    let ok = || file("ok", "x");
    let pax = |record: &str| Raw(b"pax", b'x', 0o644, b"", record.as_bytes().to_vec().leak());
    for (case, entries, named) in [
        ("parent", vec![ok(), file("../evil", "x")], "../evil"),
        ("parent within", vec![ok(), file("a/../../evil", "x")], "a/../../evil"),
        ("absolute", vec![ok(), file("/etc/passwd", "x")], "/etc/passwd"),
        ("parent through .git", vec![ok(), file(".git/../../evil", "x")], ".git/../../evil"),
        ("another .GIT", vec![ok(), file("a/.GIT/config", "x")], "a/.GIT/config"),
        ("empty name", vec![ok(), file("a//b", "x")], "a//b"),
        ("twice", vec![ok(), file("./ok", "y")], "ok"),
        ("below a file", vec![ok(), file("ok/below", "y")], "ok"),
        ("file over directory", vec![file("d/x", "x"), file("d", "y")], "d"),
        ("directory over file", vec![ok(), Raw(b"ok/", b'5', 0o755, b"", b"")], "ok"),
        ("below a link", vec![ok(), link("out", b'2', "/etc"), file("out/passwd", "x")], "out"),
        ("character device", vec![ok(), link("null", b'3', "")], "null"),
        ("block device", vec![ok(), link("disk", b'4', "")], "disk"),
        ("pipe", vec![ok(), link("pipe", b'6', "")], "pipe"),
        ("hard link to nothing", vec![ok(), link("hard", b'1', "later"), file("later", "x")], "hard"),
        ("hard link out", vec![ok(), link("hard", b'1', "../../etc/passwd")], "../../etc/passwd"),
        ("hard link to a link", vec![ok(), link("soft", b'2', "x"), link("hard", b'1', "soft")], "hard"),
        ("unknown kind", vec![ok(), link("odd", b'Z', "")], "odd"),
        ("sparse in PAX", vec![ok(), pax("22 GNU.sparse.major=1\n"), file("holes", "x")], "holes"),
        ("parent in PAX", vec![ok(), pax("19 path=../../evil\n"), file("good", "x")], "../../evil"),
        ("control characters", vec![ok(), file("../\u{1b}[2J", "x")], "../\\u{1b}[2J"),
    ] {
        let error = checkout(&tarball(&entries)).unwrap_err();
        assert!(error.to_string().starts_with(&format!("`{named}` ")), "{case}: {error}");
        assert_eq!(reason(Err::<(), _>(error)), CheckoutReason::Fsck, "{case}");
    }
}

#[test]
fn harmless_oddities_are_read() {
    let long = format!("{}/file", "directory".repeat(20));
    let mut builder = ::tar::Builder::new(Vec::new());
    let mut header = ::tar::Header::new_gnu();
    header.set_size(1);
    header.set_mode(0o644);
    header.set_cksum();
    builder.append_data(&mut header, &long, &b"x"[..]).unwrap();
    let mut bytes = builder.into_inner().unwrap();
    bytes.truncate(bytes.len() - 2 * BLOCK);
    bytes.extend(tarball(&[
        Raw(b"pax_global_header", b'g', 0o644, b"", b"52 comment=0123456789012345678901234567890123456789\n"),
        Raw(b"old/", b'0', 0o755, b"", b""),
        Raw(b"old/contiguous", b'7', 0o600, b"", b"c"),
        link("old/hard", b'1', "./old/contiguous"),
        file("inner.zip", "PK\u{3}\u{4} is a file like any other"),
    ]));
    bytes.extend([0; 20 * BLOCK]);
    let listing = listing(&checkout(&bytes).unwrap());
    let names: Vec<_> = listing.iter().map(|(path, _, content)| (path.as_str(), content.as_str())).collect();
    assert_eq!(
        names,
        [
            (long.as_str(), "x"),
            ("inner.zip", "PK\u{3}\u{4} is a file like any other"),
            ("old/contiguous", "c"),
            ("old/hard", "c"),
        ]
    );
}

/// A GNU sparse file: `content` at `offset`, a hole before it.
fn sparse(offset: u64, content: &[u8]) -> Vec<u8> {
    let mut header = ::tar::Header::new_gnu();
    header.set_path("sparse").unwrap();
    header.set_entry_type(::tar::EntryType::GNUSparse);
    header.set_mode(0o644);
    header.set_size(content.len() as u64);
    let gnu = header.as_gnu_mut().unwrap();
    let octal = |field: &mut [u8; 12], value: u64| field.copy_from_slice(format!("{value:011o}\0").as_bytes());
    octal(&mut gnu.sparse[0].offset, offset);
    octal(&mut gnu.sparse[0].numbytes, content.len() as u64);
    octal(&mut gnu.realsize, offset + content.len() as u64);
    header.set_cksum();
    padded(&header, content).into_iter().chain([0; 2 * BLOCK]).collect()
}

#[test]
fn sparse_files_have_their_holes_and_count_in_full() {
    let read = checkout(&sparse(1024, b"end")).unwrap();
    let workspace = &read.workspace;
    assert_eq!(*workspace.read(0).unwrap(), [vec![0; 1024], b"end".to_vec()].concat());
    assert_eq!(reason(checkout(&sparse(60 << 20, b"end"))), CheckoutReason::ArchiveRatio);
    assert_eq!(reason(checkout(&sparse(1 << 32, b"end"))), CheckoutReason::ArchiveRatio);
}

#[test]
fn expansion_is_bounded_by_its_ratio_alone() {
    let zeros = vec![0_u8; 4 << 20];
    let tar = tarball(&[Raw(b"zeros", b'0', 0o644, b"", &zeros)]);
    let zip = zipped(&[("zeros", 0o644, &zeros)]);
    let patient = WorkspaceLimits { archive_ratio: 100_000, ..WorkspaceLimits::default() };
    for (form, bytes) in
        [("gzip", gzip(&tar)), ("bzip2", bzip2(&tar)), ("zstd", zstd::encode_all(&tar[..], 3).unwrap()), ("zip", zip)]
    {
        assert_eq!(reason(checkout(&bytes)), CheckoutReason::ArchiveRatio, "{form}");
        checkout_with(&bytes, &patient).unwrap_or_else(|error| panic!("{form}, permitted: {error}"));
    }
    let small = tarball(&[Raw(b"zeros", b'0', 0o644, b"", &zeros[..1 << 19])]);
    checkout(&gzip(&small)).unwrap();
}

#[test]
fn budgets_hold_in_archives_too() {
    let many: Vec<_> = (0..20).map(|number| format!("d/{number}")).collect();
    let many: Vec<_> = many.iter().map(|name| file(name, "x")).collect();
    let tar = tarball(&many);
    let entries: Vec<_> = (0..20).map(|number| format!("d/{number}")).collect();
    let entries: Vec<_> = entries.iter().map(|name| (name.as_str(), 0o644, &b"x"[..])).collect();
    let zip = zipped(&entries);
    for bytes in [tar, zip] {
        for (limits, expected) in [
            (WorkspaceLimits { entries: 20, ..WorkspaceLimits::default() }, CheckoutReason::TreeBudget),
            (WorkspaceLimits { directory_entries: 19, ..WorkspaceLimits::default() }, CheckoutReason::TreeBudget),
            (WorkspaceLimits { file: 0, ..WorkspaceLimits::default() }, CheckoutReason::FileBudget),
            (WorkspaceLimits { total: 100, ..WorkspaceLimits::default() }, CheckoutReason::FileBudget),
        ] {
            assert_eq!(reason(checkout_with(&bytes, &limits)), expected);
        }
        let exact = WorkspaceLimits { entries: 21, directory_entries: 20, file: 1, ..WorkspaceLimits::default() };
        checkout_with(&bytes, &exact).unwrap();
    }
    let name = vec![b'n'; 2 << 20];
    let names = tarball(&[Raw(b"././@LongLink", b'L', 0o644, b"", &name), file("short", "x")]);
    assert_eq!(reason(checkout(&names)), CheckoutReason::TreeBudget, "a name of 2 MiB is not held in memory");
}

#[test]
fn what_is_cut_or_continued_is_refused() {
    let tar = tarball(&[file("a", "content"), file("b", &"x".repeat(600))]);
    let zip = zipped(&[("a", 0o644, b"content")]);
    let garbage = |bytes: &[u8]| [bytes, b"garbage".repeat(100).as_slice()].concat();
    for (case, bytes) in [
        ("tar within a header", tar[..700].to_vec()),
        ("tar within content", tar[..BLOCK * 3 + 10].to_vec()),
        ("tar without an end", tar[..tar.len() - 2 * BLOCK].to_vec()),
        ("tar and more", garbage(&tar)),
        ("tar and another", [tar.clone(), tar.clone()].concat()),
        ("gzip cut", gzip(&tar)[..60].to_vec()),
        ("gzip without its checksum", gzip(&tar)[..gzip(&tar).len() - 4].to_vec()),
        ("gzip and more", garbage(&gzip(&tar))),
        ("bzip2 cut", bzip2(&tar)[..60].to_vec()),
        ("bzip2 and more", garbage(&bzip2(&tar))),
        ("zstd cut", zstd::encode_all(&tar[..], 3).unwrap()[..60].to_vec()),
        ("zstd and more", garbage(&zstd::encode_all(&tar[..], 3).unwrap())),
        ("zip cut", zip[..zip.len() - 5].to_vec()),
        ("zip of one header", zip[..40].to_vec()),
        ("gzip of text", gzip(b"just text")),
        ("gzip of nothing", gzip(b"")),
    ] {
        assert_eq!(reason(checkout(&bytes)), CheckoutReason::Fsck, "{case}");
    }
    for (case, bytes) in [("tar", vec![0; 4 * BLOCK]), ("gzip", gzip(&[0; 2 * BLOCK])), ("zip", zipped(&[]))] {
        assert_eq!(reason(checkout(&bytes)), CheckoutReason::Empty, "{case}");
    }
    for (case, bytes) in
        [("text", "x".repeat(2000).into_bytes()), ("nothing", vec![]), ("xz", b"\xfd7zXZ\0".repeat(100))]
    {
        assert_eq!(reason(checkout(&bytes)), CheckoutReason::BadUrl, "{case}");
    }
}

#[test]
fn hostile_zip_entries_are_refused() {
    let good = || zipped(&[("first", 0o644, b"content"), ("other", 0o644, b"content")]);
    checkout(&good()).unwrap();
    let central = |bytes: &[u8]| bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    let with = |offset_local: usize, offset_central: usize, value: &[u8]| {
        let mut bytes = good();
        let at = central(&bytes);
        for at in [offset_local, at + offset_central] {
            bytes[at..at + value.len()].copy_from_slice(value);
        }
        bytes
    };
    let mut device = good();
    let at = central(&device) + 38;
    device[at..at + 4].copy_from_slice(&(0o020_644_u32 << 16).to_le_bytes());
    let mut cloaked = good();
    cloaked[30] = b'F';
    for (case, bytes) in [
        ("encrypted", with(6, 8, &[1, 0])),
        ("unknown compression", with(8, 10, &[97, 0])),
        ("wrong checksum", with(14, 16, &[1, 2, 3, 4])),
        ("wrong size", with(22, 24, &[99, 0, 0, 0])),
        ("two names of one entry", cloaked),
        ("device", device),
        ("twice", patched(good(), b"other", b"first")),
        ("parent", patched(good(), b"other", b"../ev")),
        ("absolute", patched(good(), b"other", b"/etc/")),
    ] {
        assert_eq!(reason(checkout(&bytes)), CheckoutReason::Fsck, "{case}");
    }
}

#[test]
fn no_single_damage_makes_anything_but_an_answer() {
    let tar = tarball(&[file("a", "content"), link("b", b'2', "a"), link("c", b'1', "a")]);
    let zip = zipped(&[("a", 0o644, b"content"), ("b", 0o755, b"more content")]);
    let sandbox = Sandbox::new();
    let scratch = sandbox.scratch();
    for (form, bytes) in [("gzip", gzip(&tar)), ("zip", zip), ("tar", tar)] {
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (at % 8);
            let place = Place::anywhere(sandbox.write(form, &damaged));
            if let Err(error) = read(&place, Sealer::new(&WorkspaceLimits::default(), &scratch, &NEVER)) {
                assert!(error.reason().is_some(), "{form} at {at}: {error}");
            }
        }
    }
}
