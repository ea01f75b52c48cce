//! Which way of running steps is taken.

use std::sync::Mutex;

use super::area::Area;
use super::error::SandboxError;
use super::host::Sandbox;
use super::mode::{Mode, Modes, Trouble};
use super::order::Order;
use super::subids::{self, SubordinateIds};

impl Sandbox {
    /// The best way that works on this machine, or the one that was asked for. `user` is the caller's name.
    pub fn open(area: Area, wanted: Option<Mode>, user: Option<&str>) -> Result<Self, SandboxError> {
        let modes = match wanted {
            Some(mode) => vec![mode],
            None => Mode::ALL.to_vec(),
        };
        let mut tried = Vec::new();
        for mode in modes {
            match Self::try_mode(&area, mode, user) {
                Ok(sandbox) if mode == Mode::OneId => {
                    let better = tried.into_iter().find(|(mode, _)| *mode == Mode::SubordinateIds);
                    let passed_over = better.and_then(|(mode, works): (_, Result<(), _>)| Some((mode, works.err()?)));
                    return Ok(Self { passed_over, ..sandbox });
                }
                Ok(sandbox) => return Ok(sandbox),
                Err(trouble) if wanted.is_some() => {
                    return Err(SandboxError::ModeUnavailable { mode, reason: trouble.reason, mend: trouble.mend });
                }
                Err(trouble) => tried.push((mode, Err(trouble))),
            }
        }
        Err(SandboxError::NoMode { modes: Modes(tried) })
    }

    /// Tries every way.
    pub fn modes(area: &Area, user: Option<&str>) -> Modes {
        Modes(Mode::ALL.iter().map(|mode| (*mode, Self::try_mode(area, *mode, user).map(drop))).collect())
    }

    fn try_mode(area: &Area, mode: Mode, user: Option<&str>) -> Result<Self, Trouble> {
        let is_root = rustix::process::geteuid().is_root();
        let trouble = |reason: String, mend: &str| Trouble { reason, mend: mend.to_owned() };
        let mut subordinate = None;
        match mode {
            Mode::Root | Mode::Chroot if !is_root => {
                return Err(trouble(
                    "kiln does not run as root".to_owned(),
                    "run it as root, or rootless with subordinate ids",
                ));
            }
            Mode::SubordinateIds => {
                let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
                let found = SubordinateIds::of(uid, gid, user);
                let found = found.map_err(|reason| trouble(reason, &subids::mend(user)))?;
                subordinate = Some(found);
            }
            Mode::Root | Mode::OneId | Mode::Chroot => {}
        }
        let sandbox = Self {
            mode,
            area: area.clone(),
            subordinate,
            user: user.map(str::to_owned),
            spare: Mutex::new(None),
            passed_over: None,
        };
        sandbox.probe().map_err(|error| {
            let mend = mend(mode, &error.to_string());
            trouble(error.to_string(), mend)
        })?;
        Ok(sandbox)
    }

    fn probe(&self) -> Result<(), SandboxError> {
        let work = self.area.work()?;
        let probed = self.call(&Order::Probe(work.path().to_owned()));
        self.discard(work);
        probed.map(drop)
    }
}

fn mend(mode: Mode, reason: &str) -> &'static str {
    match mode {
        Mode::Chroot if reason.contains("CAP_") => {
            "give this container the capabilities that docker and podman give by default"
        }
        Mode::Chroot => "put the store on a file system that belongs to this container: `--store DIR`",
        _ if reason.contains("user namespace") => {
            "allow unprivileged user namespaces: `sysctl kernel.unprivileged_userns_clone=1` (Debian), \
             `sysctl kernel.apparmor_restrict_unprivileged_userns=0` (Ubuntu), or a seccomp profile that lets `unshare` pass \
             (docker: `--security-opt seccomp=unconfined`)"
        }
        Mode::SubordinateIds if reason.contains("newuidmap") => "install newuidmap: `apt install uidmap`",
        _ if reason.contains("overlay") => {
            "put the store on a file system that overlays can stand on, such as ext4 or xfs: `--store DIR`"
        }
        _ if reason.contains("/proc") => {
            "let this container see a whole /proc (docker: `--security-opt systempaths=unconfined`)"
        }
        _ => "give this process CAP_SYS_ADMIN (docker: `--privileged`), or run kiln outside of the container",
    }
}
