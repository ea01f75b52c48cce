//! Copying a layer of a length that is known before.

use std::io::{self, Read, Write};

use super::error::OutputError;

/// Copies exactly `expected` bytes. More or fewer is an error that names the layer by `digest`.
pub(super) fn exactly(
    reader: &mut dyn Read,
    expected: u64,
    digest: &dyn std::fmt::Display,
    out: &mut dyn Write,
) -> Result<(), OutputError> {
    const BUFFER_BYTES: usize = 256 * 1024;
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut found = 0_u64;
    loop {
        let more = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(more) => more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(source) => return Err(OutputError::Blob { digest: digest.to_string(), source }),
        };
        found += more as u64;
        if found > expected {
            break;
        }
        out.write_all(&buffer[..more]).map_err(|source| OutputError::Write { source })?;
    }
    match found == expected {
        true => Ok(()),
        false => Err(OutputError::BlobSize { digest: digest.to_string(), expected, found }),
    }
}
