//! Requests that are too large, too slow, too deep, too many.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;

use crate::support::home::Home;
use crate::support::service::{Answer, PATIENCE, Service, directory, send};

const MIB: usize = 1024 * 1024;

/// What the service may take more while it refuses something, in KiB.
const FLAT: u64 = 48 * 1024;

/// A service that accepts, and scans nothing.
fn service(home: &Home) -> Service {
    home.workspace("repo");
    Service::start_with(home, &[], &["--no-workers"])
}

fn post(service: &Service, body: impl Into<Vec<u8>>, headers: &[(&str, &str)]) -> Answer {
    let request = service.request(Method::POST, "/v1/security-scans").header("content-type", "application/json");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    send(request.body(body.into()))
}

#[track_caller]
fn is_problem(answer: &Answer, status: u16, kind: &str) {
    assert_eq!((answer.status, answer.header("content-type")), (status, "application/problem+json"), "{answer:?}");
    assert_eq!(answer.json()["type"], format!("https://certus.dev/problems/{kind}"), "{}", answer.text());
}

/// The most that the process has had resident while `work` was done, above what it had before, in KiB.
fn peak_of(service: &mut Service, work: impl FnOnce(&Service)) -> u64 {
    let process = service.process().id().as_raw_nonzero();
    std::fs::write(format!("/proc/{process}/clear_refs"), "5").expect("a process of this user");
    let peak = || {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line of this key");
        line.split_whitespace().next().and_then(|n| n.parse::<u64>().ok()).expect("a number of KiB")
    };
    let before = peak();
    work(service);
    peak().saturating_sub(before)
}

/// Sends what `write` writes, while what comes is read; returns that, until the service closes.
fn talk(service: &Service, write: impl FnOnce(&mut TcpStream) -> std::io::Result<()>) -> String {
    let mut stream = TcpStream::connect(service.address()).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut reader = stream.try_clone().expect("a handle");
    let answer = std::thread::spawn(move || {
        let (mut answer, mut part) = (Vec::new(), [0; 4096]);
        // A reset after the answer is as good as an end.
        while let Ok(read @ 1..) = reader.read(&mut part) {
            answer.extend_from_slice(&part[..read]);
        }
        String::from_utf8_lossy(&answer).into_owned()
    });
    // The service may have closed long before everything is written.
    let _ = write(&mut stream);
    answer.join().expect("no panic")
}

fn head(method: &str, path: &str, rest: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{rest}")
}

#[test]
fn case_086_a_body_may_have_a_mebibyte_and_not_a_byte_more() {
    let home = Home::new();
    let mut service = service(&home);
    let scan = directory("repo").to_string();
    let padded = |length: usize| format!("{scan}{}", " ".repeat(length - scan.len()));
    assert_eq!(post(&service, padded(MIB), &[]).status, 202);
    is_problem(&post(&service, padded(MIB + 1), &[]), 413, "too-large");
    let declared = "Content-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n";
    let answer = talk(&service, |stream| {
        stream.write_all(head("POST", "/v1/security-scans", declared).as_bytes())?;
        stream.shutdown(Shutdown::Write)
    });
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");

    // Without an end, and without a length that could be looked at.
    let mut sent = 0;
    let chunked = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    let peak = peak_of(&mut service, |service| {
        let chunk = [b"10000\r\n".as_slice(), &[b' '; 0x10000], b"\r\n"].concat();
        let answer = talk(service, |stream| {
            stream.write_all(head("POST", "/v1/security-scans", chunked).as_bytes())?;
            while sent < 1024 * MIB {
                stream.write_all(&chunk)?;
                sent += chunk.len();
            }
            Ok(())
        });
        assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("too-large"), "{answer}");
    });
    assert!(sent < 256 * MIB, "it took {sent} bytes of a body that it refuses");
    assert!(peak < FLAT, "{peak} KiB more");
    println!("case 086: of an endless body {} KiB were taken, at {peak} KiB of memory", sent / 1024);
    assert_eq!(post(&service, scan, &[]).status, 202);
}

#[test]
fn case_086_an_archive_is_never_in_memory_and_half_of_one_never_stays() {
    let home = Home::new();
    let mut service = service(&home);
    let uploads = home.path("artifacts/uploads");
    let count = || std::fs::read_dir(&uploads).map_or(0, Iterator::count);
    let form = b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.gz\"\r\n\r\n\x1f\x8b\x08";
    let chunked = "Content-Type: multipart/form-data; boundary=x\r\nTransfer-Encoding: chunked\r\n\r\n";
    let peak = peak_of(&mut service, |service| {
        let chunk = [b"40000\r\n".as_slice(), &[0; 0x40000], b"\r\n"].concat();
        let answer = talk(service, |stream| {
            stream.write_all(head("POST", "/v1/security-scans/upload-archive", chunked).as_bytes())?;
            stream.write_all(&[format!("{:x}\r\n", form.len()).as_bytes(), form, b"\r\n"].concat())?;
            for _ in 0..512 {
                stream.write_all(&chunk)?;
            }
            // The client is gone.
            stream.shutdown(Shutdown::Both)
        });
        assert!(!answer.contains(" 201 "), "{answer}");
        let patience = Instant::now() + PATIENCE;
        while count() > 0 {
            assert!(Instant::now() < patience, "half an upload stays in {}", uploads.display());
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    assert!(peak < FLAT, "{peak} KiB more for 128 MiB");
    println!("case 086: an upload of 128 MiB took {peak} KiB of memory");
    let whole = [form.as_slice(), b"\r\n--x--\r\n"].concat();
    let request = service.request(Method::POST, "/v1/security-scans/upload-archive");
    let answer = send(request.header("content-type", "multipart/form-data; boundary=x").body(whole));
    assert_eq!((answer.status, count()), (201, 1), "{}", answer.text());
}

#[test]
fn case_086_whoever_is_slow_is_cut_off() {
    let home = Home::new();
    let service = service(&home);
    let drip = |stream: &mut TcpStream, bytes: &[u8], every: Duration| -> std::io::Result<()> {
        let patience = Instant::now() + 2 * PATIENCE;
        for byte in bytes.iter().cycle() {
            assert!(Instant::now() < patience, "it listens for ever");
            stream.write_all(std::slice::from_ref(byte))?;
            std::thread::sleep(every);
        }
        Ok(())
    };
    let json = "Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n";
    let form = "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 100000\r\n\r\n--x\r\n";
    let second = Duration::from_secs(1);
    std::thread::scope(|scope| {
        let body = scope.spawn(|| {
            talk(&service, |stream| {
                stream.write_all(head("POST", "/v1/security-scans", json).as_bytes())?;
                drip(stream, b" ", second)
            })
        });
        let archive = scope.spawn(|| {
            talk(&service, |stream| {
                stream.write_all(head("POST", "/v1/security-scans/upload-archive", form).as_bytes())
            })
        });
        let headers = scope.spawn(|| {
            let begun = Instant::now();
            let answer = talk(&service, |stream| {
                stream.write_all(head("GET", "/livez", "").as_bytes())?;
                drip(stream, b"X-A: b\r\n", second)
            });
            (answer, begun.elapsed())
        });
        // Whoever is not slow is answered meanwhile.
        assert_eq!(post(&service, directory("repo").to_string(), &[]).status, 202);
        for (what, talk) in [("a body", body), ("an archive", archive)] {
            let answer = talk.join().expect("no panic");
            assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("request-timeout"), "{what}: {answer}");
        }
        let (answer, after) = headers.join().expect("no panic");
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
        println!("case 086: headers without an end were cut off after {after:?}");
    });
    assert_eq!(service.get("/livez").status, 200);
}

#[test]
fn case_086_json_has_one_reading_and_a_depth() {
    let home = Home::new();
    let mut service = service(&home);
    let scan = directory("repo").to_string();
    let rest = &scan[1..];
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let objects = "{\"a\":".repeat(100_000);
    let nested = format!("{{\"manifest\":{deep},{rest}");
    let peak = peak_of(&mut service, |service| {
        for (bad, why) in [
            (deep.as_str(), "recursion"),
            (&objects, "recursion"),
            (&nested, "recursion"),
            (&format!("{{\"workspace_id\":\"other\",{rest}"), "twice"),
            (&format!("{{\"workspace\\u005fid\":\"other\",{rest}"), "twice"),
            ("{\"workspace_id\": \"\u{0}\"", ""),
            ("", ""),
        ] {
            let answer = post(service, bad, &[]);
            is_problem(&answer, 400, "bad-request");
            assert!(answer.json()["detail"].as_str().is_some_and(|detail| detail.contains(why)), "{}", answer.text());
            let batch = service.request(Method::POST, "/v1/security-scans/batch");
            let batch = batch.header("content-type", "application/json").body(format!("{{\"scans\":[{bad}]}}"));
            assert!([400, 422].contains(&send(batch).status));
        }
        // Bytes that are no text.
        is_problem(&post(service, b"{\"workspace_id\":\"\xff\xfe\"}".as_slice(), &[]), 400, "bad-request");
    });
    assert!(peak < FLAT, "{peak} KiB more");
    assert_eq!(service.get("/stats").json()["total_scans"], 0);
    assert_eq!(post(&service, scan, &[]).status, 202);
}

#[test]
fn case_086_headers_have_a_number_and_a_size() {
    let home = Home::new();
    let mut service = service(&home);
    let ask = |service: &Service, rest: &str| {
        talk(service, |stream| stream.write_all(head("GET", "/livez", &format!("{rest}\r\n")).as_bytes()))
    };
    let peak = peak_of(&mut service, |service| {
        for (bad, what) in [
            ("X-A: b\r\n".repeat(10_000), "10,000 headers"),
            (format!("X-A: {}\r\n", "b".repeat(4 * MIB)), "a header of 4 MiB"),
            (format!("{}: b\r\n", "X".repeat(100_000)), "a name of 100,000 letters"),
        ] {
            let answer = ask(service, &bad);
            let status = answer.split(' ').nth(1).unwrap_or_default();
            assert!(["431", "400"].contains(&status), "{what}: {answer}");
        }
        let long = format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(4 * MIB));
        let answer = talk(service, |stream| stream.write_all(long.as_bytes()));
        assert!(["HTTP/1.1 414", "HTTP/1.1 431"].iter().any(|no| answer.starts_with(no)), "{answer}");
    });
    assert!(peak < FLAT, "{peak} KiB more");
    let fits = ask(&service, &format!("{}Connection: close\r\n", "X-A: b\r\n".repeat(90)));
    assert!(fits.starts_with("HTTP/1.1 200"), "{fits}");
}

#[test]
fn case_086_a_packed_body_is_refused_before_it_is_unpacked() {
    let home = Home::new();
    let mut service = service(&home);
    let script = "import gzip, sys\nsys.stdout.buffer.write(gzip.compress(b' ' * (1 << 28), 9))";
    let bomb = std::process::Command::new("python3").args(["-c", script]).output().expect("python3 runs").stdout;
    assert!(bomb.starts_with(b"\x1f\x8b") && bomb.len() < MIB, "256 MiB in {} bytes", bomb.len());
    // What is refused unread ends its connection: the next request has one of its own.
    let alone = ("connection", "close");
    let peak = peak_of(&mut service, |service| {
        for encoding in ["gzip", "deflate", "br", "zstd", "gzip, gzip", "GZIP"] {
            is_problem(
                &post(service, bomb.clone(), &[("content-encoding", encoding), alone]),
                415,
                "unsupported-media-type",
            );
        }
        is_problem(&post(service, bomb.clone(), &[alone]), 400, "bad-request");
        let upload = service.request(Method::POST, "/v1/security-scans/upload-archive");
        let upload =
            upload.header("content-type", "multipart/form-data; boundary=x").header("content-encoding", "gzip");
        let upload = upload.header(alone.0, alone.1);
        is_problem(&send(upload.body(bomb.clone())), 415, "unsupported-media-type");
    });
    assert!(peak < FLAT, "{peak} KiB more for a bomb of 256 MiB");
    let scan: Value = directory("repo");
    assert_eq!(post(&service, scan.to_string(), &[("content-encoding", "identity")]).status, 202);
}
