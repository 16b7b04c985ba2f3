//! From when until when a key counts, and when to replace it.

use certus_model::Sha256;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::Error;
use crate::permit::rfc3339;

/// How many days a key is valid for where nobody says otherwise: keys are replaced yearly.
pub const DAYS: u16 = 365;
/// How many days before its end a key is due to be replaced.
pub const WARNING_DAYS: i64 = 30;

/// When a key counts. Without a time there is no limit on that side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Validity {
    /// From when on.
    #[serde(default, with = "moment::option", skip_serializing_if = "Option::is_none")]
    pub not_before: Option<OffsetDateTime>,
    /// Until when; that moment is no longer a part of it.
    #[serde(default, with = "moment::option", skip_serializing_if = "Option::is_none")]
    pub not_after: Option<OffsetDateTime>,
    /// Since when it must not be trusted any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revocation>,
}

/// Somebody's decision that a key is no longer to be trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Revocation {
    /// What was signed from then on does not count.
    #[serde(with = "moment")]
    pub since: OffsetDateTime,
    /// Why, in one line.
    pub reason: String,
}

/// Whether a key has to be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// Not within the next 30 days.
    Fine,
    /// In so many days, begun ones included: 1 to 30.
    Soon {
        /// How many.
        days: u8,
    },
    /// It ran out, or was revoked.
    Overdue,
}

impl Validity {
    /// From `now` for so many days, in whole seconds.
    pub fn days(now: OffsetDateTime, days: u16) -> Self {
        let from = now.replace_nanosecond(0).unwrap_or(now);
        Self { not_before: Some(from), not_after: from.checked_add(Duration::days(days.into())), revoked: None }
    }

    /// Whether there is no limit at all.
    pub fn is_unlimited(&self) -> bool {
        *self == Self::default()
    }

    /// Whether what `key` signs or signed at `time` counts.
    ///
    /// # Errors
    /// It was not valid yet, had run out, or had been revoked.
    pub fn check(&self, key: &Sha256, time: OffsetDateTime) -> Result<(), Error> {
        if let Some(revoked) = self.revoked.as_ref().filter(|revoked| time >= revoked.since) {
            return Err(Error::KeyRevoked { key: *key, since: rfc3339(revoked.since), reason: revoked.reason.clone() });
        }
        if let Some(not_before) = self.not_before.filter(|not_before| time < *not_before) {
            return Err(Error::KeyNotYet { key: *key, not_before: rfc3339(not_before) });
        }
        match self.not_after.filter(|not_after| time >= *not_after) {
            Some(not_after) => Err(Error::KeyExpired { key: *key, not_after: rfc3339(not_after) }),
            None => Ok(()),
        }
    }

    /// Whether a key with this validity has to be replaced.
    pub fn due(&self, now: OffsetDateTime) -> Rotation {
        if self.revoked.as_ref().is_some_and(|revoked| now >= revoked.since) {
            return Rotation::Overdue;
        }
        let Some(left) = self.not_after.map(|not_after| not_after - now) else { return Rotation::Fine };
        match left {
            left if left <= Duration::ZERO => Rotation::Overdue,
            left if left > Duration::days(WARNING_DAYS) => Rotation::Fine,
            left => {
                let begun = (left - Duration::NANOSECOND).whole_days() + 1;
                Rotation::Soon { days: u8::try_from(begun).unwrap_or(u8::MAX) }
            }
        }
    }
}

/// Times as RFC 3339 text.
mod moment {
    use serde::{Deserialize as _, Deserializer, Serializer, de};
    use time::OffsetDateTime;
    use time::format_description::well_known::Rfc3339;

    pub(super) fn serialize<S: Serializer>(time: &OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::rfc3339(*time))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<OffsetDateTime, D::Error> {
        let text = String::deserialize(deserializer)?;
        OffsetDateTime::parse(&text, &Rfc3339).map_err(|_| de::Error::custom("a time is not RFC 3339"))
    }

    pub(super) mod option {
        use super::*;

        pub(in super::super) fn serialize<S: Serializer>(
            time: &Option<OffsetDateTime>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            match time {
                Some(time) => super::serialize(time, serializer),
                None => serializer.serialize_none(),
            }
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<OffsetDateTime>, D::Error> {
            // A field that is there has a time; one without a limit is left out.
            super::deserialize(deserializer).map(Some)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;
    const DAY: i64 = 86_400;

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(NOW + seconds).unwrap()
    }

    #[test]
    fn case_125_a_key_counts_between_its_times_alone() {
        let key = Sha256::of(b"key");
        let year = Validity::days(at(0), DAYS);
        assert!(matches!(year.check(&key, at(-1)), Err(Error::KeyNotYet { .. })));
        year.check(&key, at(0)).unwrap();
        year.check(&key, at(365 * DAY - 1)).unwrap();
        assert!(matches!(year.check(&key, at(365 * DAY)), Err(Error::KeyExpired { .. })));

        let revoked = Revocation { since: at(DAY), reason: "lost".to_owned() };
        let revoked = Validity { revoked: Some(revoked), ..year };
        revoked.check(&key, at(DAY - 1)).unwrap();
        let error = revoked.check(&key, at(DAY)).unwrap_err();
        assert!(matches!(&error, Error::KeyRevoked { reason, .. } if reason == "lost"), "{error}");
        for time in [at(-1_000_000_000), at(1_000_000_000)] {
            Validity::default().check(&key, time).unwrap();
        }
    }

    #[test]
    fn a_key_is_due_thirty_days_before_its_end() {
        let year = Validity::days(at(0), DAYS);
        let table = [
            (0, Rotation::Fine),
            (335 * DAY - 1, Rotation::Fine),
            (335 * DAY, Rotation::Soon { days: 30 }),
            (335 * DAY + 1, Rotation::Soon { days: 30 }),
            (364 * DAY, Rotation::Soon { days: 1 }),
            (365 * DAY - 1, Rotation::Soon { days: 1 }),
            (365 * DAY, Rotation::Overdue),
        ];
        for (seconds, due) in table {
            assert_eq!(year.due(at(seconds)), due, "{seconds}");
        }
        assert_eq!(Validity::default().due(at(0)), Rotation::Fine);
        let revoked = Some(Revocation { since: at(5), reason: "lost".to_owned() });
        assert_eq!(Validity { revoked, ..year }.due(at(5)), Rotation::Overdue);
    }
}
