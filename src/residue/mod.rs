//! What a step that ran commands leaves behind, and what becomes of it: whatever differs between two runs of the same
//! step is taken out of its changes, or rewritten.
//!
//! ```text
//! Changeset (lower tree -> tree after the step) --clean()--> Changeset (the same in each run) + what was done
//!
//! rules.rs    the table: which paths, why, what is done           rule.rs   what a row of it says
//! sort.rs     whole files: deleted, emptied, put back             rewrite.rs  contents: made over, one file at a time
//! gzip.rs, pyc.rs, shadow.rs, direct_url.rs, record.rs, keystore.rs, scripts.rs     one format each
//! ```
//! To delete residue is to drop the change: where the tree below has the path, what is there stays. A removal is no
//! residue. It is the same in each run, and it was meant.
//!
//! Some caches look like residue and are none. `mime.cache`, `icon-theme.cache` and `gschemas.compiled` are needed at run
//! time, and they come out the same when each directory is listed in another order and all times are others (measured on
//! shared-mime-info 2.2, gtk 3.24.38, glib 2.74.6). They stay.
//!
//! Not here: extended attributes of the overlay, opaque directories and device nodes that mean a removal are read where
//! the step's tree is captured. An initramfs is made reproducible by `SOURCE_DATE_EPOCH` in the step.
//!
//! Architecture Invariant: pure. The few contents that are looked into come from the caller and go back to it
//! ([`Files`]). A file that is not what its name says is left alone.

mod clean;
mod direct_url;
mod error;
mod files;
mod gzip;
mod keystore;
mod pyc;
mod record;
mod rewrite;
mod rule;
mod rules;
mod scripts;
mod shadow;
mod sort;
#[cfg(test)]
mod tests;

pub use clean::{How, Removed, clean};
pub use error::ResidueError;
pub use files::Files;
pub use rule::{Action, Format, Rule};
pub use rules::{rule_for, rules};
