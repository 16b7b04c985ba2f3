//! A process that is killed between any two steps, and the next one that takes its place.

use std::process::Command;

use super::stores::{Place, faithful};
use super::*;

/// Tells the process that is killed where to publish.
const PLACE: &str = "CERTUS_TEST_PUBLISH_TO";

/// Every point, and how often it is passed.
const POINTS: [(&str, usize); 5] = [
    ("publish-claimed", 1),
    ("publish-raw", FILES.len() + 2),
    ("publish-golden", FILES.len() + 2),
    ("object-put", 2 * (FILES.len() + 2) + 2),
    ("publish-complete", 1),
];

#[test]
fn this_process_is_killed_when_it_is_told_to() {
    let Some(place) = std::env::var_os(PLACE) else { return };
    certus_store::arm_crash_points();
    let mut fixture = Fixture::new();
    fixture.to = opened(place.to_str().unwrap(), fixture.folder.path());
    fixture.publish().unwrap();
}

/// A folder, or a part of a store: its port, its buckets and the prefix.
fn opened(place: &str, scratch: &Path) -> Destination {
    let words: Vec<_> = place.split(' ').collect();
    if let [port, raw, golden, prefix] = words[..] {
        let [raw, golden, prefix] = [raw, golden, prefix].map(str::to_owned);
        return Place { port: port.parse().unwrap(), raw, golden, prefix }.opened(scratch);
    }
    let below = |name: &str| -> Arc<dyn Objects> { Arc::new(Directory::open(&Path::new(place).join(name)).unwrap()) };
    let mirror = crate::Mirror::open(&Path::new(place).join("mirror"), "registry.invalid", "bundles").unwrap();
    Destination { raw: below("raw"), golden: below("golden"), registry: Some(Arc::new(mirror)), screen: None }
}

/// Publishes in a process of its own; whether that came to its end.
fn in_a_process(place: &str, points: &str) -> bool {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "tests::kill::this_process_is_killed_when_it_is_told_to"]);
    command.env(PLACE, place).env("FAILPOINTS", points).output().unwrap().status.success()
}

/// Dies at each point, at a place of its own.
fn every_point(name: &str, mut place: impl FnMut(&str) -> String, points: &[(&str, usize)]) {
    if !fail::has_failpoints() {
        println!("skipped: no points to be killed at; test with `--features failpoints`, or the workspace's features");
        return;
    }
    for (point, times) in points {
        for n in 0..*times {
            let place = place(&format!("{point}-{n}"));
            let at = format!("{name}: {point} at {n}");
            assert!(!in_a_process(&place, &format!("{point}={n}*off->return")), "{at}: nobody was killed");
            let mut fixture = Fixture::new();
            fixture.to = opened(&place, fixture.folder.path());
            assert_eq!(
                fixture.is_complete(),
                *point == "publish-complete" || (*point == "object-put" && n + 1 == *times),
                "{at}"
            );
            let published = fixture.publish_as(&fixture.newer(), 601).unwrap_or_else(|error| panic!("{at}: {error:?}"));
            assert!(fixture.is_complete(), "{at}");
            assert_eq!(fixture.keys(&*fixture.to.golden).len(), FILES.len() + 3, "{at}");
            assert_eq!(fixture.publish().unwrap(), published, "{at}");
        }
    }
}

#[test]
fn case_106_kill_between_any_two_steps_over_folders() {
    let mut points = POINTS.to_vec();
    points.push(("publish-registry", 1));
    // Between an object and what it carries.
    points.push(("object-announced", 2 * (FILES.len() + 2) + 2));
    let folder = tempfile::tempdir().unwrap();
    every_point("folder", |point| folder.path().join(point).to_str().unwrap().to_owned(), &points);
}

#[test]
fn case_106_kill_between_any_two_steps_over_s3() {
    for store in faithful() {
        let place = |point: &str| {
            let Place { port, raw, golden, prefix } = store.place(&format!("{point}/"));
            format!("{port} {raw} {golden} {prefix}")
        };
        every_point(store.name, place, &POINTS);
    }
}
