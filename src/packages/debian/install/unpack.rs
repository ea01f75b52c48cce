//! Files of packages on their way into a root.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::ImagePath;
use crate::base::path::readable;
use crate::tree::resolve::resolve_fully;
use crate::tree::{Kind, Node};

use super::super::deb::Deb;
use super::Ground;
use super::database::Database;
use super::draft::Draft;
use super::error::InstallError;
use super::leftover;
use super::order::in_order;
use super::owners::{Claim, Owners, Verdict};
use super::record::{Record, replaces};
use super::sums;
use super::trigger::{Await, Directive, directives};
use super::usr;

/// What dpkg puts behind the name of a conffile that it has not yet decided about.
const NEW: &[u8] = b".dpkg-new";
/// The file of sums, which dpkg makes for a package that has none.
const SUMS: &str = "md5sums";

/// What unpacking changes in a root, without dpkg's database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unpacking {
    /// What goes first, with all below it.
    pub removed: Vec<ImagePath>,
    /// What comes then, in path order, parents first; links of the root are followed already.
    pub entries: Vec<(ImagePath, Node)>,
}

/// Where conffiles go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conffiles {
    /// Beside their places, where dpkg finds them when it configures the package.
    Aside,
    /// To their places: nobody configures anything.
    InPlace,
}

/// Unpacks packages together, as the rounds say, and notes them in the database.
pub fn unpack(debs: &[&Deb], database: &mut Database, ground: &Ground<'_>) -> Result<Unpacking, InstallError> {
    unpack_with(debs, database, ground, Conffiles::Aside)
}

/// The same, with conffiles where they are wanted.
pub(super) fn unpack_with(
    debs: &[&Deb],
    database: &mut Database,
    ground: &Ground<'_>,
    conffiles: Conffiles,
) -> Result<Unpacking, InstallError> {
    check_once(debs)?;
    let mut draft = Draft::new(ground.root, ground.epoch);
    if ground.root.is_empty() {
        for name in usr::links(debs, ground.architecture) {
            let path = ImagePath::parse(name.as_bytes()).unwrap_or_default();
            let usr = ImagePath::parse(b"usr").unwrap_or_default().join(&path);
            draft.put(usr, Node::parent_directory(ground.epoch));
            draft.put(path, usr::link(name, ground.epoch));
        }
    }
    let is_replaced = |old: &Record| debs.iter().any(|deb| replaces(&deb.control.package, &old.package));
    let old = database.take_out(is_replaced);
    let mut round = Round {
        owners: Owners::new(&database.records, |_| true),
        links: ground.root.free_link_group(),
        old,
        draft,
        ground,
        database,
        conffiles,
    };
    for deb in debs {
        round.unpack(deb)?;
    }
    round.finish(debs)
}

fn check_once(debs: &[&Deb]) -> Result<(), InstallError> {
    for (index, deb) in debs.iter().enumerate() {
        let package = &deb.control.package;
        if debs.iter().take(index).any(|other| replaces(package, &other.control.package)) {
            return Err(InstallError::Twice { package: package.name().to_owned() });
        }
    }
    Ok(())
}

/// Packages being unpacked together. Those that they replace are out of the database from the beginning: what one of them
/// no longer has is free for the others, in whatever order they come.
struct Round<'a> {
    database: &'a mut Database,
    ground: &'a Ground<'a>,
    draft: Draft<'a>,
    owners: Owners,
    /// What is replaced.
    old: Vec<Record>,
    /// From here on no hard links have their number.
    links: u64,
    conffiles: Conffiles,
}

impl Round<'_> {
    fn unpack(&mut self, deb: &Deb) -> Result<(), InstallError> {
        let package = &deb.control.package;
        let old = self.old.iter().find(|old| replaces(package, &old.package));
        let inherited = |path: &ImagePath| {
            let owners = self.owners.of(path).iter().filter_map(|owner| self.database.records.get(*owner));
            owners.filter_map(|owner| owner.digest_of(path)).map(str::to_owned).next()
        };
        let mut record = Record::unpacked(deb, old, self.ground.architecture, inherited)?;
        record.files.push(ImagePath::root());
        let index = self.database.records.len();
        let mut links = self.links;
        for (path, node) in in_order(&deb.files) {
            if let Kind::File { links: Some(group), .. } = &node.kind {
                links = links.max(self.links + group.0 + 1);
            }
            let node = node.clone().with_links_from(self.links);
            if self.place(&record, path, node)? {
                record.files.push(path.clone());
                self.owners.add(path, index);
            }
        }
        self.links = links;
        let mut control: BTreeMap<String, Vec<u8>> =
            deb.control.files.iter().map(|(name, file)| (name.clone(), file.content.clone())).collect();
        if !control.contains_key(SUMS) {
            let placed = in_order(&deb.files).into_iter().filter(|(path, _)| self.owners.of(path).contains(&index));
            control.insert(SUMS.to_owned(), sums::of_files(self.ground.contents, placed)?);
            record.info.push(SUMS.to_owned());
        }
        self.database.put(record, control);
        Ok(())
    }

    /// Puts one file of a package where it belongs; whether it is the package's.
    fn place(&mut self, record: &Record, path: &ImagePath, node: Node) -> Result<bool, InstallError> {
        let package = &record.package;
        let name = |bytes: &[u8]| InstallError::Name { package: package.name().to_owned(), name: readable(bytes) };
        if path.as_bytes().contains(&b'\n') {
            return Err(name(path.as_bytes()));
        }
        if let Some(diverted) = self.database.diversions.source(path) {
            let (path, package, diverted) = (path.clone(), package.name().to_owned(), diverted.clone());
            return Err(InstallError::Diverted { path, package, diverted });
        }
        let is_conffile = record.conffiles.iter().any(|kept| kept.path == *path && !kept.is_leaving);
        let node = self.database.overrides.apply(path, node);
        let wanted = self.database.diversions.place(path, package.name());
        let mut place = match is_conffile {
            true => resolve_fully(self.draft.root(), &wanted)?,
            false => self.draft.place(&wanted)?,
        };
        if self.stays(&place, &node) {
            return Ok(true);
        }
        let claim = Claim { package, path, is_conffile, kind: &node.kind, found: self.draft.kind(&place) };
        let diversions = &self.database.diversions;
        let parts = |one: &str, other: &str| diversions.part(path, one, other);
        let verdict = self.owners.decide(&claim, &self.database.records, self.ground.architecture, parts)?;
        match verdict {
            Verdict::Leave => return Ok(false),
            Verdict::Share => return Ok(true),
            Verdict::Take(losers) => losers.into_iter().for_each(|loser| self.lose(path, loser, is_conffile)),
        }
        if is_conffile && self.conffiles == Conffiles::Aside {
            let bytes = [place.as_bytes(), NEW].concat();
            place = ImagePath::parse(&bytes).map_err(|_| name(&bytes))?;
        }
        self.draft.put(place, node);
        Ok(true)
    }

    /// Whether what is at a place stays: a directory, or a link to one, stays where a directory comes, and a directory where
    /// a link comes, so that nothing below it gets lost.
    fn stays(&self, place: &ImagePath, node: &Node) -> bool {
        match (&node.kind, self.draft.kind(place)) {
            (Kind::Directory, Some(_)) => self.draft.leads_to_directory(place),
            (Kind::Symlink { .. }, Some(Kind::Directory)) => true,
            (Kind::Symlink { target }, Some(Kind::Symlink { .. })) => self.lead_to_same(place, target),
            _ => false,
        }
    }

    /// Whether a link at a place and one that would take its place lead to the same directory.
    fn lead_to_same(&self, place: &ImagePath, target: &[u8]) -> bool {
        let root = self.draft.root();
        let Some(there) = resolve_fully(root, place).ok().filter(|there| root.is_directory(there)) else {
            return false;
        };
        if self.draft.kind(place).is_some_and(|kind| *kind == Kind::Symlink { target: target.into() }) {
            return true;
        }
        let mut other = root.clone();
        other.insert(place.clone(), Node::new(Kind::Symlink { target: target.into() }, 0o777));
        resolve_fully(&other, place).is_ok_and(|place| place == there)
    }

    /// Takes a path away from another package.
    fn lose(&mut self, path: &ImagePath, loser: usize, is_conffile: bool) {
        self.owners.remove(path, loser);
        if let Some(record) = self.database.records.get_mut(loser) {
            record.files.retain(|file| file != path);
            let kept = record.conffiles.iter_mut().filter(|kept| is_conffile && kept.path == *path);
            kept.for_each(|kept| kept.is_obsolete = true);
        }
        self.database.note_list(loser);
    }

    /// Takes away what only replaced packages had, and tells who wants to know.
    fn finish(mut self, debs: &[&Deb]) -> Result<Unpacking, InstallError> {
        let mut gone: BTreeMap<String, Vec<ImagePath>> = BTreeMap::new();
        let old = std::mem::take(&mut self.old);
        for new in self.database.records.iter().filter(|new| debs.iter().any(|deb| new.is_of(&deb.control.package))) {
            leftover::retire(new, &mut self.draft, &self.owners, self.ground)?;
        }
        if !old.is_empty() {
            let places = leftover::places(&self.owners, self.database, &self.draft);
            for old in &old {
                let gone = gone.entry(old.package.name().to_owned()).or_default();
                gone.extend(leftover::remove(old, &places, &mut self.draft, self.database, &mut self.owners));
            }
        }
        for old in &old {
            self.database.triggers.forget(&old.stem());
        }
        for deb in debs {
            let package = &deb.control.package;
            let stem = super::record::stem(package);
            let bytes = deb.control.files.get("triggers").map(|file| file.content.as_slice()).unwrap_or_default();
            let directives = directives(package.name(), bytes)?;
            let records = &self.database.records;
            let is_configured = |name: &str| Database::is_configured(records, name);
            for directive in &directives {
                if let Directive::Interest(name, waits) = directive {
                    self.database.triggers.add(&stem, name, *waits);
                }
            }
            for directive in &directives {
                if let Directive::Activate(name, waits) = directive {
                    let awaiter = (*waits == Await::Yes).then_some(stem.as_str());
                    self.database.triggers.activate(name, awaiter, is_configured);
                }
            }
            let diverted = deb.files.nodes().map(|(path, _)| self.database.diversions.place(path, package.name()));
            let touched: BTreeSet<ImagePath> =
                diverted.chain(gone.get(package.name()).into_iter().flatten().cloned()).collect();
            self.database.triggers.touch(touched.iter(), &stem, is_configured);
        }
        Ok(self.draft.finish())
    }
}
