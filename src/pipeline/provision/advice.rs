//! What to do about a command that failed.

use std::path::Path;

use crate::sandbox::MORE_MEMORY;

use super::fetch::Making;

/// What programs print when they look for a network and find none: the words of the C library, of curl and git, of apt,
/// of Node.
const NO_NETWORK: &[&str] = &[
    "network is unreachable",
    "failure in name resolution",
    "could not resolve",
    "failure resolving",
    "enetunreach",
    "eai_again",
];

/// The same for memory that is not to be had: the words of the C library, of C++, Python, Rust, Java and make.
const NO_MEMORY: &[&str] = &[
    "cannot allocate memory",
    "out of memory",
    "bad_alloc",
    "memoryerror",
    "memory allocation of",
    "outofmemoryerror",
    "memory exhausted",
];

/// The same for a full disk.
const NO_SPACE: &[&str] = &["no space left on device", "disk quota exceeded"];

/// Whether a command shares the machine's network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Network {
    /// It does.
    Shared,
    /// It has its own, with nobody in it.
    Alone,
}

/// How much memory a command may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Memory {
    /// As much as there is.
    Unlimited,
    /// So much, and it has not wanted more as far as is known.
    Limited,
    /// So much, and it wanted more.
    Reached,
}

/// The advice. `tail` is what the command printed last; `store` is where it writes.
pub(super) fn advice(making: Making, tail: &[String], network: Network, memory: Memory, store: &Path) -> String {
    let said = |words: &[&str]| {
        tail.iter().any(|line| {
            let line = line.to_ascii_lowercase();
            words.iter().any(|word| line.contains(word))
        })
    };
    let mut advice = String::new();
    if network == Network::Alone && said(NO_NETWORK) {
        advice
            .push_str("the step has no network: give it what it needs as a source or a `fetch`, or `network = true`; ");
    }
    if memory == Memory::Reached || (memory == Memory::Limited && said(NO_MEMORY)) {
        advice.push_str(&format!("the step has reached its `memory`, which may be why: {MORE_MEMORY}; "));
    }
    if said(NO_SPACE) {
        let store = store.display();
        advice.push_str(&format!(
            "steps write in the store `{store}`, and in memory below /tmp, /run and /dev/shm: free some space, \
             `kiln store gc` removes what nothing needs, `--store DIR` uses another disk; "
        ));
    }
    advice.push_str("`kiln build --debug` opens a shell where it stopped");
    // The log of a fetch is kept nowhere: the lock names what came of it.
    if making == Making::Layer {
        advice.push_str(", `kiln log` shows all that it printed");
    }
    if !tail.is_empty() {
        advice.push_str("; last:\n");
        let lines: Vec<String> = tail.iter().map(|line| untabbed(line)).collect();
        advice.push_str(&lines.join("\n"));
    }
    advice
}

/// A line with blanks for tabs, as far as a terminal would move: findings are shown without control characters.
fn untabbed(line: &str) -> String {
    const STOP: usize = 8;
    let mut shown = String::new();
    let mut column = 0;
    for letter in line.chars() {
        let (letter, width) = if letter == '\t' { (' ', STOP - column % STOP) } else { (letter, 1) };
        shown.extend(std::iter::repeat_n(letter, width));
        column += width;
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tabs_become_blanks() {
        assert_eq!(untabbed("a\tbc\t\td"), "a       bc              d");
        let tail = ["\tat main".to_owned()];
        let advice = advice(Making::Layer, &tail, Network::Alone, Memory::Unlimited, Path::new("/store"));
        assert!(advice.ends_with("last:\n        at main"), "{advice}");
    }

    #[test]
    fn what_was_missing_is_named() {
        let limited = |line: &str, network, memory| {
            advice(Making::Layer, &[line.to_owned()], network, memory, Path::new("/store"))
        };
        let said = |line: &str, network| limited(line, network, Memory::Unlimited);
        let unallocated = "sh: Cannot allocate memory";
        let alone = |line, memory| limited(line, Network::Alone, memory);
        assert!(alone(unallocated, Memory::Limited).starts_with("the step has reached its `memory`"));
        assert!(alone("killed", Memory::Reached).starts_with("the step has reached its `memory`"));
        assert!(!alone(unallocated, Memory::Unlimited).contains("`memory`"), "the machine has no more");
        let unreachable = "connect: Network is unreachable";
        assert!(said(unreachable, Network::Alone).starts_with("the step has no network"));
        assert!(!said(unreachable, Network::Shared).contains("has no network"), "it has one, and that fails");
        assert!(said("cc: No space left on device", Network::Shared).contains("in the store `/store`"));
        assert!(said("E: sorry", Network::Alone).starts_with("`kiln build --debug`"));
        assert!(
            advice(Making::Layer, &[], Network::Alone, Memory::Limited, Path::new("/store"))
                .ends_with("all that it printed")
        );
    }
}
