//! Servers that answer otherwise than they should.

use std::io::{self, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::forge::Forge;
use super::server::{self, ADDRESS, Asked, FLUSH, Server, pkt};
use super::*;

/// A commit of one file, and its pack.
fn simple() -> (ObjectId, Vec<u8>) {
    let mut forge = Forge::default();
    let commit = forge.commit_of(&[("100644", b"file")]);
    (commit, forge.pack())
}

fn scanned(server: &Server, limits: &WorkspaceLimits) -> Result<crate::Checkout, Error> {
    let sandbox = Sandbox::new();
    let result = run(&sandbox, ADDRESS, &server.git(&sandbox), limits);
    assert_eq!(names(&sandbox.path("")), ["fake-git", "scratch"], "nothing beside the store");
    result
}

/// Honest, but for the requests of one kind.
fn but_for(
    odd: Asked,
    answer: impl Fn(&server::Request, &mut std::net::TcpStream) -> io::Result<()> + Send + Sync + 'static,
) -> Server {
    let (commit, pack) = simple();
    Server::start(move |request, stream| {
        if request.asked == odd { answer(request, stream) } else { server::honest(request, stream, commit, &pack) }
    })
}

#[test]
fn case_080_an_honest_server_is_read() {
    let (commit, pack) = simple();
    let checkout = scanned(&Server::of(commit, pack), &WorkspaceLimits::default()).unwrap();
    assert_eq!(commit_of(&checkout).0, commit.to_string());
    assert_eq!(listing(&checkout).len(), 1);
}

#[test]
fn case_080_a_redirect_is_not_followed() {
    let limits = WorkspaceLimits::default();
    for target in ["file:///etc/passwd", "http://169.254.169.254/latest/", "http://localhost/repo/info/refs", "//x/y"] {
        for odd in [Asked::Advertisement, Asked::Refs] {
            let location = format!("Location: {target}\r\n");
            let hostile = but_for(odd, move |_, stream| server::status(stream, "302 Found", &location));
            let error = scanned(&hostile, &limits).unwrap_err();
            assert_eq!(error.reason(), Some(CheckoutReason::NotFound), "{target}");
            assert!(error.to_string().contains("it has moved"), "{error}");
        }
    }
    // Twin: with redirects allowed the same git goes where it is sent.
    let (commit, pack) = simple();
    let requests = AtomicUsize::new(0);
    let moved = Server::start(move |request, stream| match requests.fetch_add(1, Ordering::Relaxed) {
        0 => server::status(stream, "302 Found", "Location: /new/repo/info/refs?service=git-upload-pack\r\n"),
        _ => server::honest(request, stream, commit, &pack),
    });
    let sandbox = Sandbox::new();
    let following = moved.git_with(&sandbox, "-c http.followRedirects=true");
    // The second of the two gits that a checkout runs is not redirected any more.
    run(&sandbox, ADDRESS, &following, &limits).unwrap();
    assert!(moved.seen()[1].head.starts_with("GET /new/repo/"), "{:?}", moved.seen());
}

#[test]
fn case_080_a_login_that_is_asked_for_is_not_waited_for() {
    let challenge = "WWW-Authenticate: Basic realm=\"x\"\r\n";
    let hostile = but_for(Asked::Advertisement, move |_, stream| server::status(stream, "401 Unauthorized", challenge));
    let message = scanned(&hostile, &WorkspaceLimits::default()).unwrap_err().to_string();
    assert!(message.contains("asks for a login"), "{message}");
    assert!(!hostile.seen()[0].head.contains("Authorization"));

    // Twin: a server that is shown the login that it wants.
    let (commit, pack) = simple();
    let header = Credential::login("me", "hunter2").header();
    let private = Server::start(move |request, stream| {
        let known = request.head.contains(&header);
        if known { server::honest(request, stream, commit, &pack) } else { server::status(stream, "401 No", challenge) }
    });
    let sandbox = Sandbox::new();
    for (address, opens) in [("https://me:hunter2@hostile.example/repo", true), (ADDRESS, false)] {
        let result = run(&sandbox, address, &private.git(&sandbox), &WorkspaceLimits::default());
        assert_eq!(result.is_ok(), opens, "{address}");
    }
}

#[test]
fn case_080_a_slow_drip_ends_at_the_wall_clock() {
    let limits = WorkspaceLimits { fetch_wall: Duration::from_secs(1), ..WorkspaceLimits::default() };
    for slow in [Asked::Advertisement, Asked::Refs, Asked::Pack] {
        let hostile = but_for(slow, |request, stream| {
            server::ok(stream, request, b"")?;
            for byte in pkt(&[b'x'; 1000]) {
                stream.write_all(&[byte])?;
                thread::sleep(Duration::from_millis(100));
            }
            Ok(())
        });
        assert_eq!(reason(scanned(&hostile, &limits)), CheckoutReason::Timeout, "{slow:?}");
    }
    let (commit, pack) = simple();
    scanned(&Server::of(commit, pack), &limits).unwrap();
}

#[test]
fn case_080_an_endless_pack_ends_at_its_limit() {
    // One blob of 10 GiB, stored as it is.
    let hostile = but_for(Asked::Pack, |request, stream| {
        server::ok(stream, request, &pkt(b"packfile\n"))?;
        let size = [0xb0, 0x80, 0x80, 0x80, 0x80, 0x05];
        stream.write_all(&pkt(&[b"\x01PACK\0\0\0\x02\0\0\0\x01", &size[..], &[0x78, 0x01]].concat()))?;
        let mut noise = 1_u32;
        loop {
            let block = std::iter::repeat_with(|| {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                noise.to_be_bytes()[0]
            });
            let block: Vec<u8> = block.take(0x8000).collect();
            stream.write_all(&pkt(&[&[1, 0, 0x00, 0x80, 0xff, 0x7f], &block[..]].concat()))?;
        }
    });
    let limits = WorkspaceLimits { fetch_pack: 4 << 20, ..WorkspaceLimits::default() };
    let error = scanned(&hostile, &limits).unwrap_err();
    assert!(error.to_string().contains("a pack of more than 4194304 bytes"), "{error}");
}

#[test]
fn case_080_endless_talk_ends_at_the_wall_clock() {
    let limits = WorkspaceLimits { fetch_wall: Duration::from_secs(1), ..WorkspaceLimits::default() };
    let endless = |odd, beginning: &'static [u8], line: Vec<u8>| {
        but_for(odd, move |request, stream| {
            server::ok(stream, request, beginning)?;
            let lines = line.repeat(100);
            loop {
                stream.write_all(&lines)?;
            }
        })
    };
    let progress = endless(Asked::Pack, b"000dpackfile\n", pkt(b"\x02still at work \x1b[2J\n"));
    assert_eq!(reason(scanned(&progress, &limits)), CheckoutReason::Timeout);
    let name = format!("{} refs/heads/{}\n", "1".repeat(40), "x".repeat(200));
    let refs = endless(Asked::Refs, b"", pkt(name.as_bytes()));
    let ended = reason(scanned(&refs, &limits));
    assert!([CheckoutReason::Timeout, CheckoutReason::NotFound].contains(&ended), "by time or by memory: {ended}");
}

#[test]
fn case_080_a_compressed_answer_expands_within_the_limits_of_git() {
    let hostile = but_for(Asked::Advertisement, |request, stream| {
        let mut head = Vec::new();
        server::ok(&mut head, request, b"")?;
        let head = String::from_utf8_lossy(&head).replace("\r\n\r\n", "\r\nContent-Encoding: gzip\r\n\r\n");
        stream.write_all(head.as_bytes())?;
        let mut bomb = flate2::write::GzEncoder::new(stream, flate2::Compression::fast());
        loop {
            bomb.write_all(&[0; 1 << 16])?;
        }
    });
    let limits = WorkspaceLimits { fetch_cpu: Duration::from_secs(1), ..WorkspaceLimits::default() };
    assert_eq!(reason(scanned(&hostile, &limits)), CheckoutReason::NotFound);
}

#[test]
fn case_080_a_bundle_that_is_offered_elsewhere_is_not_fetched() {
    let hostile = but_for(Asked::Advertisement, |request, stream| {
        server::ok(stream, request, &server::advertisement(&["bundle-uri\n"]))
    });
    scanned(&hostile, &WorkspaceLimits::default()).unwrap();
    let other = hostile.seen().into_iter().find(|request| request.asked == Asked::Other);
    assert!(other.is_none(), "{other:?}");
}

#[test]
fn case_080_a_head_that_leads_out_of_the_store_leads_nowhere() {
    let out = "refs/heads/../../../../../out";
    let unborn = but_for(Asked::Refs, move |request, stream| {
        let head = pkt(format!("unborn HEAD symref-target:{out}\n").as_bytes());
        server::ok(stream, request, &[&head, &FLUSH[..]].concat())
    });
    assert_eq!(reason(scanned(&unborn, &WorkspaceLimits::default())), CheckoutReason::Empty);
    let (commit, _) = simple();
    let born = but_for(Asked::Refs, move |request, stream| server::ok(stream, request, &server::refs(commit, out)));
    let checkout = scanned(&born, &WorkspaceLimits::default()).unwrap();
    assert_eq!(commit_of(&checkout).0, commit.to_string());
}

#[test]
fn case_080_names_of_refs_are_shown_escaped_and_never_written() {
    let (commit, _) = simple();
    for name in ["refs/heads/\u{1b}[2J\u{202e}", "refs/heads/../../../x", "refs/heads/a\nb", "refs/heads/-x", "/etc/x"]
    {
        let lines = [pkt(format!("{commit} {name}\n").as_bytes()), FLUSH.to_vec()].concat();
        let hostile = but_for(Asked::Refs, move |request, stream| server::ok(stream, request, &lines));
        let result = scanned(&hostile, &WorkspaceLimits::default());
        assert!([CheckoutReason::UnknownRef, CheckoutReason::NotFound].contains(&reason(result)), "{name:?}");
    }
}

#[test]
fn case_081_another_commit_than_the_one_asked_for_is_refused() {
    let (commit, _) = simple();
    let mut forge = Forge::default();
    forge.commit_of(&[("100644", b"other")]);
    let other = server::packfile(&forge.pack());
    // The branch is forced to another commit while the first is fetched.
    let forced = but_for(Asked::Pack, move |request, stream| server::ok(stream, request, &other));
    assert_eq!(reason(scanned(&forced, &WorkspaceLimits::default())), CheckoutReason::Fsck);
    let wanted = forced.seen().into_iter().find(|request| request.asked == Asked::Pack).unwrap();
    assert!(wanted.body.contains(&format!("want {commit}")), "{}", wanted.body);
    // The same, honestly told.
    let gone = but_for(Asked::Pack, move |request, stream| {
        server::ok(stream, request, &pkt(format!("ERR upload-pack: not our ref {commit}").as_bytes()))
    });
    assert_eq!(reason(scanned(&gone, &WorkspaceLimits::default())), CheckoutReason::Fsck);
    // Both commits come, and the one that was resolved is the one that is sealed.
    let mut forge = Forge::default();
    let first = forge.commit_of(&[("100644", b"file")]);
    let blob = forge.blob(b"other");
    let tree = forge.tree(&[("100644", b"other", blob)]);
    forge.commit(tree);
    let both = scanned(&Server::of(first, forge.pack()), &WorkspaceLimits::default()).unwrap();
    assert_eq!((commit_of(&both).0, listing(&both)[0].0.as_str()), (first.to_string(), "file"));
}
