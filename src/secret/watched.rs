//! A stream that is searched while it is read by someone else.

use std::io::{self, BufRead, Read};

use super::needles::{Found, Needles};
use super::window::Window;

/// A buffered reader whose buffer is the window of the search: whatever is read from it is searched, and nothing is read
/// twice.
pub(super) struct Watched<'a> {
    inner: &'a mut dyn Read,
    needles: &'a Needles,
    window: Window,
    /// Bytes of the window that the reader has got.
    given: usize,
    found: Found,
}

impl<'a> Watched<'a> {
    /// A stream that nothing has been read of. What is in the window is forgotten.
    pub(super) fn new(inner: &'a mut dyn Read, needles: &'a Needles, mut window: Window) -> Self {
        window.clear();
        Self { inner, needles, window, given: 0, found: Found::new() }
    }

    /// The first `wanted` bytes, fewer if there are no more; they are still to be read. `wanted` has room in any window.
    pub(super) fn start(&mut self, wanted: usize) -> io::Result<&[u8]> {
        while self.window.filled().len() < wanted && self.window.fill(self.inner)? > 0 {}
        Ok(self.window.filled().get(..wanted).unwrap_or(self.window.filled()))
    }

    /// Reads to the end.
    pub(super) fn drain(&mut self) -> io::Result<()> {
        loop {
            let length = self.fill_buf()?.len();
            if length == 0 {
                return Ok(());
            }
            self.consume(length);
        }
    }

    /// What was found in all that was read, and the window for the next stream.
    pub(super) fn finish(mut self) -> (Found, Window) {
        self.needles.note(self.window.filled(), &mut self.found);
        (self.found, self.window)
    }
}

impl BufRead for Watched<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.given == self.window.filled().len() {
            if self.window.is_full() {
                self.needles.note(self.window.filled(), &mut self.found);
                self.window.advance();
                self.given = self.window.filled().len();
            }
            self.window.fill(self.inner)?;
        }
        Ok(self.window.filled().get(self.given..).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.given = (self.given + amount).min(self.window.filled().len());
    }
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let found = self.fill_buf()?.read(buffer)?;
        self.consume(found);
        Ok(found)
    }
}
