//! Whether git is held to the addresses that were checked.

use super::*;
use crate::testing::guard;

/// A git that notes what it is asked and how it is configured, and fetches nothing.
const NOTING: &str = r#"echo "$3" >> "$dir/asked"
[ "$3" = version ] && exec echo "$said"
cat "$GIT_CONFIG_GLOBAL" > "$dir/config"
$real config --file "$GIT_CONFIG_GLOBAL" --get-all http.curloptResolve > "$dir/pins"
exit 128"#;

/// What git was asked, and its pins, for `text` and a git that says `said` of itself.
fn noted(text: &str, said: &str, policy: SourcePolicy<'_>) -> (Error, Vec<String>, String) {
    let sandbox = Sandbox::new();
    let git = fake(&sandbox, &format!("said='{said}'\n{NOTING}"));
    let source = Source::git(text, policy).unwrap();
    let limits = WorkspaceLimits::default();
    let error = crate::checkout(&source, None, &limits, &sandbox.scratch(), &git, &NEVER).unwrap_err();
    let read = |name| fs::read_to_string(sandbox.path(name)).unwrap_or_default();
    (error, read("asked").lines().map(ToOwned::to_owned).collect(), read("pins").trim().to_owned())
}

#[test]
fn case_088_git_is_told_the_addresses_that_were_checked() {
    let guard = guard(&["git.corp:8443"]);
    let service = SourcePolicy::Service { guard: &guard, root: None };
    for (text, policy, asked, pins) in [
        ("https://example.org/a", service, &["version", "ls-remote"][..], "example.org:443:93.184.216.34"),
        ("https://EXAMPLE.org:443/a", service, &["version", "ls-remote"], "example.org:443:93.184.216.34"),
        ("https://git.corp:8443/a", service, &["version", "ls-remote"], "git.corp:8443:127.0.0.1"),
        // An address is its own pin.
        ("https://93.184.216.34/a", service, &["ls-remote"], ""),
        ("https://example.org/a", SourcePolicy::Any, &["ls-remote"], ""),
    ] {
        let (_, said, pinned) = noted(text, "git version 2.37.0", policy);
        assert_eq!((said.iter().map(String::as_str).collect::<Vec<_>>().as_slice(), pinned.as_str()), (asked, pins));
    }
}

#[test]
fn case_088_a_git_that_knows_no_pins_is_not_let_out() {
    let guard = guard(&[]);
    let service = SourcePolicy::Service { guard: &guard, root: None };
    for (said, enough) in [
        ("git version 2.37.0", true),
        ("git version 2.39.5 (Apple Git-154)", true),
        ("git version 3.0", true),
        ("git version 2.36.9", false),
        ("git version 1.99", false),
        ("git version unknown", false),
        ("hub 2.40", false),
        ("", false),
    ] {
        let (error, asked, _) = noted("https://example.org/a", said, service);
        assert_eq!(asked.len(), if enough { 2 } else { 1 }, "{said}: {asked:?}");
        assert_eq!(error.to_string().contains("install git 2.37 or newer"), !enough, "{said}: {error}");
    }
}

#[test]
fn an_address_of_version_6_stands_in_brackets() {
    let guard = certus_outbound::Guard::with_resolver(certus_outbound::Policy::default(), Both);
    let service = SourcePolicy::Service { guard: &guard, root: None };
    let (.., pins) = noted("https://example.org/a", "git version 2.39.5", service);
    assert_eq!(pins, "example.org:443:93.184.216.34,[2606:2800:220:1::1]");
}

struct Both;

impl certus_outbound::Resolver for Both {
    fn resolve(&self, _: &str) -> io::Result<Vec<std::net::IpAddr>> {
        Ok(["93.184.216.34", "2606:2800:220:1::1"].map(|address| address.parse().unwrap()).to_vec())
    }
}
