//! Files from the network, or from this machine by a `file:` address.
//!
//! ```text
//! Request { url, mirrors, sha256 } + what the lock says --fetch--> sink + Fetched { sha256, size }
//! keys: token for the host > user and password in the address > .netrc
//! ```
//! The address is asked first, then its mirrors in order. With a known digest a mirror continues where the one before it
//! ended; without one each starts again, because nothing says that they hold the same.

pub mod error;
pub mod fetch;
pub mod keys;
pub mod name;

mod local;
#[cfg(test)]
mod tests;

pub use error::UrlError;
pub use fetch::{Fetched, Fetcher, Request};
pub use keys::{Keys, Token};
pub use name::file_name;
