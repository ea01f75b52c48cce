//! How much of an archive is believed before it is refused.

/// Entries of one archive. The largest images that are seen in practice hold a tenth of it; each entry costs some hundred
/// bytes of memory, and a compressed archive can promise thousands of them in a kilobyte.
pub const ENTRIES_MAX: usize = 4_000_000;

/// Bytes of one PAX header or GNU long name, which are held in memory. Go's reader has the same limit, so a larger one
/// runs nowhere.
pub const EXTENDED_MAX_BYTES: u64 = 1024 * 1024;

/// Bytes of one extended attribute's value (Linux, `XATTR_SIZE_MAX`).
pub const XATTR_MAX_BYTES: usize = 64 * 1024;

/// Bytes of one extended attribute's name (Linux, `XATTR_NAME_MAX`).
pub const XATTR_NAME_MAX_BYTES: usize = 255;

/// Stretches of data of one sparse file, which are held in memory at 16 bytes each.
pub const SEGMENTS_MAX: usize = 256 * 1024;

/// Size of one sparse file with its holes. A header of 512 bytes can claim any size, and every byte is digested.
pub const SPARSE_MAX_BYTES: u64 = 64 << 30;

/// Bytes of the target of a symbolic link (Linux, `PATH_MAX`); only zip keeps it where the size is not bounded otherwise.
pub const LINK_TARGET_MAX_BYTES: u64 = 4096;

/// Memory that an xz stream may ask for: what `xz -9` needs is 65 MiB, and its header can claim gigabytes.
pub const XZ_MEMORY_BYTES: u64 = 256 << 20;
