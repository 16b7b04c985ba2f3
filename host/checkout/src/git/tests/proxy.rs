//! Whether git goes through the operator's proxy, and tells nobody its login.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{IpAddr, TcpListener};
use std::sync::Mutex;
use std::thread;

use certus_outbound::{Guard, Policy, Resolver};

use super::*;

struct Known;

impl Resolver for Known {
    fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        match name {
            "public.example" => Ok(vec![[93, 184, 216, 34].into()]),
            "git.corp" => Ok(vec![[127, 0, 0, 1].into()]),
            _ => Err(io::Error::other("no such name")),
        }
    }
}

fn guard(proxy: &str) -> Guard {
    let allow = vec!["git.corp:1".parse().unwrap()];
    Guard::with_resolver(Policy { allow, proxy: Some(proxy.parse().unwrap()), ..Policy::default() }, Known)
}

#[test]
fn git_asks_the_proxy_and_nobody_else() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = format!("http://me:hunter2@127.0.0.1:{}", listener.local_addr().unwrap().port());
    let heads = Mutex::new(Vec::new());
    thread::scope(|scope| {
        scope.spawn(|| {
            // One connection for each of the two that get as far as this.
            for stream in listener.incoming().take(2) {
                let mut stream = stream.unwrap();
                let lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let head: Vec<_> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
                heads.lock().unwrap().push(head.join("\n"));
                let _ = stream.write_all(b"HTTP/1.1 502 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            }
        });
        for (url, passes) in [
            ("https://public.example/a", true),
            ("https://far.example/a", true),
            ("https://git.corp:1/a", true),
            ("https://127.0.0.1/a", false),
        ] {
            let (sandbox, guard) = (Sandbox::new(), guard(&proxy));
            let source = Source::git(url, SourcePolicy::Service { guard: &guard, root: None });
            assert_eq!(source.is_ok(), passes, "{url}");
            let Ok(source) = source else { continue };
            let limits = WorkspaceLimits::default();
            let result = crate::checkout(&source, None, &limits, &sandbox.scratch(), &Git::default(), &NEVER);
            assert_eq!(reason(result), CheckoutReason::NotFound, "{url}");
        }
    });
    let heads = heads.into_inner().unwrap();
    // `me:hunter2`, encoded. The allowed host was tried directly.
    let login = "Proxy-Authorization: Basic bWU6aHVudGVyMg==";
    for (head, host) in heads.iter().zip(["public.example", "far.example"]) {
        let first = format!("CONNECT {host}:443 HTTP/1.1");
        assert!(head.starts_with(&first) && head.lines().any(|line| line == login), "{head}");
    }
    assert_eq!(heads.len(), 2, "{heads:?}");
}

#[test]
fn the_login_of_a_proxy_is_in_no_argument_and_no_file() {
    let sandbox = Sandbox::new();
    let git = fake(
        &sandbox,
        r#"echo "$@" >> "$dir/argv"; cat "$GIT_CONFIG_GLOBAL" store.git/config >> "$dir/files"
git config --get http.proxy > "$dir/proxy"; git config --get http.extraHeader > "$dir/header"
echo "fatal: unable to access $GIT_CONFIG_VALUE_1" >&2; exit 128"#,
    );
    let guard = guard("http://me:hunter2@proxy.example:3128");
    // The proxy cannot be looked up here.
    let service = SourcePolicy::Service { guard: &guard, root: None };
    assert!(Source::git("https://public.example/a", service).is_err());
    let guard = self::guard("http://me:hunter2@10.0.0.1:3128");
    let service = SourcePolicy::Service { guard: &guard, root: None };
    let source = Source::git("https://public.example/a", service).unwrap();
    let limits = WorkspaceLimits::default();
    let error = crate::checkout(&source, None, &limits, &sandbox.scratch(), &git, &NEVER).unwrap_err();
    let read = |name| fs::read_to_string(sandbox.path(name)).unwrap();
    assert_eq!(read("proxy").trim(), "http://me:hunter2@10.0.0.1:3128");
    assert_eq!(read("header").trim(), "");
    for (place, text) in
        [("arguments", read("argv")), ("files", read("files")), ("error", format!("{error} {error:?} {guard:?}"))]
    {
        assert!(!text.contains("hunter2"), "{place}: {text}");
    }
}
