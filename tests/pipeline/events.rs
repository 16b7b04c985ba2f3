//! The events of a scan, in the shapes that clients of the replaced service read.

use serde_json::{Value, json};

use crate::support::home::Home;
use crate::support::host::{host, json as file, scan, source};

/// Everything but the time.
fn shape(line: &str) -> Value {
    let mut value: Value = serde_json::from_str(line).expect("JSON");
    let timestamp = value.as_object_mut().expect("an object").remove("timestamp").expect("a time");
    assert!(timestamp.as_f64().expect("seconds") > 1.7e9);
    value
}

fn lines(home: &Home) -> Vec<String> {
    let text = std::fs::read_to_string(home.path("out/logs/events.jsonl")).expect("events");
    text.lines().map(str::to_owned).collect()
}

#[test]
fn what_is_told_is_what_is_kept_and_the_last_line_comes_with_the_bundle() {
    let home = Home::new();
    home.write("tree/a.txt", "content");
    let ran = scan(&home, &host(&home), source(&home, "dir:tree", None), |request| request.first_event = 5);
    let outcome = ran.outcome.expect("a bundle");
    let told = ran.told.iter().chain([&outcome.completed]).map(|line| serde_json::to_string(line).expect("JSON"));
    let kept = lines(&home);
    assert_eq!(told.collect::<Vec<_>>(), kept);

    let shapes: Vec<_> = kept.iter().map(|line| shape(line)).collect();
    let numbers: Vec<_> = shapes.iter().map(|shape| shape["seq"].as_u64().expect("a number")).collect();
    assert_eq!(numbers, (5..5 + kept.len() as u64).collect::<Vec<_>>());
    let types: Vec<_> = shapes.iter().map(|shape| shape["type"].as_str().expect("a type")).collect();
    let expected =
        ["phase", "manifest", "phase", "phase", "tool_start", "progress", "tool_complete", "phase", "scan_complete"];
    assert_eq!(types, expected);
    assert_eq!(shapes[1]["data"]["profile_requested"], "none");
    assert_eq!(shapes[4]["tool"], "test.guest");
    let command = shapes[4]["command"].as_array().expect("a list");
    assert_eq!((&command[0], &command[1]), (&json!("test.guest"), &json!("0.0.1")));
    let digest = command[2].as_str().expect("text").strip_prefix("sha256:").expect("a digest");
    assert_eq!(digest.len(), 64);
    let progress = json!({"type": "progress", "seq": 10, "files": 1, "total_files": 1, "bytes": 7, "total_bytes": 7});
    assert_eq!(shapes[5], progress);
    assert_eq!(
        shapes[6],
        json!({"type": "tool_complete", "seq": 11, "tool": "test.guest", "exit_code": 0, "status": "complete"})
    );
    assert_eq!(shapes[8], json!({"type": "scan_complete", "seq": 13, "status": "SUCCEEDED", "decision": "pass"}));
}

#[test]
fn each_kind_of_source_has_its_words() {
    let home = Home::new();
    home.repository("repo", &[("a.txt", b"hello\n")]);
    home.git("repo", &["archive", "--format=tar.gz", "-o", "../tree.tgz", "HEAD"]);
    let head = std::fs::read_to_string(home.path("repo/.git/refs/heads/main")).expect("a commit");
    let host = host(&home);
    for (text, reference, first, last) in [
        ("git:repo", Some("main"), "Cloning repository", "Clone complete"),
        ("git:repo", None, "Cloning repository", "Clone complete"),
        ("dir:repo", None, "Preparing directory source", "Directory prepared"),
        ("archive:tree.tgz", None, "Extracting archive", "Archive extracted"),
    ] {
        scan(&home, &host, source(&home, text, reference), |_| {}).outcome.expect("a bundle");
        let shapes: Vec<_> = lines(&home).iter().map(|line| shape(line)).collect();
        let scan = file(&home, "scan.json");
        assert_eq!(shapes[2], json!({"type": "phase", "seq": 2, "message": first}), "{text}");
        let mut expected = json!({"type": "phase", "seq": 3, "message": last});
        match text {
            "git:repo" => {
                expected["commit"] = head.trim().into();
                if let Some(reference) = reference {
                    expected["branch"] = reference.into();
                }
            }
            "dir:repo" => expected["hash"] = scan["tree_digest"].clone(),
            _ => expected["hash"] = scan["archive_hash"].clone(),
        }
        assert_eq!(shapes[3], expected, "{text}");
    }
}

#[test]
fn a_scan_that_fails_never_says_that_it_is_complete() {
    let home = Home::new();
    home.repository("repo", &[("a.txt", b"hello\n")]);
    let ran = scan(&home, &host(&home), source(&home, "git:repo", Some("nowhere")), |_| {});
    assert!(ran.outcome.is_err());
    let told: Vec<_> = ran.told.iter().map(|line| serde_json::to_string(line).expect("JSON")).collect();
    assert!(told.iter().all(|line| !line.contains("complete")), "{told:?}");
    assert!(told.last().expect("some").contains("Cloning repository"), "{told:?}");
}
