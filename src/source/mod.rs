//! Where inputs come from: each kind of source in its own folder, each giving a [`crate::tree::Tree`]; and
//! where packages come from.
//!
//! ```text
//! path/   a directory or file beside the template: what git would commit of it
//! image/  an image that exists as a directory or archive
//! git/    a commit of a remote repository
//! url/    a file from the network
//! debian/ suites of Debian's archive
//! ```
//! Architecture Invariant: a source knows nothing of the store. What it wants to remember between two runs it hands to
//! its caller as bytes.

pub mod path;

pub mod image;

pub mod git;

pub mod url;

pub mod debian;

mod lfs;
