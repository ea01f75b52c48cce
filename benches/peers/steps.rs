//! Steps that run commands, in the words of each tool: what a command costs beside itself.

use std::fs;
use std::io;
use std::path::Path;

use crate::case::{Before, Case, Codec, Input};
use crate::debian::Debian;
use crate::session::Bench;
use crate::template;
use crate::tool::{Between, Less, Offer, Output, Tool, Work, bash, buildah_function, first_missing};

/// Layers of `true` that are built; the cost of one is the difference to a build with one of them, divided by the rest.
const MANY: u32 = 11;

/// What people do in the steps of an image: accounts, files, modes, caches of the system, archives. The results are the
/// same in every run.
const COMMANDS: [&str; 10] = [
    "useradd --create-home --shell /bin/sh app",
    "mkdir -p /srv/app && for i in $(seq 200); do echo file $i > /srv/app/$i; done",
    "cp -r /usr/share/doc /srv/doc",
    "chmod -R o-rwx /srv/app /srv/doc",
    "chown -R app:app /srv/app",
    "ldconfig",
    "tar -C /usr/share/doc --sort=name --mtime=@0 -cf /srv/doc.tar .",
    "rm -rf /usr/share/locale /srv/doc",
    "sed -i s/^UMASK/#UMASK/ /etc/login.defs",
    "find /usr/lib -name '*.so*' -type f | sort > /srv/libraries",
];

/// The command of each layer.
fn commands(input: Input, count: u32) -> Vec<&'static str> {
    match input {
        Input::Steps => COMMANDS.to_vec(),
        _ => (0..count).map(|_| "true").collect(),
    }
}

/// Numbers of layers that are built, the largest last.
fn counts(input: Input) -> Vec<u32> {
    match input {
        Input::Steps => vec![COMMANDS.len() as u32],
        _ => vec![1, MANY],
    }
}

/// Writes kiln's templates and the Containerfiles into `root`. Whatever sees the variable `round` is made anew when that
/// changes.
pub(crate) fn write(root: &Path, input: Input, debian: &Debian) -> io::Result<()> {
    let base = debian.reference();
    for count in counts(input) {
        let mut kiln = template::head(input, Codec::Gzip);
        kiln += &format!("\n[base]\nimage = \"{base}\"\n\n[variables]\nround = \"0\"\n");
        let mut containerfile = format!("FROM {base}\nARG ROUND\n");
        for (number, command) in commands(input, count).into_iter().enumerate() {
            kiln += &format!(
                "\n[[layer]]\nname = \"l{number}\"\nrun = \"{command}\"\nenv = {{ ROUND = \"${{round}}\" }}\n"
            );
            containerfile += &format!("RUN {command}\n");
        }
        let name = name(input, count);
        template::write_file_anew(&root.join(kiln_file(&name)), &kiln)?;
        fs::write(root.join(format!("{name}.Containerfile")), containerfile)?;
    }
    Ok(())
}

fn name(input: Input, count: u32) -> String {
    format!("{}-{count}", input.name())
}

fn kiln_file(name: &str) -> String {
    format!("{name}.kiln.toml")
}

/// What a tool runs for a case of steps.
pub(crate) fn offer(tool: Tool, case: Case, bench: &Bench) -> Offer {
    let debian = match &bench.debian {
        Ok(debian) => debian,
        Err(why) => return Offer::Nothing(why.clone()),
    };
    let work = |count: u32| match tool {
        Tool::Kiln => kiln(case, count, bench.kiln),
        Tool::Buildah => buildah(case, count),
        _ => floor(count, debian),
    };
    match work_of_most(&counts(case.input()), work) {
        Ok(work) => Offer::Run(work),
        Err(why) => Offer::Nothing(why),
    }
}

/// The work with the most layers, less that with the fewest.
fn work_of_most(counts: &[u32], work: impl Fn(u32) -> Result<Work, String>) -> Result<Work, String> {
    let (few, most) = (counts.first().copied().unwrap_or_default(), counts.last().copied().unwrap_or_default());
    let mut all = work(most)?;
    if few < most {
        all.less = Some(Less { command: work(few)?.command, count: most - few });
    }
    Ok(all)
}

/// A number that no build had before, for whoever would find its steps in a cache.
const FRESH: &str = "$(date +%s%N)";

fn kiln(case: Case, count: u32, kiln: &Path) -> Result<Work, String> {
    if !kiln.is_file() {
        return Err("not built: cargo build --release".to_owned());
    }
    let file = kiln_file(&name(case.input(), count));
    let vary = if case.before() == Before::Vary { format!(" --set round={FRESH}") } else { String::new() };
    let arguments = format!("build {file}{vary} -o oci:kiln/image:1 --store kiln/store");
    let mut work = bash(format!("\"$0\" {arguments}"), Output::Layout("image"), Between::Cache, remark(case));
    work.command.push(kiln.to_string_lossy().into_owned());
    work.shown = format!("kiln {arguments}");
    Ok(work)
}

fn buildah(case: Case, count: u32) -> Result<Work, String> {
    if let Some(missing) = first_missing(&["buildah"]) {
        return Err(missing);
    }
    let function = buildah_function();
    let vary = if case.before() == Before::Vary { format!(" --build-arg ROUND={FRESH}") } else { String::new() };
    let script = format!(
        "b build -q --layers --isolation chroot --timestamp 0{vary} -t bench -f {}.Containerfile .",
        name(case.input(), count)
    );
    let remark = match case {
        Case::RunTrue => "into its own storage, not exported; one layer of 11",
        _ => "into its own storage, not exported",
    };
    let mut work = bash(function.clone() + &script, Output::Internal, Between::Cache, remark);
    work.release = Some(function + "b umount -a; b rm -a; b rmi -a -f");
    Ok(work)
}

/// What the kernel takes for namespaces, a root and a program; nothing is kept of it.
fn floor(count: u32, debian: &Debian) -> Result<Work, String> {
    if let Some(missing) = first_missing(&["unshare", "chroot", "tar"]) {
        return Err(missing);
    }
    let user = if rustix::process::geteuid().is_root() { "" } else { "--map-root-user " };
    let script = format!(
        "for i in $(seq {count}); do unshare {user}--mount --pid --fork --net --ipc --uts chroot unshare/root /bin/true; done"
    );
    let mut work = bash(script, Output::Internal, Between::Cache, "the floor: no layer, nothing captured; one of 11");
    let mut unpack = "mkdir -p unshare/root".to_owned();
    for layer in debian.layers().map_err(|error| format!("its base: {error}"))? {
        // What only root may make is not needed for `true`.
        unpack += &format!(" && tar -C unshare/root --exclude=./dev -xf '{}'", layer.display());
    }
    work.first = Some(bash(unpack, Output::Internal, Between::Cache, "").command);
    Ok(work)
}

fn remark(case: Case) -> &'static str {
    match case {
        Case::RunTrue => "one layer of 11",
        _ => "",
    }
}
