//! Archives that nobody honest has packed.

use super::*;

/// Where the central directory is.
fn central(bytes: &[u8]) -> usize {
    bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap()
}

/// Where the end of the central directory is.
fn end(bytes: &[u8]) -> usize {
    bytes.windows(4).rposition(|window| window == b"PK\x05\x06").unwrap()
}

/// `bytes` with `value` at `at`.
fn with(bytes: &[u8], at: usize, value: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at..at + value.len()].copy_from_slice(value);
    bytes
}

/// A stored zip entry: local header, name, content.
fn local(name: &[u8], content: &[u8], extra: &[u8]) -> Vec<u8> {
    let sizes = [content.len() as u32, content.len() as u32].map(u32::to_le_bytes).concat();
    let lengths = [name.len() as u16, extra.len() as u16].map(u16::to_le_bytes).concat();
    [b"PK\x03\x04\x14\0\0\0\0\0\0\0\x21\0", &crc32(content)[..], &sizes, &lengths, name, extra, content].concat()
}

fn crc32(content: &[u8]) -> [u8; 4] {
    let mut crc = flate2::Crc::new();
    crc.update(content);
    crc.sum().to_le_bytes()
}

/// A zip of stored entries: (name, content, where its local header is).
fn directory(mut bytes: Vec<u8>, entries: &[(&[u8], &[u8], usize)]) -> Vec<u8> {
    let start = bytes.len() as u32;
    for (name, content, at) in entries {
        let sizes = [content.len() as u32, content.len() as u32].map(u32::to_le_bytes).concat();
        bytes.extend(b"PK\x01\x02\x14\x03\x14\0\0\0\0\0\0\0\x21\0");
        bytes.extend([&crc32(content)[..], &sizes, &(name.len() as u16).to_le_bytes(), &[0; 8]].concat());
        bytes.extend([&(0o100_644_u32 << 16).to_le_bytes()[..], &(*at as u32).to_le_bytes(), name].concat());
    }
    let (count, size) = (entries.len() as u16, bytes.len() as u32 - start);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend([count, count].map(u16::to_le_bytes).concat());
    bytes.extend([[size, start].map(u32::to_le_bytes).concat(), vec![0; 2]].concat());
    bytes
}

#[test]
fn zip_entries_that_share_bytes_are_refused() {
    let content = vec![b'x'; 100];
    let (a, b) = (local(b"a", &content, b""), local(b"b", &content, b""));
    let apart = directory([&a[..], &b].concat(), &[(b"a", &content, 0), (b"b", &content, a.len())]);
    assert_eq!(listing(&checkout(&apart).unwrap()).len(), 2, "twin: each with bytes of its own");
    // The local header of `b` lies in what `a` holds, and both end with the same bytes.
    let outer = local(b"a", &b, b"");
    let quoted = directory(outer.clone(), &[(b"a", &b, 0), (b"b", &content, outer.len() - b.len())]);
    let error = checkout(&quoted).unwrap_err();
    assert!(error.to_string().contains("overlapping entries"), "{error}");
    // Both names lead to one local header.
    let kernel = directory(a.clone(), &[(b"a", &content, 0), (b"b", &content, 0)]);
    assert_eq!(reason(checkout(&kernel)), CheckoutReason::Fsck);
    // The content runs into the directory.
    let beyond = with(&apart, central(&apart) + 20, &[200, 0, 0, 0, 200, 0, 0, 0]);
    assert_eq!(reason(checkout(&beyond)), CheckoutReason::Fsck);
}

#[test]
fn entries_that_the_directory_passes_over_are_refused() {
    let (a, b) = (local(b"a", b"seen", b""), local(b"b", b"by others", b""));
    for bytes in [[&a[..], &b].concat(), [&b[..], &a].concat()] {
        let at = if bytes.starts_with(&a) { [0, a.len()] } else { [b.len(), 0] };
        let both = directory(bytes.clone(), &[(b"a", b"seen", at[0]), (b"b", b"by others", at[1])]);
        assert_eq!(listing(&checkout(&both).unwrap()).len(), 2, "twin: both are named");
        let hidden = directory(bytes, &[(b"a", b"seen", at[0])]);
        assert_eq!(reason(checkout(&hidden)), CheckoutReason::Fsck);
    }
}

#[test]
fn names_that_tools_read_differently_are_refused_or_kept_as_they_are() {
    let zip = |name: &[u8]| directory(local(name, b"x", b""), &[(name, b"x", 0)]);
    let pax = |name: &[u8]| {
        // The length counts its own digits.
        let rest = [b" path=", name, b"\n"].concat();
        let digits = if rest.len() + 2 > 99 { 3 } else { 2 };
        let record = [(rest.len() + digits).to_string().as_bytes(), &rest].concat();
        tarball(&[Raw(b"pax", b'x', 0o644, b"", &record), file("short", "x")])
    };
    for name in [&b"nul\0byte"[..], b"/etc/passwd", b"../x", b"a/../../x", b"a//b", b"a/./b", b"a/.GIT/x"] {
        assert_eq!(reason(checkout(&zip(name))), CheckoutReason::Fsck, "zip {:?}", String::from_utf8_lossy(name));
        assert_eq!(reason(checkout(&pax(name))), CheckoutReason::Fsck, "tar {:?}", String::from_utf8_lossy(name));
    }
    for name in [&b"..\\x"[..], b"C:\\x", b"C:/x", b"a\x1b[2J", b"\xff", b"CON", b"a:b"] {
        for bytes in [zip(name), pax(name)] {
            let checkout = checkout(&bytes).unwrap();
            assert_eq!(checkout.workspace.entries()[0].path.to_bytes(), name);
        }
    }
    let long = [b'n'; 256];
    assert_eq!(reason(checkout(&zip(&long))), CheckoutReason::TreeBudget);
    assert_eq!(reason(checkout(&pax(&long))), CheckoutReason::TreeBudget);
}

#[test]
fn links_that_lead_out_are_recorded_by_their_target() {
    for target in ["/etc/passwd", "../../../etc", "self", "/proc/self/environ"] {
        let tar = tarball(&[link("self", b'2', target), file("z", "x")]);
        let zip = zipped(&[("self", 0o120_777, target.as_bytes()), ("z", 0o644, b"x")]);
        for bytes in [tar, zip] {
            let checkout = checkout(&bytes).unwrap();
            let (path, kind, content) = &listing(&checkout)[0];
            assert_eq!((path.as_str(), kind.is_file(), content.as_str()), ("self", false, target));
        }
    }
}

/// Nothing is hidden and nothing made up, whatever an archive says of itself.
fn refused_or_read_in_full(bytes: &[u8], entries: usize) {
    match checkout(bytes) {
        Ok(read) => assert_eq!(read.workspace.entries().len(), entries),
        Err(error) => assert!(error.reason().is_some(), "{error}"),
    }
}

#[test]
fn sizes_that_lie_are_refused() {
    let good = zipped(&[("file", 0o644, b"content"), ("more", 0o644, b"content")]);
    let (central, end) = (central(&good), end(&good));
    // The sizes of one entry in its local header, and in the directory.
    for (case, bytes) in [
        ("longer than announced", with(&good, central + 24, &[3, 0, 0, 0])),
        ("shorter than announced", with(&good, central + 24, &[30, 0, 0, 0])),
        ("packed into nothing", with(&good, central + 20, &[0, 0, 0, 0])),
        ("packed into more than there is", with(&good, central + 20, &[0xff, 0xff, 0, 0])),
        ("in zip64 that is not there", with(&good, central + 20, &[0xff; 8])),
        ("at a place that is not there", with(&good, central + 42, &[0xff, 0xff, 0xff, 0x7f])),
        ("in a directory that is not there", with(&good, end + 16, &[0xff, 0xff, 0xff, 0x7f])),
    ] {
        let refused = reason(checkout(&bytes));
        assert!(
            matches!(refused, CheckoutReason::Fsck | CheckoutReason::FileBudget | CheckoutReason::ArchiveRatio),
            "{case}: {refused}"
        );
    }
    // What the end says of the directory may be passed over, as long as all of it is read.
    let counts = [1_u16, 3, 0xffff].map(|count| with(&good, end + 8, &[count, count].map(u16::to_le_bytes).concat()));
    let lengths = [1_u32, 1 << 20].map(|length| with(&good, end + 12, &length.to_le_bytes()));
    for bytes in counts.into_iter().chain(lengths) {
        refused_or_read_in_full(&bytes, 2);
    }
    let sized = |size: &[u8; 12]| {
        let mut tar = tarball(&[file("file", "content")]);
        tar[124..136].copy_from_slice(size);
        let mut header = ::tar::Header::from_byte_slice(&tar[..BLOCK]).clone();
        header.set_cksum();
        tar[..BLOCK].copy_from_slice(header.as_bytes());
        tar
    };
    assert!(checkout(&sized(b"00000000007\0")).is_ok(), "twin: its true size");
    for size in [b"00000100000\0", b"77777777777\0", b"\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff", b"-0000000007\0"] {
        let refused = reason(checkout(&sized(size)));
        assert!(matches!(refused, CheckoutReason::Fsck | CheckoutReason::FileBudget), "{size:?}: {refused}");
    }
    let by_pax = tarball(&[Raw(b"pax", b'x', 0o644, b"", b"29 size=18446744073709551615\n"), file("file", "content")]);
    assert!(matches!(reason(checkout(&by_pax)), CheckoutReason::Fsck | CheckoutReason::FileBudget));
}

/// A zip64 whose end records say what they are told to.
fn zip64(entries: u64, size: u64, start: u64, record: u64) -> Vec<u8> {
    let plain = directory(local(b"file", b"x", b""), &[(b"file", b"x", 0)]);
    let (central, end) = (central(&plain), end(&plain));
    let mut bytes = plain[..end].to_vec();
    let at = bytes.len() as u64;
    bytes.extend(b"PK\x06\x06");
    bytes.extend([&44_u64.to_le_bytes()[..], &[45, 0, 45, 0], &[0; 8]].concat());
    let size = if size == 0 { (end - central) as u64 } else { size };
    let start = if start == 0 { central as u64 } else { start };
    bytes.extend([entries, entries, size, start].map(u64::to_le_bytes).concat());
    bytes.extend([b"PK\x06\x07\0\0\0\0", &(at.wrapping_add(record)).to_le_bytes()[..], &[1, 0, 0, 0]].concat());
    bytes.extend([&b"PK\x05\x06\0\0\0\0"[..], &[0xff; 12], &[0; 2]].concat());
    bytes
}

#[test]
fn zip64_records_that_lie_hide_nothing() {
    assert_eq!(listing(&checkout(&zip64(1, 0, 0, 0)).unwrap()).len(), 1, "twin: they tell the truth");
    for bytes in [
        zip64(u64::MAX, 0, 0, 0),
        zip64(1 << 40, 0, 0, 0),
        zip64(0, 0, 0, 0),
        // A directory without end, and one beyond the end.
        zip64(1, u64::MAX, 0, 0),
        zip64(1, 0, u64::MAX, 0),
        // A record beyond the end, and one before the start.
        zip64(1, 0, 0, 1 << 40),
        zip64(1, 0, 0, u64::MAX - 10),
    ] {
        refused_or_read_in_full(&bytes, 1);
    }
}

#[test]
fn two_hundred_thousand_and_one_entries_are_too_many() {
    let packed = |count: usize| {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for number in 0..count {
            let name = format!("{:03}/{number:06}", number / 10_000);
            writer.start_file(name, SimpleFileOptions::default()).unwrap();
        }
        writer.finish().unwrap().into_inner()
    };
    // The folders count too: twenty of them, and with one file more twenty-one.
    assert_eq!(checkout(&packed(199_980)).unwrap().workspace.entries().len(), 199_980);
    assert_eq!(reason(checkout(&packed(200_001))), CheckoutReason::TreeBudget);
}

#[test]
fn headers_of_any_kind_are_held_within_their_bound() {
    let long = vec![b'n'; 2 << 20];
    let record = [format!("{} comment=", 2 << 20).as_bytes(), &long[..(2 << 20) - 17], b"\n"].concat();
    for (case, kind) in [("attributes", b'x'), ("long name", b'L'), ("long target", b'K')] {
        let tar = tarball(&[Raw(b"header", kind, 0o644, b"", &record), file("file", "x")]);
        assert_eq!(reason(checkout(&tar)), CheckoutReason::TreeBudget, "{case}");
        let gzipped = gzip(&tar);
        assert!(matches!(reason(checkout(&gzipped)), CheckoutReason::TreeBudget | CheckoutReason::ArchiveRatio));
    }
    let small = [format!("{} comment=", 1 << 10).as_bytes(), &long[..(1 << 10) - 14], b"\n"].concat();
    let tar = tarball(&[Raw(b"header", b'x', 0o644, b"", &small), file("file", "x")]);
    assert_eq!(small.len(), 1 << 10);
    assert_eq!(listing(&checkout(&tar).unwrap()).len(), 1, "twin: attributes of a usual size");
}

#[test]
fn hard_links_count_each_time() {
    let content = "x".repeat(1000);
    let names: Vec<_> = (0..10).map(|number| format!("hard{number}")).collect();
    let mut entries = vec![file("file", &content)];
    entries.extend(names.iter().map(|name| link(name, b'1', "file")));
    let tar = tarball(&entries);
    let total = |total| WorkspaceLimits { total, ..WorkspaceLimits::default() };
    assert_eq!(reason(checkout_with(&tar, &total(10_999))), CheckoutReason::FileBudget);
    assert_eq!(checkout_with(&tar, &total(11_000)).unwrap().workspace.entries().len(), 11);
}

#[test]
fn an_archive_in_an_archive_is_a_file_and_not_opened() {
    let mut inner = zipped(&[("zeros", 0o644, &vec![0; 1 << 20])]);
    for _ in 0..5 {
        inner = zipped(&[("inner.zip", 0o644, &inner)]);
    }
    let checkout = checkout(&inner).unwrap();
    assert_eq!(checkout.workspace.entries().len(), 1);
    assert!(checkout.workspace.entries()[0].size < 10_000);
}

#[test]
fn no_cut_makes_anything_but_a_refusal() {
    let tar = tarball(&[file("a", "content"), link("b", b'2', "a")]);
    let zstd = zstd::encode_all(&tar[..], 3).unwrap();
    let zip = zipped(&[("a", 0o644, b"content"), ("b", 0o755, b"more content")]);
    let sandbox = Sandbox::new();
    let (scratch, limits) = (sandbox.scratch(), WorkspaceLimits::default());
    for (form, bytes) in [("gzip", gzip(&tar)), ("bzip2", bzip2(&tar)), ("zstd", zstd), ("zip", zip)] {
        for length in 0..bytes.len() {
            let path = sandbox.write(form, &bytes[..length]);
            let error = read(&Place::anywhere(path), Sealer::new(&limits, &scratch, &NEVER)).unwrap_err();
            assert!(error.reason().is_some(), "{form} of {length}: {error}");
        }
        read(&Place::anywhere(sandbox.write(form, &bytes)), Sealer::new(&limits, &scratch, &NEVER)).unwrap();
    }
}
