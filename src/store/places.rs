//! What the store remembers of registries: where a blob was seen, and what was published.

use crate::base::hash::digest_of;
use crate::base::{BlobDigest, ContentDigest};

use super::Store;
use super::error::StoreError;
use super::notes::{PublishedNote, Shelf};

/// Repositories that are remembered of one blob.
const PLACES_MAX: usize = 8;

impl Store {
    /// Repositories (`HOST/REPOSITORY`) that had a blob, the last one first.
    pub fn places(&self, blob: &BlobDigest) -> Vec<String> {
        self.note(Shelf::Places, &blob.hex()).unwrap_or_default()
    }

    /// Remembers that a repository has a blob.
    pub fn remember_place(&self, blob: &BlobDigest, repository: &str) -> Result<(), StoreError> {
        let mut places = self.places(blob);
        if places.first().is_some_and(|first| first == repository) {
            return Ok(());
        }
        places.retain(|place| place != repository);
        places.insert(0, repository.to_owned());
        places.truncate(PLACES_MAX);
        self.keep_note(Shelf::Places, &blob.hex(), &places)
    }

    /// What was published from here under a name (`HOST/REPOSITORY:TAG`).
    pub fn published(&self, name: &str) -> Option<PublishedNote> {
        self.note(Shelf::Published, &name_of(name))
    }

    /// Remembers what was published. What a name once held is not forgotten for something else.
    pub fn remember_published(&self, note: &PublishedNote) -> Result<(), StoreError> {
        if self.published(&note.name).is_some() {
            return Ok(());
        }
        self.keep_note(Shelf::Published, &name_of(&note.name), note)
    }

    /// All that was published from here, by name.
    pub fn all_published(&self) -> Vec<PublishedNote> {
        let notes = self.notes(Shelf::Published).into_iter();
        let mut all: Vec<PublishedNote> = notes.filter_map(|name| self.note(Shelf::Published, &name)).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }
}

fn name_of(name: &str) -> String {
    digest_of::<ContentDigest>(name.as_bytes()).hex()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_few_and_the_last_comes_first() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(directory.path()).expect("a store");
        let blob = digest_of::<BlobDigest>(b"x");
        for at in 0..20 {
            store.remember_place(&blob, &format!("r/{}", at % 10)).expect("kept");
        }
        assert_eq!(store.places(&blob), ["r/9", "r/8", "r/7", "r/6", "r/5", "r/4", "r/3", "r/2"]);
    }

    #[test]
    fn what_was_published_first_stays() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(directory.path()).expect("a store");
        let note = |digest: &str| PublishedNote { name: "r/x:1".to_owned(), digest: digest.to_owned(), when: 1 };
        store.remember_published(&note("a")).expect("kept");
        store.remember_published(&note("b")).expect("passed over");
        assert_eq!(store.all_published(), [note("a")]);
        assert_eq!(store.published("r/x:2"), None);
    }
}
