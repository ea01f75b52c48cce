//! Packages of a distribution that a template installs.

use crate::base::Epoch;
use crate::packages::Request;

use super::Span;

/// `repositories.NAME`: what a distribution offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// Where it was named.
    pub span: Span,
    /// Whose it is (`kind`).
    pub distribution: Distribution,
    /// `suite`: `bookworm`, `bookworm-security`; at least one.
    pub suites: Vec<String>,
    /// `components`; default `main`; at least one.
    pub components: Vec<String>,
    /// `snapshot`: as it was at that time.
    pub snapshot: Option<Epoch>,
    /// `mirror`: addresses of the directory that `dists` and `pool` are in; empty: found by the machine.
    pub mirrors: Vec<String>,
    /// `keyring`: the public keys that its releases are signed with; `None`: the distribution's own.
    pub keyring: Option<Keyring>,
}

/// Whose packages they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Distribution {
    /// `debian`: Debian and what is made from it.
    Debian,
}

/// A file of public keys beside the template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyring {
    /// Relative to the directory of the file that names it, or absolute.
    pub path: String,
    /// Directory of the template or include that names it, as a path from the main template's directory.
    pub directory: String,
}

/// `packages`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packages {
    /// What is asked for, in the order of the template; at least one.
    pub requests: Vec<Request>,
    /// The names of the repositories that they come from (`repository`); default: all. At least one.
    pub repositories: Vec<String>,
    /// Whether packages that these recommend come too.
    pub recommends: bool,
    /// What is done with the scripts of packages.
    pub scripts: Scripts,
}

/// How packages are spread over layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// `"origin"`: those of one source package stay together.
    Origin,
}

/// What is done with the scripts of packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scripts {
    /// `"run"`: they run in the sandbox, as dpkg runs them.
    Run,
    /// `"refuse"`: packages are unpacked only, and those that need their scripts are refused.
    Refuse,
}
