use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

/// What a registry wants before it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// The login itself.
    Basic,
    /// A token that `realm` gives out for `service`.
    Bearer { realm: String, service: Option<String> },
}

impl Challenge {
    /// The first one that is understood.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok()).find_map(Self::parse)
    }

    fn parse(text: &str) -> Option<Self> {
        let (scheme, parameters) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        let value = |name| parameter(parameters, name);
        scheme
            .eq_ignore_ascii_case("bearer")
            .then(|| Some(Self::Bearer { realm: value("realm")?, service: value("service") }))?
    }
}

/// The value of `name` in `a="x",b="y"`.
fn parameter(mut text: &str, name: &str) -> Option<String> {
    loop {
        let (key, rest) = text.split_once("=\"")?;
        let (value, rest) = rest.split_once('"')?;
        if key.trim_matches([',', ' ']).eq_ignore_ascii_case(name) {
            return Some(value.to_owned());
        }
        text = rest;
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn a_challenge_is_read_or_passed_over() {
        let bearer = |realm: &str, service: Option<&str>| {
            Some(Challenge::Bearer { realm: realm.to_owned(), service: service.map(ToOwned::to_owned) })
        };
        for (text, expected) in [
            (r#"Bearer realm="https://a/t",service="a",scope="repository:x:pull""#, bearer("https://a/t", Some("a"))),
            (r#"bearer service="a, b", realm="https://a/t""#, bearer("https://a/t", Some("a, b"))),
            (r#"Bearer realm="https://a/t""#, bearer("https://a/t", None)),
            (r#"Basic realm="x""#, Some(Challenge::Basic)),
            ("Basic", Some(Challenge::Basic)),
            (r#"Bearer service="a""#, None),
            (r#"Bearer realm="https://a"#, None),
            ("Negotiate", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(WWW_AUTHENTICATE, HeaderValue::from_str(text).unwrap())]);
            assert_eq!(Challenge::of(&headers), expected, "{text}");
        }
    }
}
