//! Units that cannot be enabled.

use crate::base::ImagePath;

/// Why a unit cannot be enabled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// No such unit in the image.
    #[error("the image has no unit `{unit}` at this step")]
    Unknown {
        /// Its name.
        unit: String,
        /// Those that look most like it, the most alike first.
        nearest: Vec<String>,
    },
    /// A unit that is not to be started by anything.
    #[error("the unit `{unit}` is masked by `{path}`")]
    Masked {
        /// Its name.
        unit: String,
        /// The link to `/dev/null`, or the empty file.
        path: ImagePath,
    },
    /// A name that somebody gave to another unit.
    #[error("`{unit}` is another name of `{real}`")]
    OtherName {
        /// The name.
        unit: String,
        /// The unit behind it.
        real: String,
    },
    /// A link to nothing.
    #[error("`{path}` is a link that leads to no unit")]
    Dangling {
        /// The link.
        path: ImagePath,
    },
    /// A template of units that says nothing about its instances.
    #[error("`{unit}` is a template of units without a DefaultInstance")]
    NeedsInstance {
        /// Its name.
        unit: String,
    },
    /// A setting in the unit's `[Install]` section that cannot be followed.
    #[error("`{setting}={value}` of the unit `{unit}` {why}")]
    Setting {
        /// The unit.
        unit: String,
        /// Such as `WantedBy`.
        setting: &'static str,
        /// One word of its value.
        value: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Something else is where a link has to go.
    #[error("`{path}` is there already and is {by}")]
    Taken {
        /// Where.
        path: ImagePath,
        /// What it is.
        by: String,
    },
}

impl UnitError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unknown { nearest, .. } if nearest.is_empty() => {
                "install it or copy it to /etc/systemd/system in an earlier step".to_owned()
            }
            Self::Unknown { nearest, .. } => {
                let names: Vec<String> = nearest.iter().map(|name| format!("`{name}`")).collect();
                format!("did you mean {}?", names.join(" or "))
            }
            Self::Masked { path, .. } => format!("unmask it in an earlier step with `remove = \"{path}\"`"),
            Self::OtherName { real, .. } => format!("write `enable = [\"{real}\"]`"),
            Self::Dangling { path } => format!("remove it in an earlier step with `remove = \"{path}\"`"),
            Self::NeedsInstance { unit } => {
                format!("name an instance: `enable = [\"{}\"]`", unit.replacen('@', "@NAME", 1))
            }
            Self::Setting { .. } => "make the links that are meant with `symlink` steps".to_owned(),
            Self::Taken { path, .. } => format!("remove it in an earlier step with `remove = \"{path}\"`"),
        })
    }
}
