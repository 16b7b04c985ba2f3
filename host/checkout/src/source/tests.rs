#![allow(clippy::disallowed_methods, reason = "tests prepare and inspect trees from outside")]

use certus_model::outcome::CheckoutReason;

use super::*;
use crate::testing::{Sandbox, guard, reason};

fn kind(sandbox: &Sandbox, text: &str) -> &'static str {
    let text = text.replace("{}", sandbox.path("").to_str().unwrap());
    form(&Source::parse(&text, SourcePolicy::Any).unwrap_or_else(|error| panic!("{text}: {error}")))
}

fn form(source: &Source) -> &'static str {
    match source.0 {
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
fn a_service_takes_no_login_in_an_address_and_no_path_without_a_root() {
    let guard = guard(&[]);
    let service = SourcePolicy::Service { guard: &guard, root: None };
    for text in [".", "/etc", "dir:/etc", "git:.", "https://tok@example.org/a"] {
        assert_eq!(reason(Source::parse(text, service)), CheckoutReason::BadUrl, "{text}");
        if !text.starts_with("git:") {
            Source::parse(text, SourcePolicy::Any).unwrap();
        }
    }
    for refused in [Source::git(".", service), Source::directory("src", service), Source::archive("x.tar", service)] {
        assert_eq!(reason(refused), CheckoutReason::BadUrl);
    }
    Source::parse("https://example.org/a", service).unwrap();
    Source::git("https://example.org/a", service).unwrap();
}

#[test]
fn case_088_every_remote_source_of_a_service_is_pinned_from_the_start() {
    let guard = guard(&["git.corp"]);
    let service = SourcePolicy::Service { guard: &guard, root: None };
    for text in ["https://example.org/a", "https://git.corp/a", "https://93.184.216.34/a"] {
        for source in [Source::parse(text, service), Source::git(text, service)] {
            let Kind::Remote { pinned, .. } = source.unwrap().0 else { unreachable!() };
            assert_eq!(pinned.unwrap().addresses().len(), 1, "{text}");
        }
    }
    for text in ["https://inside.example/a", "https://127.0.0.1/a", "https://example.org:22/a"] {
        let error = Source::git(text, service).unwrap_err();
        assert!(matches!(error, Error::Guarded(_)), "{text}: {error}");
        assert_eq!(reason::<Source>(Err(error)), CheckoutReason::BadUrl, "{text}");
        // Twin: a user at a terminal reaches what the machine reaches.
        let Kind::Remote { pinned, .. } = Source::parse(text, SourcePolicy::Any).unwrap().0 else { unreachable!() };
        assert_eq!(pinned, None, "{text}");
    }
}

#[test]
fn a_form_that_is_asked_for_is_the_only_one() {
    let sandbox = Sandbox::new();
    sandbox.git("root/tree", &["init", "--quiet"]);
    sandbox.write("root/plain/file", "x");
    sandbox.write("root/dir:odd/file", "x");
    sandbox.write("root/a.tar", "x");
    let (guard, root) = (guard(&[]), sandbox.path("root"));
    let service = SourcePolicy::Service { guard: &guard, root: Some(&root) };
    for (row, source, expected) in [
        ("git", Source::git("tree", service), Ok("git")),
        ("git of a plain directory", Source::git("plain", service), Err("is no git repository")),
        ("git of an archive", Source::git("a.tar", service), Err("is a file")),
        ("git with a prefix", Source::git("git:tree", service), Err("looks like an ssh address")),
        ("git by file", Source::git("file:///etc", service), Err("a scheme that is not accepted")),
        ("directory", Source::directory("plain", service), Ok("directory")),
        ("directory of a repository", Source::directory("tree", service), Ok("directory")),
        ("directory that looks like a prefix", Source::directory("dir:odd", service), Ok("directory")),
        ("directory of an archive", Source::directory("a.tar", service), Err("is a file")),
        ("archive", Source::archive("a.tar", service), Ok("archive")),
        ("archive of a directory", Source::archive("plain", service), Err("is a directory")),
        ("archive behind https", Source::archive("https://example.org/a.tar", service), Err("cannot be read")),
        ("an option", Source::directory("-x", service), Err("begins like an option")),
        ("nothing", Source::archive("", service), Err("is empty")),
    ] {
        match (source, expected) {
            (Ok(source), Ok(expected)) => assert_eq!(form(&source), expected, "{row}"),
            (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{row}: {error}"),
            (other, _) => panic!("{row}: {other:?}"),
        }
    }
}

#[test]
fn a_repository_within_a_root_is_whole() {
    let sandbox = Sandbox::new();
    sandbox.write("root/work/file", "x");
    sandbox.commit("root/work");
    sandbox.git("", &["clone", "--quiet", "--bare", "root/work", "root/bare"]);
    sandbox.git("", &["clone", "--quiet", "--bare", "--shared", "root/work", "root/shared"]);
    sandbox.git("root/work", &["worktree", "add", "--quiet", "--detach", "../linked"]);
    sandbox.write("root/pointing/.git", format!("gitdir: {}\n", sandbox.path("root/work/.git").display()));
    std::fs::create_dir(sandbox.path("root/by-link")).unwrap();
    sandbox.link("root/by-link/.git", "../work/.git");
    sandbox.git("root/objects", &["init", "--quiet"]);
    std::fs::rename(sandbox.path("root/objects/.git/objects"), sandbox.path("elsewhere")).unwrap();
    sandbox.link("root/objects/.git/objects", "../../../elsewhere");
    let (guard, root) = (guard(&[]), sandbox.path("root"));
    let service = SourcePolicy::Service { guard: &guard, root: Some(&root) };
    for (place, whole) in [
        ("work", true),
        ("bare", true),
        ("work/.git", true),
        ("shared", false),
        ("linked", false),
        ("pointing", false),
        ("by-link", false),
        ("objects", false),
        ("work/.git/worktrees/linked", false),
    ] {
        let source = Source::git(place, service);
        assert_eq!(source.is_ok(), whole, "{place}: {source:?}");
    }
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
