//! The `index.json` of a layout: what is in it that kiln does not know stays (image-spec, image-layout.md).

use serde_json::{Value, json};

use crate::base::BlobDigest;
use crate::base::json::bytes_of;
use crate::image::checks::DOCUMENT_MAX_BYTES;
use crate::image::{CheckError, Descriptor, Links, MediaType, annotations};
use crate::registry::write::attach::descriptor;
use crate::registry::{Manifest, Tag};

use crate::publish::origin::files::name_of;

/// An index of whatever a layout holds.
pub(super) struct Listing {
    json: Value,
    entries: Vec<Descriptor>,
}

impl Listing {
    /// One without entries.
    pub(super) fn empty() -> Self {
        let json = json!({ "manifests": [], "mediaType": MediaType::ImageIndex.as_ref(), "schemaVersion": 2 });
        Self { json, entries: Vec::new() }
    }

    /// Of the bytes of an `index.json`.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, CheckError> {
        let entries = Links::of(bytes)?.manifests;
        let fail = |source| CheckError::Json { what: "index", source };
        let mut json: Value = serde_json::from_slice(bytes).map_err(fail)?;
        if json["manifests"].is_null() {
            json["manifests"] = json!([]);
        }
        Ok(Self { json, entries })
    }

    /// All entries.
    pub(super) fn entries(&self) -> &[Descriptor] {
        &self.entries
    }

    /// What has a name.
    pub(super) fn named(&self, tag: &Tag) -> Option<&Descriptor> {
        self.entries.iter().find(|entry| name_of(entry) == Some(tag.as_str()))
    }

    /// An entry for a digest.
    pub(super) fn of(&self, digest: &BlobDigest) -> Option<&Descriptor> {
        self.entries.iter().find(|entry| entry.digest == *digest)
    }

    /// Names something that is not named so yet. An entry that only kept it gets the name.
    pub(super) fn name(&mut self, tag: &Tag, manifest: &Manifest) {
        let only_kept = |entry: &Descriptor| entry.digest == manifest.digest && *entry == kept(manifest);
        let mut entry = kept(manifest);
        entry.annotations.insert(annotations::REF_NAME.to_owned(), tag.to_string());
        match self.entries.iter().position(only_kept) {
            Some(at) => self.replace(at, entry),
            None => self.push(entry),
        }
    }

    /// Keeps something without a name.
    pub(super) fn keep(&mut self, manifest: &Manifest) {
        self.push(kept(manifest));
    }

    /// Lists what refers to something else, as registries list it.
    pub(super) fn attach(&mut self, artifact: &Manifest) {
        let mut entry = descriptor(artifact);
        // Its own annotations must not name it here, and readers have to see that it is no image.
        entry.annotations.remove(annotations::REF_NAME);
        entry.artifact_type.get_or_insert_with(|| artifact.media_type.to_string());
        self.push(entry);
    }

    fn push(&mut self, entry: Descriptor) {
        if let Some(all) = self.json["manifests"].as_array_mut() {
            all.push(json!(entry));
        }
        self.entries.push(entry);
    }

    fn replace(&mut self, at: usize, entry: Descriptor) {
        if let (Some(json), Some(known)) = (self.json["manifests"].get_mut(at), self.entries.get_mut(at)) {
            *json = json!(entry);
            *known = entry;
        }
    }

    /// The file; one that nobody would read any more is an error.
    pub(super) fn bytes(&self) -> Result<Vec<u8>, CheckError> {
        let bytes = bytes_of(&self.json);
        match bytes.len() > DOCUMENT_MAX_BYTES {
            true => Err(CheckError::TooLarge { what: "index", size_bytes: bytes.len() }),
            false => Ok(bytes),
        }
    }
}

/// The entry of what has no name: as `kiln build` writes it.
fn kept(manifest: &Manifest) -> Descriptor {
    Descriptor::plain(&manifest.media_type, manifest.digest, manifest.bytes.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::hash::digest_of;

    fn manifest(text: &str) -> Manifest {
        let bytes = text.as_bytes().to_vec();
        Manifest { digest: digest_of(&bytes), media_type: MediaType::ImageManifest, bytes }
    }

    #[test]
    fn what_others_wrote_stays() {
        let other = format!(
            r#"{{"schemaVersion":2,"x":1,"manifests":[{{"mediaType":"a","digest":"{}","size":1,"data":"eA=="}}]}}"#,
            manifest("other").digest
        );
        let mut listing = Listing::parse(other.as_bytes()).expect("an index");
        listing.keep(&manifest("{}"));
        let tag: Tag = "1".parse().expect("a tag");
        listing.name(&tag, &manifest("{}"));
        let bytes = listing.bytes().expect("it is short");
        let json: Value = serde_json::from_slice(&bytes).expect("JSON");
        assert_eq!((&json["x"], &json["manifests"][0]["data"]), (&json!(1), &json!("eA==")));
        assert!(json.get("mediaType").is_none(), "what was not said is not said now");
        let read = Listing::parse(&bytes).expect("an index");
        assert_eq!(read.entries().len(), 2, "the name went to the entry that was kept");
        assert_eq!(read.named(&tag).map(|entry| entry.digest), Some(manifest("{}").digest));
        listing.name(&"2".parse().expect("a tag"), &manifest("{}"));
        assert_eq!(listing.entries().len(), 3);
    }

    #[test]
    fn attachments_have_a_kind_and_no_name() {
        let artifact = manifest(r#"{"annotations":{"org.opencontainers.image.ref.name":"1","a":"b"}}"#);
        let mut listing = Listing::empty();
        listing.attach(&artifact);
        let entry = listing.of(&artifact.digest).expect("it is there");
        assert_eq!(entry.artifact_type.as_deref(), Some(MediaType::ImageManifest.as_ref()));
        assert_eq!(entry.annotations.iter().collect::<Vec<_>>(), [(&"a".to_owned(), &"b".to_owned())]);
    }

    #[test]
    fn an_index_that_nobody_would_read_is_not_written() {
        let long = format!(r#"{{"manifests":null,"x":"{}"}}"#, "x".repeat(DOCUMENT_MAX_BYTES - 30));
        let mut listing = Listing::parse(long.as_bytes()).expect("an index");
        listing.keep(&manifest("{}"));
        assert!(matches!(listing.bytes(), Err(CheckError::TooLarge { .. })));
    }
}
