//! The network, as the command line and the environment say.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::input::vendor::Vendor;
use crate::input::{InputError, Reach, Remote};
use crate::registry::Client;
use crate::source::url::Downloader;
use crate::store::Store;
use crate::transport::{Network as Allowed, Watch};

use super::args::NetworkArgs;

/// What leads out of this machine, and the vendored inputs that make it unnecessary.
pub struct Network {
    registry: Client,
    web: Downloader,
    git: PathBuf,
    allowed: Allowed,
    vendor: Option<Vendor>,
    interrupted: Arc<AtomicBool>,
}

impl Network {
    /// Puts it together.
    pub fn new(args: &NetworkArgs, interrupted: &Arc<AtomicBool>) -> Result<Self, InputError> {
        let allowed = if args.offline { Allowed::Offline } else { Allowed::Allowed };
        Ok(Self {
            registry: Client,
            web: Downloader,
            git: PathBuf::from("git"),
            allowed,
            vendor: args.vendor.as_deref().map(Vendor::open_layout).transpose()?,
            interrupted: Arc::clone(interrupted),
        })
    }

    /// The way out, telling `watch` of everything that is tried again.
    pub fn remote<'a>(&'a self, watch: Watch<'a>) -> Remote<'a> {
        Remote {
            registry: &self.registry,
            web: &self.web,
            git: &self.git,
            network: self.allowed,
            interrupted: &self.interrupted,
            watch,
        }
    }

    /// Where inputs of a template in `directory` are looked for.
    pub fn reach<'a>(&'a self, store: &'a Store, directory: &'a Path, remote: &'a Remote<'a>) -> Reach<'a> {
        Reach { store, vendor: self.vendor.as_ref(), directory, remote }
    }
}
