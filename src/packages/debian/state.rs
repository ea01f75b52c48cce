//! How far dpkg got with a package (dpkg(1), "Package states").

use super::error::IndexError;
use super::package::Package;

/// How far a package is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// Nothing of it is there.
    NotInstalled,
    /// Its conffiles are left, or what it would take to purge it.
    ConfigFiles,
    /// Unpacking began and did not end.
    HalfInstalled,
    /// Its files are there.
    Unpacked,
    /// Configuring began and did not end.
    HalfConfigured,
    /// It works, and another one's triggers are to run for it.
    TriggersAwaited,
    /// It works, and triggers of its own are to run.
    TriggersPending,
    /// It works.
    Installed,
}

impl State {
    /// The third word of its `Status`.
    pub(super) fn of(package: &Package) -> Result<Self, IndexError> {
        Ok(match package.status().split_whitespace().nth(2).unwrap_or_default() {
            "not-installed" => Self::NotInstalled,
            "config-files" => Self::ConfigFiles,
            "half-installed" => Self::HalfInstalled,
            "unpacked" => Self::Unpacked,
            "half-configured" => Self::HalfConfigured,
            "triggers-awaited" => Self::TriggersAwaited,
            "triggers-pending" => Self::TriggersPending,
            "installed" => Self::Installed,
            found => {
                return Err(IndexError::Field {
                    package: package.name().to_owned(),
                    field: "Status",
                    found: found.to_owned(),
                    expected: "one of dpkg's states",
                });
            }
        })
    }
}
