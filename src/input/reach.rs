//! How far inputs may be looked for.

use std::path::PathBuf;
use std::sync::Arc;

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
    pub remote: Arc<Remote<'a>>,
}

impl<'a> Reach<'a> {
    /// The same network and directory from another store, which takes what it lacks from a layout.
    pub fn from_layout(&self, store: &'a Store, layout: &'a Vendor) -> Reach<'a> {
        let remote = Arc::clone(&self.remote);
        Reach { store, vendor: Some(layout), directory: self.directory.clone(), remote }
    }
}
