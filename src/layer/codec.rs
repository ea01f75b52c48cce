//! How blocks are compressed.
//!
//! The bytes of a compressor depend on its implementation, version and level, so all three are part of [`Codec::id`], and
//! the two encoder crates are pinned exactly in Cargo.toml. The diff ID is the same whatever the codec.
//!
//! Why these: libdeflate compresses whole buffers and does so at about twice the speed of zlib's descendants for the same
//! size, which suits blocks; flate2 reads gzip but does not write it here. A compressor is made afresh for each block, so
//! that no state of an earlier block can reach a later one (zlib-ng issue 2100 had just that).

use libdeflater::{CompressionLvl, Compressor, Crc};

/// How a layer is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codec {
    /// libdeflate in one gzip member for each block.
    Gzip {
        /// 1 to 12.
        level: u8,
    },
    /// libzstd in one frame for each block.
    Zstd {
        /// 1 to 19.
        level: u8,
    },
    /// Not compressed.
    None,
}

/// A block that a codec could not compress.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// The level is not one that the encoder has.
    #[error("{codec} has no level {level}")]
    Level {
        /// The encoder's name.
        codec: &'static str,
        /// What was asked for.
        level: u8,
    },
    /// The encoder failed.
    #[error("cannot compress a block with {codec}")]
    Encode {
        /// The encoder's name.
        codec: &'static str,
        /// What it said.
        source: std::io::Error,
    },
}

/// Where blocks are cut, in bytes of tar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockSize {
    /// No block of entries ends before it has this many, the last one of a run excepted.
    pub min_bytes: u64,
    /// No block of entries has more, unless a single header has.
    pub max_bytes: u64,
    /// Files larger than this are cut into chunks of this size.
    pub chunk_bytes: u64,
    /// After the minimum, one path in this many ends a block.
    pub cut_one_in: u32,
}

/// A gzip header without a time, a name or a system: magic, deflate, no flags, mtime 0, XFL 0, OS 255 (RFC 1952, 2.3).
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// CRC-32 and length at the end of a member.
const GZIP_TRAILER_BYTES: usize = 8;

impl Codec {
    /// The level that templates get when they name no level. Measured on 66,000 files (783 MB): the smallest that is
    /// still no larger than what umoci writes.
    pub const GZIP_LEVEL: u8 = 2;
    /// The level that templates get when they name no level: what zstd itself takes.
    pub const ZSTD_LEVEL: u8 = 3;

    /// Names everything that the compressed bytes depend on besides the tar: encoder, version, level, cuts.
    pub fn id(&self) -> String {
        match self {
            Self::Gzip { level } => format!("gzip:libdeflate-1.26.1:{level}:1M"),
            Self::Zstd { level } => format!("zstd:libzstd-1.5.7:{level}:4M"),
            Self::None => "none".to_owned(),
        }
    }

    /// The media type of a layer with this codec (image-spec, layer.md).
    pub fn media_type(&self) -> &'static str {
        match self {
            Self::Gzip { .. } => "application/vnd.oci.image.layer.v1.tar+gzip",
            Self::Zstd { .. } => "application/vnd.oci.image.layer.v1.tar+zstd",
            Self::None => "application/vnd.oci.image.layer.v1.tar",
        }
    }

    /// Where blocks are cut. zstd looks back several MiB and gains from larger blocks; deflate looks back 32 KiB.
    pub fn block_size(&self) -> BlockSize {
        const KIB: u64 = 1024;
        match self {
            Self::Gzip { .. } | Self::None => {
                BlockSize { min_bytes: 512 * KIB, max_bytes: 2048 * KIB, chunk_bytes: 1024 * KIB, cut_one_in: 32 }
            }
            Self::Zstd { .. } => {
                BlockSize { min_bytes: 2048 * KIB, max_bytes: 6144 * KIB, chunk_bytes: 4096 * KIB, cut_one_in: 128 }
            }
        }
    }

    /// Puts the compressed `raw` into `out`, which is emptied first.
    pub fn compress(&self, raw: &[u8], out: &mut Vec<u8>) -> Result<(), CodecError> {
        out.clear();
        match self {
            Self::Gzip { level } => gzip(raw, *level, out),
            Self::Zstd { level } => zstd(raw, *level, out),
            Self::None => {
                out.extend_from_slice(raw);
                Ok(())
            }
        }
    }
}

/// Level for what only this store reads: fast.
const NOTE_LEVEL: i32 = 1;

/// Packs a note of the store. These bytes are in no image, so they need not be the same everywhere.
pub fn pack(bytes: &[u8]) -> Vec<u8> {
    // An encoder that cannot be had makes an empty note, which counts as absent.
    zstd::bulk::compress(bytes, NOTE_LEVEL).unwrap_or_default()
}

/// Reads a note back; `None` if it is damaged.
pub fn unpack(bytes: &[u8]) -> Option<Vec<u8>> {
    zstd::decode_all(bytes).ok()
}

/// A checksum that finds damage quickly, several times faster than a digest; it proves nothing against intent.
pub fn checksum(bytes: &[u8]) -> u32 {
    libdeflater::crc32(bytes)
}

fn gzip(raw: &[u8], level: u8, out: &mut Vec<u8>) -> Result<(), CodecError> {
    const CODEC: &str = "libdeflate";
    let level = CompressionLvl::new(i32::from(level)).map_err(|_| CodecError::Level { codec: CODEC, level })?;
    let mut compressor = Compressor::new(level);
    let bound = compressor.deflate_compress_bound(raw.len());
    out.resize(GZIP_HEADER.len() + bound + GZIP_TRAILER_BYTES, 0);
    out[..GZIP_HEADER.len()].copy_from_slice(&GZIP_HEADER);
    let body = compressor
        .deflate_compress(raw, &mut out[GZIP_HEADER.len()..])
        .map_err(|error| CodecError::Encode { codec: CODEC, source: std::io::Error::other(error.to_string()) })?;
    out.truncate(GZIP_HEADER.len() + body);
    let mut crc = Crc::new();
    crc.update(raw);
    out.extend_from_slice(&crc.sum().to_le_bytes());
    // The length modulo 2^32, says the RFC; a block is far smaller.
    out.extend_from_slice(&(raw.len() as u32).to_le_bytes());
    Ok(())
}

fn zstd(raw: &[u8], level: u8, out: &mut Vec<u8>) -> Result<(), CodecError> {
    const CODEC: &str = "libzstd";
    if !(1..=19).contains(&level) {
        return Err(CodecError::Level { codec: CODEC, level });
    }
    let fail = |source| CodecError::Encode { codec: CODEC, source };
    let mut compressor = zstd::bulk::Compressor::new(i32::from(level)).map_err(fail)?;
    // The registry, the store and the diff ID all check the bytes already.
    compressor.set_parameter(zstd::zstd_safe::CParameter::ChecksumFlag(false)).map_err(fail)?;
    out.reserve(zstd::zstd_safe::compress_bound(raw.len()));
    compressor.compress_to_buffer(raw, out).map_err(fail)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn what_is_compressed_is_read_back_by_other_code() {
        let raw = b"the same words, the same words ".repeat(4000);
        let mut out = Vec::new();
        Codec::Gzip { level: 2 }.compress(&raw, &mut out).expect("gzip");
        let mut back = Vec::new();
        flate2::read::MultiGzDecoder::new(&*out).read_to_end(&mut back).expect("a gzip member");
        assert_eq!(back, raw);
        assert_eq!(&out[..10], &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
        Codec::Zstd { level: 3 }.compress(&raw, &mut out).expect("zstd");
        assert_eq!(zstd::decode_all(&*out).expect("a zstd frame"), raw);
    }

    #[test]
    fn levels_that_do_not_exist_are_refused() {
        let mut out = Vec::new();
        for codec in [Codec::Gzip { level: 13 }, Codec::Zstd { level: 0 }] {
            assert!(matches!(codec.compress(b"x", &mut out), Err(CodecError::Level { .. })));
        }
    }

    #[test]
    fn the_ids_name_the_pinned_encoders() {
        let version = zstd::zstd_safe::version_string();
        assert_eq!(Codec::Zstd { level: 3 }.id(), format!("zstd:libzstd-{version}:3:4M"));
        let manifest = include_str!("../../Cargo.toml");
        assert!(manifest.contains("libdeflater = \"=1.26.1\"") && Codec::Gzip { level: 2 }.id().contains("1.26.1"));
    }
}
