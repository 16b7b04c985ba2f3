use super::*;

#[test]
fn a_proxy_is_a_scheme_a_host_and_a_port() {
    for (text, shown, secret) in [
        ("http://proxy.corp:3128", "http://proxy.corp:3128", None),
        ("HTTP://Proxy.corp:3128/", "http://proxy.corp:3128", None),
        ("https://proxy.corp:443", "https://proxy.corp:443", None),
        ("http://10.0.0.1:8080", "http://10.0.0.1:8080", None),
        ("http://[fd00::1]:8080", "http://[fd00::1]:8080", None),
        ("http://me:s%2Fcret@proxy.corp:3128", "http://proxy.corp:3128", Some("http://me:s%2Fcret@proxy.corp:3128")),
        ("http://me@proxy.corp:3128", "http://proxy.corp:3128", Some("http://me:@proxy.corp:3128")),
    ] {
        let proxy: Proxy = text.parse().unwrap();
        assert_eq!((proxy.to_string().as_str(), proxy.login().is_some()), (shown, secret.is_some()), "{text}");
        assert_eq!(proxy.with_login(), secret.unwrap_or(shown), "{text}");
        assert!(!format!("{proxy:?} {proxy:#?}").contains("cret"), "{proxy:?}");
    }
    for (row, bad) in [
        ("nothing", ""),
        ("no scheme", "proxy.corp:3128"),
        ("another scheme", "socks5://proxy.corp:1080"),
        ("no port", "http://proxy.corp"),
        ("port nought", "http://proxy.corp:0"),
        ("a port beyond all", "http://proxy.corp:99999"),
        ("a path", "http://proxy.corp:3128/path"),
        ("a query", "http://proxy.corp:3128?x"),
        ("no host", "http://:3128"),
        ("an octal address", "http://0177.1:3128"),
        ("a line feed", "http://proxy.corp:3128\n"),
    ] {
        assert!(matches!(bad.parse::<Proxy>(), Err(Error::BadProxy { .. })), "{row}");
    }
    let message = "socks5://me:hunter2@proxy.corp:1080".parse::<Proxy>().unwrap_err().to_string();
    assert!(!message.contains("hunter2"), "{message}");
}
