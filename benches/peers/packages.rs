//! A system of a distribution's packages with one more package, in the words of each tool. All read the same mirror.

use std::fs;
use std::io;
use std::path::Path;

use crate::case::{Before, Case, Codec};
use crate::debian;
use crate::mirror::{ANY_AGE, HOOK, Mirror, PACKAGE, POOLS, SOURCES, SUITE};
use crate::session::Bench;
use crate::tool::{Between, Offer, Output, Tool, Work, bash, buildah_function, first_missing, packed, without_cache};

/// What buildah builds where nothing is exported.
const CONTAINERFILE: &str = "packages/Containerfile";

/// Writes the Containerfile into `root`.
pub(crate) fn write(root: &Path, mirror: &Mirror) -> io::Result<()> {
    let base = mirror.base.as_ref().map_or("scratch".to_owned(), |base| base.reference());
    fs::write(root.join(CONTAINERFILE), format!("FROM {base}\nRUN {}\n", install()))
}

/// What a tool runs for a case of packages.
pub(crate) fn offer(tool: Tool, case: Case, bench: &Bench) -> Offer {
    let mirror = match &bench.mirror {
        Ok(mirror) => mirror,
        Err(why) => return Offer::Nothing(why.clone()),
    };
    let work = match tool {
        Tool::Kiln => kiln(case, bench.kiln),
        Tool::Buildah => buildah(case, mirror),
        Tool::Mmdebstrap => mmdebstrap(case),
        _ => debootstrap(case),
    };
    work.map_or_else(Offer::Nothing, Offer::Run)
}

fn kiln(case: Case, kiln: &Path) -> Result<Work, String> {
    if !kiln.is_file() {
        return Err("not built: cargo build --release".to_owned());
    }
    let again = if case.before() == Before::Fetched { " --no-cache" } else { "" };
    let arguments = format!("build packages{again} -o oci:kiln/image:1 --store kiln/store");
    let mut work = bash(format!("\"$0\" {arguments}"), Output::Layout("image"), Between::Cache, "");
    work.command.push(kiln.to_string_lossy().into_owned());
    work.shown = format!("kiln {arguments}");
    Ok(work)
}

/// What adds the package to a system that has apt.
fn install() -> String {
    format!(
        "apt-get -q -o Acquire::Languages=none -o {ANY_AGE}=false update && \
         DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends {PACKAGE} && \
         rm -rf /var/lib/apt/lists/*"
    )
}

fn buildah(case: Case, mirror: &Mirror) -> Result<Work, String> {
    if let Some(missing) = first_missing(&["buildah"]) {
        return Err(missing);
    }
    mirror.base.as_ref().map_err(|why| format!("no base: {why}"))?;
    let function = buildah_function();
    let volume = format!("--volume \"$PWD/{POOLS}:$PWD/{POOLS}:ro\"");
    let (script, output, remark) = match case.before() {
        Before::Nothing => (
            format!(
                "b build -q --layers --isolation chroot --timestamp 0 {volume} -t bench -f {CONTAINERFILE} packages"
            ),
            Output::Internal,
            "into its own storage, not exported",
        ),
        _ => (
            format!(
                "c=$(b from -q oci:packages/base:1) && b run --isolation chroot {volume} $c -- sh -c '{}' && \
                 b commit -q --timestamp 0 --disable-compression=false $c \"oci:$PWD/buildah/image:1\"",
                install()
            ),
            Output::Layout("image"),
            "only this package: the rest is a base that was made before",
        ),
    };
    let mut work = bash(function.clone() + &script, output, Between::Cache, remark);
    work.release = Some(function + "b umount -a; b rm -a; b rmi -a -f");
    Ok(work)
}

fn mmdebstrap(case: Case) -> Result<Work, String> {
    let program = debian::mmdebstrap()?;
    let make = format!("{program} --include={PACKAGE} {HOOK} --aptopt='{ANY_AGE} \"false\"' {SUITE} - {SOURCES}");
    let script = format!(
        "mkdir -p mmdebstrap/out; mkfifo mmdebstrap/tee; {}",
        packed("mmdebstrap", &make, "layer", Codec::Gzip)?
    );
    Ok(bash(script, Output::Blobs("out"), Between::Nothing, without_cache(case)))
}

fn debootstrap(case: Case) -> Result<Work, String> {
    if let Some(missing) = first_missing(&["debootstrap", "unshare"]) {
        return Err(missing);
    }
    if !rustix::process::geteuid().is_root() {
        return Err("works for root only".to_owned());
    }
    if case.before() != Before::Clean {
        return Err("keeps nothing between two builds: see the cold one".to_owned());
    }
    // What it mounts goes with the namespace, however it ends. What it leaves of apt's is left out, as mmdebstrap does.
    let tar =
        "tar --sort=name --exclude='./var/cache/apt/*' --exclude='./var/lib/apt/lists/*' -C debootstrap/root -c .";
    let script = format!(
        "mkdir -p debootstrap/out debootstrap/root; mkfifo debootstrap/tee; \
         unshare --mount debootstrap --variant=minbase --include={PACKAGE} {SUITE} \
         debootstrap/root \"file://$PWD/{POOLS}\" >debootstrap/log; {}",
        packed("debootstrap", tar, "layer", Codec::Gzip)?
    );
    Ok(bash(script, Output::Blobs("out"), Between::Nothing, "one suite, without updates"))
}
