//! The units of an image.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::ImagePath;
use crate::base::path::readable;
use crate::step::error::StepError;
use crate::step::evaluate::Reader;
use crate::template::{UNIT_DIRECTORIES, UnitName};
use crate::tree::resolve::{resolve_fully, resolve_parents};
use crate::tree::{Content, Kind, Tree};

use super::child;
use super::error::UnitError;
use super::install::Install;

/// Where the links go.
pub(super) const CONFIGURATION: &str = UNIT_DIRECTORIES[0];

/// A unit file with its drop-ins.
#[derive(Debug)]
pub(super) struct Unit {
    /// The file, as links to it name it.
    pub(super) path: ImagePath,
    pub(super) install: Install,
}

/// What a name leads to.
#[derive(Debug)]
pub(super) enum Found {
    Unit(Unit),
    /// A link of the system's to a unit of another name.
    OtherName(UnitName),
    /// This keeps it from being started.
    Masked(ImagePath),
}

/// The units of a tree.
pub(super) struct Units<'a> {
    root: &'a Tree,
    /// The first that has a unit counts.
    directories: Vec<ImagePath>,
}

impl<'a> Units<'a> {
    pub(super) fn new(root: &'a Tree) -> Self {
        let one_of_both = if links_name_lib(root) { UNIT_DIRECTORIES[3] } else { UNIT_DIRECTORIES[2] };
        let place = |name: &str| resolve_fully(root, &path(name));
        let merged = place(UNIT_DIRECTORIES[2]) == place(UNIT_DIRECTORIES[3]);
        let named = UNIT_DIRECTORIES.iter().filter(|name| !merged || **name != one_of_both);
        Self { root, directories: named.map(|name| path(name)).collect() }
    }

    /// Looks for a unit by its own name, then for the template that it is an instance of.
    pub(super) fn find(&self, name: &UnitName, reader: &Reader<'_>) -> Result<Option<Found>, StepError> {
        for file in [Some(name.clone()), name.template()].into_iter().flatten() {
            for directory in &self.directories {
                let at = child(directory, &file.to_string())?;
                if let Some(found) = self.at(&at, name, reader)? {
                    return Ok(Some(found));
                }
            }
        }
        Ok(None)
    }

    fn at(&self, at: &ImagePath, name: &UnitName, reader: &Reader<'_>) -> Result<Option<Found>, StepError> {
        // A directory of units that cannot be reached has none.
        let Ok(place) = resolve_parents(self.root, at) else { return Ok(None) };
        let unit = |path: ImagePath, content: &Content| {
            let install = self.install(name, content, reader)?;
            Ok(Some(Found::Unit(Unit { path, install })))
        };
        match self.root.get(&place).map(|node| &node.kind) {
            Some(Kind::File { content, .. }) if content.size_bytes == 0 => Ok(Some(Found::Masked(at.clone()))),
            Some(Kind::File { content, .. }) => unit(at.clone(), content),
            Some(Kind::Symlink { .. }) => {
                let real = resolve_fully(self.root, at)?;
                match self.root.get(&real).map(|node| &node.kind) {
                    _ if real.as_bytes() == b"dev/null" => Ok(Some(Found::Masked(at.clone()))),
                    Some(Kind::File { content, .. }) if content.size_bytes == 0 => Ok(Some(Found::Masked(at.clone()))),
                    Some(Kind::File { content, .. }) if real.name() == at.name() => unit(self.named(real), content),
                    Some(Kind::File { .. }) => self.other_name(at, &real, name).map(Some),
                    _ => Err(UnitError::Dangling { path: at.clone() }.into()),
                }
            }
            _ => Ok(None),
        }
    }

    /// A link to a unit of another name. The ones that come with packages are followed; those in `/etc` are what enabling
    /// makes, and systemctl refuses to take them for units.
    fn other_name(&self, at: &ImagePath, real: &ImagePath, name: &UnitName) -> Result<Found, StepError> {
        let file = readable(real.name());
        let of = UnitName::parse(&file).ok_or_else(|| UnitError::Dangling { path: at.clone() })?;
        if at.parent() == Some(path(CONFIGURATION)) {
            return Err(UnitError::OtherName { unit: name.to_string(), real: of.to_string() }.into());
        }
        Ok(Found::OtherName(match name.instance() {
            Some(instance) if of.is_template() => of.with_instance(instance),
            _ => of,
        }))
    }

    /// The `[Install]` section of a unit file, with what its drop-ins say.
    fn install(&self, name: &UnitName, content: &Content, reader: &Reader<'_>) -> Result<Install, StepError> {
        let mut install = Install::default();
        install.add(&reader.read(content)?);
        let mut drop_ins: BTreeMap<Vec<u8>, Option<Content>> = BTreeMap::new();
        for file in [Some(name.clone()), name.template()].into_iter().flatten() {
            for directory in &self.directories {
                let Ok(place) = resolve_fully(self.root, &child(directory, &format!("{file}.d"))?) else { continue };
                for (at, _) in self.root.below(&place).filter(|(at, _)| at.parent().as_ref() == Some(&place)) {
                    if at.name().ends_with(b".conf") {
                        drop_ins.entry(at.name().to_vec()).or_insert_with(|| self.content(at));
                    }
                }
            }
        }
        for content in drop_ins.into_values().flatten() {
            install.add(&reader.read(&content)?);
        }
        Ok(install)
    }

    /// The content of a file, or of the one that a link leads to.
    fn content(&self, at: &ImagePath) -> Option<Content> {
        match self.root.get(&resolve_fully(self.root, at).ok()?)?.kind {
            Kind::File { content, .. } => Some(content),
            _ => None,
        }
    }

    /// A file by the directory of units that it is in, if it is in one.
    fn named(&self, real: ImagePath) -> ImagePath {
        let parent = real.parent();
        let is_here = |directory: &&ImagePath| resolve_fully(self.root, directory).ok() == parent;
        match self.directories.iter().find(is_here) {
            Some(directory) => directory.join(&real.base()),
            None => real,
        }
    }

    /// Whether a file is in a directory of units.
    pub(super) fn has(&self, path: &ImagePath) -> bool {
        path.parent().is_some_and(|parent| self.directories.contains(&parent))
    }

    /// The names of units that look most like `name`.
    pub(super) fn nearest(&self, name: &UnitName) -> Vec<String> {
        /// Two names that are less alike are not a slip of the fingers.
        const ALIKE: f64 = 0.85;
        const MOST: usize = 3;
        let mut known = BTreeSet::new();
        for directory in &self.directories {
            let Ok(place) = resolve_fully(self.root, directory) else { continue };
            let files = self.root.below(&place).filter(|(at, _)| at.parent().as_ref() == Some(&place));
            known.extend(files.filter_map(|(at, _)| UnitName::parse(&readable(at.name()))));
        }
        // The kind is most of a short name, and rarely what is wrong.
        let alike = |known: UnitName| {
            let same_kind = if known.kind() == name.kind() { 1.0 } else { 0.9 };
            (strsim::jaro_winkler(name.prefix(), known.prefix()) * same_kind, known.to_string())
        };
        let mut scored: Vec<(f64, String)> =
            known.into_iter().map(alike).filter(|(score, _)| *score >= ALIKE).collect();
        scored.sort_by(|(a, one), (b, other)| b.total_cmp(a).then_with(|| one.cmp(other)));
        scored.into_iter().take(MOST).map(|(_, name)| name).collect()
    }
}

fn path(text: &str) -> ImagePath {
    ImagePath::parse(text.as_bytes()).unwrap_or_default()
}

/// Whether the links that are there name units in `/lib` rather than in `/usr/lib`. Where both are one directory, the
/// systemctl of Debian 12 writes the first and others write the second; either leads to the unit.
fn links_name_lib(root: &Tree) -> bool {
    let targets = |directory: &str| {
        let start = format!("/{directory}/");
        let configuration = path(CONFIGURATION);
        let links = root.below(&configuration).filter(|(_, node)| match &node.kind {
            Kind::Symlink { target } => target.starts_with(start.as_bytes()),
            _ => false,
        });
        links.count()
    };
    targets(UNIT_DIRECTORIES[2]) > targets(UNIT_DIRECTORIES[3])
}
