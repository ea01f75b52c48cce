//! Why packages cannot be unpacked.

use std::io;

use crate::base::ImagePath;
use crate::tree::resolve::ResolveError;

use super::super::deb::DebError;
use super::super::error::IndexError;

/// Packages that cannot be unpacked, or a database of dpkg's that is damaged.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// dpkg's list of packages cannot be read.
    #[error("cannot read `{path}`")]
    Status {
        /// Where it is.
        path: ImagePath,
        /// Why.
        source: IndexError,
    },
    /// Another file of the database cannot be read as what it is.
    #[error("line {line} of `{path}` is damaged: {reason}")]
    Damaged {
        /// Which file.
        path: ImagePath,
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// Something else is where a file should be.
    #[error("`{path}` is not a file")]
    NotAFile {
        /// What it is.
        path: ImagePath,
    },
    /// A file of the root or of a package cannot be read.
    #[error("cannot read `{path}`")]
    Content {
        /// Which one.
        path: ImagePath,
        /// Why.
        source: io::Error,
    },
    /// A path leads nowhere.
    #[error("cannot find the place of a file")]
    Resolve {
        /// Why.
        #[from]
        source: ResolveError,
    },
    /// What a package says of other packages cannot be read.
    #[error("cannot read the fields of package `{package}`")]
    Control {
        /// Its name.
        package: String,
        /// Why.
        source: IndexError,
    },
    /// A list in a package's control archive cannot be read.
    #[error("cannot read the control archive of package `{package}`")]
    Deb {
        /// Its name.
        package: String,
        /// Why.
        source: Box<DebError>,
    },
    /// A line of a package's triggers that says nothing.
    #[error("`{line}` in the triggers of package `{package}` is no directive")]
    Trigger {
        /// Its name.
        package: String,
        /// The line, made readable.
        line: String,
    },
    /// A file name that dpkg's lists cannot hold, or that gets too long.
    #[error("package `{package}` has a file name that cannot be unpacked: `{name}`")]
    Name {
        /// Its name.
        package: String,
        /// The name of the file, made readable.
        name: String,
    },
    /// Two packages that cannot be unpacked together.
    #[error("package `{package}` is there twice")]
    Twice {
        /// Its name.
        package: String,
    },
    /// A file that another package has.
    #[error("`{path}` of package `{package}` is also in package `{other}`")]
    Conflict {
        /// Which file.
        path: ImagePath,
        /// Whose it should become.
        package: String,
        /// Whose it is.
        other: String,
    },
    /// A file that two architectures of a package share, and that is not the same in both.
    #[error("`{path}` of package `{package}` differs from what another architecture of it has")]
    Unequal {
        /// Which file.
        path: ImagePath,
        /// Whose.
        package: String,
    },
    /// A file where another one is diverted to.
    #[error("`{path}` of package `{package}` is where `{diverted}` is diverted to")]
    Diverted {
        /// Which file.
        path: ImagePath,
        /// Whose.
        package: String,
        /// What is diverted.
        diverted: ImagePath,
    },
    /// Somebody in dpkg's overrides whom the root does not know.
    #[error("the owner `{name}` that `{path}` names is not in the image")]
    Owner {
        /// Who.
        name: String,
        /// Which file names them.
        path: ImagePath,
    },
    /// Packages that do not work without their scripts.
    #[error("packages need scripts that are not run: {}", shown(.packages))]
    NeedsScripts {
        /// Which.
        packages: Vec<NeedsScripts>,
    },
}

impl InstallError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Status { .. } | Self::Damaged { .. } | Self::NotAFile { .. } => {
                "dpkg's database came with the base or from a step: mend it where it comes from".to_owned()
            }
            Self::Content { .. } => "try again; if it happens again, check the disk".to_owned(),
            Self::Resolve { .. } => "remove what stands in the way in an earlier step".to_owned(),
            Self::Owner { path, .. } => format!("add them in an earlier step, or take the line out of `{path}`"),
            Self::Conflict { other, .. } => format!("leave one of the two out: write `{other}-`, or name a version"),
            Self::NeedsScripts { .. } => "let scripts run, or leave these packages out with `name-`".to_owned(),
            Self::Twice { package } => format!("ask for one `{package}`"),
            Self::Control { .. }
            | Self::Deb { .. }
            | Self::Trigger { .. }
            | Self::Name { .. }
            | Self::Unequal { .. }
            | Self::Diverted { .. } => "leave the package out with `name-`, or take another version of it".to_owned(),
        })
    }
}

/// A package that does not work without its scripts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeedsScripts {
    /// Its name.
    pub package: String,
    /// What it needs, for people.
    pub needs: Vec<&'static str>,
}

fn shown(packages: &[NeedsScripts]) -> String {
    let one = |needs: &NeedsScripts| format!("`{}` ({})", needs.package, needs.needs.join(", "));
    packages.iter().map(one).collect::<Vec<_>>().join(", ")
}
