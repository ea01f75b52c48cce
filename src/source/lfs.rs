//! How git LFS leaves a file: as a pointer to what is kept elsewhere (git-lfs, docs/spec.md).

/// A pointer is shorter.
pub(super) const POINTER_MAX_BYTES: u64 = 1024;
/// How it begins.
const POINTER_START: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";

/// Whether a file of this size that begins with `start` is a pointer.
pub(super) fn is_pointer(start: &[u8], size_bytes: u64) -> bool {
    size_bytes < POINTER_MAX_BYTES && start.starts_with(POINTER_START)
}
