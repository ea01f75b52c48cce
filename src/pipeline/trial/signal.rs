//! The names of signals.

/// Names and numbers that all processors have that images are made for (signal(7), "Standard signals").
const SIGNALS: &[(&str, i32)] = &[
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ILL", 4),
    ("TRAP", 5),
    ("ABRT", 6),
    ("BUS", 7),
    ("FPE", 8),
    ("KILL", 9),
    ("USR1", 10),
    ("SEGV", 11),
    ("USR2", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
    ("STKFLT", 16),
    ("CHLD", 17),
    ("CONT", 18),
    ("STOP", 19),
    ("TSTP", 20),
    ("TTIN", 21),
    ("TTOU", 22),
    ("URG", 23),
    ("XCPU", 24),
    ("XFSZ", 25),
    ("VTALRM", 26),
    ("PROF", 27),
    ("WINCH", 28),
    ("IO", 29),
    ("PWR", 30),
    ("SYS", 31),
    // As the C library counts them: it keeps the first two for itself.
    ("RTMIN", 34),
    ("RTMAX", 64),
];

/// What an engine sends if the image says nothing.
const TERM: i32 = 15;

/// The number of a signal such as `SIGQUIT`, `QUIT`, `3` or `SIGRTMIN+3`; SIGTERM's for what is none.
pub(super) fn number(text: Option<&str>) -> i32 {
    text.and_then(named).filter(|number| (1..=64).contains(number)).unwrap_or(TERM)
}

fn named(text: &str) -> Option<i32> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    // The offset has its sign with it.
    let (name, offset) = name.split_at(name.find(['+', '-']).unwrap_or(name.len()));
    let (_, number) = SIGNALS.iter().find(|(known, _)| *known == name)?;
    if offset.is_empty() { Some(*number) } else { number.checked_add(offset.parse().ok()?) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_many_names() {
        for (text, expected) in
            [("SIGQUIT", 3), ("quit", 3), ("3", 3), ("SIGRTMIN+3", 37), ("SIGRTMAX-1", 63), ("x", 15), ("99", 15)]
        {
            assert_eq!(number(Some(text)), expected, "{text}");
        }
        assert_eq!((number(None), number(Some("SIGRTMAX+2147483647"))), (15, 15));
    }
}
