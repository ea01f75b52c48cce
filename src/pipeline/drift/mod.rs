//! Whether what was pinned is still what it was.
//!
//! ```text
//! files, store --watch--> Watched { pins, each once }  --ask--> a state for each
//! ```
//! A registry is asked, never its mirrors: they may well keep what it lost, and lag behind what it moved.

mod ask;
#[cfg(test)]
mod tests;
mod watch;

pub use ask::ask;
pub use watch::{Watched, Within};
