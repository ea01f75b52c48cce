//! What the header of a gzip says beside the data (RFC 1952, section 2.3).

/// The header of the first member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GzipHeader {
    /// Modification time of what was compressed, seconds since 1970; zero says that there is none.
    pub mtime: u32,
    /// Name of what was compressed.
    pub name: Option<Vec<u8>>,
}

impl GzipHeader {
    /// Reads the header at the beginning of `bytes`; `None` if there is none.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let decoder = flate2::read::MultiGzDecoder::new(bytes);
        let header = decoder.header()?;
        Some(Self { mtime: header.mtime(), name: header.filename().map(<[u8]>::to_vec) })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn time_and_name_are_read() {
        let mut encoder =
            flate2::GzBuilder::new().mtime(7).filename("a").write(Vec::new(), flate2::Compression::fast());
        encoder.write_all(b"content").expect("memory does not fail");
        let bytes = encoder.finish().expect("memory does not fail");
        assert_eq!(GzipHeader::read(&bytes), Some(GzipHeader { mtime: 7, name: Some(b"a".to_vec()) }));
        assert_eq!(GzipHeader::read(&bytes[..5]), None);
        assert_eq!(GzipHeader::read(b"not a gzip at all"), None);
    }
}
