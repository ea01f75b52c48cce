//! What the lock names, brought into the store.
//!
//! ```text
//! Asked            --resolve-->  Pin         asks the network what a name means now; only where a lock is made
//! Asked + Pin      --bring-->    Arrival     the files as a tree, and where their contents are
//! Asked + Pin      --open-->     BaseImage   documents, file lists and, where bytes are needed, blobs of an image
//! archive's bytes  --unpack-->   Arrival     what a template extracts
//! ```
//! Everything is looked for in the store first, then in a vendored layout, then where the request says: once it is here, no
//! network is needed. What arrives is compared with its pin on the way in, whoever gives it.
//!
//! Architecture Invariant: nothing here decides what is taken. A pin that does not fit is an error, never a new pin.

pub mod archive;
mod copy;
pub mod each;
pub mod error;
pub mod fetch;
pub mod git;
pub mod image;
mod kept;
pub mod packages;
pub mod reach;
pub mod remote;
#[cfg(test)]
mod tests;
pub mod url;
pub mod vendor;

pub use crate::store::Spool;
pub use each::each;
pub use error::InputError;
pub use image::BaseImage;
pub use reach::Reach;
pub use remote::Remote;

use crate::lock::{FetchRequest, GitRequest, ImageRequest, Request};
use crate::template::UrlSource;
use crate::tree::Tree;

/// The files of an input.
#[derive(Debug)]
pub struct Arrival {
    /// The files; for a download, the one.
    pub tree: Tree,
    /// Where their contents are.
    pub spool: Spool,
}

/// What a template asks for, with all that it says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// An image.
    Image(ImageRequest),
    /// A download, with the other places that have it and what the template knows of it.
    Url(UrlSource),
    /// A commit.
    Git(GitRequest),
    /// What a command fetches.
    Fetch(FetchRequest),
}

impl Asked {
    /// The key of its entry in the lock.
    pub fn request(&self) -> Request {
        match self {
            Self::Image(request) => Request::Image(request.clone()),
            Self::Url(source) => Request::Url(source.url.clone()),
            Self::Git(request) => Request::Git(request.clone()),
            Self::Fetch(request) => Request::Fetch(request.clone()),
        }
    }
}
