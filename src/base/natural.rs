//! The order in which people expect names with numbers: `1.9` before `1.10`.

use std::cmp::Ordering;

/// What a text is compared by, piece for piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece<'a> {
    /// A run of digits, without the zeros before the first other one.
    Number(&'a [u8]),
    /// Any other byte.
    Byte(u8),
}

impl Ord for Piece<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            // Of two numbers the longer one is the larger, however long they are.
            (Self::Number(a), Self::Number(b)) => a.len().cmp(&b.len()).then_with(|| a.cmp(b)),
            (Self::Byte(a), Self::Byte(b)) => a.cmp(b),
            // A number stands where digits stand among the bytes.
            (Self::Number(_), Self::Byte(b)) => b'0'.cmp(b),
            (Self::Byte(a), Self::Number(_)) => a.cmp(&b'0'),
        }
    }
}

impl PartialOrd for Piece<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text.as_bytes();
    std::iter::from_fn(move || {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (head, tail) = rest.split_at(digits.max(1).min(rest.len()));
        rest = tail;
        let first = *head.first()?;
        if digits == 0 {
            return Some(Piece::Byte(first));
        }
        let zeros = head.iter().take_while(|byte| **byte == b'0').count();
        Some(Piece::Number(head.get(zeros..).unwrap_or_default()))
    })
}

/// Compares texts with the numbers in them as numbers. It is a total order, and only a text itself is equal to it: what
/// differs in leading zeros alone is ordered by its bytes. It knows no versions: `1.0-rc1` comes after `1.0`.
pub fn natural(a: &str, b: &str) -> Ordering {
    pieces(a).cmp(pieces(b)).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_count_as_numbers() {
        let sorted = [
            "",
            "-1",
            "0",
            "00",
            "0a",
            "1",
            "1-2",
            "1.0",
            "1.0-rc1",
            "1.0-rc10",
            "1.2",
            "1.09",
            "1.9",
            "1.10",
            "1.10.1",
            "2",
            "10",
            "99999999999999999999998",
            "99999999999999999999999",
            "A",
            "latest",
            "v1.9",
            "v1.10",
            "v2",
            "ü1",
            "ü10",
        ];
        for (at, a) in sorted.iter().enumerate() {
            for (other, b) in sorted.iter().enumerate() {
                assert_eq!(natural(a, b), at.cmp(&other), "{a} {b}");
            }
        }
    }

    proptest! {
        #[test]
        fn it_is_a_total_order(a in "[0-2a.-]{0,6}", b in "[0-2a.-]{0,6}", c in "[0-2a.-]{0,6}") {
            prop_assert_eq!(natural(&a, &b), natural(&b, &a).reverse());
            prop_assert_eq!(natural(&a, &b) == Ordering::Equal, a == b);
            if natural(&a, &b).is_le() && natural(&b, &c).is_le() {
                prop_assert!(natural(&a, &c).is_le());
            }
        }

        #[test]
        fn numbers_of_any_length_are_compared(a: u128, b: u128, zeros in 0..4_usize) {
            let padded = format!("v{}{a}", "0".repeat(zeros));
            if a != b {
                prop_assert_eq!(natural(&padded, &format!("v{b}")), a.cmp(&b));
            }
        }
    }
}
