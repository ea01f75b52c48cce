//! What a clause says, for explanations.

use super::super::package::Relates;
use super::super::pool::{Id, Pool};
use super::super::relation::{Relation, shown};
use crate::packages::Request;

/// Why a clause is there.
#[derive(Debug, Clone)]
pub(super) enum Note<'a> {
    /// A request.
    Asked(&'a Request),
    /// A request, and what it does not admit.
    LeftOut(&'a Request, Id),
    /// The system cannot do without it.
    Foundation(Id),
    /// The system has it.
    Stays(Id),
    /// The administrator holds it.
    Held(Id),
    /// A package needs one of others.
    Needs { of: Id, field: Relates, alternatives: Vec<Relation<'a>>, found: Vec<Id> },
    /// A package excludes another.
    Excludes { by: Id, field: Relates, relation: Relation<'a>, other: Id },
    /// Two of one name.
    Two(Id, Id),
}

impl Note<'_> {
    /// The packages that a clause starts from; empty: none, it holds always.
    pub(super) fn starts(&self) -> Vec<Id> {
        match self {
            Self::Asked(_) | Self::LeftOut(..) | Self::Foundation(_) | Self::Stays(_) | Self::Held(_) => Vec::new(),
            Self::Needs { of, .. } => vec![*of],
            Self::Excludes { by, other, .. } => vec![*by, *other],
            Self::Two(left, right) => vec![*left, *right],
        }
    }

    /// The packages that a clause leads to.
    pub(super) fn leads_to<'p>(&'p self, pool: &'p Pool<'_>) -> Vec<Id> {
        match self {
            Self::Asked(request) => pool.named(&request.name).to_vec(),
            Self::Needs { found, .. } => found.clone(),
            Self::Foundation(id) | Self::Stays(id) => pool.named(pool.package(*id).name()).to_vec(),
            Self::LeftOut(..) | Self::Held(_) | Self::Excludes { .. } | Self::Two(..) => Vec::new(),
        }
    }

    /// One line.
    pub(super) fn shown(&self, pool: &Pool<'_>) -> String {
        match self {
            Self::Asked(request) => format!("`{request}` is asked for"),
            Self::LeftOut(request, id) => format!("`{request}` does not admit {}", pool.shown(*id)),
            Self::Foundation(id) => format!("{} belongs to every system", pool.shown(*id)),
            Self::Stays(id) => format!("{} is in the base", pool.shown(*id)),
            Self::Held(id) => format!("{} is held back in the base", pool.shown(*id)),
            Self::Needs { of, field, alternatives, found } => {
                let needs = verb(*field);
                let line = format!("{} {needs} {}", pool.shown(*of), shown(alternatives));
                if found.is_empty() { line + &instead(pool, alternatives) } else { line }
            }
            Self::Excludes { by, field, relation, other } => {
                format!("{} {} {relation}, which is {}", pool.shown(*by), verb(*field), pool.shown(*other))
            }
            Self::Two(left, right) => {
                format!("{} and {} cannot be there together", pool.shown(*left), pool.shown(*right))
            }
        }
    }
}

fn verb(field: Relates) -> &'static str {
    match field {
        Relates::Depends => "depends on",
        Relates::PreDepends => "pre-depends on",
        Relates::Recommends => "recommends",
        Relates::Conflicts => "conflicts with",
        Relates::Breaks => "breaks",
        Relates::Replaces => "replaces",
        Relates::Provides => "provides",
    }
}

/// What there is of packages whose versions do not fit.
fn instead(pool: &Pool<'_>, alternatives: &[Relation<'_>]) -> String {
    let versions: Vec<String> =
        alternatives.iter().flat_map(|relation| pool.named(relation.name)).map(|id| pool.shown(*id)).collect();
    if versions.is_empty() {
        ", which nobody offers".to_owned()
    } else {
        format!(", and there is only {}", versions.join(", "))
    }
}
