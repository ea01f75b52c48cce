//! Downloads: one blob each, named by its SHA-256.

use std::collections::BTreeMap;

use crate::base::ImagePath;
use crate::lock::UrlPin;
use crate::source::url::{Request, file_name};
use crate::template::UrlSource;
use crate::transport::Proof;
use crate::tree::{Content, Kind, Node, Tree};

use super::copy::{self, Expected};
use super::remote::BlobSink;
use super::{Arrival, InputError, Reach, Spool};

/// Downloads what an address holds now. The store keeps it: a build that follows needs no network.
pub fn resolve(source: &UrlSource, reach: &Reach<'_>) -> Result<UrlPin, InputError> {
    let mut sink = BlobSink(reach.store.writer()?);
    let fetched = reach.remote.web.fetch(&request(source), None, &mut sink)?;
    sink.0.commit(&fetched.sha256.to_string())?;
    Ok(UrlPin { sha256: fetched.sha256, size_bytes: fetched.size_bytes })
}

/// The one file of a download.
pub fn bring(source: &UrlSource, pin: &UrlPin, reach: &Reach<'_>) -> Result<Arrival, InputError> {
    let digest = pin.sha256.to_string();
    if let Some(expected) = source.sha256.filter(|expected| *expected != pin.sha256) {
        let (expected, found) = (expected.to_string(), digest);
        return Err(InputError::OtherSha256 { url: source.url.clone(), expected, found });
    }
    if !reach.store.has_blob(&digest, pin.size_bytes) {
        fetch(source, pin, reach)?;
    }
    let content = Content { digest: pin.sha256, size_bytes: pin.size_bytes };
    let name = ImagePath::root().child(file_name(&source.url)?.as_bytes());
    let name = name.map_err(|source_error| InputError::FileName { url: source.url.clone(), source: source_error })?;
    let mut tree = Tree::new();
    tree.insert(name, Node::new(Kind::File { content, links: None }, 0o644));
    let places = BTreeMap::from([(pin.sha256, 0)]);
    Ok(Arrival { tree, spool: Spool::of_blob(reach.store.open_blob(&digest)?, places, digest) })
}

fn fetch(source: &UrlSource, pin: &UrlPin, reach: &Reach<'_>) -> Result<(), InputError> {
    let digest = pin.sha256.to_string();
    if let Some(blob) = reach.vendor.and_then(|vendor| vendor.open(&digest)) {
        let expected = Expected { digest: pin.sha256, size_bytes: Some(pin.size_bytes) };
        return copy::take(&source.url, expected, blob, reach.store);
    }
    let mut sink = BlobSink(reach.store.writer()?);
    reach.remote.web.fetch(&request(source), Some((pin.sha256, pin.size_bytes)), &mut sink)?;
    Ok(sink.0.commit(&digest)?)
}

fn request(source: &UrlSource) -> Request {
    let (url, mirrors) = (source.url.clone(), source.mirrors.clone());
    Request { url, mirrors, sha256: source.sha256, proof: Proof::Connection }
}
