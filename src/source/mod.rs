//! Where inputs come from.
pub mod image;
