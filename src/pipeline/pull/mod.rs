//! Brings an image into the store, with all that belongs to it.
//!
//! ```text
//! Whole --collect--> Shipment --keep--> blobs, manifests, notes of what refers to them, the name    --> outputs
//! ```

mod supply;

use std::collections::{BTreeMap, BTreeSet};

use crate::base::reference::Output;
use crate::base::{BlobDigest, IndexDigest, LayerDigest, Platform};
use crate::image::{Descriptor, Image, Index, Links, checks};
use crate::input::{Reach, each};
use crate::output::{Other, Receipt, Subject, check_outputs};
use crate::publish::shipment::Piece;
use crate::publish::{Origin, PublishError, Shipment, collect};
use crate::registry::Manifest;
use crate::store::{AttachedNote, Entry, Name, Store};

use super::deliver::deliver_one;
use super::error::Error;
use super::terms::Terms;
use super::whole::{Named, Whole};
use supply::StoredSupply;

/// Blobs that are fetched at once: what registries and browsers are used to.
const AT_ONCE: usize = 4;

/// What was brought.
#[derive(Debug)]
pub struct Pulled {
    /// Of the manifest or index.
    pub digest: BlobDigest,
    /// What it is called in the store now.
    pub name: Name,
    /// Blobs that were not here.
    pub fetched: Vec<Descriptor>,
    /// How many were.
    pub there: usize,
    /// What refers to it, and is here now.
    pub attached: usize,
    /// What became of the outputs.
    pub outputs: Vec<Result<Receipt, Error>>,
}

/// Brings `whole` into the store, and from there to `outputs`.
pub fn pull(whole: &Whole<'_>, outputs: &[Output], reach: &Reach<'_>, terms: &Terms<'_>) -> Result<Pulled, Error> {
    let store = reach.store;
    let digest = whole.top.digest;
    store.check_movable(&whole.name, &digest.to_string())?;
    check_name(&whole.name, whole.named, &digest, store)?;
    check_outputs(outputs, &platforms(&whole.top))?;
    let shipment = collect(&*whole.origin, whole.top.clone())?;
    let pieces = shipment.pieces().map_err(PublishError::from)?;
    let (fetched, there) = bring_blobs(&*whole.origin, &pieces, store, terms)?;
    for piece in &pieces {
        store.put_bytes(&piece.manifest.digest.to_string(), &piece.manifest.bytes)?;
    }
    remember(&shipment, store)?;
    let total_bytes = pieces.iter().map(Piece::size_bytes).sum();
    let entry = Entry {
        digest: digest.to_string(),
        media_type: whole.top.media_type.to_string(),
        size_bytes: whole.top.bytes.len() as u64,
        total_bytes,
        narrowed: false,
        pulled: true,
        when: terms.now.seconds(),
    };
    store.move_name(&whole.name, &entry)?;
    let outputs = if outputs.is_empty() { Vec::new() } else { deliver(whole, &shipment, outputs, reach, terms)? };
    let attached = shipment.attachments.len() + shipment.companions.len();
    Ok(Pulled { digest, name: whole.name.clone(), fetched, there, attached, outputs })
}

/// Refuses a name that a layout chose if it is none, or is that of something that was built here.
fn check_name(name: &Name, named: Named, digest: &BlobDigest, store: &Store) -> Result<(), Error> {
    if name.name.is_empty() || name.version.as_deref() == Some("") {
        return Err(Error::NotAName { name: name.to_string() });
    }
    match (named, store.current(name)) {
        (Named::Inside, Some(held)) if !held.pulled && held.digest != digest.to_string() => {
            Err(Error::BuiltHere { name: name.to_string(), held: held.digest, wanted: *digest })
        }
        _ => Ok(()),
    }
}

/// What an index says that it is for; a manifest alone says nothing and holds one image.
fn platforms(top: &Manifest) -> Vec<Platform> {
    let entries = checks::index(&top.bytes).unwrap_or_default();
    entries.into_iter().filter_map(|entry| entry.platform).filter(|platform| platform.os != "unknown").collect()
}

fn bring_blobs(
    origin: &dyn Origin,
    pieces: &[Piece<'_>],
    store: &Store,
    terms: &Terms<'_>,
) -> Result<(Vec<Descriptor>, usize), Error> {
    let mut seen = BTreeSet::new();
    let blobs = pieces.iter().flat_map(|piece| &piece.blobs).filter(|blob| seen.insert(blob.digest));
    let (there, mut missing): (Vec<&Descriptor>, Vec<&Descriptor>) =
        blobs.partition(|blob| store.has_blob(&blob.digest.to_string(), blob.size));
    there.iter().for_each(|blob| store.mark_used(&blob.digest.to_string()));
    // The largest first, so that none is left alone in the end.
    missing.sort_by_key(|blob| std::cmp::Reverse(blob.size));
    each(&missing, AT_ONCE, |blob| {
        if terms.is_interrupted() {
            return Err(PublishError::Interrupted);
        }
        origin.keep(blob, store)
    })?;
    Ok((missing.into_iter().cloned().collect(), there.len()))
}

/// Adds to what is known to refer to each of the manifests.
fn remember(shipment: &Shipment, store: &Store) -> Result<(), Error> {
    let mut notes: BTreeMap<String, AttachedNote> = BTreeMap::new();
    for attachment in &shipment.attachments {
        notes.entry(attachment.subject.hex()).or_default().referrers.insert(attachment.manifest.digest);
    }
    for companion in &shipment.companions {
        let note = notes.entry(companion.subject.hex()).or_default();
        note.companions.insert(companion.tag.to_string(), companion.manifest.digest);
    }
    for (subject, new) in notes {
        store.add_attached(&subject, new)?;
    }
    Ok(())
}

/// What is written of a shipment whose blobs are here.
struct Parts {
    images: Vec<Image>,
    index: Option<Index>,
    others: Vec<Other>,
}

fn deliver(
    whole: &Whole<'_>,
    shipment: &Shipment,
    outputs: &[Output],
    reach: &Reach<'_>,
    terms: &Terms<'_>,
) -> Result<Vec<Result<Receipt, Error>>, Error> {
    let parts = parts(shipment, reach.store)?;
    let supply = StoredSupply::new(&whole.name, &parts.images, outputs, reach)?;
    let subject = Subject {
        images: &parts.images,
        index: parts.index.as_ref(),
        others: &parts.others,
        name: Some(&whole.name.name),
        version: whole.name.version.as_deref(),
        supply: &supply,
    };
    Ok(outputs.iter().map(|output| deliver_one(&subject, output, reach.store, terms)).collect())
}

fn parts(shipment: &Shipment, store: &Store) -> Result<Parts, Error> {
    let top = shipment.top().ok_or(PublishError::Nothing)?;
    let links = Links::of(&top.bytes).map_err(PublishError::from)?;
    if !links.is_index(&top.media_type) {
        let image = image(top, store)?.map_err(PublishError::from)?;
        return Ok(Parts { images: vec![image], index: None, others: Vec::new() });
    }
    let manifests = checks::index(&top.bytes).map_err(PublishError::from)?;
    let is_image = |manifest: &Manifest| {
        let entry = manifests.iter().find(|entry| entry.digest.as_bytes() == manifest.digest.as_bytes());
        entry.is_some_and(|entry| entry.platform.as_ref().is_none_or(|platform| platform.os != "unknown"))
    };
    let (mut images, mut others) = (Vec::new(), Vec::new());
    for manifest in shipment.manifests.iter().filter(|manifest| manifest.digest != top.digest) {
        match is_image(manifest).then(|| image(manifest, store)).transpose()? {
            Some(Ok(image)) => images.push(image),
            _ => others.push(other(manifest)?),
        }
    }
    let index = Index { bytes: top.bytes.clone(), digest: IndexDigest::from(*top.digest.as_bytes()), manifests };
    Ok(Parts { images, index: Some(index), others })
}

/// The image of a manifest, or why it is none.
fn image(manifest: &Manifest, store: &Store) -> Result<Result<Image, crate::image::CheckError>, Error> {
    let facts = match checks::manifest(&manifest.bytes) {
        Ok(facts) => facts,
        Err(error) => return Ok(Err(error)),
    };
    let config = store.read_blob(&facts.config.to_string())?;
    Ok(checks::image(manifest.bytes.clone(), config))
}

fn other(manifest: &Manifest) -> Result<Other, Error> {
    let piece = Piece::of(manifest).map_err(PublishError::from)?;
    let blobs = piece.blobs.iter().map(|blob| (LayerDigest::from(*blob.digest.as_bytes()), blob.size)).collect();
    Ok(Other { digest: manifest.digest, bytes: manifest.bytes.clone(), blobs })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_moves_no_name_of_what_was_built_here() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(directory.path()).expect("a store");
        let name = |name: &str, version: &str| Name { name: name.to_owned(), version: Some(version.to_owned()) };
        let [built, came] = ["1", "2"].map(|digit| format!("sha256:{}", digit.repeat(64)));
        let entry = |digest: &str, pulled| {
            let (digest, media_type) = (digest.to_owned(), "x".to_owned());
            Entry { digest, media_type, size_bytes: 1, total_bytes: 1, narrowed: false, when: 1, pulled }
        };
        let digest: BlobDigest = came.parse().expect("a digest");
        let (ours, theirs) = (name("shop/api", "1.8.2"), name("other", "1"));
        store.move_name(&ours, &entry(&built, false)).expect("built");
        store.move_name(&theirs, &entry(&built, true)).expect("pulled");
        let refused = check_name(&ours, Named::Inside, &digest, &store).expect_err("it was built here");
        assert!(matches!(refused, Error::BuiltHere { .. }) && refused.hint().is_some(), "{refused:?}");
        assert_eq!(refused.class(), crate::base::Class::Refused);
        check_name(&ours, Named::Inside, &built.parse().expect("a digest"), &store).expect("it holds that");
        check_name(&ours, Named::Outside, &digest, &store).expect("whoever calls kiln chose it");
        check_name(&theirs, Named::Inside, &digest, &store).expect("it came from elsewhere");
        for none in [name("", "1"), name("a", "")] {
            assert!(matches!(check_name(&none, Named::Inside, &digest, &store), Err(Error::NotAName { .. })));
        }
    }
}
