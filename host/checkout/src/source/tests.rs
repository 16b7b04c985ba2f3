use certus_model::outcome::CheckoutReason;

use super::*;
use crate::testing::{Sandbox, reason};

fn kind(sandbox: &Sandbox, text: &str) -> &'static str {
    let text = text.replace("{}", sandbox.path("").to_str().unwrap());
    match Source::parse(&text, SourcePolicy::Any).unwrap_or_else(|error| panic!("{text}: {error}")).0 {
        Kind::Remote { .. } => "remote",
        Kind::LocalGit(_) => "git",
        Kind::Directory(_) => "directory",
        Kind::Archive(_) => "archive",
    }
}

#[test]
fn what_lies_there_decides_unless_a_form_is_given() {
    let sandbox = Sandbox::new();
    sandbox.git("tree", &["init", "--quiet"]);
    sandbox.git("bare", &["init", "--quiet", "--bare"]);
    sandbox.write("linked/.git", "gitdir: ../tree/.git\n");
    sandbox.write("plain/a:b/file", "x");
    sandbox.write("file.txt", "x");
    sandbox.link("link", "file.txt");
    for (text, expected) in [
        ("https://example.org/a.git", "remote"),
        ("{}/tree", "git"),
        ("{}/tree/.git", "git"),
        ("{}/bare", "git"),
        ("{}/linked", "git"),
        ("git:{}/tree", "git"),
        ("dir:{}/tree", "directory"),
        ("{}/plain", "directory"),
        ("{}/plain/a:b", "directory"),
        ("dir:{}/plain", "directory"),
        ("{}/file.txt", "archive"),
        ("{}/link", "archive"),
        ("archive:{}/file.txt", "archive"),
        (".", "directory"),
        ("./src", "directory"),
    ] {
        assert_eq!(kind(&sandbox, text), expected, "{text}");
    }
}

#[test]
fn case_082_other_forms_are_refused_with_the_fix() {
    let sandbox = Sandbox::new();
    sandbox.write("plain/file", "x");
    rustix::fs::mkfifoat(rustix::fs::CWD, sandbox.path("pipe"), rustix::fs::Mode::RWXU).unwrap();
    for (text, expected) in [
        ("", "is empty"),
        ("a\nb", "control characters"),
        ("a\u{202e}b", "control characters"),
        ("-x", "begins like an option"),
        ("--upload-pack=x", "begins like an option"),
        ("dir:-x", "names no path"),
        ("dir:", "names no path"),
        ("http://example.org/a", "a scheme that is not accepted"),
        ("HTTP://example.org/a", "a scheme that is not accepted"),
        ("ssh://example.org/a", "a scheme that is not accepted"),
        ("git://example.org/a", "a scheme that is not accepted"),
        ("file:///etc", "a scheme that is not accepted"),
        ("ext::sh -c id", "a scheme that is not accepted"),
        ("git::sh", "a scheme that is not accepted"),
        ("https::ext::sh -c id", "a scheme that is not accepted"),
        ("fd::17", "a scheme that is not accepted"),
        ("git@example.org:a/b.git", "looks like an ssh address"),
        ("example.org:a", "looks like an ssh address"),
        ("https:///x", "names no host"),
        ("https://example.org/../x", "holds `.` or `..`"),
        ("archive:{}/plain", "is a directory"),
        ("git:{}/plain", "is no git repository"),
        ("dir:{}/plain/file", "is a file"),
        ("{}/pipe", "is neither a directory nor a regular file"),
    ] {
        let text = text.replace("{}", sandbox.path("").to_str().unwrap());
        let message = Source::parse(&text, SourcePolicy::Any).unwrap_err().to_string();
        assert!(message.contains(expected) && message.contains("; "), "{text:?}: {message}");
        assert_eq!(reason(Source::parse(&text, SourcePolicy::Any)), CheckoutReason::BadUrl);
    }
    assert_eq!(reason(Source::parse("./nowhere", SourcePolicy::Any)), CheckoutReason::NotFound);
}

#[test]
fn a_service_takes_no_path_and_no_login_in_an_address() {
    for text in [".", "/etc", "dir:/etc", "git:.", "https://tok@example.org/a"] {
        assert_eq!(reason(Source::parse(text, SourcePolicy::RemoteOnly)), CheckoutReason::BadUrl, "{text}");
        if !text.starts_with("git:") {
            Source::parse(text, SourcePolicy::Any).unwrap();
        }
    }
    Source::parse("https://example.org/a", SourcePolicy::RemoteOnly).unwrap();
}

#[test]
fn no_form_of_a_source_prints_its_login() {
    let source = Source::parse("https://me:hunter2@example.org/a", SourcePolicy::Any).unwrap();
    assert!(!format!("{source} {source:?} {source:#?}").contains("hunter2"));
    assert_eq!(source.to_string(), "https://example.org/a");
    for text in ["http://me:hunter2@h/x", "https://me:hunter2@h/../x", "me:hunter2@h:x", "ssh://me:hunter2@h/x"] {
        let message = Source::parse(text, SourcePolicy::Any).unwrap_err().to_string();
        assert!(!message.contains("hunter2"), "{message}");
    }
}

#[test]
fn a_token_goes_to_its_own_host_and_a_login_in_the_address_wins() {
    let (host, token) = ("example.org".parse().unwrap(), Credential::token("hunter3"));
    for (text, expected) in [
        ("https://example.org/a", Some(token.clone())),
        ("HTTPS://EXAMPLE.org/a", Some(token.clone())),
        ("https://elsewhere.test/a", None),
        ("https://example.org:8443/a", None),
        ("https://me:hunter2@example.org/a", Some(Credential::login("me", "hunter2"))),
        ("https://me:hunter2@elsewhere.test/a", Some(Credential::login("me", "hunter2"))),
    ] {
        let source = Source::parse(text, SourcePolicy::Any).unwrap().with_credential_for(&host, token.clone());
        assert!(!format!("{source} {source:?}").contains("hunter"), "{text}");
        let Kind::Remote { credential, .. } = source.0 else { unreachable!() };
        assert_eq!(credential, expected, "{text}");
    }
    let local = Source::parse("dir:.", SourcePolicy::Any).unwrap();
    assert_eq!(local.clone().with_credential_for(&host, token), local);
}
