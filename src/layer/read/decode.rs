//! Which compression a stream has, by its first bytes, and the stream without it.

use std::io::{self, Cursor, Read};

use super::limits::XZ_MEMORY_BYTES;

/// How a stream is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// Not at all.
    Plain,
    /// gzip, of one or more members.
    Gzip,
    /// zstd, of one or more frames.
    Zstd,
    /// xz; in archives only.
    Xz,
    /// bzip2; in archives only.
    Bzip2,
}

/// Bytes that [`Codec::of`] looks at.
const MAGIC_BYTES: usize = 6;

impl Codec {
    /// The codec of a stream that begins with these bytes.
    pub fn of(start: &[u8]) -> Self {
        match start {
            [0x1f, 0x8b, ..] => Self::Gzip,
            // The second is a skippable frame (RFC 8878, 3.1.2), which a zstd stream may begin with.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Self::Bzip2,
            _ => Self::Plain,
        }
    }
}

/// The tar inside a layer blob: plain, gzip or zstd. Reading it to its end reads the blob to its end.
pub fn decoder<'a>(reader: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let (start, reader) = peek(reader, MAGIC_BYTES)?;
    match Codec::of(&start) {
        codec @ (Codec::Gzip | Codec::Zstd) => decompress(codec, reader),
        Codec::Plain | Codec::Xz | Codec::Bzip2 => Ok(Box::new(reader)),
    }
}

/// The same with every codec that an archive may have.
pub fn archive_decoder<'a>(reader: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let (start, reader) = peek(reader, MAGIC_BYTES)?;
    decompress(Codec::of(&start), reader)
}

fn decompress<'a>(codec: Codec, reader: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    Ok(match codec {
        Codec::Plain => Box::new(reader),
        Codec::Gzip => Box::new(flate2::read::MultiGzDecoder::new(reader)),
        Codec::Zstd => Box::new(zstd::stream::read::Decoder::new(reader)?),
        Codec::Xz => {
            let stream = liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY_BYTES, liblzma::stream::CONCATENATED)
                .map_err(io::Error::other)?;
            Box::new(liblzma::read::XzDecoder::new_stream(reader, stream))
        }
        Codec::Bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(reader)),
    })
}

/// The first `wanted` bytes, fewer if there are no more, and the stream with them put back.
pub(super) fn peek<R: Read>(mut reader: R, wanted: usize) -> io::Result<(Vec<u8>, impl Read)> {
    let mut start = Vec::with_capacity(wanted);
    reader.by_ref().take(wanted as u64).read_to_end(&mut start)?;
    let whole = Cursor::new(start.clone()).chain(reader);
    Ok((start, whole))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        decoder(bytes).expect("a decoder").read_to_end(&mut out).expect("good bytes");
        out
    }

    #[test]
    fn every_member_of_a_gzip_is_read() {
        let mut blob = Vec::new();
        for part in ["one ", "two"] {
            let mut encoder = flate2::write::GzEncoder::new(&mut blob, flate2::Compression::fast());
            encoder.write_all(part.as_bytes()).expect("memory does not fail");
            encoder.finish().expect("memory does not fail");
        }
        assert_eq!(read(&blob), b"one two");
    }

    #[test]
    fn every_frame_of_a_zstd_is_read() {
        let frames: Vec<Vec<u8>> =
            ["one ", "two"].iter().map(|part| zstd::encode_all(part.as_bytes(), 1).expect("it encodes")).collect();
        assert_eq!(read(&frames.concat()), b"one two");
        assert_eq!(read(b"plain"), b"plain");
        assert_eq!(read(b""), b"");
    }
}
