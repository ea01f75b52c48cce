//! Dates and times in a text, in the formats that build tools write, near the clock of the run.

use std::ops::Range;
use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use regex::bytes::{Captures, Regex};

use crate::compare::difference::Run;

use super::line::replace;
use super::{Facts, pick};

/// How far from the clock a time may be: a day for a long step and for rounding, and the largest zone.
const SLACK_SECONDS: i64 = (24 + 14) * HOUR_SECONDS;
/// How long after the beginning of the step a time of day without a date is believed.
const TIME_OF_DAY_SECONDS: i64 = 2 * HOUR_SECONDS;
const HOUR_SECONDS: i64 = 3600;
const DAY_SECONDS: i64 = 24 * HOUR_SECONDS;

/// A time as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Where it stands.
    pub(super) range: Range<usize>,
    /// What the digits say if they are taken as UTC: seconds since 1970, of the day for [`Precision::TimeOfDay`], the
    /// year itself for [`Precision::Year`].
    pub(super) reading: i64,
    /// Seconds that the zone it names is ahead of UTC.
    pub(super) zone: Option<i64>,
    /// What it says.
    pub(super) precision: Precision,
}

/// How much a stamp says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Precision {
    /// A number of seconds since 1970.
    Count,
    /// Date and time.
    Second,
    /// A date.
    Day,
    /// A time without a date.
    TimeOfDay,
    /// A year.
    Year,
}

/// Time of day, with the zone behind it.
const TIME: &str = r"(?P<h>\d{1,2}):(?P<mi>\d{2})(?::(?P<s>\d{2})(?:[.,]\d{1,9})?)?(?:\s?(?P<half>[AP]M))?";
const ZONE: &str =
    r"(?:\s?(?P<z>Z|[+-]\d{2}(?::?\d{2})?)\b|\s(?-i:(?P<utc>UTC|GMT)|[ECMPAW]E?[SD]?T|[BJIK]ST|MSK|NZ[SD]T)\b)?";
const DAY: &str = r"(?:\b(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s+)?";
const MONTH: &str = r"(?P<mon>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?";
const MONTHS: &[u8] = b"janfebmaraprmayjunjulaugsepoctnovdec";

/// Each format; the longest match at a place counts.
static FORMATS: LazyLock<Vec<Regex>> =
    LazyLock::new(|| formats().iter().filter_map(|it| Regex::new(it).ok()).collect());

fn formats() -> Vec<String> {
    let date = r"(?P<y>\d{4})[-/.](?P<mo>\d{1,2})[-/.](?P<d>\d{1,2})";
    let packed = r"(?P<h>\d{2})[:.-]?(?P<mi>\d{2})(?:[:.-]?(?P<s>\d{2})(?:[.,]\d{1,9})?)?";
    let bodies = [
        // ISO 8601 and RFC 3339.
        format!(r"{date}(?:(?:T|[ _-]+|, ){packed}{ZONE})?"),
        r"(?P<y>\d{4})(?P<mo>\d{2})(?P<d>\d{2})(?:[T_.-]?(?P<h>\d{2})(?P<mi>\d{2})(?P<s>\d{2})?(?P<z>Z)?)?".to_owned(),
        // Seconds, or parts of them.
        r"(?P<n>\d{10,19})(?:\.\d{1,9})?".to_owned(),
        // `date`, ctime(3).
        format!(r"{DAY}{MONTH}\s+(?P<d>\d{{1,2}}),?\s+{TIME}{ZONE}\s+(?P<y>\d{{4}})"),
        // RFC 2822, HTTP, `date` in other locales, log files of web servers.
        format!(r"{DAY}(?P<d>\d{{1,2}})[ /-]{MONTH},?[ /-](?P<y>\d{{4}})(?:[ T:,]+{TIME}{ZONE})?"),
        // `__DATE__`, English prose.
        format!(r"{DAY}{MONTH}\s+(?P<d>\d{{1,2}}),?\s+(?P<y>\d{{4}})(?:[ ,]+{TIME}{ZONE})?"),
        // syslog, `ls -l`.
        format!(r"{MONTH}\s+(?P<d>\d{{1,2}})\s+{TIME}"),
        // Day and month in either order.
        format!(r"(?P<d>\d{{1,2}})[/.-](?P<mo>\d{{1,2}})[/.-](?P<y>\d{{4}})(?:[ ,T]+{TIME}{ZONE})?"),
        format!(r"(?P<mo>\d{{1,2}})[/.-](?P<d>\d{{1,2}})[/.-](?P<y>\d{{4}})(?:[ ,T]+{TIME}{ZONE})?"),
        // `__TIME__`.
        r"(?P<h>\d{2}):(?P<mi>\d{2}):(?P<s>\d{2})(?:[.,]\d{1,9})?".to_owned(),
        r"(?P<y>\d{4})".to_owned(),
    ];
    // A blank word boundary would not end a date before `_`.
    bodies.iter().map(|body| format!(r"(?i-u){body}(?:\b|_)")).collect()
}

/// Puts one mark for every time that is near the clock of the run.
pub(super) fn mask(text: &[u8], run: Run, facts: &Facts<'_>) -> Vec<u8> {
    let (clock, zone) = (facts.clock(run), pick(run, &facts.varied.timezone.0, &facts.varied.timezone.1));
    without(text, &find(text, clock, |stamp| is_near(stamp, clock, zone)))
}

/// The text with one mark in place of each time.
pub(super) fn without(text: &[u8], stamps: &[Stamp]) -> Vec<u8> {
    replace(text, stamps.iter().map(|stamp| stamp.range.clone()), b"\x01time\x01")
}

/// Whether a time in seconds since 1970 is near the clock of the run.
pub(crate) fn is_near_clock(seconds: i64, run: Run, facts: &Facts<'_>) -> bool {
    seconds.saturating_sub(facts.clock(run)).saturating_abs() <= SLACK_SECONDS
}

/// The times in a text that are wanted, in order, none within another. What names no year is given the clock's.
pub(super) fn find(text: &[u8], clock: i64, is_wanted: impl Fn(&Stamp) -> bool) -> Vec<Stamp> {
    let (mut found, mut others): (Vec<Stamp>, Vec<Stamp>) = (Vec::new(), Vec::new());
    for format in FORMATS.iter() {
        let mut at = 0;
        while let Some(captures) = format.captures_at(text, at) {
            let Some(whole) = captures.get(0) else { break };
            at = whole.start() + 1;
            match stamp(&captures, clock).filter(|stamp| stands_alone(text, stamp)) {
                Some(stamp) if is_wanted(&stamp) => {
                    at = whole.end();
                    found.push(stamp);
                }
                Some(other) => others.push(other),
                None => {}
            }
        }
    }
    // The year of a date that is not wanted is no year.
    let is_part = |stamp: &Stamp| {
        let within = |other: &Stamp| other.range.start <= stamp.range.start && stamp.range.end <= other.range.end;
        stamp.precision == Precision::Year && others.iter().any(within)
    };
    found.retain(|stamp| !is_part(stamp));
    found.sort_by_key(|stamp| (stamp.range.start, std::cmp::Reverse(stamp.range.end)));
    let mut end = 0;
    found.retain(|stamp| {
        let is_free = stamp.range.start >= end;
        end = if is_free { stamp.range.end } else { end };
        is_free
    });
    found
}

/// Whether a stamp is not part of a longer number, and a year not part of a version or of a date that cannot be.
fn stands_alone(text: &[u8], stamp: &Stamp) -> bool {
    let joins = |b: &u8| matches!(b, b'.' | b'-' | b'/' | b':' | b',');
    let before = stamp.range.start.checked_sub(1).and_then(|at| text.get(at));
    let after = text.get(stamp.range.end..).unwrap_or_default();
    let continues = matches!(after, [sign, digit, ..] if joins(sign) && digit.is_ascii_digit());
    let is_year = stamp.precision == Precision::Year;
    let is_part = before.is_some_and(|b| b.is_ascii_digit() || is_year && joins(b)) || is_year && continues;
    !is_part
}

fn stamp(captures: &Captures<'_>, clock: i64) -> Option<Stamp> {
    let range = captures.get(0)?.range();
    let number = |name| captures.name(name).and_then(|digits| parse(digits.as_bytes()));
    if let Some(digits) = captures.name("n") {
        let per_second = match digits.len() {
            10 => 1,
            13 => 1_000,
            16 => 1_000_000,
            19 => 1_000_000_000,
            _ => return None,
        };
        let reading = parse(digits.as_bytes())? / per_second;
        return Some(Stamp { range, reading, zone: Some(0), precision: Precision::Count });
    }
    let month = captures.name("mon").and_then(|name| month(name.as_bytes())).or_else(|| number("mo"));
    let time = time_of_day(captures)?;
    let (reading, precision) = match (number("y"), month, number("d"), time) {
        (Some(year), None, None, None) => (year, Precision::Year),
        (None, None, None, Some(time)) => (time, Precision::TimeOfDay),
        (year, Some(month), Some(day), time) => {
            let midnight = midnight(year.or_else(|| year_of(clock))?, month, day)?;
            (midnight + time.unwrap_or(0), if time.is_some() { Precision::Second } else { Precision::Day })
        }
        _ => return None,
    };
    Some(Stamp { range, reading, zone: zone(captures), precision })
}

/// Seconds since midnight, `Some(None)` if the format has none; `None` if it is no time of a day.
fn time_of_day(captures: &Captures<'_>) -> Option<Option<i64>> {
    let number = |name| captures.name(name).and_then(|digits| parse(digits.as_bytes()));
    let Some(hour) = number("h") else { return Some(None) };
    let (minute, second) = (number("mi")?, number("s").unwrap_or(0));
    let hour = match captures.name("half").map(|half| half.as_bytes().to_ascii_lowercase()) {
        None => hour,
        Some(half) => hour % 12 + if half == b"pm" { 12 } else { 0 },
    };
    let is_time = hour < 24 && minute < 60 && second <= 60;
    is_time.then_some(Some(hour * HOUR_SECONDS + minute * 60 + second))
}

fn zone(captures: &Captures<'_>) -> Option<i64> {
    if captures.name("utc").is_some() {
        return Some(0);
    }
    let text = captures.name("z")?.as_bytes();
    let digits: Vec<u8> = text.iter().filter(|b| b.is_ascii_digit()).copied().collect();
    let (hours, minutes) = digits.split_at_checked(2).unwrap_or_default();
    let ahead = parse(hours).unwrap_or(0) * HOUR_SECONDS + parse(minutes).unwrap_or(0) * 60;
    Some(if text.starts_with(b"-") { -ahead } else { ahead })
}

fn month(name: &[u8]) -> Option<i64> {
    let name = name.to_ascii_lowercase();
    MONTHS.chunks(3).zip(1..).find(|(month, _)| **month == *name).map(|(_, number)| number)
}

fn parse(digits: &[u8]) -> Option<i64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn midnight(year: i64, month: i64, day: i64) -> Option<i64> {
    let date = Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}

fn year_of(clock: i64) -> Option<i64> {
    Some(Timestamp::from_second(clock).ok()?.to_zoned(TimeZone::UTC).year().into())
}

fn is_near(stamp: &Stamp, clock: i64, timezone: &str) -> bool {
    match stamp.precision {
        Precision::Year => year_of(clock) == Some(stamp.reading),
        Precision::TimeOfDay => {
            let Some(ahead) = ahead_of_utc(timezone, clock) else { return false };
            // A clock that was set a little back is still the clock.
            const BEFORE_SECONDS: i64 = 60;
            let since = (stamp.reading - clock - ahead + BEFORE_SECONDS).rem_euclid(DAY_SECONDS);
            since <= TIME_OF_DAY_SECONDS + BEFORE_SECONDS
        }
        Precision::Count | Precision::Second | Precision::Day => {
            (stamp.reading - stamp.zone.unwrap_or(0)).saturating_sub(clock).saturating_abs() <= SLACK_SECONDS
        }
    }
}

/// Seconds that a time zone is ahead of UTC. Of a name nothing is known here: the table of zones is the machine's.
fn ahead_of_utc(timezone: &str, clock: i64) -> Option<i64> {
    if matches!(timezone, "" | "UTC" | "GMT" | "Etc/UTC") {
        return Some(0);
    }
    let rule = TimeZone::posix(timezone).ok()?;
    Some(rule.to_offset(Timestamp::from_second(clock).ok()?).seconds().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::testing::{FIRST_SECONDS, facts, varied};

    fn masked(text: &str) -> String {
        let varied = varied();
        String::from_utf8(mask(text.as_bytes(), Run::First, &facts(&varied))).expect("ASCII").replace('\x01', "|")
    }

    #[test]
    fn every_format_is_a_pattern() {
        assert_eq!(FORMATS.len(), formats().len());
    }

    /// The clock of the first run is 2026-11-25T08:00:00Z.
    #[test]
    fn times_near_the_clock_are_seen_in_every_format() {
        let count = FIRST_SECONDS + 7;
        for text in [
            "2026-11-25",
            "2026/11/25 08:00",
            "2026-11-25 08:00:01",
            "2026-11-25T08:00:01.123456789Z",
            "2026-11-25T17:00:01+09:00",
            "20261125",
            "20261125T080001Z",
            "20261125080001",
            "2026-11-25_08-00-01",
            &count.to_string(),
            &format!("{count}.5"),
            &format!("{count}123"),
            &format!("{count}123456789"),
            "Wed Nov 25 08:00:01 2026",
            "Wed Nov 25 08:00:01 UTC 2026",
            "Wed Nov 25 08:00:01 AM UTC 2026",
            "Wed 25 Nov 2026 08:00:01 AM UTC",
            "Wed, 25 Nov 2026 08:00:01 +0000",
            "Wed, 25 Nov 2026 08:00:01 GMT",
            "25/Nov/2026:08:00:01 +0000",
            "25 November 2026",
            "November 25, 2026",
            "Nov 25 2026",
            "Nov 25 08:00:01",
            "25.11.2026",
            "11/25/2026",
            "08:00:01",
            "2026",
        ] {
            assert_eq!(masked(text), "|time|", "{text}");
            assert_eq!(masked(&format!("at ({text})")), "at (|time|)", "{text}");
        }
    }

    #[test]
    fn what_is_no_time_near_the_clock_is_left() {
        for text in [
            "1.2.3",
            "2.11.25",
            "2025-11-25",
            "2026-13-25",
            "2026-11-32",
            "1764057601",
            "91795593601",
            "12026-11-25",
            "2025",
            "20260101",
            "05:00:01",
            "127.0.0.1:8080",
            "Nov 1 2026",
            "25/99/2026",
            "2026.1",
        ] {
            assert_eq!(masked(text), text);
        }
    }

    #[test]
    fn a_time_of_day_is_read_in_the_zone_of_the_run_if_it_is_a_rule() {
        let mut varied = varied();
        varied.timezone.0 = "JST-9".to_owned();
        assert_eq!(mask(b"17:00:01", Run::First, &facts(&varied)), b"\x01time\x01");
        assert_eq!(mask(b"08:00:01", Run::First, &facts(&varied)), b"08:00:01");
        varied.timezone.0 = "Asia/Tokyo".to_owned();
        assert_eq!(mask(b"17:00:01", Run::First, &facts(&varied)), b"17:00:01");
    }
}
