//! What is unpacked together, and what has to be configured before the next can be unpacked.

use super::super::package::Package;
use super::database::Database;
use super::error::InstallError;

/// Packages that are unpacked together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// Which, as places in the list that was given, in the order of unpacking.
    pub unpack: Vec<usize>,
    /// When the jobs of [`super::before()`] run.
    pub preinst: PreInst,
    /// The runs of dpkg after it.
    pub configure: Vec<Configure>,
}

/// When scripts run that should run before their package is unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PreInst {
    /// Before.
    Before,
    /// After: there is no shell before that.
    After,
}

/// A run of `dpkg --configure`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Configure {
    /// These, whether what they depend on is configured or not.
    Forced(Vec<String>),
    /// These.
    These(Vec<String>),
    /// All that are unpacked, and all triggers.
    Pending,
}

impl Configure {
    /// The arguments of dpkg.
    pub fn arguments(&self) -> Vec<String> {
        let (options, names): (&[&str], &[String]) = match self {
            Self::Forced(names) => (&["--force-depends", "--configure"], names),
            Self::These(names) => (&["--configure"], names),
            Self::Pending => (&["--configure", "--pending"], &[]),
        };
        options.iter().map(|option| (*option).to_owned()).chain(names.iter().cloned()).collect()
    }
}

/// Divides packages into as few rounds as their `Pre-Depends` allow.
pub fn rounds(packages: &[&Package], _database: &Database) -> Result<Vec<Round>, InstallError> {
    let unpack = (0..packages.len()).collect();
    Ok(vec![Round { unpack, preinst: PreInst::Before, configure: vec![Configure::Pending] }])
}
