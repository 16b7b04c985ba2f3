//! Times: milliseconds since 1970 as they are kept, RFC 3339 in UTC as clients read them.

use jiff::Timestamp;

pub(crate) fn now() -> i64 {
    Timestamp::now().as_millisecond()
}

/// `2026-11-22T05:37:24.123Z`
pub(crate) fn rfc3339(ms: i64) -> String {
    let time = Timestamp::from_millisecond(ms).unwrap_or(if ms < 0 { Timestamp::MIN } else { Timestamp::MAX });
    format!("{time:.3}")
}

/// Reads RFC 3339 with any offset.
pub(crate) fn parse(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_back() {
        assert_eq!(rfc3339(1_795_325_844_123), "2026-11-22T05:37:24.123Z");
        assert_eq!(parse("2026-11-22T06:37:24.123+01:00"), Some(1_795_325_844_123));
        assert_eq!(parse("yesterday"), None);
    }
}
