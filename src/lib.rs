//! kiln builds machine images and container images that never change once they exist.

pub mod base;
pub mod image;
pub mod layer;
pub mod output;
pub mod source;
pub mod template;
pub mod tree;
