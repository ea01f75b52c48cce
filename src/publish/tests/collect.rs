//! What belongs to an image.

use super::*;
use crate::registry::Kind;
use crate::store::{AttachedNote, Store};

fn digests(manifests: &[Manifest]) -> Vec<BlobDigest> {
    manifests.iter().map(|manifest| manifest.digest).collect()
}

#[test]
fn everything_below_and_above_is_collected_once() {
    let mut shelf = Shelf::default();
    let (one, two) = (shelf.image("one"), shelf.image("two"));
    let inner = shelf.index(&[&one]);
    let top = shelf.index(&[&inner, &one, &two]);
    let signature = shelf.artifact(&one, "signature");
    let of_signature = shelf.artifact(&signature, "countersignature");
    let of_top = shelf.artifact(&top, "attestation");
    // A list that clients keep may name anything.
    let stranger = shelf.artifact(&two, "stranger");
    shelf.referrers.insert(two.digest, Vec::new());
    shelf.referrers.entry(top.digest).or_default().push(entry(&stranger));
    let sig = Tag::companion(&two.digest, Kind::Signature);
    shelf.tags.insert(sig.to_string(), stranger.digest);
    let shipment = collect(&shelf, top.clone()).expect("it is whole");
    assert_eq!(digests(&shipment.manifests), digests(&[one.clone(), inner, two.clone(), top.clone()]));
    let attached: Vec<_> = shipment.attachments.iter().map(|it| (it.subject, it.manifest.digest)).collect();
    let expected =
        [(one.digest, signature.digest), (top.digest, of_top.digest), (signature.digest, of_signature.digest)];
    assert_eq!(attached, expected);
    let companions: Vec<_> = shipment.companions.iter().map(|it| (it.subject, &it.tag)).collect();
    assert_eq!(companions, [(two.digest, &sig)]);
}

#[test]
fn an_index_that_refers_comes_with_what_it_leads_to() {
    let mut shelf = Shelf::default();
    let (image, part) = (shelf.image("one"), shelf.image("part"));
    let list = shelf.document(&json!({
        "schemaVersion": 2,
        "mediaType": MediaType::ImageIndex.as_ref(),
        "manifests": [entry(&part)],
        "subject": entry(&image),
    }));
    shelf.referrers.insert(image.digest, vec![entry(&list)]);
    let shipment = collect(&shelf, image.clone()).expect("it is whole");
    assert_eq!(digests(&shipment.leaves), [part.digest]);
    let directory = tempfile::tempdir().expect("a directory");
    let place = LayoutPlace::open(directory.path()).expect("it is empty");
    send(&shelf, &image, &place, &["1"]).expect("sent");
    assert!(place.has_manifest(&list.digest).expect("asked"));
}

#[test]
fn what_never_ends_is_no_image() {
    let mut shelf = Shelf::default();
    let mut deep = shelf.image("one");
    for _ in 0..10 {
        deep = shelf.index(&[&deep]);
    }
    assert!(matches!(collect(&shelf, deep), Err(PublishError::Endless { .. })));
    let image = shelf.image("two");
    let mut last = image.clone();
    for at in 0..10 {
        last = shelf.artifact(&last, &format!("note {at}"));
    }
    assert!(matches!(collect(&shelf, image), Err(PublishError::Endless { .. })));
    let (mut shelf, mut many) = (Shelf::default(), Vec::new());
    for at in 0..2_100 {
        many.push(shelf.document(&json!({ "schemaVersion": 2, "annotations": { "at": at.to_string() } })));
    }
    let wide = shelf.index(&many.iter().collect::<Vec<_>>());
    assert!(matches!(collect(&shelf, wide), Err(PublishError::Endless { .. })));
}

#[test]
fn what_an_index_lacks_is_named() {
    let mut shelf = Shelf::default();
    let image = shelf.image("one");
    let index = shelf.index(&[&image]);
    shelf.blobs.remove(&image.digest);
    assert!(matches!(collect(&shelf, index), Err(PublishError::NoBlob { digest, .. }) if digest == image.digest));
}

#[test]
fn a_companion_that_holds_something_else_is_left_and_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut shelf = Shelf::default();
    let (image, other) = (shelf.image("one"), shelf.image("other"));
    let signature = shelf.image("signature");
    let sig = Tag::companion(&image.digest, Kind::Signature);
    let place = LayoutPlace::open(directory.path()).expect("it is empty");
    send(&shelf, &other, &place, &[sig.as_str()]).expect("sent");
    shelf.tags.insert(sig.to_string(), signature.digest);
    let receipt = send(&shelf, &image, &place, &["1"]).expect("sent");
    assert_eq!(receipt.left, [(sig.clone(), other.digest)]);
    assert_eq!(place.holds(&sig).expect("asked"), Some(other.digest));
}

#[test]
fn the_store_knows_what_came_along() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(directory.path()).expect("a store");
    let mut shelf = Shelf::default();
    let (image, signature) = (shelf.image("one"), shelf.image("signature"));
    let artifact = shelf.artifact(&image, "note");
    let sig = Tag::companion(&image.digest, Kind::Signature);
    shelf.tags.insert(sig.to_string(), signature.digest);
    let shipment = collect(&shelf, image.clone()).expect("it is whole");
    for piece in shipment.pieces().expect("manifests") {
        store.put_bytes(&piece.manifest.digest.to_string(), &piece.manifest.bytes).expect("kept");
        for blob in piece.blobs {
            shelf.keep(&blob, &store).expect("kept");
        }
    }
    let note =
        AttachedNote { referrers: [artifact.digest].into(), companions: [(sig.to_string(), signature.digest)].into() };
    store.keep_note(crate::store::Shelf::Attached, &image.digest.hex(), &note).expect("kept");
    let origin = origin::StoreOrigin { store: &store };
    assert_eq!(collect(&origin, image.clone()).expect("it is whole"), shipment);
    let missing = entry(&shelf.image("elsewhere"));
    assert!(matches!(Stock::open(&origin, &missing), Err(PublishError::NoBlob { .. })));
    let layer = shelf.blobs.iter().find(|(_, bytes)| bytes.len() > 1000).map(|(digest, _)| *digest).expect("a layer");
    let wrong = Descriptor::plain(&MediaType::ImageLayer, layer, 3);
    assert!(matches!(shelf.keep(&wrong, &store), Err(PublishError::Damaged { .. })));
}

#[test]
fn a_companion_that_is_an_index_comes_with_what_it_leads_to() {
    let mut shelf = Shelf::default();
    let (image, part) = (shelf.image("one"), shelf.image("part"));
    let list = shelf.index(&[&part]);
    let sig = Tag::companion(&image.digest, Kind::Signature);
    shelf.tags.insert(sig.to_string(), list.digest);
    let shipment = collect(&shelf, image.clone()).expect("it is whole");
    assert_eq!(digests(&shipment.leaves), [part.digest]);
    let directory = tempfile::tempdir().expect("a directory");
    let place = LayoutPlace::open(directory.path()).expect("it is empty");
    send(&shelf, &image, &place, &["1"]).expect("sent");
    assert!(place.has_manifest(&list.digest).expect("asked"));
}

#[test]
fn documents_are_fetched_once_and_their_bytes_have_an_end() {
    let mut shelf = Shelf::default();
    let mut large = |at: usize| {
        let note = "x".repeat(3 * 1024 * 1024);
        shelf.document(&json!({ "schemaVersion": 2, "annotations": { "at": at.to_string(), "note": note } }))
    };
    let many: Vec<Manifest> = (0..25).map(&mut large).collect();
    let same = shelf.index(&[&many[0]; 40]);
    assert_eq!(collect(&shelf, same).expect("it is one").manifests.len(), 2);
    let all = shelf.index(&many.iter().collect::<Vec<_>>());
    let error = collect(&shelf, all.clone()).expect_err("it is too much");
    assert!(matches!(error, PublishError::TooMuch { digest, .. } if digest == all.digest), "{error:?}");
}
