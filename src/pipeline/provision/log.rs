//! What commands print.
//!
//! A line goes to the person as it comes, and into a log that is kept by the layer's key. Whatever a terminal would take
//! for a command is taken out, and a line with a secret's value is replaced: a log may be shown to anybody.

use crate::base::LayerKey;
use crate::store::{Shelf, Store, StoreError};

/// Bytes of a log that are kept; what comes first and what comes last says most.
const KEPT_BYTES: usize = 4 << 20;

/// Bytes of one line: a progress bar that never ends one must not fill the memory.
const LINE_BYTES: usize = 16 * 1024;

/// Lines that an error shows.
const TAIL_LINES: usize = 15;

/// The lines of one layer.
pub(super) struct Log<'a> {
    /// Gets each line.
    show: &'a (dyn Fn(&str) + Sync),
    /// Whether a line has a secret in it.
    is_secret: &'a (dyn Fn(&str) -> Option<String> + Sync),
    partial: Vec<u8>,
    text: String,
    left_out: usize,
    tail: std::collections::VecDeque<String>,
}

impl<'a> Log<'a> {
    /// Nothing printed yet.
    pub(super) fn new(show: &'a (dyn Fn(&str) + Sync), is_secret: &'a (dyn Fn(&str) -> Option<String> + Sync)) -> Self {
        Self {
            show,
            is_secret,
            partial: Vec::new(),
            text: String::new(),
            left_out: 0,
            tail: std::collections::VecDeque::new(),
        }
    }

    /// What a command printed.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|b| *b == b'\n' || *b == b'\r') {
            self.partial.extend_from_slice(piece);
            if piece.ends_with(b"\n") || piece.ends_with(b"\r") || self.partial.len() > LINE_BYTES {
                self.end_line();
            }
        }
    }

    /// A line of kiln's own, such as the command that comes.
    pub(super) fn heading(&mut self, line: &str) {
        self.end_line();
        self.keep(line.to_owned());
    }

    /// What is left without an end.
    pub(super) fn end_line(&mut self) {
        let bytes = std::mem::take(&mut self.partial);
        let line = plain(&String::from_utf8_lossy(&bytes));
        if line.is_empty() {
            return;
        }
        let line = match (self.is_secret)(&line) {
            Some(id) => format!("(a line with the secret `{id}` is left out)"),
            None => line,
        };
        (self.show)(&line);
        if self.tail.len() == TAIL_LINES {
            self.tail.pop_front();
        }
        self.tail.push_back(line.clone());
        self.keep(line);
    }

    fn keep(&mut self, line: String) {
        if self.text.len() + line.len() < KEPT_BYTES {
            self.text.push_str(&line);
            self.text.push('\n');
        } else {
            self.left_out += 1;
        }
    }

    /// The last lines.
    pub(super) fn tail(&self) -> Vec<String> {
        self.tail.iter().cloned().collect()
    }

    /// Keeps it.
    pub(super) fn save(mut self, key: &LayerKey, store: &Store) -> Result<(), StoreError> {
        self.end_line();
        if self.left_out > 0 {
            self.text.push_str(&format!("({} more lines, the last of them:)\n", self.left_out));
            self.tail.iter().for_each(|line| {
                self.text.push_str(line);
                self.text.push('\n');
            });
        }
        store.keep_note_bytes(Shelf::Logs, &key.hex(), self.text.as_bytes())
    }
}

/// The name of a layer's log.
pub fn log_name(key: &LayerKey) -> String {
    key.hex()
}

/// What a layer's commands printed when they ran last.
pub fn read_log(key: &LayerKey, store: &Store) -> Option<String> {
    String::from_utf8(store.note_bytes(Shelf::Logs, &log_name(key))?).ok()
}

/// The text without what a terminal would obey: escape sequences (ECMA-48) and control characters but for tabs.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.trim_end_matches(['\n', '\r']).chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\u{1b}' => match letters.next() {
                // A control sequence ends with a letter or one of @[\]^_`{|}~.
                Some('[') => while letters.next().is_some_and(|letter| !('@'..='~').contains(&letter)) {},
                // An operating system command ends with BEL or ESC \.
                Some(']') => {
                    while let Some(letter) = letters.next() {
                        if letter == '\u{7}' || (letter == '\u{1b}' && letters.next_if_eq(&'\\').is_some()) {
                            break;
                        }
                    }
                }
                _ => {}
            },
            '\t' => plain.push('\t'),
            letter if letter.is_control() => {}
            letter => plain.push(letter),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn a_terminal_is_told_nothing() {
        assert_eq!(plain("\u{1b}[31mred\u{1b}[0m\tx\r\n"), "red\tx");
        assert_eq!(plain("\u{1b}]0;title\u{7}a\u{1b}]8;;x\u{1b}\\b\u{1b}c"), "ab");
        assert_eq!(plain("\u{1b}["), "");
    }

    #[test]
    fn lines_are_put_together_and_secrets_left_out() {
        let shown = Mutex::new(Vec::new());
        let show = |line: &str| shown.lock().expect("a list").push(line.to_owned());
        let is_secret = |line: &str| line.contains("hunter2").then(|| "token".to_owned());
        let mut log = Log::new(&show, &is_secret);
        log.bytes(b"one\ntw");
        log.bytes(b"o\npassword hunter2\nlast");
        log.end_line();
        let lines = ["one", "two", "(a line with the secret `token` is left out)", "last"];
        assert_eq!(*shown.lock().expect("a list"), lines);
        assert_eq!(log.tail(), lines);
    }

    #[test]
    fn a_line_without_an_end_is_cut() {
        let show = |_: &str| {};
        let mut log = Log::new(&show, &|_| None);
        log.bytes(&vec![b'x'; 10 * LINE_BYTES]);
        assert!(log.partial.len() <= LINE_BYTES);
    }
}
