//! Throw-away content: images that nobody has, so that nothing of it is shared with anything that is to stay.

use serde_json::{Value, json};

use crate::base::json::bytes_of;
use crate::base::{BlobDigest, hash::digest_of};
use crate::image::MediaType;
use crate::registry::Manifest;

/// What kind of artifact the referrer is.
const KIND: &str = "application/vnd.kiln.probe.v1";

/// Makes content that is different for each word.
#[derive(Debug, Clone)]
pub(super) struct Content {
    word: String,
}

impl Content {
    pub(super) fn new(word: &str) -> Self {
        Self { word: word.to_owned() }
    }

    /// A config as images have it.
    pub(super) fn config(&self) -> Vec<u8> {
        let diff_id = digest_of::<BlobDigest>(&self.layer()).to_string();
        bytes_of(&json!({
            "architecture": "amd64",
            "os": "linux",
            "config": { "Labels": { "dev.kiln.probe": self.word } },
            "rootfs": { "type": "layers", "diff_ids": [diff_id] },
        }))
    }

    /// A few bytes as the one layer.
    pub(super) fn layer(&self) -> Vec<u8> {
        format!("{}\n", self.word).into_bytes()
    }

    /// So many bytes that differ from those of every other `name`.
    pub(super) fn blob(&self, name: &str, length: usize) -> Vec<u8> {
        let line = format!("{} {name}\n", self.word).into_bytes();
        line.into_iter().cycle().take(length).collect()
    }

    /// An image with a note, so that two notes are two images.
    pub(super) fn image(&self, note: &str) -> Manifest {
        manifest(&self.document(note))
    }

    /// An image whose manifest has exactly so many bytes; nothing if it cannot be that small.
    pub(super) fn image_of(&self, size_bytes: usize) -> Option<Manifest> {
        let bare = self.image("").bytes.len();
        let padding = size_bytes.checked_sub(bare)?;
        Some(self.image(&"x".repeat(padding)))
    }

    /// An artifact that refers to an image.
    pub(super) fn referrer(&self, to: &Manifest) -> Manifest {
        let mut document = self.document("referrer");
        document["artifactType"] = json!(KIND);
        document["subject"] = json!({
            "mediaType": to.media_type.as_ref(),
            "digest": to.digest.to_string(),
            "size": to.bytes.len(),
        });
        manifest(&document)
    }

    fn document(&self, note: &str) -> Value {
        let descriptor = |media_type: &str, bytes: &[u8]| {
            let digest = digest_of::<BlobDigest>(bytes).to_string();
            json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() })
        };
        json!({
            "schemaVersion": 2,
            "mediaType": MediaType::ImageManifest.as_ref(),
            "config": descriptor(MediaType::ImageConfig.as_ref(), &self.config()),
            "layers": [descriptor(MediaType::ImageLayer.as_ref(), &self.layer())],
            "annotations": { "dev.kiln.probe": note },
        })
    }
}

fn manifest(document: &Value) -> Manifest {
    let bytes = bytes_of(document);
    Manifest { digest: digest_of(&bytes), media_type: MediaType::ImageManifest, bytes }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Links;

    #[test]
    fn nothing_is_shared_between_two_words_or_two_notes() {
        let (one, other) = (Content::new("one"), Content::new("other"));
        assert_ne!(one.config(), other.config());
        assert_ne!(one.layer(), other.layer());
        assert_ne!(one.blob("a", 4000), one.blob("b", 4000));
        assert_ne!(one.blob("a", 4000), other.blob("a", 4000));
        assert_ne!(one.image("a").digest, one.image("b").digest);
        let links = Links::of(&one.referrer(&one.image("a")).bytes).expect("a manifest");
        assert_eq!(links.subject.map(|subject| subject.digest), Some(one.image("a").digest));
    }

    #[test]
    fn padding_gives_exactly_the_length() {
        let content = Content::new("word");
        for size_bytes in [2000, 65_536, (4 << 20) - 1] {
            let image = content.image_of(size_bytes).expect("large enough");
            assert_eq!(image.bytes.len(), size_bytes);
        }
        assert_eq!(content.image_of(10), None);
    }
}
