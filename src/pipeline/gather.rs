//! What a template takes from beside it and from outside: sources scanned, inputs brought into the store.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::base::glob::Selection as Globs;
use crate::base::{ImagePath, Platform};
use crate::input::image::LayerFiles;
use crate::input::{Arrival, Asked, BaseImage, InputError, Reach, fetch, git, image, url};
use crate::lock::{ImageRequest, Pin, Request};
use crate::source::path::{Form, KnownChange, KnownFiles, Scan, ScanRequest, Selection, Warning, scan};
use crate::store::notes::note_name;
use crate::store::{Shelf, Store};
use crate::template::{PathSource, Source, SourceFrom, SourceRef, Template};
use crate::tree::{Kind, Tree};

use super::asks::{self, Ask, sources};
use super::error::Error;
use super::load::Loaded;
use super::pin::input_error;
use super::terms::{Cache, Event, Terms};

/// Everything that comes in.
#[derive(Debug, Default)]
pub struct Gathered {
    /// Scans of what lies beside the template: two platforms may take two directories under one name.
    pub scans: BTreeMap<ScanKey, NamedScan>,
    /// Downloads, commits, and what commands fetched.
    pub arrivals: BTreeMap<Request, Arrival>,
    /// Bases, and images whose files are taken.
    pub images: BTreeMap<ImageRequest, Foreign>,
}

/// What decides a scan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScanKey {
    path: PathSource,
    include: Vec<String>,
    exclude: Vec<String>,
}

/// A scan, and the first source that asked for it.
#[derive(Debug)]
pub struct NamedScan {
    /// The name of that source.
    pub name: String,
    /// The files.
    pub scan: Scan,
}

/// Somebody else's image.
#[derive(Debug)]
pub struct Foreign {
    /// Its documents.
    pub image: BaseImage,
    /// All its layers put together.
    pub root: Tree,
    /// And one by one.
    pub layers: Vec<LayerFiles>,
}

impl Gathered {
    /// What looks wrong, with the name of the source.
    pub fn warnings(&self) -> impl Iterator<Item = (&str, &Warning)> {
        self.scans.values().flat_map(|named| named.scan.warnings.iter().map(|warning| (named.name.as_str(), warning)))
    }

    /// The scan of a source.
    pub fn scan(&self, source: &Source) -> Option<&Scan> {
        self.scans.get(&scan_key(source)?).map(|named| &named.scan)
    }

    /// Contents of images that steps may ask for.
    pub fn small_contents(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.images.values().flat_map(|foreign| &foreign.layers).flat_map(|layer| &layer.small)
    }

    /// The one file that a source is, if it is one.
    pub fn only_file(&self, source: &Source) -> Option<ImagePath> {
        match &source.from {
            SourceFrom::Path(_) => match &self.scan(source)?.form {
                Form::File(name) => Some(name.clone()),
                Form::Directory => None,
            },
            SourceFrom::Url(url) => {
                let arrival = self.arrivals.get(&Request::Url(url.url.clone()))?;
                arrival.tree.iter().next().map(|(path, _)| path.clone())
            }
            SourceFrom::Git(_) | SourceFrom::Image(_) | SourceFrom::Fetch(_) => None,
        }
    }
}

fn scan_key(source: &Source) -> Option<ScanKey> {
    let SourceFrom::Path(path) = &source.from else { return None };
    Some(ScanKey { path: path.clone(), include: source.include.clone(), exclude: source.exclude.clone() })
}

/// Scans the sources that the templates use, and brings in what they ask for from outside. `never` are files that must not
/// come in: kiln's own outputs.
pub fn gather(
    loaded: &Loaded,
    templates: &mut [Template],
    never: &[PathBuf],
    reach: &Reach<'_>,
    terms: &Terms<'_>,
) -> Result<Gathered, Error> {
    let mut gathered = Gathered::default();
    let gathering = Gathering { loaded, never, reach, terms };
    for (template, platform) in templates.iter().zip(&loaded.platforms) {
        gathering.take(template, &template.used(), platform, Wanted::Everything, &mut gathered)?;
    }
    for template in templates.iter_mut() {
        let files = only_files(template, &gathered);
        template.each_reference(|reference| name_file(reference, &files));
    }
    Ok(gathered)
}

/// How much is brought in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// All of it.
    Everything,
    /// All but images.
    NoImages,
}

/// What things are gathered with.
pub struct Gathering<'a> {
    /// The template and its lock, which has an entry for everything.
    pub loaded: &'a Loaded,
    /// Files that must not come in.
    pub never: &'a [PathBuf],
    /// Where inputs are looked for.
    pub reach: &'a Reach<'a>,
    /// The surroundings.
    pub terms: &'a Terms<'a>,
}

impl Gathering<'_> {
    /// Adds what the base of the image and these sources and stages need. What is there already stays.
    pub fn take(
        &self,
        template: &Template,
        names: &[&str],
        platform: &Platform,
        wanted: Wanted,
        gathered: &mut Gathered,
    ) -> Result<(), Error> {
        let Self { loaded, never, reach, terms } = self;
        for (name, source) in sources(template, names) {
            if let Some(key) = scan_key(source)
                && !gathered.scans.contains_key(&key)
            {
                let scan = scan_source(name, source, loaded, never, reach.store, terms)?;
                gathered.scans.insert(key, NamedScan { name: name.to_owned(), scan });
            }
        }
        let mut asks = asks::Asks::new();
        asks::add_named(template, names, platform, &mut asks);
        for (request, ask) in &asks {
            if terms.is_interrupted() {
                return Err(Error::Interrupted);
            }
            let is_there = match &ask.asked {
                Asked::Image(asked) => wanted == Wanted::NoImages || gathered.images.contains_key(asked),
                _ => gathered.arrivals.contains_key(request),
            };
            if !is_there {
                bring(request, ask, loaded, reach, gathered).map_err(|source| input_error(ask, loaded, source))?;
            }
        }
        Ok(())
    }
}

fn bring(
    request: &Request,
    ask: &Ask,
    loaded: &Loaded,
    reach: &Reach<'_>,
    gathered: &mut Gathered,
) -> Result<(), InputError> {
    let pin = loaded.lock.as_ref().and_then(|lock| lock.inputs.get(request));
    match (&ask.asked, pin) {
        (Asked::Image(asked), Some(Pin::Image(pin))) => {
            let image = image::open(asked, pin, reach)?;
            let (root, layers) = image.root(reach)?;
            gathered.images.insert(asked.clone(), Foreign { image, root, layers });
        }
        (Asked::Url(source), Some(Pin::Url(pin))) => {
            gathered.arrivals.insert(request.clone(), url::bring(source, pin, reach)?);
        }
        (Asked::Git(asked), Some(Pin::Git(pin))) => {
            gathered.arrivals.insert(request.clone(), git::bring(asked, pin, reach)?);
        }
        (Asked::Fetch(asked), Some(Pin::Fetch(pin))) => {
            let gone = || InputError::Gone { input: request.to_string(), digest: pin.tree.to_string() };
            gathered.arrivals.insert(request.clone(), fetch::bring(asked, pin, reach)?.ok_or_else(gone)?);
        }
        // Every request was given a pin of its kind before.
        _ => {}
    }
    Ok(())
}

/// The tree of a source, without what its globs leave out.
pub fn source_tree<'a>(
    source: &Source,
    platform: &Platform,
    gathered: &'a Gathered,
) -> Option<std::borrow::Cow<'a, Tree>> {
    use std::borrow::Cow;
    let tree = match asks::asked(source, platform) {
        None => return gathered.scan(source).map(|scan| Cow::Borrowed(&scan.tree)),
        Some(Asked::Image(request)) => &gathered.images.get(&request)?.root,
        Some(asked) => &gathered.arrivals.get(&asked.request())?.tree,
    };
    // The globs were checked when the template was read.
    let globs = Globs::new(&source.include, &source.exclude).ok()?;
    if globs.is_everything() {
        return Some(Cow::Borrowed(tree));
    }
    let mut taken = Tree::new();
    for (path, node) in tree.iter().filter(|(path, node)| node.kind != Kind::Directory && globs.takes(path, node.is()))
    {
        let mut parent = path.parent();
        while let Some(at) = parent.filter(|at| !at.is_root()) {
            if let Some(node) = tree.get(&at).filter(|_| taken.get(&at).is_none()) {
                taken.insert(at.clone(), node.clone());
            }
            parent = at.parent();
        }
        taken.insert(path.clone(), node.clone());
    }
    Some(Cow::Owned(taken))
}

/// The sources that are one file, and that file.
pub(super) fn only_files(template: &Template, gathered: &Gathered) -> BTreeMap<String, ImagePath> {
    let sources = template.sources.iter();
    sources.filter_map(|(name, source)| Some((name.clone(), gathered.only_file(source)?))).collect()
}

/// A source that is one file means that file when it is named as a whole.
pub(super) fn name_file(reference: &mut SourceRef, files: &BTreeMap<String, ImagePath>) {
    if let Some(name) = files.get(&reference.source)
        && reference.path.is_root()
    {
        reference.path = name.clone();
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
    let SourceFrom::Path(of) = &source.from else {
        return Err(Error::NoSuchSource { wanted: name.to_owned(), found: "it under another kind".to_owned() });
    };
    let root = loaded.directory.join(&of.directory).join(&of.path);
    let selection = if of.ignored { Selection::Everything } else { Selection::Committed };
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
