//! An image that exists, with all that belongs to it: where it is read from.

use crate::base::Platform;
use crate::base::reference::{Located, Reference};
use crate::image::{Descriptor, checks};
use crate::input::Reach;
use crate::input::image::choose;
use crate::publish::origin::{FileOrigin, RegistryOrigin, StoreOrigin, document};
use crate::publish::{Origin, PublishError};
use crate::registry::{ImageName, Manifest};
use crate::source::image::ImageFileError;
use crate::store::Name;

use super::error::Error;

/// What a reference leads to.
pub struct Whole<'a> {
    /// Where everything is.
    pub origin: Box<dyn Origin + 'a>,
    /// The manifest or index.
    pub top: Manifest,
    /// What it is called there: a tag, a version, the name in a layout.
    pub called: Option<String>,
    /// What it is called in the store.
    pub name: Name,
    /// Who chose that.
    pub named: Named,
}

/// Who chose what an image is called in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// Whoever called kiln.
    Outside,
    /// Whoever wrote the layout.
    Inside,
}

/// Finds what a reference stands for now. `reach` has to outlive what is found.
pub fn find<'a>(reference: &Reference, reach: &'a Reach<'_>) -> Result<Whole<'a>, Error> {
    match reference {
        Reference::Registry(text) => in_registry(text, reach),
        Reference::Store { name, version } => in_store(&Name { name: name.clone(), version: version.clone() }, reach),
        Reference::OciDirectory(at) | Reference::OciArchive(at) => in_file(reference, at),
        Reference::DockerArchive(at) => {
            let found = "an archive of docker, in which nothing has a digest".to_owned();
            Err(ImageFileError::NotALayout { path: at.path.clone(), found }.into())
        }
    }
}

fn in_registry<'a>(text: &str, reach: &'a Reach<'_>) -> Result<Whole<'a>, Error> {
    let image: ImageName = text.parse().map_err(PublishError::from)?;
    let origin = RegistryOrigin { client: &reach.remote.registry, repository: image.repository.clone() };
    let top = origin.top(&image)?;
    let name = Name { name: image.repository.to_string(), version: image.tag.clone() };
    Ok(Whole { origin: Box::new(origin), top, called: image.tag, name, named: Named::Outside })
}

fn in_store<'a>(name: &Name, reach: &'a Reach<'_>) -> Result<Whole<'a>, Error> {
    let (name, entry) = reach.store.find(name)?;
    let origin = StoreOrigin { store: reach.store };
    let missing = || crate::store::StoreError::Missing { digest: entry.digest.clone() };
    let top = origin.resolve(&entry.digest)?.ok_or_else(missing)?;
    // Its own word is missing in some manifests of others.
    let top = Manifest { media_type: entry.media_type.as_str().into(), ..top };
    Ok(Whole { origin: Box::new(origin), top, called: name.version.clone(), name, named: Named::Outside })
}

fn in_file<'a>(reference: &Reference, at: &Located) -> Result<Whole<'a>, Error> {
    let origin = FileOrigin::open(reference)?;
    let (top, called) = origin.top(at)?;
    let name = name_of_file(at, called.as_deref());
    Ok(Whole { origin: Box::new(origin), top, called, name, named: Named::Inside })
}

/// What something is called in the store that has no more of a name than its file: a layout's own names are whole ones as
/// often as tags.
fn name_of_file(at: &Located, called: Option<&str>) -> Name {
    if let Some((name, version)) = called.and_then(|called| called.rsplit_once(':'))
        && !version.contains('/')
    {
        return Name { name: name.to_owned(), version: Some(version.to_owned()) };
    }
    let path = std::path::absolute(&at.path).unwrap_or_else(|_| at.path.clone());
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    Name { name: stem.unwrap_or_else(|| "image".to_owned()), version: called.map(str::to_owned) }
}

impl<'a> Whole<'a> {
    /// The image for one platform alone.
    pub fn only(self, platform: &Platform) -> Result<Self, Error> {
        let Ok(entries) = checks::index(&self.top.bytes) else { return self.checked_for(platform) };
        let entry = choose(&entries, platform).ok_or_else(|| {
            let found =
                entries.iter().filter_map(|entry| entry.platform.as_ref()).filter(|found| found.os != "unknown");
            let found = found.map(Platform::to_string).collect::<Vec<_>>().join(", ");
            self.has_none_for(platform, found)
        })?;
        let of = Descriptor::plain(&entry.media_type, (*entry.digest.as_bytes()).into(), entry.size_bytes);
        let missing = PublishError::NoBlob { digest: of.digest, size_bytes: of.size };
        let top = self.origin.manifest(&of)?.ok_or(missing)?;
        Ok(Self { top, ..self })
    }

    /// An image without an index says in its config what it is for.
    fn checked_for(self, platform: &Platform) -> Result<Self, Error> {
        let facts = checks::manifest(&self.top.bytes).map_err(PublishError::from)?;
        let digest = (*facts.config.as_bytes()).into();
        let config = Descriptor::plain(&facts.config_media_type, digest, facts.config_size_bytes);
        let config = document(&*self.origin, &config)?;
        let found = checks::config(&config).map_err(PublishError::from)?.platform;
        match found.runs_on(platform) {
            true => Ok(self),
            false => Err(self.has_none_for(platform, found.to_string())),
        }
    }

    fn has_none_for(&self, wanted: &Platform, found: String) -> Error {
        Error::NoImageFor { name: self.name.to_string(), wanted: wanted.to_string(), found }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::base::json::bytes_of;
    use crate::store::Store;

    #[test]
    fn a_platform_that_an_image_lacks_is_told_without_a_template() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(directory.path()).expect("a store");
        let bytes = bytes_of(&json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [{
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "digest": format!("sha256:{}", "0".repeat(64)),
                "size": 2,
                "platform": { "architecture": "amd64", "os": "linux" },
            }],
        }));
        let digest = crate::base::hash::digest_of(&bytes);
        let top = Manifest { digest, media_type: "application/vnd.oci.image.index.v1+json".into(), bytes };
        let name = Name { name: "r.example/x".to_owned(), version: Some("1".to_owned()) };
        let origin = Box::new(StoreOrigin { store: &store });
        let whole = Whole { origin, top, called: None, name, named: Named::Outside };
        let error = whole.only(&"linux/arm64".parse().expect("a platform")).err().expect("it has another");
        assert!(matches!(error, Error::NoImageFor { .. }), "{error:?}");
        assert_eq!(error.to_string(), "`r.example/x:1` has no image for `linux/arm64`; it has linux/amd64");
    }
}
