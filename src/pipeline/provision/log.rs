//! What commands print.
//!
//! A line goes to the person as it comes, and into a log that is kept by the layer's key. Whatever a terminal would take
//! for a command is taken out, and a line with a secret's value, or with a line of it, is replaced: a log may be shown to
//! anybody.

use crate::base::LayerKey;
use crate::secret::Needles;
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
    /// What no line may have in it.
    needles: &'a Needles,
    partial: Vec<u8>,
    /// Whether the rest of the line is left out, because its beginning was.
    is_left_out: bool,
    text: String,
    left_out: usize,
    tail: std::collections::VecDeque<String>,
}

impl<'a> Log<'a> {
    /// Nothing printed yet.
    pub(super) fn new(show: &'a (dyn Fn(&str) + Sync), needles: &'a Needles) -> Self {
        Self {
            show,
            needles,
            partial: Vec::new(),
            is_left_out: false,
            text: String::new(),
            left_out: 0,
            tail: std::collections::VecDeque::new(),
        }
    }

    /// What a command printed.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|b| *b == b'\n' || *b == b'\r') {
            let ends = piece.ends_with(b"\n") || piece.ends_with(b"\r");
            for part in piece.chunks(LINE_BYTES) {
                if !self.is_left_out {
                    self.partial.extend_from_slice(part);
                }
                if self.partial.len() > LINE_BYTES + self.needles.longest_bytes() {
                    self.cut_line();
                }
            }
            if ends {
                self.end_line();
            }
        }
    }

    /// Shows the beginning of a line that is too long. What may be the beginning of a secret stays.
    fn cut_line(&mut self) {
        let bytes = std::mem::take(&mut self.partial);
        if self.secret(&bytes).is_some() {
            self.line(&bytes);
            self.is_left_out = true;
            return;
        }
        let (first, rest) = bytes.split_at(bytes.len().saturating_sub(self.needles.longest_bytes()));
        self.line(first);
        self.partial = rest.to_vec();
    }

    /// A line of kiln's own, such as the command that comes.
    pub(super) fn heading(&mut self, line: &str) {
        self.end_line();
        self.keep(line.to_owned());
    }

    /// What is left without an end.
    pub(super) fn end_line(&mut self) {
        let bytes = std::mem::take(&mut self.partial);
        self.is_left_out = false;
        self.line(&bytes);
    }

    /// The secret that a line has in it, as it is or as it is shown.
    fn secret(&self, bytes: &[u8]) -> Option<String> {
        let hit = self.needles.find_bytes(bytes);
        hit.or_else(|| self.needles.find_text(&shown(bytes))).map(|hit| hit.id)
    }

    fn line(&mut self, bytes: &[u8]) {
        let line = match self.secret(bytes) {
            Some(id) => format!("(a line with the secret `{id}` is left out)"),
            None => shown(bytes),
        };
        if line.is_empty() {
            return;
        }
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
    pub(super) fn save(&mut self, key: &LayerKey, store: &Store) -> Result<(), StoreError> {
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

/// A line for people.
fn shown(bytes: &[u8]) -> String {
    plain(&String::from_utf8_lossy(bytes))
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
    use crate::secret::Secret;
    use std::sync::Mutex;

    #[test]
    fn a_terminal_is_told_nothing() {
        assert_eq!(plain("\u{1b}[31mred\u{1b}[0m\tx\r\n"), "red\tx");
        assert_eq!(plain("\u{1b}]0;title\u{7}a\u{1b}]8;;x\u{1b}\\b\u{1b}c"), "ab");
        assert_eq!(plain("\u{1b}["), "");
    }

    fn needles(value: &str) -> Needles {
        Needles::with_lines(&[Secret::new("token", value.as_bytes().to_vec())].into_iter().collect())
    }

    /// What is shown of what is printed in these pieces, all of which is also in the tail.
    fn shown_of(needles: &Needles, pieces: &[&[u8]]) -> Vec<String> {
        let shown = Mutex::new(Vec::new());
        let show = |line: &str| shown.lock().expect("a list").push(line.to_owned());
        let mut log = Log::new(&show, needles);
        pieces.iter().for_each(|piece| log.bytes(piece));
        log.end_line();
        let shown = shown.lock().expect("a list").clone();
        assert!(shown.ends_with(&log.tail()));
        shown
    }

    const LEFT_OUT: &str = "(a line with the secret `token` is left out)";

    #[test]
    fn lines_are_put_together_and_secrets_left_out() {
        let shown = shown_of(&needles("hunter2hunter2"), &[b"one\ntw", b"o\npassword hunter2hunter2\nlast"]);
        assert_eq!(shown, ["one", "two", LEFT_OUT, "last"]);
        let coloured = shown_of(&needles("hunter2hunter2"), &[b"hunter2\x1b[31mhunter2\n"]);
        assert_eq!(coloured, [LEFT_OUT]);
    }

    #[test]
    fn each_line_of_a_secret_is_left_out() {
        let value = "-----BEGIN-----\r\n  c2VjcmV0LWxpbmU\nshort\n";
        let shown = shown_of(&needles(value), &[b"a\n-----BEGIN-----\r\n> c2VjcmV0LWxpbmU <\nshort\nend"]);
        assert_eq!(shown, ["a", LEFT_OUT, LEFT_OUT, "short", "end"]);
    }

    #[test]
    fn a_line_without_an_end_is_cut() {
        let needles = needles("hunter2hunter2");
        let mut log = Log::new(&|_| {}, &needles);
        log.bytes(&vec![b'x'; 10 * LINE_BYTES]);
        assert!(log.partial.len() <= LINE_BYTES + needles.longest_bytes());
    }

    #[test]
    fn a_secret_across_a_cut_is_not_shown() {
        let needles = needles("hunter2hunter2");
        for before in LINE_BYTES - 40..LINE_BYTES + needles.longest_bytes() + 40 {
            let text =
                [vec![b'x'; before], b"hunter2hunter2".to_vec(), vec![b'y'; LINE_BYTES], b"\nz".to_vec()].concat();
            let shown = shown_of(&needles, &text.chunks(1000).collect::<Vec<_>>());
            assert!(shown.iter().all(|line| !line.contains("2h") && !line.contains("er")), "{before}");
            assert!(shown.iter().any(|line| line == LEFT_OUT) && shown.last().is_some_and(|line| line == "z"));
        }
    }
}
