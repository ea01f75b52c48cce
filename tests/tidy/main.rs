//! The checks of the source itself: each promise that a lint cannot keep has a check here that names the file, the
//! line and what to do.

mod edges;
mod errors;
mod homes;
mod moves;
mod purity;
mod size;
mod sources;

/// Fails with all complaints at once, one per line.
fn settle(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}
