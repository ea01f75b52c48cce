//! The piece of a stream that is looked at in one go.
//!
//! ```text
//! | kept from before | new .................................... |
//!                                           | kept for the next |
//! ```
//! What is kept is as long as the longest thing that is looked for, less one byte, so each thing lies whole in one window.

use std::io::{self, Read};

/// Bytes of a window at least: reads of a content are worth their overhead, and the bytes are still in the cache of the
/// processor when they are looked at again for the next needle.
const WINDOW_BYTES: usize = 256 * 1024;
/// How many times as long as what is kept a window is, so that few bytes are looked at twice.
const TIMES_KEPT: usize = 4;

/// A window that moves over a stream.
pub(super) struct Window {
    bytes: Vec<u8>,
    filled: usize,
    kept: usize,
}

impl Window {
    /// An empty window for things of up to `longest` bytes.
    pub(super) fn new(longest: usize) -> Self {
        Self { bytes: vec![0; WINDOW_BYTES.max(longest.saturating_mul(TIMES_KEPT))], filled: 0, kept: longest }
    }

    /// Reads once, behind what is there; how many bytes came.
    pub(super) fn fill(&mut self, reader: &mut (impl Read + ?Sized)) -> io::Result<usize> {
        loop {
            match reader.read(&mut self.bytes[self.filled..]) {
                Ok(more) => {
                    self.filled += more;
                    return Ok(more);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// What is there.
    pub(super) fn filled(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }

    /// Whether it has to move before more can be read.
    pub(super) fn is_full(&self) -> bool {
        self.filled == self.bytes.len()
    }

    /// Moves on: what may be the beginning of something is kept.
    pub(super) fn advance(&mut self) {
        let start = self.filled.saturating_sub(self.kept);
        self.bytes.copy_within(start..self.filled, 0);
        self.filled -= start;
    }

    /// Moves to another stream.
    pub(super) fn clear(&mut self) {
        self.filled = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_of_the_longest_size_is_in_one_window() {
        let text: Vec<u8> = (0_u32..200_000).flat_map(u32::to_le_bytes).collect();
        let longest = 100_000;
        let (mut window, mut reader, mut end, mut whole_until) = (Window::new(longest), text.as_slice(), 0, 0);
        loop {
            let more = window.fill(&mut reader).expect("memory does not fail");
            end += more;
            assert_eq!(window.filled(), &text[end - window.filled().len()..end]);
            if window.is_full() || more == 0 {
                let start = end - window.filled().len();
                assert!(start == 0 || start + longest <= whole_until + 1, "{start} {whole_until}");
                whole_until = end;
                window.advance();
            }
            if more == 0 {
                break;
            }
        }
        assert_eq!(end, text.len());
    }
}
