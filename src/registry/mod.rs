//! Reads images from OCI registries (distribution-spec 1.1).
//!
//! ```text
//! "debian" --parse--> ImageName --Client::resolve--> Found { manifest or index, verified }
//!                     Repository + digest --Client::blob--> sink, verified
//!
//! challenge -> tokens <- credentials, helper       who we are          mirrors      where else it may be
//! Namespace + password --login--> taken? --keep, auth_file, helper--> where credentials are found next time
//! ```
//! - A name is what the user wrote; mirrors and moved registries change where it is asked for, and nothing else.
//! - Nothing is believed: bytes are held against the digest that was asked for and the one that the registry names.
//! - A 401 gets a new token at any time, also in the middle of a blob, which then goes on where it was.
//!
//! Architecture Invariant: files and directories come in as data, HTTP goes through [`crate::transport`], and nothing here
//! writes to a registry.

pub mod challenge;
pub mod client;
pub mod credentials;
pub mod error;
pub mod found;
pub mod keep;
pub mod login;
pub mod mirrors;
pub mod name;
pub mod namespace;

mod auth_file;
mod helper;
mod tokens;

#[cfg(test)]
mod tests;

pub use client::{Client, Files};
pub use credentials::{Credential, CredentialFiles};
pub use error::{Given, RegistryError};
pub use found::Found;
pub use keep::{Keeper, Kept, Whose};
pub use login::Asked;
pub use mirrors::{Firsts, Mirrors};
pub use name::{ImageName, Repository};
pub use namespace::Namespace;
