//! The changeset between two trees.

use crate::base::ImagePath;

use super::changeset::Changeset;
use super::{Node, Tree};

/// What turns `lower` into `upper`. A node whose type, mode, owner, attributes and content are equal is left out whatever
/// its time: a no-op `chmod` leaves no trace.
pub fn diff(lower: &Tree, upper: &Tree) -> Changeset {
    let mut changeset = Changeset::new();
    if lower.is_copy_of(upper) {
        return changeset;
    }
    // Both in path order, side by side.
    let mut above = upper.iter().peekable();
    let mut put = |path: &ImagePath, node: &Node| drop(changeset.put(path.clone(), node.clone()));
    let mut gone = Vec::new();
    for (path, below) in lower.iter() {
        while let Some((new, node)) = above.next_if(|(at, _)| *at < path) {
            put(new, node);
        }
        match above.next_if(|(at, _)| *at == path) {
            Some((_, node)) if below.same_but_for_time(node) => {}
            Some((_, node)) => put(path, node),
            None => gone.push(path),
        }
    }
    above.for_each(|(path, node)| put(path, node));
    let parent_stays = |path: &ImagePath| path.parent().is_none_or(|parent| upper.is_directory(&parent));
    for path in gone.into_iter().filter(|path| parent_stays(path)) {
        changeset.white_out(path.clone());
    }
    changeset
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use crate::tree::Change;

    #[test]
    fn a_removed_directory_is_one_whiteout() {
        let lower = tree(&[("a", directory()), ("a/b", file("1")), ("c", file("2"))]);
        let upper = tree(&[("c", file("2"))]);
        let changes: Vec<_> =
            diff(&lower, &upper).iter().map(|(path, change)| (path.clone(), change.clone())).collect();
        assert_eq!(changes, [(path("a"), Change::Whiteout)]);
    }

    #[test]
    fn applying_the_difference_gives_the_upper_tree() {
        let lower = tree(&[("a", directory()), ("a/b", file("1")), ("c", directory()), ("c/d", file("2"))]);
        let upper = tree(&[("a", file("now a file")), ("c", directory()), ("c/e", symlink("d"))]);
        let mut merged = lower.clone();
        merged.apply(&diff(&lower, &upper));
        assert_eq!(merged, upper);
    }
}
