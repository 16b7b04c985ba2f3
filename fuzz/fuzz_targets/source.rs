//! What a user or a client names as a source, and the branch or commit beside it.
#![no_main]

use std::io;
use std::net::IpAddr;
use std::sync::LazyLock;

use certus_checkout::{Reference, Source, SourcePolicy};
use certus_fuzz::checks;
use certus_outbound::{Guard, Policy, Resolver};
use libfuzzer_sys::fuzz_target;

/// A login that is put into every address: nothing may ever show it.
const PLANTED: &str = "hunter2planted";

/// The longest address that is accepted, in bytes.
const LONGEST_ADDRESS: usize = 2048;

/// Where every name leads.
const PUBLIC: [u8; 4] = [93, 184, 216, 34];

struct Public;

impl Resolver for Public {
    fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte)), "{name}");
        assert!(name.parse::<IpAddr>().is_err() && !name.starts_with(['-', '.']) && !name.ends_with('.'), "{name}");
        Ok(vec![PUBLIC.into()])
    }
}

static GUARD: LazyLock<Guard> = LazyLock::new(|| Guard::with_resolver(Policy::default(), Public));

fuzz_target!(|text: &str| {
    parse(text);
    if let Some((scheme, rest)) = text.split_once("://")
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    {
        let shown = parse(&format!("{scheme}://user:{PLANTED}@{rest}"));
        assert!(!shown.contains(PLANTED), "{shown}");
    }
    match text.parse::<Reference>() {
        Ok(reference) => {
            assert_eq!(reference.as_str(), text);
            assert!(!text.starts_with('-') && !text.contains("..") && text.len() <= 255);
            assert!(!text.contains([' ', '~', '^', ':', '?', '*', '[', '\\']));
            checks::one_line(&reference);
        }
        Err(error) => checks::one_line(error),
    }
});

/// Parses under both policies; all that is shown of the answers.
fn parse(text: &str) -> String {
    let service = SourcePolicy::Service { guard: &GUARD, root: None };
    let remote = Source::parse(text, service);
    let mut shown = match &remote {
        Ok(source) => {
            let plain = source.to_string();
            let path = plain.strip_prefix("https://").expect("only https is remote");
            assert!(path.find('/').is_some_and(|at| at > 0 && at + 1 < path.len()), "{plain}");
            assert!(!plain.contains(['@', '?', '#', '\\', '=']), "{plain}");
            checks::line_within(&plain, LONGEST_ADDRESS);
            let again = Source::parse(&plain, service).expect("what is shown can be named again");
            assert_eq!((&again, again.to_string()), (source, plain.clone()));
            format!("{plain} {source:?}")
        }
        Err(error) => {
            checks::one_line(error);
            format!("{error} {error:?}")
        }
    };
    // Paths are opened: none that leads to a device.
    if text.contains("://") && !text.starts_with('/') {
        match Source::parse(text, SourcePolicy::Any) {
            Ok(source) => shown += &format!("{source} {source:?}"),
            Err(error) => {
                assert!(remote.is_err(), "what a service takes, a user may name: {error}");
                checks::one_line(&error);
                shown += &format!("{error} {error:?}");
            }
        }
    }
    shown
}
