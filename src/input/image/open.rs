//! From a name to a pin, and from a pin to the documents of an image.

use serde_json::Value;

use crate::base::{ManifestDigest, Platform};
use crate::image::{Image, IndexEntry, checks};
use crate::input::{InputError, Reach};
use crate::lock::{ImagePin, ImageRequest};
use crate::source::image as file;

use super::named::Named;

/// An image for one platform whose documents are here.
#[derive(Debug, Clone)]
pub struct BaseImage {
    /// As the template asks for it.
    pub request: ImageRequest,
    /// What the lock says it is.
    pub pin: ImagePin,
    /// Its documents and layers.
    pub image: Image,
    /// Its config.
    pub config: Value,
    /// Where it is.
    pub(super) named: Named,
}

impl BaseImage {
    /// Its whole name in a registry, if it is in one.
    pub fn registry_name(&self) -> Option<String> {
        match &self.named {
            Named::Registry(name) => Some(name.to_string()),
            Named::File(_) | Named::Store(_) => None,
        }
    }
}

/// Asks what the name of an image means now.
pub fn resolve(request: &ImageRequest, reach: &Reach<'_>) -> Result<ImagePin, InputError> {
    let named = Named::parse(&request.image, &reach.directory)?;
    match &named {
        Named::Registry(name) => {
            let found = reach.remote.resolve(name)?;
            let digest = found.digest.to_string();
            reach.store.put_bytes(&digest, &found.bytes)?;
            pin(request, digest, &found.bytes)
        }
        Named::Store(name) => {
            let (_, entry) = reach.store.find(name)?;
            let bytes = reach.store.read_blob(&entry.digest)?;
            pin(request, entry.digest, &bytes)
        }
        Named::File(reference) => {
            let file = file::open(reference)?;
            let image = file.image(Some(&request.platform))?;
            Ok(ImagePin { digest: file.digest(), manifest: image.manifest.digest })
        }
    }
}

/// The image for another platform in an index that is known by digest.
pub fn resolve_in(request: &ImageRequest, digest: &str, reach: &Reach<'_>) -> Result<ImagePin, InputError> {
    let named = Named::parse(&request.image, &reach.directory)?;
    let bytes = document(request, &named, digest, Document::Manifest, reach)?;
    pin(request, digest.to_owned(), &bytes)
}

/// The manifest for the platform in an index, or the manifest itself.
fn pin(request: &ImageRequest, digest: String, bytes: &[u8]) -> Result<ImagePin, InputError> {
    let Ok(entries) = checks::index(bytes) else {
        checks::manifest(bytes)
            .map_err(|source| InputError::Check { image: request.image.clone(), source: Box::new(source) })?;
        let manifest: ManifestDigest = crate::base::hash::digest_of(bytes);
        return Ok(ImagePin { digest, manifest });
    };
    let entry = choose(&entries, &request.platform).ok_or_else(|| {
        let found = entries.iter().filter_map(|entry| entry.platform.as_ref()).filter(|found| found.os != "unknown");
        let found = found.map(Platform::to_string).collect::<Vec<_>>().join(", ");
        InputError::NoSuchPlatform { image: request.image.clone(), wanted: Box::new(request.platform.clone()), found }
    })?;
    Ok(ImagePin { digest, manifest: entry.digest })
}

/// The first image of an index that runs on a platform: its own, else one that differs only in a variant that says
/// nothing (image-spec, image-index.md, "Platform Variants": every arm64 is v8).
pub fn choose<'a>(entries: &'a [IndexEntry], wanted: &Platform) -> Option<&'a IndexEntry> {
    let images = || entries.iter().filter(|entry| checks::is_manifest(&entry.media_type));
    let exact = images().find(|entry| entry.platform.as_ref() == Some(wanted));
    exact.or_else(|| images().find(|entry| entry.platform.as_ref().is_some_and(|found| found.runs_on(wanted))))
}

/// The documents of a pinned image: from the store, else from a vendored layout, else from where it is.
pub fn open(request: &ImageRequest, pin: &ImagePin, reach: &Reach<'_>) -> Result<BaseImage, InputError> {
    let opened = read(request, pin, reach)?;
    if opened.image.platform.runs_on(&request.platform) {
        return Ok(opened);
    }
    Err(InputError::NoSuchPlatform {
        image: request.image.clone(),
        wanted: Box::new(request.platform.clone()),
        found: opened.image.platform.to_string(),
    })
}

/// The same, whatever platform it is for.
fn read(request: &ImageRequest, pin: &ImagePin, reach: &Reach<'_>) -> Result<BaseImage, InputError> {
    let named = Named::parse(&request.image, &reach.directory)?;
    let manifest = document(request, &named, &pin.manifest.to_string(), Document::Manifest, reach)?;
    let check = |source| InputError::Check { image: request.image.clone(), source: Box::new(source) };
    let facts = checks::manifest(&manifest).map_err(check)?;
    let config =
        document(request, &named, &facts.config.to_string(), Document::Config(facts.config_size_bytes), reach)?;
    let image = checks::image(manifest, config).map_err(check)?;
    let config = serde_json::from_slice(&image.config.bytes)
        .map_err(|source| check(crate::image::CheckError::Json { what: "config", source }))?;
    Ok(BaseImage { request: request.clone(), pin: pin.clone(), image, config, named })
}

/// What a name in a registry holds now: the digest, and the images for all platforms or for one. `platform` stands in
/// where the registry does not say.
pub fn look(image: &str, platform: &Platform, reach: &Reach<'_>) -> Result<(String, Vec<BaseImage>), InputError> {
    let name: crate::registry::ImageName = image.parse()?;
    let found = reach.remote.resolve(&name)?;
    let digest = found.digest.to_string();
    reach.store.put_bytes(&digest, &found.bytes)?;
    let manifests: Vec<(ManifestDigest, Platform)> = match checks::index(&found.bytes) {
        Err(_) => vec![(crate::base::hash::digest_of(&found.bytes), platform.clone())],
        Ok(entries) => entries
            .into_iter()
            .filter(|entry| checks::is_manifest(&entry.media_type))
            .filter_map(|entry| Some((entry.digest, entry.platform.filter(|platform| platform.os != "unknown")?)))
            .collect(),
    };
    let images = manifests.into_iter().map(|(manifest, platform)| {
        let request = ImageRequest { image: image.to_owned(), platform };
        read(&request, &ImagePin { digest: digest.clone(), manifest }, reach)
    });
    Ok((digest.clone(), images.collect::<Result<_, _>>()?))
}

/// Which document.
#[derive(Clone, Copy)]
enum Document {
    Manifest,
    /// And its length.
    Config(u64),
}

fn document(
    request: &ImageRequest,
    named: &Named,
    digest: &str,
    which: Document,
    reach: &Reach<'_>,
) -> Result<Vec<u8>, InputError> {
    if let Ok(bytes) = reach.store.read_blob(digest) {
        return Ok(bytes);
    }
    let bytes = match (reach.vendor.and_then(|vendor| vendor.document(digest)), named) {
        (Some(bytes), _) => bytes,
        (None, Named::Registry(name)) => {
            let source = |source| InputError::Digest { image: request.image.clone(), source };
            let digest = digest.parse().map_err(source)?;
            match which {
                Document::Manifest => reach.remote.manifest(name, digest)?,
                Document::Config(size_bytes) => reach.remote.document(name, digest, size_bytes)?,
            }
        }
        (None, Named::File(reference)) => {
            let image = file::open(reference)?.image(Some(&request.platform))?;
            if image.manifest.digest.to_string() != digest && image.config.digest.to_string() != digest {
                return Err(InputError::Moved {
                    input: request.image.clone(),
                    expected: digest.to_owned(),
                    found: image.manifest.digest.to_string(),
                });
            }
            match which {
                Document::Manifest => image.manifest.bytes,
                Document::Config(_) => image.config.bytes,
            }
        }
        (None, Named::Store(_)) => {
            return Err(InputError::Gone { input: request.image.clone(), digest: digest.to_owned() });
        }
    };
    reach.store.put_bytes(digest, &bytes)?;
    Ok(bytes)
}
