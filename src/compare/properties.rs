//! Any bytes give some answer: every reader is asked about bytes that begin as its format does and go wrong later.

use proptest::collection::vec;
use proptest::prelude::*;

use super::cause::line::explain;
use super::insight::tests::samples;
use super::testing::{facts, shown, varied};

/// A sample of a format with some bytes changed, and cut.
fn damaged() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    let changes = || vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
    let cut = || prop_oneof![3 => Just(None), 1 => any::<prop::sample::Index>().prop_map(Some)];
    let apply = |(mut bytes, changes, cut): (Vec<u8>, Vec<(prop::sample::Index, u8)>, Option<prop::sample::Index>)| {
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.map_or(bytes.len(), |cut| cut.index(bytes.len())));
        bytes
    };
    let side = move |bytes: Vec<u8>| (Just(bytes), changes(), cut()).prop_map(apply);
    prop::sample::select(samples()).prop_flat_map(move |bytes| (side(bytes.clone()), side(bytes)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn damaged_samples_never_panic((a, b) in damaged()) {
        shown("a", a, b);
    }

    #[test]
    fn any_bytes_behind_a_magic_never_panic(
        magic in prop::sample::select(samples()),
        a in vec(any::<u8>(), 0..600),
        b in vec(any::<u8>(), 0..600),
    ) {
        let magic = &magic[..magic.len().min(17)];
        shown("a", [magic, &a].concat(), [magic, &b].concat());
        shown("a", a, b);
    }

    #[test]
    fn any_lines_never_panic(a in "\\PC{0,80}", b in "[ -~\\x01\\x02]{0,80}", digits in "[0-9:TZ /.+-]{0,40}") {
        let varied = varied();
        let facts = facts(&varied);
        for (one, other) in [(&a, &b), (&b, &digits), (&digits, &a)] {
            explain(one.as_bytes(), other.as_bytes(), &facts);
        }
        shown("a", a, b);
    }

    #[test]
    fn what_is_equal_has_no_difference(bytes in vec(any::<u8>(), 0..100)) {
        prop_assert_eq!(shown("a", &bytes, &bytes), "");
    }
}
