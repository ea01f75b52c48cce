//! A command that fetches: it has a network, and what it puts into `/out` is all that stays.
//!
//! Rationale: whether a command gave the same again is told by one digest, so whatever differs between two runs and is no
//! content goes: times, owners, modes but for the executable bit, attributes. What was downloaded stays as it is, byte for
//! byte: lists such as pip's and npm's hold the digests of it.

use crate::base::glob::Globs;
use crate::pipeline::error::Error;
use crate::pipeline::evaluate::Stop;
use crate::pipeline::landing;
use crate::pipeline::terms::Event;
use crate::residue::{clean, rules};
use crate::sandbox::{Bind, BindKind};
use crate::step::Inline;
use crate::store::Spool;
use crate::template::Run;
use crate::tree::{Change, Changeset, Content, ContentError, Contents, Kind, Node, Tree};

use super::contents::Small;
use super::layer::{LayerRun, Running, fail};
use super::telling::describe;

/// The directory that the command fills.
const OUT: &str = "/out";

/// The rules that hold for what a command fetches: they are about what programs write by the way. The others are about the
/// root of an image, or would change downloads.
const RULES: [&str; 4] = ["uv", "pip-origin", "pip-record", "python-times"];

/// What commands make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Making {
    /// A layer.
    Layer,
    /// The files of a source.
    Source,
}

/// What a command fetched, normalised.
pub(crate) struct Fetched {
    pub(crate) tree: Tree,
    spool: Spool,
    /// What rules rewrote.
    inline: Inline,
}

impl Contents for Fetched {
    fn read_at(&self, content: &Content, offset: u64, buffer: &mut [u8]) -> Result<(), ContentError> {
        match self.inline.read_at(content, offset, buffer) {
            Err(ContentError::Unknown(_)) => self.spool.read_at(content, offset, buffer),
            result => result,
        }
    }
}

impl LayerRun<'_, '_> {
    /// Runs a command on top of `below`. The layer, which has no steps, says what it is called.
    pub(crate) fn fetch(&self, run: &Run, below: &Tree, inline: &mut Inline) -> Result<Fetched, Stop> {
        self.with(Making::Source, below, inline, |running| running.fetch(run))
    }
}

impl Running<'_, '_, '_> {
    fn fetch(mut self, run: &Run) -> Result<Fetched, Stop> {
        self.stand()?;
        let out = self.work.root("out").map_err(fail)?;
        let mut order = self.order(run)?;
        order.binds.push(Bind { from: vec![out.clone()], to: OUT.to_owned(), kind: BindKind::Shared });
        order.lower.clone_from(&self.lower);
        order.upper = self.work.root("upper").map_err(fail)?;
        order.owners = self.sandbox.owners(self.draft.root());
        order.work = self.work.directory("work").map_err(fail)?;
        order.root = self.work.directory("root").map_err(fail)?;
        self.announce(run);
        self.execute(order, run)?;
        let file = self.given.store.scratch()?;
        let copy = file.try_clone().map_err(|source| self.given.store.write_failed(source))?;
        // Whose the files are makes no difference.
        let captured = self.sandbox.capture(&out, &copy, &Tree::new(), Vec::new()).map_err(fail)?;
        if let Some(path) = captured.sockets.first() {
            return Err(self.unfit(path, "a socket"));
        }
        let mut changes = self.normal(&captured.changes)?;
        let spool = Spool::new(file, captured.places);
        let inline = self.clean_fetched(&mut changes, &spool)?;
        if changes.is_empty() {
            let hint = "what it fetches has to be there when it ends";
            return Err(self.failure(format!("the command put nothing into `{OUT}`"), Some(hint.to_owned())));
        }
        let mut tree = Tree::new();
        tree.apply(&changes);
        let fetched = Fetched { tree, spool, inline };
        landing::secrets(&self.given.layer.name, &changes, &fetched, self.given.provision.needles())?;
        Ok(fetched)
    }

    fn announce(&self, run: &Run) {
        let source = &self.given.layer.name;
        (self.given.terms.watch)(Event::FetchBegins { source, command: &describe(&run.command) });
    }

    /// The changes without what differs from run to run.
    fn normal(&self, changes: &Changeset) -> Result<Changeset, Stop> {
        let normal = changes.iter().map(|(path, change)| {
            let Change::Node(node) = change else { return Err(self.unfit(&path.to_string(), "a device")) };
            let mode = match &node.kind {
                Kind::Directory => 0o755,
                Kind::File { .. } if node.mode & 0o100 == 0 => 0o644,
                Kind::File { .. } => 0o755,
                Kind::Symlink { .. } => 0o777,
                Kind::Fifo => return Err(self.unfit(&path.to_string(), "a pipe")),
                Kind::CharDevice { .. } | Kind::BlockDevice { .. } => {
                    return Err(self.unfit(&path.to_string(), "a device"));
                }
            };
            Ok((path.clone(), Change::Node(Node::new(node.kind.clone(), mode))))
        });
        normal.collect()
    }

    fn unfit(&self, path: &str, what: &str) -> Stop {
        let message = format!("`{OUT}{path}` is {what}, and only files, directories and links can be fetched");
        self.failure(message, Some("let the command remove it before it ends".to_owned()))
    }

    /// Takes out what programs write by the way; gives what was rewritten.
    fn clean_fetched(&self, changes: &mut Changeset, spool: &Spool) -> Result<Inline, Stop> {
        let others = rules().iter().filter(|rule| !RULES.contains(&rule.name)).flat_map(|rule| rule.globs);
        let others: Vec<&str> = others.copied().collect();
        // The patterns are constants, and a test compiles them.
        let keep = Globs::new(&others).unwrap_or_default();
        let mut inline = Inline::default();
        let mut files = Small { contents: spool, inline: &mut inline };
        let removed = clean(changes, &Tree::new(), &mut files, self.given.epoch, &keep).map_err(Error::from)?;
        for removed in &removed {
            (self.given.terms.watch)(Event::Residue { layer: &self.given.layer.name, removed });
        }
        Ok(inline)
    }
}
