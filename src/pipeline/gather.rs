//! What a template takes from beside it: sources scanned, archives unpacked.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::base::ImagePath;
use crate::source::path::{Form, KnownChange, KnownFiles, Scan, ScanRequest, Selection, Warning, scan};
use crate::store::notes::note_name;
use crate::store::{Shelf, Store};
use crate::template::{Action, Source, SourceRef, Template};
use crate::tree::{Kind, Tree};

use super::contents::Everything;
use super::error::Error;
use super::load::Loaded;
use super::spool::{Spool, unpack};
use super::terms::{Cache, Event, Terms};

/// Everything that comes in.
#[derive(Debug, Default)]
pub struct Gathered {
    /// Scans by name of the source.
    pub scans: BTreeMap<String, Scan>,
    /// Archives by source and path.
    pub archives: BTreeMap<(String, ImagePath), (Tree, Spool)>,
}

impl Gathered {
    /// What looks wrong, with the name of the source.
    pub fn warnings(&self) -> impl Iterator<Item = (&str, &Warning)> {
        self.scans.iter().flat_map(|(name, scan)| scan.warnings.iter().map(move |warning| (name.as_str(), warning)))
    }
}

/// Scans the sources that the templates use and unpacks the archives that they extract. `never` are files that must not
/// come in: kiln's own outputs.
pub fn gather(
    loaded: &Loaded,
    templates: &mut [Template],
    never: &[PathBuf],
    store: &Store,
    terms: &Terms<'_>,
) -> Result<Gathered, Error> {
    let mut gathered = Gathered::default();
    for template in templates.iter() {
        for name in used_sources(template) {
            if let (Some(source), false) = (template.sources.get(&name), gathered.scans.contains_key(&name)) {
                let scan = scan_source(&name, source, loaded, never, store, terms)?;
                gathered.scans.insert(name, scan);
            }
        }
    }
    for template in templates.iter_mut() {
        name_files(template, &gathered);
    }
    for reference in templates.iter().flat_map(archives) {
        unpack_archive(&reference, &mut gathered, store, terms)?;
    }
    Ok(gathered)
}

/// Names of the sources that a step of the template uses.
fn used_sources(template: &Template) -> BTreeSet<String> {
    let steps = template.layers.iter().flat_map(|layer| &layer.steps);
    steps.filter_map(|step| reference(&step.action)).map(|reference| reference.source.clone()).collect()
}

fn reference(action: &Action) -> Option<&SourceRef> {
    match action {
        Action::Copy(copy) => Some(&copy.from),
        Action::Extract(extract) => Some(&extract.from),
        _ => None,
    }
}

/// A source that is one file means that file when it is named as a whole.
fn name_files(template: &mut Template, gathered: &Gathered) {
    for step in template.layers.iter_mut().flat_map(|layer| &mut layer.steps) {
        let reference = match &mut step.action {
            Action::Copy(copy) => &mut copy.from,
            Action::Extract(extract) => &mut extract.from,
            _ => continue,
        };
        if let Some(Form::File(name)) = gathered.scans.get(&reference.source).map(|scan| &scan.form)
            && reference.path.is_root()
        {
            reference.path = name.clone();
        }
    }
}

/// Scans one source, with what the store remembers of it.
pub fn scan_source(
    name: &str,
    source: &Source,
    loaded: &Loaded,
    never: &[PathBuf],
    store: &Store,
    terms: &Terms<'_>,
) -> Result<Scan, Error> {
    let root = loaded.directory.join(&source.directory).join(&source.path);
    let selection = if source.ignored { Selection::Everything } else { Selection::Committed };
    let own = [loaded.lock_path.clone(), store.root().to_owned()];
    let request = ScanRequest {
        root,
        selection,
        include: source.include.clone(),
        exclude: source.exclude.clone(),
        never: never.iter().cloned().chain(own).collect(),
    };
    // A path that cannot be resolved is reported by the scan itself.
    let real = std::fs::canonicalize(&request.root).unwrap_or_else(|_| request.root.clone());
    let note = note_name(&[
        real.as_os_str().as_bytes(),
        format!("{:?} {:?} {:?}", request.selection, request.include, request.exclude).as_bytes(),
    ]);
    let known = match terms.cache {
        Cache::Used => store.note_bytes(Shelf::Scans, &note).and_then(|bytes| KnownFiles::from_bytes(&bytes)),
        Cache::Ignored => None,
    };
    let scan =
        scan(&request, known, terms.jobs.get()).map_err(|source| Error::Scan { name: name.to_owned(), source })?;
    if terms.is_interrupted() {
        return Err(Error::Interrupted);
    }
    if let KnownChange::Changed(known) = &scan.known {
        store.keep_note_bytes(Shelf::Scans, &note, &known.to_bytes())?;
    }
    (terms.watch)(Event::Scanned { source: name, files: scan.origins.len(), read: scan.read_files });
    Ok(scan)
}

fn archives(template: &Template) -> impl Iterator<Item = SourceRef> {
    let steps = template.layers.iter().flat_map(|layer| &layer.steps);
    steps.filter_map(|step| match &step.action {
        Action::Extract(extract) => Some(extract.from.clone()),
        _ => None,
    })
}

fn unpack_archive(
    reference: &SourceRef,
    gathered: &mut Gathered,
    store: &Store,
    terms: &Terms<'_>,
) -> Result<(), Error> {
    let key = (reference.source.clone(), reference.path.clone());
    let Some(scan) = gathered.scans.get(&reference.source) else { return Ok(()) };
    // A file that is not there is reported by the step, which knows where it was named.
    let Some(Kind::File { content, .. }) = scan.tree.get(&reference.path).map(|node| &node.kind) else {
        return Ok(());
    };
    if gathered.archives.contains_key(&key) {
        return Ok(());
    }
    let origins = vec![&scan.origins];
    let contents = Everything { origins, spools: Vec::new(), inline: None, interrupted: terms.interrupted };
    let name = format!("{}:{}", reference.source, reference.path);
    let unpacked = unpack(&name, *content, &contents, store)?;
    gathered.archives.insert(key, unpacked);
    Ok(())
}
