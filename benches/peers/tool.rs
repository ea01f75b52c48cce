//! Who is measured, and what each has to run for a case.

use std::path::Path;

use clap::ValueEnum;

use crate::case::{Before, Case, Codec, Input};
use crate::process;
use crate::registry::Registry;
use crate::session::Bench;
use crate::{packages, push, steps, template};

/// A tool that makes layers of directories, or fetches images.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Tool {
    Kiln,
    Umoci,
    Buildah,
    Pipeline,
    Skopeo,
    /// The program of util-linux that makes namespaces.
    Unshare,
    Mmdebstrap,
    Debootstrap,
}

/// What a tool does for a case. Commands are run in the directory of the inputs.
pub(crate) enum Offer {
    Run(Work),
    /// Why there is nothing to run.
    Nothing(String),
}

/// A command, and where it leaves what it keeps.
pub(crate) struct Work {
    /// The program and its arguments.
    pub(crate) command: Vec<String>,
    /// What is run instead before the first run that counts, where that is something else.
    pub(crate) first: Option<Vec<String>>,
    /// As a person would type it.
    pub(crate) shown: String,
    /// Undoes what a plain removal of the tool's directory cannot.
    pub(crate) release: Option<String>,
    pub(crate) output: Output,
    pub(crate) between: Between,
    /// What is taken off the figures, where they are a difference.
    pub(crate) less: Option<Less>,
    /// What is to be known when its figures are read.
    pub(crate) remark: &'static str,
}

/// The same with fewer layers: the figures are the difference, divided by how many fewer.
pub(crate) struct Less {
    pub(crate) command: Vec<String>,
    pub(crate) count: u32,
}

/// What a tool has of a build when the next one starts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Between {
    /// It has a cache.
    Cache,
    /// It does everything again, and may refuse to find its last output in its place.
    Nothing,
}

/// Where the layers are found afterwards, relative to the tool's directory.
#[derive(Clone, Copy)]
pub(crate) enum Output {
    /// An OCI layout with one image.
    Layout(&'static str),
    /// A directory of compressed tars, one for each layer.
    Blobs(&'static str),
    /// The tool keeps the image in its own storage.
    Internal,
}

impl Tool {
    pub(crate) const ALL: [Tool; 8] = [
        Tool::Kiln,
        Tool::Umoci,
        Tool::Buildah,
        Tool::Pipeline,
        Tool::Skopeo,
        Tool::Unshare,
        Tool::Mmdebstrap,
        Tool::Debootstrap,
    ];

    /// Also the name of its directory.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Tool::Kiln => "kiln",
            Tool::Umoci => "umoci",
            Tool::Buildah => "buildah",
            Tool::Pipeline => "pipeline",
            Tool::Skopeo => "skopeo",
            Tool::Unshare => "unshare",
            Tool::Mmdebstrap => "mmdebstrap",
            Tool::Debootstrap => "debootstrap",
        }
    }

    /// What the tool runs for the case.
    pub(crate) fn offer(self, case: Case, bench: &Bench) -> Offer {
        if case.input().base().is_some()
            && let Err(why) = &bench.registry
        {
            return Offer::Nothing(why.clone());
        }
        if case.input().is_pushed() {
            return match &bench.target {
                Ok(target) => push::offer(self, case, bench.kiln, target),
                Err(why) => Offer::Nothing(why.clone()),
            };
        }
        match self {
            _ if case.input().is_steps() => steps::offer(self, case, bench),
            _ if case.input() == Input::Packages => packages::offer(self, case, bench),
            Tool::Kiln => kiln_offer(case, bench.kiln),
            Tool::Skopeo => skopeo_offer(case, &bench.registry),
            // Without a cache of layers every change costs the same: one place in the tree is enough.
            _ if matches!(case.before(), Before::Change(place) if place != 50) => {
                Offer::Nothing("builds the layer anew wherever it changed: see the file in the middle".to_owned())
            }
            Tool::Umoci => umoci_offer(case, bench.root),
            Tool::Buildah => buildah_offer(case),
            Tool::Pipeline => pipeline_offer(case),
            Tool::Unshare => Offer::Nothing("it builds nothing".to_owned()),
            Tool::Mmdebstrap | Tool::Debootstrap => Offer::Nothing("it knows of packages only".to_owned()),
        }
    }

    /// Name and version, for the report.
    pub(crate) fn version(self, bench: &Bench) -> Option<String> {
        match self {
            Tool::Kiln => version_of(&bench.kiln.to_string_lossy(), bench.root),
            Tool::Pipeline => {
                let parts: Vec<String> =
                    ["tar", "pigz", "zstd"].into_iter().filter_map(|part| version_of(part, bench.root)).collect();
                Some(parts.join(", "))
            }
            _ => version_of(self.name(), bench.root),
        }
    }
}

fn kiln_offer(case: Case, kiln: &Path) -> Offer {
    if !kiln.is_file() {
        return Offer::Nothing("not built: cargo build --release".to_owned());
    }
    let template = template::kiln_file(case.input(), case.codec());
    let build = format!("build {template} -o oci:kiln/image:1 --store kiln/store");
    let (arguments, first, output) = match case.input() {
        Input::Sources => (format!("lock {template} --store kiln/store"), None, Output::Internal),
        Input::OnBase => (format!("{build} --offline"), Some(build), Output::Layout("image")),
        _ => (build, None, Output::Layout("image")),
    };
    let program = kiln.to_string_lossy();
    let command = |arguments: &str| std::iter::once(&*program).chain(arguments.split(' ')).map(str::to_owned).collect();
    Offer::Run(Work {
        command: command(&arguments),
        first: first.map(|arguments| command(&arguments)),
        shown: format!("kiln {arguments}"),
        release: None,
        output,
        between: Between::Cache,
        less: None,
        remark: "",
    })
}

fn umoci_offer(case: Case, root: &Path) -> Offer {
    if let Some(missing) = first_missing(&["umoci"]) {
        return Offer::Nothing(missing);
    }
    let compress = match case.codec() {
        Codec::Gzip => "",
        Codec::Zstd if says(&["umoci", "insert", "--help"], root).is_some_and(|help| help.contains("--compress")) => {
            " --compress=zstd"
        }
        Codec::Zstd => return Offer::Nothing("this version does not offer zstd".to_owned()),
    };
    let rootless = if rustix::process::geteuid().is_root() { "" } else { " --rootless" };
    let mut script = "umoci init --layout umoci/image && umoci new --image umoci/image:1".to_owned();
    for directory in template::layer_directories(case.input()) {
        script += &format!(" && umoci insert{rootless}{compress} --image umoci/image:1 {directory} /");
    }
    Offer::Run(bash(script, Output::Layout("image"), Between::Nothing, without_cache(case)))
}

fn buildah_offer(case: Case) -> Offer {
    if let Some(missing) = first_missing(&["buildah"]) {
        return Offer::Nothing(missing);
    }
    let function = buildah_function();
    let copied = format!("c=$(b from scratch) && b copy -q $c {} / && b commit -q --timestamp 0", case.input().name());
    let (script, output, remark) = match (case.before(), case.codec()) {
        // By itself it does not compress what it commits to a layout.
        (Before::Clean, Codec::Gzip) => (
            format!("{copied} --disable-compression=false $c \"oci:$PWD/buildah/image:1\""),
            Output::Layout("image"),
            "",
        ),
        (Before::Clean, Codec::Zstd) => (
            format!("{copied} $c bench && b push -q --compression-format zstd bench \"oci:$PWD/buildah/image:1\""),
            Output::Layout("image"),
            "",
        ),
        _ => (
            format!(
                "b build -q --layers --isolation chroot --timestamp 0 -t bench -f {} .",
                template::container_file(case.input())
            ),
            Output::Internal,
            "into its own storage, not exported",
        ),
    };
    let mut work = bash(function.clone() + &script, output, Between::Cache, remark);
    work.release = Some(function + "b umount -a; b rm -a; b rmi -a -f");
    Offer::Run(work)
}

/// A function of the shell that is buildah with a storage of its own.
pub(crate) fn buildah_function() -> String {
    let driver = if rustix::process::geteuid().is_root() { "overlay" } else { "vfs" };
    format!(
        "b() {{ buildah --root \"$PWD/buildah/root\" --runroot \"$PWD/buildah/run\" --storage-driver {driver} \"$@\"; }}; "
    )
}

fn pipeline_offer(case: Case) -> Offer {
    let tar = "tar --sort=name --mtime=@0 --owner=0 --group=0 -C $d -c .";
    let packed = match packed("pipeline", tar, "$(basename $d)", case.codec()) {
        Ok(packed) => packed,
        Err(missing) => return Offer::Nothing(missing),
    };
    let directories = template::layer_directories(case.input()).join(" ");
    let script = format!("mkdir -p pipeline/out; mkfifo pipeline/tee; for d in {directories}; do {packed}; done");
    Offer::Run(bash(script, Output::Blobs("out"), Between::Nothing, without_cache(case)))
}

/// Makes a layer of what `tar` writes, in `out` below a tool's `directory`; there has to be a pipe named `tee`. Says
/// which program for that is missing.
pub(crate) fn packed(directory: &str, tar: &str, layer: &str, codec: Codec) -> Result<String, String> {
    let (compressor, options) = match codec {
        Codec::Gzip => ("pigz", "-6"),
        Codec::Zstd => ("zstd", "-3 -T0 -q"),
    };
    if let Some(missing) = first_missing(&["tar", compressor, "openssl", "mkfifo"]) {
        return Err(missing);
    }
    // Both digests, as an image needs them; a named pipe instead of `>(..)`, so that `wait` sees the first one end.
    Ok(format!(
        "openssl dgst -sha256 <{directory}/tee >{directory}/diff-id & {tar} | tee {directory}/tee | \
         {compressor} {options} | tee {directory}/out/{layer}.tar | openssl dgst -sha256 >{directory}/digest; wait"
    ))
}

fn skopeo_offer(case: Case, registry: &Result<Registry, String>) -> Offer {
    let (Some(base), Ok(registry)) = (case.input().base(), registry) else {
        return Offer::Nothing("it builds nothing".to_owned());
    };
    let script = format!(
        "skopeo --insecure-policy copy -q --src-tls-verify=false docker://{} oci:skopeo/image:1",
        registry.name(base)
    );
    let remark = "keeps the blobs as they are, does not look into them";
    Offer::Run(bash(script, Output::Layout("image"), Between::Nothing, remark))
}

/// A script.
pub(crate) fn bash(script: String, output: Output, between: Between, remark: &'static str) -> Work {
    let command = ["bash", "-e", "-o", "pipefail", "-c", &script].map(str::to_owned).to_vec();
    Work { command, first: None, shown: script, release: None, output, between, less: None, remark }
}

pub(crate) fn without_cache(case: Case) -> &'static str {
    match case.before() {
        Before::Clean => "",
        _ => "keeps nothing between two builds: everything again",
    }
}

/// Says which of these is not there.
pub(crate) fn first_missing(programs: &[&str]) -> Option<String> {
    let missing = programs.iter().find(|program| process::find(program).is_none())?;
    Some(format!("{missing} is not installed"))
}

fn says(command: &[&str], root: &Path) -> Option<String> {
    let command: Vec<String> = command.iter().map(|&part| part.to_owned()).collect();
    let finished = process::run(&command, root, process::SHORT).ok()?;
    // Some print it to the one, some to the other.
    Some(finished.stdout + &finished.stderr)
}

fn version_of(program: &str, root: &Path) -> Option<String> {
    says(&[program, "--version"], root)?.lines().next().map(|line| line.trim().to_owned())
}
