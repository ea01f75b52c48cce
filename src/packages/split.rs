//! Which packages share a layer, where a set is spread over several.
//!
//! Packages of one source change together, so they stay together. A large source has a layer of its own; the small ones are
//! dealt out by name. So most of the layers of an image do not change when one package does, and two images that have the
//! same packages have the same layers, whatever else is in them.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::ContentDigest;
use crate::base::hash::digest_of;

use super::PackagePin;

/// From how many bytes of package files on a source has a layer of its own: below that a layer costs more than it saves.
const LARGE_BYTES: u64 = 1 << 20;

/// How many sources have a layer of their own at most: the largest. Registries and runtimes have room for 127 layers in all.
const LARGE_MOST: usize = 32;

/// How many layers the others share.
const SHARED: u8 = 8;

/// Packages that share a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The name of the source, or `small-N`.
    pub name: String,
    /// The sources in it.
    pub sources: BTreeSet<String>,
}

/// Divides a set, in the order of names.
pub fn groups<'a>(set: impl IntoIterator<Item = &'a PackagePin>) -> Vec<Group> {
    let mut sizes: BTreeMap<&str, u64> = BTreeMap::new();
    for pin in set {
        let size = sizes.entry(&pin.source).or_default();
        *size = size.saturating_add(pin.size);
    }
    let mut large: Vec<(&str, u64)> = sizes.iter().map(|(source, size)| (*source, *size)).collect();
    large.retain(|(_, size)| *size >= LARGE_BYTES);
    large.sort_by_key(|(source, size)| (std::cmp::Reverse(*size), *source));
    large.truncate(LARGE_MOST);
    let large: BTreeSet<&str> = large.into_iter().map(|(source, _)| source).collect();
    let mut groups: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sizes.into_keys() {
        let name = if large.contains(source) { source.to_owned() } else { format!("small-{}", share(source)) };
        groups.entry(name).or_default().insert(source.to_owned());
    }
    groups.into_iter().map(|(name, sources)| Group { name, sources }).collect()
}

/// Which of the shared layers a source is in: that depends on its name alone.
fn share(source: &str) -> u8 {
    let digest = digest_of::<ContentDigest>(source.as_bytes());
    digest.as_bytes().first().copied().unwrap_or_default() % SHARED
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::packages::Reason;

    fn pin(source: &str, size: u64) -> PackagePin {
        PackagePin {
            name: source.to_owned(),
            version: "1".to_owned(),
            architecture: "amd64".to_owned(),
            file: format!("pool/{source}.deb"),
            size,
            sha256: ContentDigest::from([7; 32]),
            source: source.to_owned(),
            repository: "debian".to_owned(),
            reason: Reason::Asked,
        }
    }

    fn members(groups: &[Group]) -> BTreeMap<String, String> {
        let of = |group: &Group| {
            let name = group.name.clone();
            group.sources.iter().map(move |source| (source.clone(), name.clone())).collect::<Vec<_>>()
        };
        groups.iter().flat_map(of).collect()
    }

    #[test]
    fn packages_of_one_source_stay_together_and_count_together() {
        let half = LARGE_BYTES / 2;
        let set = [
            PackagePin { name: "libc6".to_owned(), ..pin("glibc", half) },
            PackagePin { name: "libc-bin".to_owned(), ..pin("glibc", half) },
            pin("netbase", 10),
        ];
        let members = members(&groups(&set));
        assert_eq!(members.get("glibc").map(String::as_str), Some("glibc"));
        assert!(members.get("netbase").is_some_and(|name| name.starts_with("small-")), "{members:?}");
    }

    #[test]
    fn there_is_an_end_to_layers() {
        let set: Vec<PackagePin> = (0..100).map(|n| pin(&format!("source-{n}"), LARGE_BYTES + n)).collect();
        assert_eq!(groups(&set).len(), LARGE_MOST + usize::from(SHARED));
    }

    proptest! {
        #[test]
        fn another_package_moves_none_of_the_others(
            sizes in prop::collection::btree_map("[a-z]{1,6}", 0..2 * LARGE_BYTES, 1..20),
            other in "[A-Z]{1,6}",
            size in 0..2 * LARGE_BYTES,
        ) {
            let set: Vec<PackagePin> = sizes.iter().map(|(source, size)| pin(source, *size)).collect();
            let before = members(&groups(&set));
            let more: Vec<PackagePin> = set.into_iter().chain([pin(&other, size)]).collect();
            let mut after = members(&groups(&more));
            after.remove(&other);
            prop_assert_eq!(before, after);
        }
    }
}
