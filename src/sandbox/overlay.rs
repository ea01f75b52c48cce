//! The overlay that a command's root is.
//!
//! Always with `redirect_dir=off,metacopy=off,index=off`: with any of them the upper directory would hold notes of the
//! kernel instead of the files themselves (Documentation/filesystems/overlayfs.rst). `volatile` leaves out every sync: the
//! upper directory is read once and thrown away.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::CWD;
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MoveMountFlags, fsconfig_create, fsconfig_set_flag,
    fsconfig_set_string, fsmount, fsopen, move_mount,
};

use super::answer::{Doing, Failure};
use super::order::BindKind;

/// The directories of an overlay.
pub(super) struct Overlay<'a> {
    /// The lowest first; at least one.
    pub(super) lower: &'a [PathBuf],
    pub(super) upper: &'a Path,
    pub(super) work: &'a Path,
    /// Whether this is a user namespace, where the kernel's own attributes are out of reach.
    pub(super) unprivileged: bool,
}

const OPTIONS: [(&str, &str); 3] = [("redirect_dir", "off"), ("metacopy", "off"), ("index", "off")];

/// Enters a new directory with links to layers, which are named by their numbers there.
fn enter_links(names: &Path, lower: &[PathBuf], others: &[(&Path, &str)]) -> Result<(), Failure> {
    fs::remove_dir_all(names)
        .or_else(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })
        .doing("make a directory of links")?;
    fs::create_dir(names).doing("make a directory of links")?;
    let link = |to: &Path, name: &str| std::os::unix::fs::symlink(to, names.join(name)).doing("make a link to a layer");
    for (number, lower) in lower.iter().enumerate() {
        link(lower, &number.to_string())?;
    }
    for (to, name) in others {
        link(to, name)?;
    }
    std::env::set_current_dir(names).doing("enter the directory of links")
}

/// Several directories that are one tree together ([`super::spread`]), as a mount that is not in its place yet. What may be
/// written there goes to directories beside them, and is thrown away with them.
pub(super) fn joined(parts: &[PathBuf], kind: BindKind, names: &Path, unprivileged: bool) -> Result<OwnedFd, Failure> {
    let beside = |name: &str| parts.first().map(|first| first.with_file_name(name)).unwrap_or_default();
    let (upper, work) = (beside("upper"), beside("work"));
    let own = match kind {
        BindKind::ReadOnly => Vec::new(),
        BindKind::Shared => vec![(upper.as_path(), "upper"), (work.as_path(), "work")],
    };
    for (directory, _) in &own {
        const DOING: &str = "make a directory to write to";
        fs::create_dir_all(directory).doing(DOING)?;
        // The mount shows the mode of the uppermost: that of every tree's root.
        fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).doing(DOING)?;
    }
    enter_links(names, parts, &own)?;
    let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC).doing("open an overlay")?;
    let lower: Vec<String> = (0..parts.len()).rev().map(|number| number.to_string()).collect();
    let mut settings = vec![("lowerdir".to_owned(), lower.join(":"))];
    settings.extend(own.iter().map(|(_, name)| (format!("{name}dir"), (*name).to_owned())));
    // Directories can be renamed as in a directory without layers; the notes of that go away with the upper one.
    let renames = |key: &str| kind == BindKind::Shared && !unprivileged && key == "redirect_dir";
    let value = |(key, value): (&str, &str)| (key.to_owned(), if renames(key) { "on" } else { value }.to_owned());
    settings.extend(options(unprivileged).map(value));
    for (key, value) in settings {
        fsconfig_set_string(&context, &key, &value).doing(format!("give the overlay `{key}={value}`"))?;
    }
    if unprivileged {
        fsconfig_set_flag(&context, "userxattr").doing("give the overlay `userxattr`")?;
    }
    fsconfig_create(&context).doing("make the overlay")?;
    fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::MOUNT_ATTR_NODEV).doing("mount the overlay")
}

/// With `userxattr` directories are never redirected, and saying so is refused.
fn options(unprivileged: bool) -> impl Iterator<Item = (&'static str, &'static str)> {
    OPTIONS.into_iter().filter(move |(key, _)| !unprivileged || *key != "redirect_dir")
}

impl Overlay<'_> {
    /// Mounts it at `at`. The layers are named by short links to them: a step can read in `/proc/self/mountinfo` what was
    /// given, and shall not learn where on the machine it runs.
    pub(super) fn mount(&self, at: &Path) -> Result<(), Failure> {
        enter_links(&self.work.with_file_name("names"), self.lower, &[(self.upper, "upper"), (self.work, "work")])?;
        match self.mount_one_by_one(at) {
            // Kernels before 6.8 have no `lowerdir+`, those before 5.2 no `fsopen`.
            Err(failure)
                if matches!(failure.errno.map(Errno::from_raw_os_error), Some(Errno::INVAL | Errno::NOSYS)) =>
            {
                self.mount_in_one_string(at)
            }
            result => result,
        }
    }

    /// The uppermost first.
    fn names(&self) -> impl Iterator<Item = String> {
        (0..self.lower.len()).rev().map(|number| number.to_string())
    }

    fn mount_one_by_one(&self, at: &Path) -> Result<(), Failure> {
        let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC).doing("open an overlay")?;
        let set = |key: &str, value: &str| {
            fsconfig_set_string(&context, key, value).doing(format!("give the overlay `{key}={value}`"))
        };
        for name in self.names() {
            set("lowerdir+", &name)?;
        }
        set("upperdir", "upper")?;
        set("workdir", "work")?;
        for (key, value) in options(self.unprivileged) {
            set(key, value)?;
        }
        let flag = |name: &str| fsconfig_set_flag(&context, name).doing(format!("give the overlay `{name}`"));
        flag("volatile")?;
        if self.unprivileged {
            flag("userxattr")?;
        }
        fsconfig_create(&context).doing("make the overlay")?;
        // A device node of a layer is a name, never a device.
        let mounted: OwnedFd = fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::MOUNT_ATTR_NODEV)
            .doing("mount the overlay")?;
        move_mount(&mounted, "", CWD, at, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH).doing("mount the overlay")
    }

    /// The old way: all directories in one string of at most 4,095 bytes, which holds more of these names than the 500
    /// layers that the kernel allows.
    fn mount_in_one_string(&self, at: &Path) -> Result<(), Failure> {
        let lower: Vec<String> = self.names().collect();
        let options: Vec<String> = options(self.unprivileged).map(|(key, value)| format!("{key}={value}")).collect();
        let unprivileged = if self.unprivileged { ",userxattr" } else { "" };
        let data =
            format!("lowerdir={},upperdir=upper,workdir=work,{}{unprivileged}", lower.join(":"), options.join(","));
        let data = std::ffi::CString::new(data).map_err(|_| Failure::said("mount the overlay", "a zero byte"))?;
        rustix::mount::mount("overlay", at, "overlay", MountFlags::NODEV, Some(data.as_c_str()))
            .doing("mount the overlay")
    }
}
