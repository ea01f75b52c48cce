//! How far inputs may be looked for.

use std::path::PathBuf;

use crate::store::Store;

use super::remote::Remote;
use super::vendor::Vendor;

/// Where inputs are looked for, in this order: store, vendored layout, network.
pub struct Reach<'a> {
    /// The local store.
    pub store: &'a Store,
    /// A layout that `kiln vendor` wrote.
    pub vendor: Option<&'a Vendor>,
    /// The directory that relative paths of requests are from: the template's.
    pub directory: PathBuf,
    /// The network.
    pub remote: Remote<'a>,
}
