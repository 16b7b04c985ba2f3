//! Which pages may ask: browsers say where a page comes from.

use axum::http::{HeaderMap, header};

use crate::problem::{Kind, Problem};

/// Requests without an origin come from programs. Else the page is of this host, or one that the operator
/// has named.
///
/// # Errors
/// Another page.
pub(crate) fn check(headers: &HeaderMap, allowed: &[String]) -> Result<(), Problem> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or("null");
    let same = origin.split_once("://").is_some_and(|(_, from)| Some(from) == host(headers));
    if same || allowed.iter().any(|allowed| allowed == origin) {
        return Ok(());
    }
    Err(Problem::new(Kind::ForeignOrigin, "The page that asks is of another origin; the operator can allow it"))
}

/// Whether a request was sent to this machine by one of its own names. A page whose name was made to point
/// here still says its name.
pub(crate) fn is_local_name(headers: &HeaderMap) -> bool {
    let Some(host) = host(headers) else { return false };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(""),
        None => host.split(':').next().unwrap_or(""),
    };
    name.eq_ignore_ascii_case("localhost") || name == "127.0.0.1" || name == "::1"
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::HOST)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(host: &'static str, origin: Option<&'static str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        headers
    }

    #[test]
    fn origins() {
        let allowed = ["https://console.example.com".to_owned()];
        for (origin, accepted) in [
            (None, true),
            (Some("http://certus:8056"), true),
            (Some("https://console.example.com"), true),
            (Some("https://evil.example"), false),
            (Some("http://certus:8057"), false),
            (Some("https://console.example.com.evil.example"), false),
            (Some("null"), false),
        ] {
            assert_eq!(check(&headers("certus:8056", origin), &allowed).is_ok(), accepted, "{origin:?}");
        }
    }

    #[test]
    fn names_of_this_machine() {
        for (host, local) in [
            ("localhost:8056", true),
            ("127.0.0.1", true),
            ("[::1]:8056", true),
            ("evil.example:8056", false),
            ("127.0.0.1.evil.example", false),
            ("localhost.evil.example", false),
        ] {
            assert_eq!(is_local_name(&headers(host, None)), local, "{host}");
        }
    }
}
