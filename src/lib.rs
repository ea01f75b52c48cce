//! kiln builds machine images and container images that never change once they exist.

pub mod base;
pub mod source;
pub mod store;
pub mod template;
pub mod tree;
