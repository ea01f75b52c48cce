//! kiln builds machine images and container images that never change once they exist.

pub mod assemble;
pub mod base;
pub mod cli;
pub mod image;
pub mod layer;
pub mod lock;
pub mod output;
pub mod pipeline;
pub mod plan;
pub mod source;
pub mod step;
pub mod store;
pub mod template;
pub mod tree;
