//! Packs that are broken, or built to be costly.

use super::forge::Forge;
use super::server::{ADDRESS, Server};
use super::*;

/// Fetches `commit` from a server that sends `pack`.
fn fetched(commit: ObjectId, pack: Vec<u8>) -> Result<crate::Checkout, Error> {
    let sandbox = Sandbox::new();
    let server = Server::of(commit, pack);
    run(&sandbox, ADDRESS, &server.git(&sandbox), &WorkspaceLimits::default())
}

/// A commit of one file, and its pack.
fn simple() -> (ObjectId, Vec<u8>) {
    let mut forge = Forge::default();
    let commit = forge.commit_of(&[("100644", b"file")]);
    (commit, forge.pack())
}

#[test]
fn case_077_damaged_packs_are_refused() {
    let (commit, pack) = simple();
    fetched(commit, pack.clone()).unwrap();
    let mut wrong = pack.clone();
    *wrong.last_mut().unwrap() ^= 1;
    let mut more_promised = pack.clone();
    more_promised[11] += 1;
    let mut garbled = pack.clone();
    garbled[20] ^= 0xff;
    for (case, pack) in [
        ("wrong checksum", wrong),
        ("cut in the midst", pack[..pack.len() / 2].to_vec()),
        ("cut before the checksum", pack[..pack.len() - 20].to_vec()),
        ("fewer objects than promised", more_promised),
        ("garbled object", garbled),
        ("no pack at all", b"garbage".repeat(100)),
        ("nothing", Vec::new()),
        ("more than the pack", [pack.clone(), b"garbage".repeat(100)].concat()),
    ] {
        assert_eq!(reason(fetched(commit, pack)), CheckoutReason::Fsck, "{case}");
    }
}

#[test]
fn case_077_packs_that_lack_an_object_are_refused() {
    let mut complete = Forge::default();
    let (base, content) = (b"the base of a delta".as_slice(), b"the base of a delta and more".as_slice());
    let base_id = complete.blob(base);
    let blob = complete.delta_on(base_id, base, content);
    let tree = complete.tree(&[("100644", b"file", blob)]);
    let commit = complete.commit(tree);
    fetched(commit, complete.pack()).unwrap();

    let mut without_base = Forge::default();
    without_base.delta_on(base_id, base, content);
    without_base.tree(&[("100644", b"file", blob)]);
    without_base.commit(tree);
    assert_eq!(reason(fetched(commit, without_base.pack())), CheckoutReason::Fsck, "the base of a delta");

    let mut without_blob = Forge::default();
    without_blob.tree(&[("100644", b"file", blob)]);
    without_blob.commit(tree);
    assert_eq!(reason(fetched(commit, without_blob.pack())), CheckoutReason::Fsck, "a file");

    let mut without_commit = Forge::default();
    without_commit.blob(content);
    assert_eq!(reason(fetched(commit, without_commit.pack())), CheckoutReason::Fsck, "the commit itself");
}

/// A commit of one file whose content is told by so many deltas, each upon the one before.
fn chain(deltas: usize) -> (ObjectId, Vec<u8>) {
    let mut forge = Forge::default();
    let mut content = b"0".to_vec();
    let mut blob = forge.blob(&content);
    for number in 1..=deltas {
        let next = number.to_string().into_bytes();
        blob = forge.delta_on_last(&content, &next);
        content = next;
    }
    let tree = forge.tree(&[("100644", b"file", blob)]);
    (forge.commit(tree), forge.pack())
}

#[test]
fn case_077_a_chain_of_deltas_beyond_gits_own_limit_is_refused() {
    let (commit, pack) = chain(10_000);
    let error = fetched(commit, pack).unwrap_err();
    assert!(error.to_string().contains("a delta upon 10000 others"), "{error}");
    assert_eq!(error.reason(), Some(CheckoutReason::Fsck));
    let (commit, pack) = chain(4095);
    assert_eq!(listing(&fetched(commit, pack).unwrap())[0].2, "4095");
}

#[test]
fn case_077_a_delta_chain_that_leads_to_itself_is_refused() {
    let mut forge = Forge::default();
    let content = b"upon itself";
    let own = forge.blob(content);
    let mut circular = Forge::default();
    circular.delta_on(own, content, content);
    let tree = circular.tree(&[("100644", b"file", own)]);
    let commit = circular.commit(tree);
    assert_eq!(reason(fetched(commit, circular.pack())), CheckoutReason::Fsck);
}

/// The first 320 bytes of the two published files whose SHA-1 is the same (shattered.io, 2017): a common
/// beginning and two blocks that differ.
const COMMON: &str = "255044462d312e330a25e2e3cfd30a0a0a312030206f626a0a3c3c2f57696474682032203020522f48656967687420\
    33203020522f547970652034203020522f537562747970652035203020522f46696c7465722036203020522f436f6c6f725370616365203720\
    3020522f4c656e6774682038203020522f42697473506572436f6d706f6e656e7420383e3e0a73747265616d0affd8fffe00245348412d3120\
    697320646561642121212121852fec092339759c39b1a1c63c4c97e1fffe01";
const FIRST: &str = "7f46dc93a6b67e013b029aaa1db2560b45ca67d688c7f84b8c4c791fe02b3df614f86db1690901c56b45c1530afedfb7\
    6038e972722fe7ad728f0e4904e046c230570fe9d41398abe12ef5bc942be33542a4802d98b5d70f2a332ec37fac3514e74ddc0f2cc1a874cd\
    0c78305a21566461309789606bd0bf3f98cda8044629a1";
const SECOND: &str = "7346dc9166b67e118f029ab621b2560ff9ca67cca8c7f85ba84c79030c2b3de218f86db3a90901d5df45c14f26fedfb3\
    dc38e96ac22fe7bd728f0e45bce046d23c570feb141398bb552ef5a0a82be331fea48037b8b5d71f0e332edf93ac3500eb4ddc0decc1a86479\
    0c782c76215660dd309791d06bd0af3f98cda4bc4629b1";

#[test]
#[expect(clippy::print_stdout, reason = "what cannot be tested is said, not passed over")]
fn case_077_two_files_of_one_sha_1_are_told_apart() {
    let bytes = |hex: &str| -> Vec<u8> {
        let digits: Vec<_> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        let pair = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
        digits.chunks(2).map(pair).collect()
    };
    let [first, second] = [FIRST, SECOND].map(|block| bytes(&[COMMON, block].concat()));
    let mut hasher = gix::hash::hasher(Hash::Sha1);
    hasher.update(&first);
    assert!(hasher.try_finalize().is_err(), "what computes ids here sees the attack");

    let mut forge = Forge::default();
    let (a, b) = (forge.blob(&first), forge.blob(&second));
    let tree = forge.tree(&[("100644", b"a", a), ("100644", b"b", b)]);
    let commit = forge.commit(tree);
    let checkout = fetched(commit, forge.pack()).unwrap();
    let [a, b] = [0, 1].map(|index| checkout.workspace.entries()[index].digest);
    assert_eq!([a, b], [&first, &second].map(|content| certus_model::Sha256::of(content)));
    println!(
        "skipped: case 077: two objects of one id: no published SHA-1 collision has the form of a git object, \
         whose id covers a header before the content"
    );
}
