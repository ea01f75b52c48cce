//! What tests stand on: the image's layers as directories, and the contents of its files.

use std::path::PathBuf;
use std::sync::Arc;

use crate::base::ImagePath;
use crate::input::Spool;
use crate::input::image::wanted;
use crate::pipeline::build::{everything, take_out};
use crate::pipeline::error::Error;
use crate::pipeline::provision::GroundLayer;
use crate::pipeline::provision::kept::spool;
use crate::sandbox::{Sandbox, SandboxError};
use crate::step::with_parents;
use crate::tree::resolve::resolve_fully;
use crate::tree::{Changeset, Content, Contents, Node};

use super::Subject;

impl Subject<'_> {
    /// The directories of the image, the lowest first; none for an empty image.
    pub(super) fn lower(&mut self, sandbox: &Sandbox) -> Result<Vec<PathBuf>, Error> {
        if let Some(lower) = &self.lower {
            return Ok(lower.clone());
        }
        let mut lower = Vec::new();
        let added = GroundLayer::layer(Arc::new(self.added()));
        for layer in self.platform.ground.layers.iter().map(AsRef::as_ref).chain([&added]) {
            if !layer.changes().is_empty() {
                lower.extend(self.directories(layer, sandbox)?);
            }
        }
        self.lower = Some(lower.clone());
        Ok(lower)
    }

    fn directories(&self, layer: &GroundLayer, sandbox: &Sandbox) -> Result<Vec<PathBuf>, Error> {
        let mut failed = None;
        let layout = self.terms.provision.variation.layout;
        let found = sandbox.lower(layer.changes(), &layer.digest(), layout, || {
            self.spool(layer.changes()).map_err(|error| {
                // What is said is this, not that the sandbox was stopped by it.
                failed = Some(error);
                SandboxError::Interrupted
            })
        });
        match failed {
            Some(error) => Err(error),
            None => Ok(found?),
        }
    }

    /// Directories that an engine makes when it starts a container: where the program starts, and the volumes.
    fn added(&self) -> Changeset {
        let root = &self.platform.root;
        let mut added = Changeset::new();
        for path in self.execution.workdir.iter().chain(&self.execution.volumes) {
            let path = ImagePath::parse(path.trim_start_matches('/').as_bytes()).ok();
            let mut at = path.and_then(|path| resolve_fully(root, &path).ok());
            while let Some(path) = at.filter(|path| !path.is_root() && root.get(path).is_none()) {
                at = path.parent();
                added.put(path, Node::parent_directory(self.prepared.plan.epoch.seconds()));
            }
        }
        with_parents(added, root)
    }

    fn spool(&self, changes: &Changeset) -> Result<Spool, Error> {
        let taken = take_out(self.prepared, &wanted(changes.nodes().map(|(_, node)| node)), self.reach)?;
        spool(changes, &everything(self.prepared, &taken, self.terms), self.reach.store)
    }

    /// Does something with all that the build holds, and with `content` wherever it is.
    pub(super) fn with_contents<T>(
        &self,
        content: Option<&Content>,
        read: impl FnOnce(&dyn Contents) -> T,
    ) -> Result<T, Error> {
        let digests = content.iter().map(|content| content.digest).collect();
        let taken = take_out(self.prepared, &digests, self.reach)?;
        Ok(read(&everything(self.prepared, &taken, self.terms)))
    }
}
