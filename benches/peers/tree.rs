//! The trees that are measured: planned as plain data, then written once below the bench's directory.
//!
//! - `a`: as many files as a distribution's /usr, with its mixture and its sizes.
//! - `b`: four large files.
//! - `layers/00` to `layers/09`: twenty small files each.
//! - `on-base`: the same as one of these layers; `sources`: one small file for each source.
//! - what is in the bases is planned here as well, and written by `base`.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use crate::content::{Kind, Material};
use crate::random::Random;

/// Raised when the plan or the content changes, so that older trees are made anew.
const GENERATION: u32 = 1;
/// Files of tree A.
const A_FILES: usize = 66_000;
/// Directories of tree A.
const A_DIRECTORIES: usize = 5_600;
/// Files and directories of the base: a gzip layer of about 170 MB.
const BASE_FILES: usize = 31_500;
const BASE_DIRECTORIES: usize = 2_700;
/// Sources of the template whose lock is measured.
pub(crate) const SOURCES: usize = 50;
/// Size of each of the four files of tree B.
const B_FILE_BYTES: usize = 512 << 20;
/// Content is made in pieces of this size for files of any length.
const PIECE_BYTES: usize = 1 << 20;

/// How large the trees are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    Full,
    /// A tenth.
    Quick,
}

impl Scale {
    fn of(self, full: usize) -> usize {
        match self {
            Scale::Full => full,
            Scale::Quick => full / 10,
        }
    }

    /// Name of the directory that holds inputs of this scale.
    pub(crate) fn directory(self) -> &'static str {
        match self {
            Scale::Full => "full",
            Scale::Quick => "quick",
        }
    }
}

/// A file to be written.
pub(crate) struct Planned {
    /// Relative to the bench's directory.
    pub(crate) path: String,
    pub(crate) kind: Kind,
    pub(crate) seed: u64,
    pub(crate) size: usize,
    pub(crate) target: Option<String>,
    pub(crate) mode: u32,
}

/// Tree A, sorted by path.
pub(crate) fn plan_a(material: &Material, scale: Scale) -> Vec<Planned> {
    plan_distribution(material, "a", 1, scale.of(A_DIRECTORIES), scale.of(A_FILES))
}

/// What is in the base, sorted by path.
pub(crate) fn plan_base(material: &Material, scale: Scale) -> Vec<Planned> {
    plan_distribution(material, "base", 3, scale.of(BASE_DIRECTORIES), scale.of(BASE_FILES))
}

/// What a distribution's /usr looks like.
fn plan_distribution(material: &Material, top: &str, seed: u64, directories: usize, files: usize) -> Vec<Planned> {
    let random = &mut Random::new(seed);
    let directories = plan_directories(material, random, top, directories);
    let mut planned: Vec<Planned> = Vec::new();
    for number in 0..files {
        // Some directories hold thousands of files, most hold a few.
        let (directory, habit) = &directories[random.zipf(directories.len())];
        let kind = if random.percent(70) { *habit } else { any_kind(random) };
        let name = format!("{}_{number:x}{}", material.word(random), kind.extension());
        let target = random.percent(3).then(|| planned.last().map(|last| base_name(&last.path).to_owned())).flatten();
        let mode = if kind == Kind::Program || random.percent(3) { 0o755 } else { 0o644 };
        planned.push(Planned {
            path: format!("{directory}/{name}"),
            kind,
            seed: random.next(),
            size: size_of(kind, random),
            target,
            mode,
        });
    }
    planned.sort_by(|one, other| one.path.cmp(&other.path));
    planned
}

/// Each with the kind of file that most of its files are.
fn plan_directories(material: &Material, random: &mut Random, top: &str, count: usize) -> Vec<(String, Kind)> {
    let tops = ["bin", "include", "lib", "libexec", "sbin", "share", "src"];
    let mut directories: Vec<(String, Kind)> =
        tops.iter().map(|name| (format!("{top}/{name}"), any_kind(random))).collect();
    while directories.len() < count {
        let parent = random.index(directories.len());
        let depth = directories[parent].0.matches('/').count();
        if depth > 7 {
            continue;
        }
        let name = format!("{}/{}{:x}", directories[parent].0, material.word(random), directories.len());
        let habit = if random.percent(60) { directories[parent].1 } else { any_kind(random) };
        directories.push((name, habit));
    }
    directories
}

fn any_kind(random: &mut Random) -> Kind {
    match random.below(100) {
        0..=13 => Kind::Prose,
        14..=57 => Kind::Code,
        58..=63 => Kind::Json,
        64..=71 => Kind::Html,
        72..=79 => Kind::Program,
        80..=90 => Kind::Catalogue,
        _ => Kind::Compressed,
    }
}

fn size_of(kind: Kind, random: &mut Random) -> usize {
    if random.percent(1) {
        return 0;
    }
    let (median, spread) = match kind {
        Kind::Prose => (1_500, 170),
        Kind::Code => (3_300, 200),
        Kind::Json | Kind::Html => (4_000, 215),
        Kind::Program => (17_500, 255),
        Kind::Catalogue => (3_000, 200),
        Kind::Compressed => (2_500, 210),
    };
    random.log_normal(median, spread) as usize
}

/// The ten layers of small files.
pub(crate) fn plan_layers(material: &Material) -> Vec<Planned> {
    let random = &mut Random::new(2);
    (0..10).flat_map(|layer| plan_small(material, random, &format!("layers/{layer:02}/etc"), 20, 1_000)).collect()
}

/// The small layer on top of the base.
pub(crate) fn plan_on_base(material: &Material) -> Vec<Planned> {
    plan_small(material, &mut Random::new(4), "on-base/etc", 20, 3_000)
}

/// One file for each source.
pub(crate) fn plan_sources(material: &Material) -> Vec<Planned> {
    let mut planned = plan_small(material, &mut Random::new(5), "sources", SOURCES, 1_000);
    for (number, file) in planned.iter_mut().enumerate() {
        file.path = format!("sources/{number}");
    }
    planned
}

fn plan_small(material: &Material, random: &mut Random, directory: &str, count: usize, median: u64) -> Vec<Planned> {
    let mut planned = Vec::new();
    for number in 0..count {
        let kind = any_kind(random);
        planned.push(Planned {
            path: format!("{directory}/{}{number}{}", material.word(random), kind.extension()),
            kind,
            seed: random.next(),
            size: random.log_normal(median, 100) as usize,
            target: None,
            mode: 0o644,
        });
    }
    planned
}

/// The four large files: a program, a log, weights, a database.
pub(crate) fn plan_b(scale: Scale) -> Vec<Planned> {
    [
        ("b/program.so", Kind::Program),
        ("b/events.json", Kind::Json),
        ("b/weights.bin", Kind::Compressed),
        ("b/rows.db", Kind::Catalogue),
    ]
    .into_iter()
    .zip(1_u64..)
    .map(|((path, kind), seed)| Planned {
        path: path.to_owned(),
        kind,
        seed: seed << 32,
        size: scale.of(B_FILE_BYTES),
        target: None,
        mode: 0o644,
    })
    .collect()
}

/// Writes a tree below `root`, unless it is there already.
pub(crate) fn write(root: &Path, name: &str, material: &Material, planned: &[Planned]) -> io::Result<()> {
    let marker = root.join(format!("{name}.generated"));
    let stamp = stamp(planned);
    if fs::read_to_string(&marker).is_ok_and(|found| found == stamp) {
        return Ok(());
    }
    eprintln!("generating {name}: {}", stamp.trim_end());
    if root.join(name).exists() {
        fs::remove_dir_all(root.join(name))?;
    }
    let mut parent = String::new();
    for file in planned {
        let directory = file.path.rsplit_once('/').map_or("", |(directory, _)| directory);
        if directory != parent {
            fs::create_dir_all(root.join(directory))?;
            parent = directory.to_owned();
        }
        write_file(root, material, file)?;
    }
    fs::write(marker, stamp)
}

/// What is written once a tree is there in full.
pub(crate) fn stamp(planned: &[Planned]) -> String {
    let total: usize = planned.iter().map(|file| file.size).sum();
    format!("generation {GENERATION}, {} files, {total} bytes\n", planned.len())
}

/// Replaces `out` by the piece of a file that has this number; behind its end, by nothing.
pub(crate) fn fill_piece(material: &Material, file: &Planned, number: usize, out: &mut Vec<u8>) {
    let left = file.size.saturating_sub(number * PIECE_BYTES);
    material.fill(file.kind, file.seed + number as u64, PIECE_BYTES.min(left), out);
}

/// Writes one file as it is planned, over whatever is there.
pub(crate) fn write_file(root: &Path, material: &Material, file: &Planned) -> io::Result<()> {
    let path = root.join(&file.path);
    if let Some(target) = &file.target {
        return symlink(target, path);
    }
    let mut written = fs::File::create(&path)?;
    let mut piece = Vec::new();
    for number in 0..file.size.div_ceil(PIECE_BYTES) {
        fill_piece(material, file, number, &mut piece);
        written.write_all(&piece)?;
    }
    fs::set_permissions(path, fs::Permissions::from_mode(file.mode))
}

/// The text file of ordinary size that stands nearest to `percentage` of the tree's bytes.
pub(crate) fn file_at(planned: &[Planned], percentage: usize) -> Option<&Planned> {
    let total: usize = planned.iter().map(|file| file.size).sum();
    let mut before = 0;
    planned.iter().find(|file| {
        before += file.size;
        let is_text = matches!(file.kind, Kind::Prose | Kind::Code);
        before * 100 >= total * percentage && is_text && file.target.is_none() && (2_000..40_000).contains(&file.size)
    })
}

fn base_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}
