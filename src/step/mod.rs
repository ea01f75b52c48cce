//! What steps do: a template's layer on top of a tree gives a changeset.
//!
//! ```text
//! Layer + &mut Tree (all that is below) + Inputs (source trees, archives) --evaluate()--> Changeset
//! ```
//! No content is read but for `/etc/passwd` and its relatives: files are copied by digest. So a layer is evaluated in
//! milliseconds on every build, and its changeset's digest is its cache key: nothing that could change its bytes is
//! missing from it, and nothing that could not is in it.
//!
//! Architecture Invariant: pure. One file for each kind of step.

pub mod account;
pub mod accounts;
pub mod copy;
pub mod draft;
pub mod enable;
pub mod error;
pub mod evaluate;
pub mod extract;
pub mod inline;
pub mod owner;
#[cfg(test)]
mod tests;

pub use draft::{Draft, with_parents};
pub use error::{StepError, StepFailure, StepWarning};
pub use evaluate::{Evaluated, Inputs, Reader, SourceTree, Times, When, apply, evaluate};
pub use inline::Inline;
pub use owner::{Who, who};
