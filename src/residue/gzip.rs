//! The time in the header of a gzip file (RFC 1952, section 2.3).

/// Bytes before the compressed data where no optional fields follow, and behind it.
const LEAST_BYTES: usize = 10 + 8;
/// The header has a checksum, which holds for the time too; hardly anything writes one.
const FLAG_HEADER_CRC: u8 = 1 << 1;
/// Flags that mean nothing: a file that has them is something else.
const FLAGS_RESERVED: u8 = 0b1110_0000;

/// The file with the time 0, which means that there is none; `None` if it stays as it is. Only the first member's time
/// is looked at: programs that write a file in one go write one member.
pub(super) fn rewrite(mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    let is_gzip = bytes.len() >= LEAST_BYTES && bytes.starts_with(&[0x1f, 0x8b, 8]);
    let flags = *bytes.get(3)?;
    let time = bytes.get_mut(4..8)?;
    if !is_gzip || flags & (FLAG_HEADER_CRC | FLAGS_RESERVED) != 0 || *time == [0; 4] {
        return None;
    }
    time.fill(0);
    Some(bytes)
}
