//! Debian's archive: where its suites can be had, and what they hold.
//!
//! ```text
//! Hosts + suite --> Mirror..            InRelease --Trust--> Release     signature, suite, origin, time
//! Release + component --> addresses     Packages.xz --read--> Package..  the digest that the Release names
//! ```
//! Architecture Invariant: mirrors are asked over whatever connection they have, because nothing is believed for where it
//! came from.

pub mod architecture;
pub mod error;
pub mod index;
pub mod mirror;
pub mod release;
pub mod trust;

mod apt;

pub use architecture::architecture;
pub use error::DebianError;
pub use mirror::{Hosts, Mirror, NamedBy};
pub use trust::Trust;

use crate::transport::url::encode;

/// The address of a path below a mirror. Paths hold what addresses may not, such as `%3a` for the colon of a version.
pub fn address(mirror: &Mirror, path: &str) -> String {
    let encoded: Vec<String> = path.split('/').map(encode).collect();
    format!("{}/{}", mirror.address, encoded.join("/"))
}
