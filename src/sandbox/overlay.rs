//! The overlay that a command's root is.
//!
//! Always with `redirect_dir=off,metacopy=off,index=off`: with any of them the upper directory would hold notes of the
//! kernel instead of the files themselves (Documentation/filesystems/overlayfs.rst). `volatile` leaves out every sync: the
//! upper directory is read once and thrown away.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::CWD;
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MoveMountFlags, fsconfig_create, fsconfig_set_string,
    fsmount, fsopen, move_mount,
};

use super::answer::{Doing, Failure};

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

impl Overlay<'_> {
    /// Mounts it at `at`.
    pub(super) fn mount(&self, at: &Path) -> Result<(), Failure> {
        match self.mount_one_by_one(at) {
            // Kernels before 6.8 have no `lowerdir+`, those before 5.2 no `fsopen`.
            Err(failure)
                if matches!(failure.errno.map(Errno::from_raw_os_error), Some(Errno::INVAL | Errno::NOSYS)) =>
            {
                self.mount_by_names(at)
            }
            result => result,
        }
    }

    fn mount_one_by_one(&self, at: &Path) -> Result<(), Failure> {
        let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC).doing("open an overlay")?;
        let set = |key: &str, value: &Path| {
            fsconfig_set_string(&context, key, value).doing(format!("give the overlay `{key}` {}", value.display()))
        };
        // The uppermost comes first.
        for lower in self.lower.iter().rev() {
            set("lowerdir+", lower)?;
        }
        set("upperdir", self.upper)?;
        set("workdir", self.work)?;
        for (key, value) in OPTIONS {
            set(key, Path::new(value))?;
        }
        rustix::mount::fsconfig_set_flag(&context, "volatile").doing("give the overlay `volatile`")?;
        if self.unprivileged {
            rustix::mount::fsconfig_set_flag(&context, "userxattr").doing("give the overlay `userxattr`")?;
        }
        fsconfig_create(&context).doing("make the overlay")?;
        // A device node of a layer is a name, never a device.
        let mounted: OwnedFd = fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::MOUNT_ATTR_NODEV)
            .doing("mount the overlay")?;
        move_mount(&mounted, "", CWD, at, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH).doing("mount the overlay")
    }

    /// The old way: all directories in one string of at most 4,095 bytes. Short links to them make 500 fit, which is the
    /// kernel's limit.
    fn mount_by_names(&self, at: &Path) -> Result<(), Failure> {
        let names = self.work.with_file_name("lower");
        fs::create_dir_all(&names).doing("make a directory of links")?;
        for (number, lower) in self.lower.iter().enumerate() {
            std::os::unix::fs::symlink(lower, names.join(number.to_string())).doing("make a link to a layer")?;
        }
        std::env::set_current_dir(&names).doing("enter the directory of links")?;
        let lower: Vec<String> = (0..self.lower.len()).rev().map(|number| number.to_string()).collect();
        let options: Vec<String> = OPTIONS.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let data = format!(
            "lowerdir={},upperdir={},workdir={},{}{}",
            lower.join(":"),
            escaped(self.upper),
            escaped(self.work),
            options.join(","),
            if self.unprivileged { ",userxattr" } else { "" }
        );
        let data =
            std::ffi::CString::new(data).map_err(|_| Failure::said("mount the overlay", "a zero byte in a path"))?;
        rustix::mount::mount("overlay", at, "overlay", MountFlags::NODEV, Some(data.as_c_str()))
            .doing("mount the overlay")
    }
}

/// Commas end an option, colons a directory.
fn escaped(path: &Path) -> String {
    path.display().to_string().replace('\\', "\\\\").replace(',', "\\,").replace(':', "\\:")
}
