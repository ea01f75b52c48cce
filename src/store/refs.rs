//! Names of local builds, and what each of them held.
//!
//! A local build is not a publication: its name moves with every build and remembers what it held before. Once the name
//! is published it is frozen, and then it holds what it holds.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Store;
use super::error::StoreError;

/// `NAME:VERSION`; a template may leave the version out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// Repository path.
    pub name: String,
    /// Version, if it has one.
    pub version: Option<String>,
}

/// What a name held from some time on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Of the manifest or index.
    pub digest: String,
    /// What it is.
    pub media_type: String,
    /// Of the manifest or index itself.
    pub size_bytes: u64,
    /// Of everything: layers, configs, manifests.
    pub total_bytes: u64,
    /// Seconds since 1970.
    pub when: i64,
    /// Whether platforms of the template are missing, because others were asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub narrowed: bool,
    /// Whether it came from elsewhere; what says nothing was built here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pulled: bool,
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)?;
        self.version.as_ref().map_or(Ok(()), |version| write!(f, ":{version}"))
    }
}

/// Stands for "no version"; a version cannot be this.
const NO_VERSION: &str = "%";

/// A name as one part of a path: slashes and dots at the beginning would mean something there.
fn escape(text: &str) -> String {
    let mut escaped = text.replace('%', "%25").replace('/', "%2F");
    if escaped.starts_with('.') {
        escaped.replace_range(..1, "%2E");
    }
    escaped
}

fn unescape(text: &str) -> String {
    text.replace("%2E", ".").replace("%2F", "/").replace("%25", "%")
}

impl Store {
    fn name_directory(&self, name: &Name) -> PathBuf {
        let version = name.version.as_deref().map_or(NO_VERSION.to_owned(), escape);
        self.root().join("refs").join(escape(&name.name)).join(version)
    }

    /// What `name` held, the oldest first.
    pub fn log(&self, name: &Name) -> Vec<Entry> {
        let text = fs::read_to_string(self.name_directory(name).join("log")).unwrap_or_default();
        // A line that a crash cut short is no entry.
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// What `name` holds.
    pub fn current(&self, name: &Name) -> Option<Entry> {
        self.log(name).pop()
    }

    /// Whether `name` was published.
    pub fn is_frozen(&self, name: &Name) -> bool {
        self.name_directory(name).join("frozen").exists()
    }

    /// Says that `name` was published: from now on it holds what it holds. Called by whatever publishes.
    pub fn freeze(&self, name: &Name) -> Result<(), StoreError> {
        let path = self.name_directory(name).join("frozen");
        File::create(path).and_then(|file| file.sync_all()).map_err(|source| self.write_error(source))
    }

    /// Refuses if `name` is frozen with something else than `digest`.
    pub fn check_movable(&self, name: &Name, digest: &str) -> Result<(), StoreError> {
        match self.current(name) {
            Some(held) if self.is_frozen(name) && held.digest != digest => {
                Err(StoreError::Frozen { name: name.to_string(), held: held.digest, wanted: digest.to_owned() })
            }
            _ => Ok(()),
        }
    }

    /// Makes `name` hold `entry`. If it holds the same digest already nothing is written.
    pub fn move_name(&self, name: &Name, entry: &Entry) -> Result<(), StoreError> {
        self.check_movable(name, &entry.digest)?;
        if self.current(name).is_some_and(|held| held.digest == entry.digest) {
            return Ok(());
        }
        self.append(name, entry).map_err(|source| self.write_error(source))
    }

    /// One write, so that two builds at once never mix their lines; a line begins on a new one even if a crash cut the
    /// last short.
    fn append(&self, name: &Name, entry: &Entry) -> io::Result<()> {
        let directory = self.name_directory(name);
        fs::create_dir_all(&directory)?;
        let path = directory.join("log");
        let mut line = serde_json::to_string(entry)?;
        line.push('\n');
        if fs::read(&path).is_ok_and(|bytes| !bytes.is_empty() && !bytes.ends_with(b"\n")) {
            line.insert(0, '\n');
        }
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        file.write_all(line.as_bytes())?;
        file.sync_all()
    }

    /// All names, sorted.
    pub fn names(&self) -> Vec<Name> {
        let read = |path: PathBuf| fs::read_dir(path).into_iter().flatten().flatten();
        let mut names = Vec::new();
        for name in read(self.root().join("refs")) {
            for version in read(name.path()) {
                let (name, version) = (name.file_name(), version.file_name());
                let (Some(name), Some(version)) = (name.to_str(), version.to_str()) else { continue };
                let version = (version != NO_VERSION).then(|| unescape(version));
                names.push(Name { name: unescape(name), version });
            }
        }
        names.sort();
        names
    }

    /// The image that `name` means; without a version, the one of that name that was built last.
    pub fn find(&self, name: &Name) -> Result<(Name, Entry), StoreError> {
        if let Some(entry) = self.current(name) {
            return Ok((name.clone(), entry));
        }
        let names = self.names();
        if name.version.is_none() {
            let of_name = names.iter().filter(|known| known.name == name.name);
            let held = of_name.filter_map(|known| self.current(known).map(|entry| (known.clone(), entry)));
            if let Some(latest) = held.max_by_key(|(_, entry)| entry.when) {
                return Ok(latest);
            }
        }
        let text = name.to_string();
        let alike = |known: &Name| known.name == name.name || strsim::jaro_winkler(&known.to_string(), &text) > 0.85;
        let nearest = names.iter().filter(|known| alike(known)).map(Name::to_string).take(3).collect();
        Err(StoreError::NoSuchName { name: text, nearest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(digest: &str, when: i64) -> Entry {
        let media_type = "application/vnd.oci.image.manifest.v1+json".to_owned();
        let (narrowed, pulled) = (false, false);
        Entry { digest: digest.to_owned(), media_type, size_bytes: 1, total_bytes: 2, when, narrowed, pulled }
    }

    fn name(name: &str, version: &str) -> Name {
        Name { name: name.to_owned(), version: Some(version.to_owned()) }
    }

    #[test]
    fn a_name_moves_and_remembers_until_it_is_frozen() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(directory.path()).expect("a store");
        let api = name("shop/api", "1.0");
        for (digest, when) in [("sha256:a", 1), ("sha256:b", 2), ("sha256:b", 3)] {
            store.move_name(&api, &entry(digest, when)).expect("moved");
        }
        assert_eq!(store.log(&api).iter().map(|entry| entry.when).collect::<Vec<_>>(), [1, 2]);
        store.freeze(&api).expect("frozen");
        store.move_name(&api, &entry("sha256:b", 4)).expect("the same is no move");
        let refused = store.move_name(&api, &entry("sha256:c", 5));
        assert!(matches!(refused, Err(StoreError::Frozen { held, .. }) if held == "sha256:b"));
    }

    #[test]
    fn names_are_found_again() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(directory.path()).expect("a store");
        let none = Name { name: "shop".to_owned(), version: None };
        for (at, known) in [name("shop/api", "1.0"), none.clone(), name("shop/api", "2.0")].iter().enumerate() {
            store.move_name(known, &entry("sha256:a", at as i64)).expect("moved");
        }
        assert_eq!(store.names(), [none, name("shop/api", "1.0"), name("shop/api", "2.0")]);
        let latest = store.find(&Name { name: "shop/api".to_owned(), version: None }).expect("found");
        assert_eq!(latest.0, name("shop/api", "2.0"));
        let missing = store.find(&name("shop/api", "3.0"));
        assert!(
            matches!(missing, Err(StoreError::NoSuchName { nearest, .. }) if nearest.contains(&"shop/api:2.0".to_owned()))
        );
    }
}
