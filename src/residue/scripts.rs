//! The times of the entries of a tar.

use tar::Header;

use crate::base::Epoch;

/// Bytes of a header, and what data is padded to.
const BLOCK_BYTES: usize = 512;

/// The tar with all times at the epoch; `None` if it stays as it is, or is none. Everything else stays in its place.
pub(super) fn rewrite(mut bytes: Vec<u8>, epoch: Epoch) -> Option<Vec<u8>> {
    let mtime = u64::try_from(epoch.seconds()).ok()?;
    let mut is_changed = false;
    let mut at = 0_usize;
    while at < bytes.len() {
        let block = bytes.get_mut(at..at.checked_add(BLOCK_BYTES)?)?;
        if block.iter().all(|b| *b == 0) {
            break;
        }
        let mut header = Header::new_old();
        header.as_mut_bytes().copy_from_slice(block);
        if !is_intact(&header) {
            return None;
        }
        if header.mtime().ok()? != mtime {
            header.set_mtime(mtime);
            header.set_cksum();
            block.copy_from_slice(header.as_bytes());
            is_changed = true;
        }
        let data_bytes = usize::try_from(header.entry_size().ok()?).ok()?;
        at = at.checked_add(BLOCK_BYTES)?.checked_add(data_bytes.checked_next_multiple_of(BLOCK_BYTES)?)?;
    }
    // What ends in the middle of a file is no tar.
    (is_changed && at <= bytes.len()).then_some(bytes)
}

/// Whether the checksum is the right one.
fn is_intact(header: &Header) -> bool {
    let mut summed = header.clone();
    summed.set_cksum();
    matches!((header.cksum(), summed.cksum()), (Ok(found), Ok(expected)) if found == expected)
}
