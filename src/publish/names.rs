//! Under which names something is published.

use crate::registry::Tag;

/// The tags that are created. Channels, which move, are no part of this.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names(Vec<Tag>);

impl Names {
    /// Each once, in the order in which they are created.
    pub fn new(tags: impl IntoIterator<Item = Tag>) -> Self {
        let mut names = Vec::new();
        for tag in tags {
            if !names.contains(&tag) {
                names.push(tag);
            }
        }
        Self(names)
    }

    /// The tags.
    pub fn tags(&self) -> &[Tag] {
        &self.0
    }
}
