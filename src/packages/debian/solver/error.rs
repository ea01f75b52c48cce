//! Why there is no set of packages that is what was asked for.

use super::super::error::IndexError;

/// A request that cannot be fulfilled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SolveError {
    /// Nobody has such a package.
    #[error("there is no package `{name}`")]
    Unknown {
        /// What was asked for.
        name: String,
        /// Names that look like it.
        nearest: Vec<String>,
    },
    /// A name that several packages stand for.
    #[error("`{name}` is no package: {} provide it", providers.join(", "))]
    Virtual {
        /// What was asked for.
        name: String,
        /// Who provides it.
        providers: Vec<String>,
    },
    /// A version that nobody has.
    #[error("there is no `{request}`, only {}", has.join(", "))]
    NoVersion {
        /// What was asked for.
        request: String,
        /// The versions that there are.
        has: Vec<String>,
    },
    /// A package of the base that should go.
    #[error("`{request}` leaves out a package that the base has")]
    InBase {
        /// What was asked for.
        request: String,
    },
    /// Requirements that collide.
    #[error("the packages cannot be there together:{}", lines.iter().map(|line| format!("\n  {line}")).collect::<String>())]
    Unsolvable {
        /// The requirements, from what was asked for to where they collide.
        lines: Vec<String>,
    },
    /// A package says something that is not understood.
    #[error("cannot read what `{package}` says of other packages")]
    Relations {
        /// Name and version.
        package: String,
        /// Why.
        source: IndexError,
    },
}

impl SolveError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unknown { nearest, .. } if nearest.is_empty() => {
                "add the suite or component that has it to `[repositories]`".to_owned()
            }
            Self::Unknown { nearest, .. } => {
                let names: Vec<String> = nearest.iter().map(|name| format!("`{name}`")).collect();
                format!("did you mean {}?", names.join(" or "))
            }
            Self::Virtual { .. } => "write one of these".to_owned(),
            Self::NoVersion { .. } => "write one of these, or a pattern such as `name=1.2*`".to_owned(),
            Self::InBase { .. } => "take a base without it, or remove its files with `remove`".to_owned(),
            Self::Unsolvable { .. } => {
                "leave out one of the packages, or ask for other versions with `name=1.2*`".to_owned()
            }
            Self::Relations { .. } => {
                "this is the package's own mistake: leave it out, or take another version with `name=1.2*`".to_owned()
            }
        })
    }
}
