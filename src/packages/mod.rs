//! Operating-system packages: from what a template asks for to what the lock says, and from their files to a root.
//!
//! ```text
//! "curl=7.88*" --Request--+
//! InRelease --verify--> Release --> Packages --> Pool --solve--> Chosen --> PackagePin    for the lock
//!                 dpkg's database of a base --+
//! .deb --read--> control paragraph, scripts, Changeset --install--> what unpacking changes in a root, what dpkg is to do
//! PackagePin.. --split--> groups that share a layer
//! ```
//! What every distribution has is here: requests, entries of the lock, reasons. All that knows one distribution is in a
//! module of its own, which takes requests and gives entries.
//!
//! Architecture Invariant: pure. Indexes come as bytes, times as values; what is fetched, and from where, is for the
//! caller to do.

pub mod debian;
pub mod entry;
mod nearest;
pub mod request;
pub mod split;

pub use entry::{PackagePin, ParseReasonError, Reason};
pub use request::{Priority, Request, RequestError, Wish};
