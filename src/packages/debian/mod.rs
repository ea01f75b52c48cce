//! Debian and what is made from it.
//!
//! ```text
//! InRelease + Keyring --signature--> text --release--> Release     which suite, which indexes, until when
//! Packages --index--> Package ..+
//! status  --index--> Installed..+--> Pool + Task --solver--> Chosen..
//! NAME.deb --deb--> Control, Changeset
//! Deb.. + a root --install--> scripts to run, files, dpkg's database
//! ```

pub mod deb;
pub mod error;
pub mod index;
pub mod install;
pub mod keyring;
pub mod package;
pub mod paragraph;
pub mod pool;
pub mod relation;
pub mod release;
pub mod signature;
pub mod solver;
mod state;
pub mod version;

pub use deb::{Deb, DebError};
pub use error::IndexError;
pub use index::{Held, Installed, installed};
pub use install::InstallError;
pub use keyring::Keyring;
pub use package::Package;
pub use pool::{Automatic, Offer, Pool};
pub use release::{Release, ReleaseError, Wanted};
pub use signature::{SignatureError, Signed, verify};
pub use solver::{Chosen, Foundation, Recommends, SolveError, Task, solve, spelled_out};
pub use version::{Version, VersionError};
