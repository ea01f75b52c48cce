//! The base that steps run on: small, and a whole system. A layout that was given, or what mmdebstrap makes once.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::layout::{self, TAG};
use crate::process;
use crate::tool::first_missing;

/// Where apt finds the machine's own packages; the first that is there counts.
const SOURCES: [&str; 2] = ["/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"];

/// An image in an OCI layout.
pub(crate) struct Debian {
    layout: PathBuf,
    tag: Option<String>,
}

impl Debian {
    /// The image of a layout, `DIR[:TAG]`.
    pub(crate) fn given(name: &str) -> io::Result<Self> {
        let (directory, tag) = match name.rsplit_once(':') {
            Some((directory, tag)) if !Path::new(name).exists() => (directory, Some(tag.to_owned())),
            _ => (name, None),
        };
        Ok(Self { layout: fs::canonicalize(directory)?, tag })
    }

    /// Has mmdebstrap make one below `root`, unless it is there; why not, in words for the table.
    pub(crate) fn make(root: &Path, limit: Duration) -> Result<Self, String> {
        let sources = SOURCES.into_iter().find(|file| Path::new(file).exists());
        let sources = sources.ok_or("this machine has no list of Debian's packages, and no --debian was given")?;
        Self::bootstrap(root, "debian", [&code_name(), sources], &[], limit)
            .map_err(|why| format!("{why}, and no --debian was given"))
    }

    /// Has mmdebstrap make a minimal system in `name` below `root`, unless it is there: of a release, and from where a
    /// list for apt says.
    pub(crate) fn bootstrap(
        root: &Path,
        name: &str,
        [release, sources]: [&str; 2],
        options: &[&str],
        limit: Duration,
    ) -> Result<Self, String> {
        let layout = root.join(name);
        if !layout.join("oci-layout").exists() {
            let program = mmdebstrap()?;
            eprintln!("making {name}: mmdebstrap");
            let tar = layout.with_extension("tar");
            let target = tar.to_string_lossy();
            let arguments = [options, &[release, &*target, sources]].concat();
            let command: Vec<String> = program.split(' ').chain(arguments).map(str::to_owned).collect();
            process::run(&command, root, limit)?;
            let packed = layout::write(&layout, |mut writer| {
                io::copy(&mut File::open(&tar)?, &mut writer)?;
                Ok(writer)
            });
            packed.and_then(|()| fs::remove_file(&tar)).map_err(|error| format!("{}: {error}", layout.display()))?;
        }
        Ok(Self { layout, tag: Some(TAG.to_owned()) })
    }

    /// As kiln and buildah write it.
    pub(crate) fn reference(&self) -> String {
        let tag = self.tag.iter().map(|tag| format!(":{tag}")).collect::<String>();
        format!("oci:{}{tag}", self.layout.display())
    }

    /// Its directory.
    pub(crate) fn layout(&self) -> &Path {
        &self.layout
    }

    /// The blobs of its layers, the lowest first.
    pub(crate) fn layers(&self) -> io::Result<Vec<PathBuf>> {
        let layers = layout::layers(&self.layout, self.tag.as_deref())?;
        Ok(layers.into_iter().map(|(blob, _)| blob).collect())
    }
}

/// The program and the options that are always the same; says what is missing. Where it may mount, it does so in a
/// namespace of its own: one that fails or is ended leaves its mounts.
pub(crate) fn mmdebstrap() -> Result<&'static str, String> {
    match (first_missing(&["mmdebstrap", "unshare"]), rustix::process::geteuid().is_root()) {
        (Some(missing), _) => Err(missing),
        (None, true) => Ok("unshare --mount mmdebstrap --quiet --variant=minbase"),
        (None, false) => Ok("mmdebstrap --quiet --variant=minbase"),
    }
}

/// The release that this machine runs.
fn code_name() -> String {
    let text = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    name.unwrap_or("stable").trim_matches('"').to_owned()
}
