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
                /// As many as anybody reads.
                const NAMED: usize = 16;
                let named: Vec<String> = gids.iter().take(NAMED).map(u32::to_string).collect();
                write!(f, "to have the groups {}", named.join(", "))
            }
            Self::Device(major, minor) => write!(f, "to make the device {major},{minor}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_follows_it_asked() {
        let groups = Refusal::Groups((1..=40).collect());
        let said = [Refusal::User(33), Refusal::Group(4), Refusal::Device(8, 1)].map(|refusal| refusal.to_string());
        assert_eq!(said, ["to become user 33", "to become group 4", "to make the device 8,1"]);
        assert!(groups.to_string().ends_with("groups 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16"));
    }
}
