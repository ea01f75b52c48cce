//! The ways in which a step can be given a root of its own.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// As root of the machine.
    Root,
    /// In a user namespace with the ids of `/etc/subuid`.
    SubordinateIds,
    /// In a user namespace with one id, the caller's.
    OneId,
    /// As root of a container that may have neither namespaces nor mounts: nothing is isolated ([`super::chroot`]).
    Chroot,
}

impl Mode {
    /// All of them, the best first.
    pub const ALL: [Self; 4] = [Self::Root, Self::SubordinateIds, Self::OneId, Self::Chroot];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::SubordinateIds => "subordinate-ids",
            Self::OneId => "one-id",
            Self::Chroot => "chroot",
        }
    }

    /// Whether steps are root in a namespace and not on the machine.
    pub fn has_user_namespace(self) -> bool {
        matches!(self, Self::SubordinateIds | Self::OneId)
    }

    /// Whether a command has a copy of the layers below it, and not an overlay on them.
    pub fn copies_layers(self) -> bool {
        self == Self::Chroot
    }

    /// What steps share with the machine in spite of it; empty where they share nothing.
    pub fn shares(self) -> &'static [&'static str] {
        match self {
            Self::Root | Self::SubordinateIds | Self::OneId => &[],
            Self::Chroot => &["its network, also without `network = true`", "its processes", "its host name"],
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No way of that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is none of root, subordinate-ids, one-id, chroot")]
pub struct UnknownMode {
    /// What was given.
    pub found: String,
}

impl FromStr for Mode {
    type Err = UnknownMode;

    fn from_str(text: &str) -> Result<Self, UnknownMode> {
        let found = Self::ALL.into_iter().find(|mode| mode.name() == text);
        found.ok_or_else(|| UnknownMode { found: text.to_owned() })
    }
}

/// Why a way does not work here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// What was found.
    pub reason: String,
    /// The command that mends it, or what else to do.
    pub mend: String,
}

/// What works here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Modes(pub Vec<(Mode, Result<(), Trouble>)>);

impl Modes {
    /// The best that works.
    pub fn best(&self) -> Option<Mode> {
        self.0.iter().find(|(_, works)| works.is_ok()).map(|(mode, _)| *mode)
    }
}
