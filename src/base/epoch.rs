//! A point in time as an input: whole seconds since 1970-01-01T00:00:00Z.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The earliest time that kiln gives to anything: zip archives made inside steps refuse less.
pub const EARLIEST: Epoch = Epoch(315_619_200);
/// The latest: 9999-12-30T00:00:00Z, where RFC 3339 ends in every zone.
pub const LATEST: Epoch = Epoch(253_402_128_000);

/// Whole seconds since 1970-01-01T00:00:00Z, between [`EARLIEST`] and [`LATEST`] when parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(i64);

/// A text that should be a time and is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseEpochError {
    /// Not RFC 3339 with a zone, not a number of seconds.
    #[error("expected a time like `2026-01-01T00:00:00Z` or seconds since 1970, found `{found}`")]
    NotATime {
        /// The text as it was given.
        found: String,
    },
    /// Parsed, but outside of the range that archives can hold.
    #[error("expected a time from 1980-01-02 to 9999-12-30, found `{found}`")]
    OutOfRange {
        /// The text as it was given.
        found: String,
    },
}

impl Epoch {
    /// Seconds since 1970; out of range is `None`.
    pub fn from_seconds(seconds: i64) -> Option<Self> {
        (EARLIEST.0..=LATEST.0).contains(&seconds).then_some(Self(seconds))
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub fn seconds(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Epoch {
    /// RFC 3339, whole seconds, `Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Timestamp::from_second(self.0) {
            Ok(time) => write!(f, "{time}"),
            Err(_) => write!(f, "{}", self.0),
        }
    }
}

impl FromStr for Epoch {
    type Err = ParseEpochError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let seconds = match text.parse::<i64>() {
            Ok(seconds) => seconds,
            Err(_) => {
                text.parse::<Timestamp>().map_err(|_| ParseEpochError::NotATime { found: text.to_owned() })?.as_second()
            }
        };
        Self::from_seconds(seconds).ok_or_else(|| ParseEpochError::OutOfRange { found: text.to_owned() })
    }
}

impl Serialize for Epoch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Epoch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_round_trip_in_utc() {
        let epoch = "2026-01-01T02:00:00+02:00".parse::<Epoch>();
        assert_eq!(epoch.as_ref().map(|e| e.seconds()), Ok(1_767_225_600));
        assert_eq!(epoch.map(|e| e.to_string()), Ok("2026-01-01T00:00:00Z".to_owned()));
        assert_eq!("1767225600".parse::<Epoch>().map(|e| e.seconds()), Ok(1_767_225_600));
    }

    #[test]
    fn times_outside_of_the_range_are_refused() {
        assert!(matches!("1980-01-01T00:00:00Z".parse::<Epoch>(), Err(ParseEpochError::OutOfRange { .. })));
        assert!(matches!("yesterday".parse::<Epoch>(), Err(ParseEpochError::NotATime { .. })));
        assert_eq!(EARLIEST.to_string(), "1980-01-02T00:00:00Z");
        assert_eq!(LATEST.to_string(), "9999-12-30T00:00:00Z");
    }
}
