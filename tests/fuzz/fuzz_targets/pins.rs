//! Any text as a file with pinned images: the scan ends without a panic, gives the same twice, and what it found is where it
//! says.
#![no_main]

use kiln::publish::drift::scan;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let found = scan(text);
    assert_eq!(found, scan(text), "the same text was read in two ways");
    let lines: Vec<&str> = text.split('\n').collect();
    for (pin, spot) in &found.pins {
        let rest: String = lines[spot.line - 1].chars().skip(spot.column - 1).collect();
        let digest = format!("@{}", pin.digest);
        assert!(rest.split_once(&digest).is_some_and(|(name, _)| !name.contains('@')), "{spot} {pin:?}");
    }
    for unread in &found.unread {
        let rest: String = lines[unread.spot.line - 1].chars().skip(unread.spot.column - 1).collect();
        assert!(rest.starts_with(&unread.text), "{unread:?}");
    }
});
