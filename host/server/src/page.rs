//! Lists in pages, and the cursors between them.

use axum::http::{HeaderName, HeaderValue, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use certus_store::Position;

use crate::problem::{Kind, Problem};

/// The place after which the next page of scans begins.
pub(crate) fn scan_cursor(place: &Position) -> String {
    URL_SAFE_NO_PAD.encode(format!("s1:{}:{}", place.created_at, place.id))
}

/// # Errors
/// A cursor that is none of ours.
pub(crate) fn read_scan_cursor(cursor: &str) -> Result<Position, Problem> {
    let text = decode(cursor)?;
    let place = text.strip_prefix("s1:").and_then(|rest| rest.split_once(':'));
    let place = place.and_then(|(at, id)| Some(Position { created_at: at.parse().ok()?, id: id.parse().ok()? }));
    place.filter(|place| scan_cursor(place) == cursor).ok_or_else(bad)
}

/// The place at which the next page of a numbered list begins. `list` keeps the cursors of lists apart.
pub(crate) fn number_cursor(list: &str, place: i64) -> String {
    URL_SAFE_NO_PAD.encode(format!("{list}:{place}"))
}

/// # Errors
/// A cursor that is none of this list's.
pub(crate) fn read_number_cursor(list: &str, cursor: &str) -> Result<i64, Problem> {
    let text = decode(cursor)?;
    let place = text.strip_prefix(list).and_then(|rest| rest.strip_prefix(':')).and_then(|at| at.parse().ok());
    place.filter(|place| *place >= 0 && number_cursor(list, *place) == cursor).ok_or_else(bad)
}

/// `Link: <…>; rel="next"`: the same query with another cursor.
pub(crate) fn next_link(path: &str, query: Option<&str>, cursor: &str) -> Option<(HeaderName, HeaderValue)> {
    let kept = query.unwrap_or_default().split('&');
    let kept =
        kept.filter(|pair| !pair.is_empty() && !["cursor", "offset"].contains(&pair.split('=').next().unwrap_or("")));
    let query: Vec<String> = kept.map(str::to_owned).chain([format!("cursor={cursor}")]).collect();
    let link = HeaderValue::try_from(format!("<{path}?{}>; rel=\"next\"", query.join("&"))).ok()?;
    Some((header::LINK, link))
}

fn decode(cursor: &str) -> Result<String, Problem> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| bad())?;
    String::from_utf8(bytes).map_err(|_| bad())
}

fn bad() -> Problem {
    Problem::new(Kind::BadCursor, "Send the `next_cursor` of the page before as it was")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_read_as_given_or_not_at_all() {
        let place = Position { created_at: 17, id: "test_0123456789ab".parse().unwrap() };
        let cursor = scan_cursor(&place);
        assert_eq!(read_scan_cursor(&cursor).unwrap(), place);
        assert_eq!(read_number_cursor("f1", &number_cursor("f1", 7)).unwrap(), 7);
        for bad in [&cursor[1..], &cursor[..cursor.len() - 1], "", "AAAA", &number_cursor("f1", 1)] {
            assert_eq!(read_scan_cursor(bad).unwrap_err().kind(), Kind::BadCursor, "{bad}");
        }
        assert!(read_number_cursor("f1", &number_cursor("a1", 7)).is_err());
        assert!(read_number_cursor("f1", &number_cursor("f1", -7)).is_err());
    }

    #[test]
    fn links_keep_the_query() {
        let (_, link) = next_link("/v1/x", Some("limit=2&cursor=old&offset=3&status=failed"), "new").unwrap();
        assert_eq!(link, "</v1/x?limit=2&status=failed&cursor=new>; rel=\"next\"");
    }
}
