//! What a search finds.

use std::fmt;

use super::form::Form;

/// A secret that was found. Nothing in it is the value, or a name that contains the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Which secret.
    pub id: String,
    /// How it is written.
    pub form: Form,
    /// Which part of the file it is in.
    pub place: Place,
    /// The names on the way to it inside archives, outermost first, each made readable; empty if it is in no archive.
    pub inside: Vec<String>,
}

/// Part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Its bytes, or those of an archive's entry.
    Content,
    /// Its name. The path that comes with the hit leads to the directory above.
    Name,
    /// Where a symbolic link points.
    LinkTarget,
    /// The name or value of an extended attribute.
    Xattr,
}

/// Something to be said about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It has a secret in it.
    Secret(Hit),
    /// It may have one: not all of it could be looked at.
    Unsearched {
        /// Why not.
        why: Obstacle,
        /// The names on the way to where the search ended, as in a [`Hit`].
        inside: Vec<String>,
    },
}

/// What ends the search in an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// It expands to more than is believed.
    TooLarge,
    /// Archives are in it, in each other, deeper than is looked.
    TooDeep,
    /// It is damaged, or of a kind that is not known.
    Damaged,
    /// It is encrypted, or compressed in a way that is not known.
    Locked,
}

impl fmt::Display for Finding {
    /// What follows the path in a sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(hit) => hit.fmt(f),
            Self::Unsearched { why, inside } => {
                f.write_str("could not be searched to its end")?;
                write_inside(inside, f)?;
                f.write_str(match why {
                    Obstacle::TooLarge => ": it expands too far",
                    Obstacle::TooDeep => ": too many archives are in each other",
                    Obstacle::Damaged => ": it is damaged, or not of a known kind",
                    Obstacle::Locked => ": it is encrypted, or compressed in an unknown way",
                })
            }
        }
    }
}

impl fmt::Display for Hit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, form, place, inside } = self;
        match place {
            Place::Content => write!(f, "contains the secret `{id}` {form}")?,
            Place::Name => write!(f, "has a file below it with the secret `{id}` {form} in its name")?,
            Place::LinkTarget => write!(f, "is a link with the secret `{id}` {form} in its target")?,
            Place::Xattr => write!(f, "has an extended attribute with the secret `{id}` {form}")?,
        }
        write_inside(inside, f)
    }
}

fn write_inside(inside: &[String], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (index, name) in inside.iter().enumerate() {
        write!(f, "{} `{name}`", if index == 0 { ", inside" } else { " /" })?;
    }
    Ok(())
}
