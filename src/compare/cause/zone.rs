//! The same instant, written in two time zones.

use crate::compare::difference::Run;

use super::Facts;
use super::clock::{self, Precision, Stamp};

/// Zones differ by quarters of an hour, and by no more than this (Kiribati and Baker Island).
const MOST_SECONDS: i64 = 26 * 3600;
const STEP_SECONDS: i64 = 900;

/// Whether the two texts differ in times only, each of which may be one instant in two zones.
pub(super) fn is_shifted(a: &[u8], b: &[u8], facts: &Facts<'_>) -> bool {
    if facts.varied.timezone.0 == facts.varied.timezone.1 {
        return false;
    }
    let times = |text, run| clock::find(text, facts.clock(run), |stamp| stamp.precision == Precision::Second);
    let (of_a, of_b) = (times(a, Run::First), times(b, Run::Second));
    of_a.len() == of_b.len()
        && !of_a.is_empty()
        && clock::without(a, &of_a) == clock::without(b, &of_b)
        && of_a.iter().zip(&of_b).all(|(one, other)| is_one_instant(one, other))
}

fn is_one_instant(a: &Stamp, b: &Stamp) -> bool {
    match (a.zone, b.zone) {
        (Some(zone_a), Some(zone_b)) => a.reading - zone_a == b.reading - zone_b,
        _ => {
            let apart = a.reading - b.reading;
            apart % STEP_SECONDS == 0 && apart.abs() <= MOST_SECONDS
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::testing::{facts, varied};

    fn shifted(a: &str, b: &str) -> bool {
        let varied = varied();
        is_shifted(a.as_bytes(), b.as_bytes(), &facts(&varied))
    }

    #[test]
    fn one_instant_in_two_zones_is_seen() {
        assert!(shifted("from 2020-01-01 00:30:05 on", "from 2020-01-01 09:30:05 on"));
        assert!(shifted("Wed, 01 Jan 2020 00:00:00 +0000", "Wed, 01 Jan 2020 09:00:00 +0900"));
        assert!(!shifted("from 2020-01-01 00:30:05 on", "from 2020-01-01 09:31:05 on"));
        assert!(!shifted("from 2020-01-01 00:30:05 on", "from 2020-01-03 09:30:05 on"));
        assert!(!shifted("Wed, 01 Jan 2020 00:00:00 +0000", "Wed, 01 Jan 2020 08:00:00 +0900"));
        assert!(!shifted("2020-01-01 00:30:05 on", "2020-01-01 09:30:05 off"));
        assert!(!shifted("2020-01-01", "2020-01-02"));
    }
}
