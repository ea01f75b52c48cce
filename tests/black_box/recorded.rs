//! Attacks by layers, each in a directory of `fixtures/attacks`: the blob, what a manifest and a config say of it, and how
//! kiln has to end. `KILN_BLESS=1` writes them from the table below; the bomb is made anew each time, for it is none if it
//! is small.

use std::fs;
use std::path::{Path, PathBuf};

use crate::foreign::{Layer, Tar, good};
use crate::registry::store::digest_of;

/// A layer that means harm.
pub(crate) struct Attack {
    /// Of its directory.
    pub(crate) name: String,
    pub(crate) layer: Layer,
    /// The exit code of a build on it.
    pub(crate) exit: i32,
    /// Words on stderr that name what is wrong.
    pub(crate) says: String,
}

/// The name, one line about it, how it is made, the exit code and the words that name it.
type Recipe = (&'static str, &'static str, fn() -> Layer, i32, &'static str);

const RECIPES: &[Recipe] = &[
    ("traversal", "a file beside the root: `../x`", || file("../x"), 1, "`../x` contains `..`"),
    (
        "traversal-in-the-middle",
        "a file beside the root, by a detour: `a/../../x`",
        || file("a/../../x"),
        1,
        "`a/../../x` contains `..`",
    ),
    (
        "through-a-link",
        "a link to /tmp, and a file below the link",
        || Tar::new().symlink("a", "/tmp").file("a/x", "").layer(),
        1,
        "`/a/x` lies below `/a`, which is not",
    ),
    (
        "absolute-hard-link",
        "a hard link to a file of the machine",
        || Tar::new().hard_link("a", "/etc/x").layer(),
        1,
        "`/a` has the absolute target `/etc/x`",
    ),
    (
        "hard-link-that-leaves",
        "a hard link to a file beside the root",
        || Tar::new().hard_link("a", "../x").layer(),
        1,
        "`../x` contains `..`",
    ),
    (
        "two-sizes",
        "a size in the PAX record that is not the header's: readers that believe different ones see different files",
        || Tar::new().pax("size", "1").file("a", "four").layer(),
        1,
        "`a` has the size 4 in its header and 1 in",
    ),
    (
        "trailing-bytes",
        "data behind the end marker, which some readers read and others do not",
        || Layer::plain([Tar::new().bytes(), b"more".to_vec()].concat()),
        1,
        "data behind its end marker",
    ),
    (
        "no-end",
        "a tar that ends in the middle",
        || Layer::plain(Tar::new().file("a", "").bytes()[..512].to_vec()),
        1,
        "the tar is truncated",
    ),
    (
        "duplicate",
        "one path twice, spelled differently and with different content",
        || Tar::new().file("a", "1").file("./a", "2").layer(),
        1,
        "two different entries for `/a`",
    ),
    ("whiteout-of-dot", "a whiteout of `.`", || file("a/.wh.."), 1, "`/a/.wh..` is not a whiteout"),
    ("whiteout-of-dot-dot", "a whiteout of `..`", || file("a/.wh..."), 1, "`/a/.wh...` is not a whiteout"),
    ("whiteout-of-nothing", "a whiteout without a name", || file("a/.wh."), 1, "`/a/.wh.` is not a whiteout"),
    (
        "another-tar",
        "a config with the diff ID of another tar",
        || changed(|layer| layer.diff_id = digest_of(b"")),
        4,
        "is not what its config says: expected",
    ),
    (
        "another-byte",
        "a blob in which one byte is not what the digest says",
        || changed(|layer| layer.blob[20] ^= 1),
        4,
        "bytes with the digest sha256:",
    ),
    (
        "a-byte-more",
        "a blob with a byte behind what the manifest describes",
        || changed(|layer| layer.blob.push(0)),
        4,
        "bytes with the digest sha256:",
    ),
];

fn file(name: &str) -> Layer {
    Tar::new().directory("a/").file(name, "").layer()
}

fn changed(change: fn(&mut Layer)) -> Layer {
    let mut layer = good();
    change(&mut layer);
    layer
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/attacks")
}

/// The attacks of the fixtures, by name.
pub(crate) fn all() -> Vec<Attack> {
    if std::env::var_os("KILN_BLESS").is_some() {
        RECIPES.iter().for_each(bless);
    }
    let entries = fs::read_dir(directory()).expect("fixtures").map(|entry| entry.expect("readable"));
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().into_string().expect("text")).collect();
    names.sort();
    let mut known: Vec<&str> = RECIPES.iter().map(|(name, ..)| *name).collect();
    known.sort_unstable();
    assert_eq!(names, known, "fixtures/attacks: run with KILN_BLESS=1, and remove what has no recipe any more");
    names.iter().map(|name| read(name)).collect()
}

fn blob_name(codec: &str) -> &'static str {
    if codec.is_empty() { "layer.tar" } else { "layer.tar.gz" }
}

fn bless((name, about, make, exit, says): &Recipe) {
    let (layer, directory) = (make(), directory().join(name));
    fs::create_dir_all(&directory).expect("the project's directory can be written to");
    let put = |name: &str, bytes: &[u8]| fs::write(directory.join(name), bytes).expect("it can be written to");
    let facts = format!(
        "# What the manifest and the config say of the layer, and how a build on it has to end.\n\
         codec = '{}'\ndigest = '{}'\nsize = {}\ndiff-id = '{}'\nexit = {exit}\nsays = '{says}'\n",
        layer.codec, layer.digest, layer.size, layer.diff_id
    );
    put(blob_name(layer.codec), &layer.blob);
    put("attack.toml", facts.as_bytes());
    put("README.md", format!("{}{}.\n", about[..1].to_uppercase(), &about[1..]).as_bytes());
}

fn read(name: &str) -> Attack {
    let directory = directory().join(name);
    let text = fs::read_to_string(directory.join("attack.toml")).expect(name);
    let facts: toml::Table = text.parse().expect(name);
    let word = |key: &str| facts[key].as_str().expect(key).to_owned();
    let number = |key: &str| usize::try_from(facts[key].as_integer().expect(key)).expect(key);
    let codec = if word("codec").is_empty() { "" } else { "+gzip" };
    let layer = Layer {
        blob: fs::read(directory.join(blob_name(codec))).expect(name),
        digest: word("digest"),
        size: number("size"),
        diff_id: word("diff-id"),
        codec,
    };
    Attack { name: name.to_owned(), layer, exit: i32::try_from(number("exit")).expect("small"), says: word("says") }
}
