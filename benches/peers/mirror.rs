//! A mirror with the packages of one image, made once: what kiln locked and fetched, laid out as Debian lays it out.
//! All tools read it as `file:`, so that none pays for a network.
//!
//! ```text
//! packages/kiln.toml, kiln.lock        the image
//! packages/one-suite/                  the same from one suite, for who reads no other
//! packages/mirror/dists, pool          both archives in one: the names of their suites differ
//! packages/sources.list, base/         its suites for apt; a minimal system made from it
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::case::{Codec, Input};
use crate::debian::Debian;
use crate::{process, template};

/// The release that everybody makes.
pub(crate) const SUITE: &str = "bookworm";
/// What is asked for beside a minimal system.
pub(crate) const PACKAGE: &str = "nginx-light";
/// Releases run out, the mirror does not change.
pub(crate) const ANY_AGE: &str = "Acquire::Check-Valid-Until";
/// The mirror, from the directory of the inputs.
pub(crate) const POOLS: &str = "packages/mirror";
/// Its suites for apt, from the directory of the inputs.
pub(crate) const SOURCES: &str = "packages/sources.list";
/// Shows mmdebstrap's chroot what is on this machine.
pub(crate) const HOOK: &str = "--hook-dir=/usr/share/mmdebstrap/hooks/file-mirror-automount";
/// The directory of this input, and that of the same from one suite.
const PLACES: [&str; 2] = ["packages", "packages/one-suite"];
/// The one index that is read of a suite.
const INDEX: &str = "main/binary-amd64/Packages.xz";

/// The mirror. It is where [`POOLS`] says.
pub(crate) struct Mirror {
    /// A minimal system for who starts from one, or why there is none.
    pub(crate) base: Result<Debian, String>,
}

/// What is read of a lock.
#[derive(Deserialize)]
struct Lock {
    packages: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    set: Vec<Pin>,
}

#[derive(Deserialize)]
struct Pin {
    file: String,
    sha256: String,
}

/// What kiln's store remembers of a release.
#[derive(Deserialize)]
struct ReleaseNote {
    blob: String,
}

impl Mirror {
    /// Has kiln fetch the packages, unless they are there; why not, in words for the table.
    pub(crate) fn make(root: &Path, kiln: &Path, limit: Duration) -> Result<Self, String> {
        let marker = root.join("packages.generated");
        let stamp = format!("{}{}", template(Some(root)), template_of_one_suite());
        if !fs::read_to_string(&marker).is_ok_and(|found| found == stamp) {
            eprintln!("making a mirror of packages: kiln lock, kiln vendor");
            fill(root, kiln, limit)?;
            fs::write(&marker, stamp).map_err(|error| format!("{}: {error}", marker.display()))?;
        }
        Ok(Self { base: base(root, limit) })
    }
}

/// kiln's template, as it is built from a mirror below `root`, or as it is locked from what this machine's apt knows.
fn template(root: Option<&Path>) -> String {
    let mirror = root.map(|root| format!("mirror = \"file://{}\"\n", root.join(POOLS).display())).unwrap_or_default();
    let head = template::head(Input::Packages, Codec::Gzip);
    format!(
        "{head}\n[repositories.debian]\nkind = \"debian\"\nsuite = [\"{SUITE}\", \"{SUITE}-updates\"]\n{mirror}\
         \n[repositories.security]\nkind = \"debian\"\nsuite = \"{SUITE}-security\"\n{mirror}\
         \n[[layer]]\nname = \"packages\"\npackages = [\"?priority(required)\", \"apt\", \"{PACKAGE}\"]\n"
    )
}

/// What debootstrap takes: it knows of one suite, and takes `usr-is-merged` by itself.
fn template_of_one_suite() -> String {
    let head = template::head(Input::Packages, Codec::Gzip);
    format!(
        "{head}\n[repositories.debian]\nkind = \"debian\"\nsuite = \"{SUITE}\"\n\n[[layer]]\nname = \"packages\"\n\
         packages = [\"?priority(required)\", \"apt\", \"usr-is-merged\", \"{PACKAGE}\"]\n"
    )
}

/// Makes the mirror, and the locks of what is built from it.
fn fill(root: &Path, kiln: &Path, limit: Duration) -> Result<(), String> {
    let failed = |error: io::Error| format!("the mirror of packages: {error}");
    // A store of its own: the releases in it are those of these locks.
    let (store, fetched) = ("packages/store", "packages/fetched");
    let [all, one_suite] = PLACES.map(|place| root.join(place));
    if all.exists() {
        fs::remove_dir_all(&all).map_err(failed)?;
    }
    fs::create_dir_all(&one_suite).map_err(failed)?;
    fs::write(all.join("kiln.toml"), template(None)).map_err(failed)?;
    fs::write(one_suite.join("kiln.toml"), template_of_one_suite()).map_err(failed)?;
    let kiln = kiln.to_string_lossy();
    for place in PLACES {
        let lock = [&*kiln, "lock", place, "--store", store];
        let vendor = [&*kiln, "vendor", fetched, "--template", place, "--store", store];
        process::run(&lock.map(str::to_owned), root, limit)?;
        process::run(&vendor.map(str::to_owned), root, limit)?;
    }
    let mirror = root.join(POOLS);
    for place in PLACES {
        pools(&root.join(place).join("kiln.lock"), &root.join(fetched), &mirror).map_err(failed)?;
    }
    suites(&root.join(store), &mirror).map_err(failed)?;
    // The lock is the same: where packages come from is not in it.
    fs::write(all.join("kiln.toml"), template(Some(root))).map_err(failed)?;
    fs::write(root.join(SOURCES), sources(&mirror)).map_err(failed)?;
    [store, fetched].iter().try_for_each(|done| fs::remove_dir_all(root.join(done))).map_err(failed)
}

/// The suites as lines for apt.
fn sources(mirror: &Path) -> String {
    let line = |part: &str| format!("deb file://{} {SUITE}{part} main\n", mirror.display());
    ["", "-updates", "-security"].map(line).concat()
}

/// Copies the packages of a lock from a vendored layout to their places.
fn pools(lock: &Path, vendored: &Path, mirror: &Path) -> io::Result<()> {
    let lock: Lock = toml::from_str(&fs::read_to_string(lock)?).map_err(io::Error::other)?;
    for pin in lock.packages.into_iter().flat_map(|entry| entry.set) {
        place(&vendored.join("blobs").join(pin.sha256.replace(':', "/")), &mirror.join(pin.file))?;
    }
    Ok(())
}

/// Copies the releases that a store has seen, and their indexes, to their places.
fn suites(store: &Path, mirror: &Path) -> io::Result<()> {
    let blob = |hex: &str| -> PathBuf {
        let (start, rest) = hex.split_at(2.min(hex.len()));
        store.join("blobs/sha256").join(start).join(rest)
    };
    for note in fs::read_dir(store.join("releases"))? {
        let note: ReleaseNote = serde_json::from_slice(&fs::read(note?.path())?)?;
        let release = blob(note.blob.trim_start_matches("sha256:"));
        let text = fs::read_to_string(&release)?;
        let said = |found: Option<&str>| found.map(str::to_owned).ok_or_else(|| io::Error::other("an odd release"));
        let name = said(text.lines().find_map(|line| line.strip_prefix("Codename: ")))?;
        // There is a list for each kind of digest; those of SHA-256 have this length.
        let index = said(text.lines().find_map(|line| {
            let hex = line.trim_start().strip_suffix(INDEX)?.split(' ').next()?;
            (hex.len() == 64).then_some(hex)
        }))?;
        let suite = mirror.join("dists").join(name);
        place(&release, &suite.join("InRelease"))?;
        place(&blob(&index), &suite.join(INDEX))?;
    }
    Ok(())
}

fn place(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to.parent().unwrap_or(to))?;
    fs::copy(from, to).map(|_| ())
}

/// A minimal system made from the mirror.
fn base(root: &Path, limit: Duration) -> Result<Debian, String> {
    let option = format!("--aptopt={ANY_AGE} \"false\"");
    Debian::bootstrap(root, "packages/base", [SUITE, SOURCES], &[&option, HOOK], limit)
}
