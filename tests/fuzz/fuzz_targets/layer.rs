//! Any bytes as a layer and as an archive: reading ends without a panic, gives the same however the bytes arrive, and
//! what was read can be written as a dump and read back.
#![no_main]

use std::io::{self, Cursor, Read};

use kiln::base::ImagePath;
use kiln::layer::read::{ReadError, archive, decoder, ignore, layer};
use kiln::tree::{Changeset, dump};
use libfuzzer_sys::fuzz_target;

/// So that a small input which says that it is huge does not take the fuzzer's time.
const DECODED_MAX: u64 = 8 << 20;

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    // Nearly every change to a header spoils its checksum, and nothing behind that check would be reached.
    let mended = with_checksums(bytes);
    if mended != bytes {
        check(&mended);
    }
});

fn check(bytes: &[u8]) {
    let whole = read_layer(bytes);
    assert_eq!(whole, read_layer(Trickle(bytes)), "it depends on how the bytes arrive");
    if let Ok(changes) = &whole {
        let text = dump::write(changes);
        let parsed = dump::parse(&text).expect("a dump can be parsed");
        assert_eq!(changes, &parsed, "a dump says everything:\n{text}");
    }
    let _ = archive(Cursor::new(bytes), &mut some_of_it);
}

/// Blocks that call themselves tar headers, with the sum that makes them so (POSIX pax, "ustar Interchange Format").
fn with_checksums(bytes: &[u8]) -> Vec<u8> {
    let mut mended = bytes.to_vec();
    for header in mended.chunks_exact_mut(512).filter(|block| block[257..].starts_with(b"ustar")) {
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    }
    mended
}

fn read_layer(reader: impl Read) -> Result<Changeset, String> {
    let decoded = decoder(reader).map_err(|error| error.to_string())?;
    layer(decoded.take(DECODED_MAX), &mut ignore).map_err(|error| match error {
        // How far a decoder got before it noticed damage is its own business.
        ReadError::Io { .. } => "damaged".to_owned(),
        _ => format!("{error}; {:?}", error.hint()),
    })
}

/// A sink that leaves the end of each file unread.
fn some_of_it(_: &ImagePath, _: u64, content: &mut dyn Read) -> io::Result<()> {
    io::copy(&mut content.take(700), &mut io::sink()).map(|_| ())
}

/// Gives a few bytes at a time.
struct Trickle<'a>(&'a [u8]);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(1 + self.0.len() % 7);
        self.0.read(&mut buffer[..length])
    }
}
