//! Git sources: a commit of a remote repository as a value.
//!
//! ```text
//! GitRequest --resolve--> ObjectId                     branch, tag or commit; HEAD without a rev
//! ObjectId   --read-----> Read { tree, commit_time }   the files as committed, each to the sink
//!
//!   address   which urls are followed        mask      what of them may be shown
//!   program   git and its settings           child     running it: silence, interrupts, what it says
//!   fetch     a scratch repository           objects   one `git cat-file`, every object hashed again
//!   object    commits and trees, parsed      walk      objects -> Tree
//!   modules   .gitmodules                    read      the repository, then its submodules
//! ```
//! **The git program and not a library.** A user's access to a private repository is what their git is configured to do:
//! credential helpers, `insteadOf`, `http.*`, ssh. gix with one HTTP transport is about 180 crates, which doubles kiln's
//! tree, and still leaves out some of these. What git does beside the transfer is turned off ([`program`]).
//!
//! **Trust.** The commit's id is all that is believed. Each commit, tree and blob is hashed again here, from the id down,
//! so neither the server nor the object store nor the git program can put in something else. SHA-1 is computed with
//! collision detection, as git does. `transfer.fsckObjects` stays as the user has it: it would only add complaints about
//! old but harmless objects, such as modes with a leading zero.
//!
//! **What is taken.** Files 0644 or 0755, symbolic links, directories 0755, all of 0:0 and with the committer's time.
//! There is no checkout: no filters, line ends or keyword expansion apply, so an LFS pointer stays a pointer (and is
//! warned of). Files of a submodule have the time of the submodule's commit.
//!
//! Architecture Invariant: nothing is remembered here. The scratch repositories are gone when [`read()`] returns.

mod address;
mod child;
mod error;
mod fetch;
mod id;
mod mask;
mod modules;
mod object;
mod objects;
mod patient;
mod program;
mod read;
mod request;
mod resolve;
mod walk;
mod warning;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests_hostile;
#[cfg(test)]
mod tests_read;
#[cfg(test)]
mod tests_resolve;
#[cfg(test)]
mod tests_submodules;
#[cfg(test)]
mod tests_surroundings;

pub use address::AddressFlaw;
pub use error::GitError;
pub use id::{ObjectId, ParseObjectIdError};
pub use mask::ShownUrl;
pub use object::{NameFlaw, ObjectFlaw};
pub use read::{Read, read};
pub use request::{GitRequest, Network, STALL, Submodules, Terms};
pub use resolve::resolve;
pub use warning::Warning;
