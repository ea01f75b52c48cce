//! Sizes, numbers and durations for people.

use std::time::Duration;

const UNITS: [(&str, u64); 4] = [("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10), ("", 1)];

/// Such as `12.3 MiB`; bytes below a KiB.
pub fn show(bytes: u64) -> String {
    match UNITS.iter().find(|(_, unit)| bytes >= *unit) {
        None | Some(("", _)) => format!("{bytes} B"),
        // A display of three digits or so needs no exact arithmetic.
        Some((name, unit)) => format!("{:.1} {name}iB", bytes as f64 / *unit as f64),
    }
}

/// Reads `20G`, `512M`, `64K` or a number of bytes; the units are powers of 1024.
pub fn parse(text: &str) -> Result<u64, String> {
    let fail = || format!("expected a size such as `20G` or `512M`, found `{text}`");
    let upper = text.to_ascii_uppercase();
    let body = upper.trim_end_matches("IB").trim_end_matches('B');
    let (digits, unit) =
        UNITS.iter().find_map(|(name, unit)| body.strip_suffix(name).map(|digits| (digits, *unit))).ok_or_else(fail)?;
    digits.trim().parse::<u64>().ok().and_then(|n| n.checked_mul(unit)).ok_or_else(fail)
}

/// Such as `1 file` or `2 files`.
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// Such as `0.25 s`.
pub fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        assert_eq!(
            [count(0, "file"), count(1, "file"), count(2, "file")],
            ["0 files".to_owned(), "1 file".to_owned(), "2 files".to_owned()]
        );
    }

    #[test]
    fn sizes_are_read_and_shown() {
        assert_eq!((parse("20G"), parse("1 KiB"), parse("7")), (Ok(20 << 30), Ok(1024), Ok(7)));
        assert!(parse("many").is_err() && parse("99999999999999G").is_err());
        assert_eq!(
            (show(17), show(1536), show(3 << 30)),
            ("17 B".to_owned(), "1.5 KiB".to_owned(), "3.0 GiB".to_owned())
        );
    }
}
