//! The time in the header of compiled Python.
//!
//! ```text
//! 2 version, little-endian   2 `\r\n`   4 flags   4 time of the source   4 its size     since 3.7 (PEP 552), flags 0
//!                                                 8 hash of the source                  flags 1 or 3
//! 2 version                  2 `\r\n`   4 time                                          before 3.7, size since 3.3
//! ```

use crate::base::ImagePath;

/// The file with `mtime`, seconds since 1970, as the time of its source; `None` if it stays as it is. Versions of other
/// Pythons than CPython are not known here.
pub(super) fn rewrite(mut bytes: Vec<u8>, mtime: i64) -> Option<Vec<u8>> {
    let at = time_at(&bytes)?;
    // Python too keeps the lower 32 bits.
    let time = u32::try_from(mtime & i64::from(u32::MAX)).ok()?.to_le_bytes();
    let field = bytes.get_mut(at..at + time.len())?;
    if *field == time {
        return None;
    }
    field.copy_from_slice(&time);
    Some(bytes)
}

/// Where the time is, if there is one.
fn time_at(bytes: &[u8]) -> Option<usize> {
    let [low, high, b'\r', b'\n', flags @ ..] = bytes else { return None };
    match u16::from_le_bytes([*low, *high]) {
        // 3.7 and later: 3392 is the first with flags, and 3.14 has 3627.
        3392..=9999 if bytes.len() >= 16 && flags.starts_with(&[0; 4]) => Some(8),
        // 3.0 to 3.6, and 2.7.
        3000..=3391 | 62171..=62211 if bytes.len() >= 8 => Some(4),
        _ => None,
    }
}

/// Where the source may be, the likeliest place first (PEP 3147): `a/__pycache__/b.cpython-312.opt-1.pyc` is made of
/// `a/b.py`, and a dot can be in any part of such a name.
pub(super) fn sources(path: &ImagePath) -> Vec<ImagePath> {
    let Some(stem) = path.name().strip_suffix(b".pyc") else { return Vec::new() };
    let directory = path.parent().unwrap_or_default();
    let source = |directory: &ImagePath, stem: &[u8]| directory.child(&[stem, b".py"].concat()).ok();
    if directory.name() != b"__pycache__" {
        return source(&directory, stem).into_iter().collect();
    }
    let above = directory.parent().unwrap_or_default();
    let dots = (1..stem.len()).rev().filter(|at| stem.get(*at) == Some(&b'.'));
    dots.filter_map(|at| source(&above, stem.get(..at)?)).collect()
}
