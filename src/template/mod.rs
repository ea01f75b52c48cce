//! What a person writes: text to [`Template`], with the place of every word kept for the messages.
//!
//! ```text
//! text --parse--> Parsed { files, findings, document }      includes merged, structure checked
//! document.facts(set, version)               -> Facts       name, version, times, platforms: the same for all platforms
//! document.template(platform, set, version)  -> Template    variables filled in, `when` decided
//! render(findings, files)                    -> String      carets
//! ```
//! The nouns: a [`Document`] is what was written, a [`Template`] what one platform sees of it, a [`Finding`] something that
//! is wrong with it. [`grammar`] is the table of all keys; the checks, the [`schema()`] and the [`reference()`] come from it.
//!
//! Architecture Invariant: pure. Files are read by the caller; the environment and the clock have no way in.
//!
//! Architecture Invariant: nothing stops at the first error. Each step reports what it finds and goes on with the rest, so
//! that all findings are there at once.

pub mod document;
pub mod files;
pub mod finding;
pub mod form;
pub mod grammar;
pub mod init;
pub mod model;
pub mod reference;
pub mod render;
pub mod schema;
pub mod span;
pub mod stages;
pub mod unit;

mod advice;
mod check;
mod inline;
mod names;
mod read;
mod toml11;
mod value;
mod variables;

#[cfg(test)]
mod tests;

pub use document::{Document, Facts, Parsed, parse};
pub use files::{File, Files};
pub use finding::{Finding, Kind, Severity};
pub use grammar::nearest;
pub use init::{INIT, INIT_FILES};
pub use model::{
    Account, Action, Adduser, Base, BaseFrom, CHANNEL_PARTS, Check, Command, Compression, Config, Copy, Distribution,
    Expected, Extract, ExtractOwner, FetchSource, Form, GitSource, GroupName, Healthcheck, Id, Keyring, Layer, Mount,
    Mtime, Order, Owner, Packages, PathSource, Port, Protocol, Publish, Repository, Run, Scripts, Source, SourceFrom,
    SourceRef, Split, Stage, Step, Target, Template, Test, UrlSource, Write,
};
pub use reference::reference;
pub use render::{Style, render};
pub use schema::schema;
pub use span::{FileId, Span};
pub use unit::{UNIT_DIRECTORIES, UnitName};
