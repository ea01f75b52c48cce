//! What a command prints, stream by stream, read while it runs.

use std::io::{PipeReader, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::thread::JoinHandle;

use super::error::SandboxError;
use super::order::Streams;

/// Bytes of one stream that are kept. Nobody writes down more of what a program has to say.
pub const KEPT_BYTES: usize = 16 << 20;

/// A pipe for each stream.
#[derive(Debug)]
pub struct Outputs {
    stdout: Stream,
    stderr: Stream,
    service: Stream,
}

/// What came through them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Printed {
    /// The command's stdout.
    pub stdout: Text,
    /// The command's stderr.
    pub stderr: Text,
    /// Both of the service.
    pub service: Text,
}

/// What came through one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text {
    /// The first [`KEPT_BYTES`].
    pub bytes: Vec<u8>,
    /// Whether there was more.
    pub is_cut: bool,
}

impl Outputs {
    /// Reads from now on.
    pub fn new() -> Result<Self, SandboxError> {
        Ok(Self { stdout: Stream::new()?, stderr: Stream::new()?, service: Stream::new()? })
    }

    /// The ends that a command writes to.
    pub fn streams(&self) -> Streams {
        Streams {
            stdout: self.stdout.writer.as_raw_fd(),
            stderr: self.stderr.writer.as_raw_fd(),
            service: self.service.writer.as_raw_fd(),
        }
    }

    /// What was printed. Called when everybody who could print has ended.
    pub fn finish(self) -> Printed {
        Printed { stdout: self.stdout.finish(), stderr: self.stderr.finish(), service: self.service.finish() }
    }
}

#[derive(Debug)]
struct Stream {
    writer: OwnedFd,
    reader: JoinHandle<Text>,
}

impl Stream {
    fn new() -> Result<Self, SandboxError> {
        let start = |source| SandboxError::Start { source };
        let (reader, writer) = std::io::pipe().map_err(start)?;
        let writer = OwnedFd::from(writer);
        // The child inherits it; see `child` for why no step gets one that it should not have.
        rustix::io::fcntl_setfd(&writer, rustix::io::FdFlags::empty()).map_err(|error| start(error.into()))?;
        Ok(Self { writer, reader: std::thread::spawn(move || read(reader)) })
    }

    fn finish(self) -> Text {
        drop(self.writer);
        self.reader.join().unwrap_or_default()
    }
}

/// Reads to the end, also what is not kept: a full pipe would stop the command.
fn read(mut pipe: PipeReader) -> Text {
    let mut text = Text::default();
    let mut piece = vec![0; 64 * 1024];
    while let Ok(length) = pipe.read(&mut piece) {
        if length == 0 {
            break;
        }
        let kept = length.min(KEPT_BYTES - text.bytes.len());
        text.bytes.extend_from_slice(&piece[..kept]);
        text.is_cut |= kept < length;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn streams_are_told_apart_and_cut() {
        let outputs = Outputs::new().expect("pipes");
        let mut stdout = std::fs::File::from(outputs.stdout.writer.try_clone().expect("a copy"));
        let mut service = std::fs::File::from(outputs.service.writer.try_clone().expect("a copy"));
        stdout.write_all(b"a line\n").expect("written");
        service.write_all(&vec![b'x'; KEPT_BYTES + 1]).expect("written");
        drop((stdout, service));
        let printed = outputs.finish();
        assert_eq!(printed.stdout, Text { bytes: b"a line\n".to_vec(), is_cut: false });
        assert_eq!(printed.stderr, Text::default());
        assert_eq!((printed.service.bytes.len(), printed.service.is_cut), (KEPT_BYTES, true));
    }
}
