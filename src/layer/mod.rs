//! Layers: the tar and its compression.
pub mod read;
