//! What a person writes: text to [`Template`], with the place of every word kept for the messages.
//!
//! Architecture Invariant: pure. Files are read by the caller; the environment and the clock have no way in.

pub mod model;
pub mod span;

pub use model::{
    Account, Action, Adduser, Compression, Config, Copy, Extract, ExtractOwner, GroupName, Healthcheck, Id, Layer,
    Mtime, Owner, Source, SourceRef, Step, Target, Template, Write,
};
pub use span::{FileId, Span};
