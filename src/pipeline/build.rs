//! Makes what was prepared.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use crate::assemble::{AssembleError, Order, Previous, assemble};
use crate::base::{ContentDigest, DiffId, ImagePath, Platform};
use crate::image::{self, Image, Index, LayerDescriptor, annotations};
use crate::input::image::wanted;
use crate::input::{Reach, Spool, each};
use crate::layer::BlockIndex;
use crate::layer::codec::pack;
use crate::lock::Pin;
use crate::plan::LayerPlan;
use crate::secret::SecretError;
use crate::store::notes::packed_name;
use crate::store::{BuildNote, Entry, LayerNote, Name, PackedNote, Shelf, Store, StoreError};
use crate::tree::{ContentError, dump};

use super::contents::Everything;
use super::error::Error;
use super::keys;
use super::landing;
use super::prepare::{LayerContent, Prepared, PreparedPlatform, State, build_name, state};
use super::terms::{Cache, Event, Terms};

/// What was built.
#[derive(Debug)]
pub struct Built {
    /// One for each platform, in order.
    pub images: Vec<Image>,
    /// For several platforms.
    pub index: Option<Index>,
    /// All layers.
    pub layers: Vec<BuiltLayer>,
}

/// A layer of a built image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltLayer {
    /// Its platform.
    pub platform: Platform,
    /// Its name in the template.
    pub name: String,
    /// Its blob.
    pub descriptor: LayerDescriptor,
    /// Length of its tar.
    pub raw_bytes: u64,
    /// The files in it that have a private key which is not from beside the template and not expected, and its kind.
    pub foreign_keys: Vec<(ImagePath, String)>,
    /// Whether it was there already.
    pub cached: bool,
}

impl Built {
    /// The digest of the index, or of the one manifest.
    pub fn digest(&self) -> String {
        match (&self.index, self.images.first()) {
            (Some(index), _) => index.digest.to_string(),
            (None, Some(image)) => image.manifest.digest.to_string(),
            (None, None) => String::new(),
        }
    }

    /// The bytes with that digest, and what they are.
    pub fn top(&self) -> (&[u8], String) {
        match (&self.index, self.images.first()) {
            (Some(index), _) => (&index.bytes, image::MediaType::ImageIndex.to_string()),
            (None, Some(image)) => (&image.manifest.bytes, image.manifest.media_type.to_string()),
            (None, None) => (&[], String::new()),
        }
    }
}

/// Makes the layers that are missing, then the images, and moves the local name.
pub fn build(prepared: &Prepared, reach: &Reach<'_>, terms: &Terms<'_>) -> Result<Built, Error> {
    let store = reach.store;
    keys::tell_bases(prepared, terms);
    let taken = take_out(prepared, &missing_contents(prepared, store, terms), reach)?;
    let layers = make_layers(prepared, &taken, store, terms)?;
    keys::tell_layers(&layers, terms);
    let mut images = Vec::new();
    let mut rest = layers.as_slice();
    for platform in &prepared.platforms {
        let (own, others) = rest.split_at(platform.layers.len());
        images.push(make_image(prepared, platform, own));
        rest = others;
    }
    let annotations = annotations::annotations(
        prepared.plan.created,
        prepared.plan.name.as_deref(),
        prepared.plan.version.as_deref(),
        &prepared.plan.annotations,
    );
    let index = if images.len() > 1 { Some(image::index(&images, &annotations)?) } else { None };
    let built = Built { images, index, layers };
    keep(prepared, &built, store, terms)?;
    Ok(built)
}

/// The contents of all layers that have to be made.
fn missing_contents(prepared: &Prepared, store: &Store, terms: &Terms<'_>) -> BTreeSet<ContentDigest> {
    let layers =
        prepared.platforms.iter().flat_map(|platform| platform.layers.iter().map(move |layer| (platform, layer)));
    let contents = layers.filter_map(|(platform, layer)| Some((platform, layer.content.as_ref()?)));
    let missing = contents.filter(|(platform, content)| {
        terms.cache == Cache::Ignored || state(content, &platform.codec, store) == State::Missing
    });
    missing.flat_map(|(_, content)| wanted(content.changeset.nodes().map(|(_, node)| node))).collect()
}

/// Those of the contents that only somebody else's images have, taken out of their layers.
pub(super) fn take_out(
    prepared: &Prepared,
    contents: &BTreeSet<ContentDigest>,
    reach: &Reach<'_>,
) -> Result<Vec<Spool>, Error> {
    let mut contents = contents.clone();
    let mut taken = Vec::new();
    for foreign in prepared.gathered.images.values() {
        taken.extend(foreign.image.spool(&foreign.layers, &mut contents, reach)?);
    }
    Ok(taken)
}

/// One layer to make, and its place among all.
#[derive(Clone, Copy)]
struct Job<'a> {
    place: usize,
    platform: &'a PreparedPlatform,
    plan: &'a LayerPlan,
    content: &'a LayerContent,
}

/// Small layers are made several at once, each on one thread; large ones one after the other, each on all threads. The
/// results are in the order of the plan. A layer that several platforms have is made once.
fn make_layers(
    prepared: &Prepared,
    taken: &[Spool],
    store: &Store,
    terms: &Terms<'_>,
) -> Result<Vec<BuiltLayer>, Error> {
    let layers =
        prepared.platforms.iter().flat_map(|platform| platform.layers.iter().map(move |layer| (platform, layer)));
    let jobs = layers.enumerate().map(|(place, (platform, layer))| {
        let content = layer.content.as_ref().ok_or_else(|| Error::NotRun { layer: layer.plan.name.clone() })?;
        Ok(Job { place, platform, plan: &layer.plan, content })
    });
    let jobs = jobs.collect::<Result<Vec<Job<'_>>, Error>>()?;
    let (small, large): (Vec<Job<'_>>, Vec<Job<'_>>) =
        jobs.iter().partition(|job| workers(terms.jobs, job.content.made.content_bytes).get() == 1);
    let mut first = BTreeSet::new();
    let (fresh, again): (Vec<Job<'_>>, Vec<Job<'_>>) =
        small.into_iter().partition(|job| first.insert((&job.content.key, &job.plan.codec)));
    let mut made: Vec<Option<BuiltLayer>> = jobs.iter().map(|_| None).collect();
    // The first failure in the order of the plan is the one that is told.
    let built = each(&fresh, terms.jobs.get(), |job| build_layer(prepared, job, taken, store, terms))?;
    for (job, layer) in fresh.iter().zip(built) {
        made[job.place] = Some(layer);
    }
    for job in again.iter().chain(&large) {
        made[job.place] = Some(build_layer(prepared, job, taken, store, terms)?);
    }
    Ok(made.into_iter().flatten().collect())
}

fn make_image(prepared: &Prepared, platform: &PreparedPlatform, layers: &[BuiltLayer]) -> Image {
    let layers: Vec<(String, LayerDescriptor)> =
        layers.iter().map(|layer| (layer.name.clone(), layer.descriptor.clone())).collect();
    let foreign = platform.base.as_ref().and_then(|request| prepared.gathered.images.get(request));
    let name = foreign.and_then(|foreign| foreign.image.registry_name());
    let digest = foreign.map(|foreign| foreign.image.image.manifest.digest.to_string()).unwrap_or_default();
    image::build(&image::Plan {
        platform: &platform.platform,
        created: prepared.plan.created,
        name: prepared.plan.name.as_deref(),
        version: prepared.plan.version.as_deref(),
        config: &platform.template.config,
        annotations: &platform.template.annotations,
        base: foreign.map(|foreign| image::Base {
            config: &foreign.image.config,
            layers: &foreign.image.image.layers,
            origin: name.as_deref().map(|name| (name, digest.as_str())),
        }),
        layers: &layers,
    })
}

fn build_layer(
    prepared: &Prepared,
    job: &Job<'_>,
    taken: &[Spool],
    store: &Store,
    terms: &Terms<'_>,
) -> Result<BuiltLayer, Error> {
    let Job { platform, plan, content, .. } = *job;
    // Another platform of this build may have made the same layer meanwhile, or it was found damaged.
    let now = match terms.cache {
        Cache::Used => state(content, &platform.codec, store),
        Cache::Ignored => State::Missing,
    };
    let name = plan.name.clone();
    let built = match now {
        State::Cached(raw_bytes, descriptor) => {
            // It may have been packed for a template that allows more.
            let found = keys::noted(prepared, content, store, terms)?;
            let foreign_keys = keys::sift(prepared, platform, plan, &content.changeset, found)?;
            let platform = platform.platform.clone();
            BuiltLayer { platform, name, descriptor, raw_bytes, foreign_keys, cached: true }
        }
        State::Missing | State::Unknown => make_layer(prepared, job, taken, store, terms)?,
    };
    (terms.watch)(Event::LayerEnds {
        platform: &built.platform,
        name: &built.name,
        cached: built.cached,
        bytes: built.descriptor.size_bytes,
    });
    Ok(built)
}

fn make_layer(
    prepared: &Prepared,
    job: &Job<'_>,
    taken: &[Spool],
    store: &Store,
    terms: &Terms<'_>,
) -> Result<BuiltLayer, Error> {
    let Job { platform, plan, content: LayerContent { made, key, changeset }, .. } = job;
    let bytes = made.content_bytes;
    (terms.watch)(Event::LayerBegins { platform: &platform.platform, name: &plan.name, bytes });
    let contents = everything(prepared, taken, terms);
    let found = landing::found_keys(changeset, &contents).map_err(|error| match error {
        _ if terms.is_interrupted() => Error::Interrupted,
        error => {
            set_aside_damaged(prepared, store);
            not_packed(error, &plan.name)
        }
    })?;
    let noted = landing::written_keys(&found);
    let foreign_keys = keys::sift(prepared, platform, plan, changeset, found)?;
    let previous = match terms.cache {
        Cache::Used => previous(prepared, platform, plan, store),
        Cache::Ignored => None,
    };
    let order = Order {
        changeset,
        contents: &contents,
        epoch: prepared.plan.epoch.seconds(),
        codec: platform.codec,
        previous: previous.as_ref(),
        workers: workers(terms.jobs, bytes),
        progress: &|bytes| (terms.watch)(Event::LayerBytes(bytes)),
    };
    let mut writer = store.writer()?;
    let assembled = assemble(&order, &mut writer).map_err(|source| match source {
        _ if terms.is_interrupted() => Error::Interrupted,
        AssembleError::Write(error) if error.kind() == std::io::ErrorKind::StorageFull => {
            StoreError::Full { store: store.root().to_owned() }.into()
        }
        source => {
            if let AssembleError::Content(ContentError::Read { .. }) = &source {
                set_aside_damaged(prepared, store);
            }
            Error::Layer { name: plan.name.clone(), source }
        }
    })?;
    writer.commit(&assembled.digest.to_string())?;
    let note = LayerNote {
        diff_id: assembled.diff_id,
        raw_bytes: assembled.raw_bytes,
        tree: made.tree,
        private_keys: Some(noted),
    };
    let packed = PackedNote {
        diff_id: assembled.diff_id,
        codec: plan.codec.clone(),
        digest: assembled.digest,
        size_bytes: assembled.blob_bytes,
    };
    let tree = pack(dump::write(changeset).as_bytes());
    store.keep_note_bytes(Shelf::Trees, &made.tree.hex(), &tree)?;
    store.keep_note_bytes(Shelf::Blocks, &assembled.digest.hex(), &assembled.index.to_bytes())?;
    store.keep_note(Shelf::Packed, &packed_name(&assembled.diff_id, &plan.codec), &packed)?;
    store.keep_note(Shelf::Layers, &key.hex(), &note)?;
    Ok(BuiltLayer {
        platform: platform.platform.clone(),
        name: plan.name.clone(),
        descriptor: descriptor(assembled.diff_id, &packed, platform),
        raw_bytes: assembled.raw_bytes,
        foreign_keys,
        cached: false,
    })
}

/// What cannot be searched because it cannot be read cannot be packed either, and is told as that.
fn not_packed(error: Error, layer: &str) -> Error {
    match error {
        Error::Search(SecretError::Read { path, source }) => match source.downcast::<ContentError>() {
            Ok(content) => Error::Layer { name: layer.to_owned(), source: content.into() },
            Err(source) => SecretError::Read { path, source }.into(),
        },
        other => other,
    }
}

/// A damaged blob that contents come from goes out of the way, so that the next build gets it anew.
fn set_aside_damaged(prepared: &Prepared, store: &Store) {
    let arrivals = prepared.gathered.arrivals.values().map(|arrival| &arrival.spool);
    // What is wrong with each is said already: the layer cannot be made.
    arrivals
        .chain(prepared.taken.iter().map(AsRef::as_ref))
        .filter_map(Spool::blob)
        .for_each(|blob| drop(store.verify_blob(blob)));
}

fn descriptor(diff_id: DiffId, packed: &PackedNote, platform: &PreparedPlatform) -> LayerDescriptor {
    LayerDescriptor {
        diff_id,
        digest: packed.digest,
        size_bytes: packed.size_bytes,
        media_type: platform.codec.media_type().into(),
    }
}

/// No more threads than there is work for: starting one costs more than compressing a small layer.
fn workers(jobs: NonZeroUsize, content_bytes: u64) -> NonZeroUsize {
    const BYTES_PER_WORKER: u64 = 256 * 1024;
    let useful = usize::try_from(content_bytes / BYTES_PER_WORKER).unwrap_or(usize::MAX);
    NonZeroUsize::new(useful).unwrap_or(NonZeroUsize::MIN).min(jobs)
}

/// All places where the contents of a build are.
pub(super) fn everything<'a>(prepared: &'a Prepared, taken: &'a [Spool], terms: &Terms<'a>) -> Everything<'a> {
    let arrivals = prepared.gathered.arrivals.values().map(|arrival| &arrival.spool);
    Everything {
        origins: prepared.gathered.scans.values().map(|named| &named.scan.origins).collect(),
        spools: arrivals.chain(prepared.taken.iter().map(AsRef::as_ref)).chain(taken).collect(),
        inlines: vec![&prepared.inline],
        interrupted: terms.interrupted,
    }
}

/// The layer of the same name in the last build, if it was compressed in the same way.
fn previous(prepared: &Prepared, platform: &PreparedPlatform, plan: &LayerPlan, store: &Store) -> Option<Previous> {
    let last = prepared.last.as_ref()?;
    let wanted = platform.platform.to_string();
    let (_, _, digest) = last.blobs.iter().find(|(at, name, _)| *at == wanted && *name == plan.name)?;
    let old = last_layer(last, &platform.platform, &plan.name)?;
    let index = BlockIndex::from_bytes(&store.note_bytes(Shelf::Blocks, &digest.hex())?)?;
    let blob = store.open_blob(&digest.to_string()).ok()?;
    (old.codec == plan.codec).then_some(Previous { index, blob })
}

/// The layer of a name in the last build.
pub fn last_layer<'a>(last: &'a BuildNote, platform: &Platform, name: &str) -> Option<&'a LayerPlan> {
    let of_platform = last.plan.platforms.iter().find(|plan| plan.platform == *platform)?;
    of_platform.layers.iter().find(|layer| layer.name == name)
}

/// Keeps configs, manifests and index, then lets the name hold them, then remembers the build.
fn keep(prepared: &Prepared, built: &Built, store: &Store, terms: &Terms<'_>) -> Result<(), Error> {
    for image in &built.images {
        store.put_bytes(&image.config.digest.to_string(), &image.config.bytes)?;
        store.put_bytes(&image.manifest.digest.to_string(), &image.manifest.bytes)?;
    }
    built.layers.iter().for_each(|layer| store.mark_used(&layer.descriptor.digest.to_string()));
    let (bytes, media_type) = built.top();
    let digest = built.digest();
    store.put_bytes(&digest, bytes)?;
    let documents = built.images.iter().map(|image| (image.config.bytes.len() + image.manifest.bytes.len()) as u64);
    let layers = built.layers.iter().map(|layer| layer.descriptor.size_bytes);
    let when = terms.now.seconds();
    if let Some(name) = &prepared.plan.name {
        let name = Name { name: name.clone(), version: prepared.plan.version.clone() };
        let entry = Entry {
            digest: digest.clone(),
            media_type,
            size_bytes: bytes.len() as u64,
            total_bytes: documents.chain(layers).sum(),
            when,
            narrowed: prepared.platforms.len() < prepared.loaded.settled.platforms.len(),
            pulled: false,
        };
        store.move_name(&name, &entry)?;
    }
    let blob = |layer: &BuiltLayer| (layer.platform.to_string(), layer.name.clone(), layer.descriptor.digest);
    let note = BuildNote {
        template: std::fs::canonicalize(&prepared.loaded.path).unwrap_or_else(|_| prepared.loaded.path.clone()),
        digest,
        when,
        plan: prepared.plan.clone(),
        blobs: built.layers.iter().map(blob).collect(),
        inputs: inputs(prepared),
    };
    let same = |last: &BuildNote| last.digest == note.digest && last.plan == note.plan && last.inputs == note.inputs;
    if !prepared.last.as_ref().is_some_and(same) {
        store.keep_note(Shelf::Builds, &build_name(&prepared.loaded), &note)?;
    }
    Ok(())
}

/// The blobs that came from outside: the next build wants them again, and no manifest names them.
fn inputs(prepared: &Prepared) -> Vec<String> {
    let mut inputs = Vec::new();
    for pin in prepared.loaded.lock.iter().flat_map(|lock| lock.inputs.values()) {
        match pin {
            Pin::Image(pin) => inputs.extend([pin.digest.clone(), pin.manifest.to_string()]),
            Pin::Url(pin) => inputs.push(pin.sha256.to_string()),
            Pin::Git(pin) => inputs.push(pin.tree.to_string()),
            Pin::Fetch(pin) => inputs.push(pin.tree.to_string()),
            Pin::Packages(pin) => inputs.extend(pin.set.iter().map(|package| package.sha256.to_string())),
        }
    }
    inputs.extend(prepared.taken.iter().filter_map(|spool| spool.blob()).map(str::to_owned));
    inputs.extend(prepared.gathered.images.values().map(|foreign| foreign.image.image.config.digest.to_string()));
    inputs
}
