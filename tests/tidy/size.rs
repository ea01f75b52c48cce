//! A file that grows past 500 lines is two nouns.

use crate::settle;
use crate::sources;

/// Lines per file.
const MOST: usize = 500;

#[test]
fn no_file_is_longer_than_500_lines() {
    let long = sources::all()
        .iter()
        .filter(|source| source.lines.len() > MOST)
        .map(|source| {
            let lines = source.lines.len();
            format!("{}:{MOST}: {lines} lines, at most {MOST}: move one noun to a file of its own", source.path)
        })
        .collect();
    settle(long);
}
