//! What a step asked for that one id cannot give.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One thing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Refusal {
    /// To become another user.
    User(u32),
    /// To become another group.
    Group(u32),
    /// To have further groups.
    Groups(Vec<u32>),
    /// To make a device, by its numbers.
    Device(u32, u32),
}

impl fmt::Display for Refusal {
    /// After "it asked".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(uid) => write!(f, "to become user {uid}"),
            Self::Group(gid) => write!(f, "to become group {gid}"),
            Self::Groups(gids) => {
                f.write_str("to have the groups")?;
                gids.iter().enumerate().try_for_each(|(at, gid)| {
                    let comma = if at == 0 { "" } else { "," };
                    write!(f, "{comma} {gid}")
                })
            }
            Self::Device(major, minor) => write!(f, "to make the device {major},{minor}"),
        }
    }
}
