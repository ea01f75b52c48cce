//! dpkg's database in somebody else's image.

use std::collections::BTreeSet;

use crate::base::ImagePath;
use crate::input::Reach;
use crate::pipeline::error::Error;
use crate::pipeline::gather::Foreign;
use crate::tree::contents::read_all;
use crate::tree::{Content, Kind, Tree};

const STATUS: &str = "var/lib/dpkg/status";

/// Where images without dpkg have an entry for each package.
const ENTRIES: &str = "var/lib/dpkg/status.d";

/// What is installed in an image, as dpkg writes it; `None` if nothing says so.
pub(super) fn database(image: &Foreign, reach: &Reach<'_>) -> Result<Option<Vec<u8>>, Error> {
    let files = files(&image.root);
    let mut wanted: BTreeSet<_> = files.iter().map(|(_, content)| content.digest).collect();
    let Some(spool) = image.image.spool(&image.layers, &mut wanted, reach)? else { return Ok(None) };
    let mut text = Vec::new();
    for (path, content) in files {
        text.extend(read_all(&spool, &content).map_err(|source| Error::Content { path: path.clone(), source })?);
        if path.as_bytes() != STATUS.as_bytes() {
            // These have no state of their own.
            text.truncate(text.trim_ascii_end().len());
            text.extend(b"\nStatus: install ok installed\n\n");
        }
    }
    Ok(Some(text))
}

fn files(root: &Tree) -> Vec<(ImagePath, Content)> {
    let file = |path: &ImagePath| match root.get(path).map(|node| &node.kind) {
        Some(Kind::File { content, .. }) => Some((path.clone(), *content)),
        _ => None,
    };
    let Ok(status) = ImagePath::parse(STATUS.as_bytes()) else { return Vec::new() };
    if let Some(found) = file(&status) {
        return vec![found];
    }
    let Ok(entries) = ImagePath::parse(ENTRIES.as_bytes()) else { return Vec::new() };
    let named = root.below(&entries).map(|(path, _)| path);
    named.filter(|path| !path.as_bytes().ends_with(b".md5sums")).filter_map(file).collect()
}
