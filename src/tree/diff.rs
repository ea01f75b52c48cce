//! The changeset between two trees.

use super::Tree;
use super::changeset::Changeset;

/// What turns `lower` into `upper`. A node whose type, mode, owner, attributes and content are equal is left out whatever
/// its time: a no-op `chmod` leaves no trace.
pub fn diff(lower: &Tree, upper: &Tree) -> Changeset {
    let mut changeset = Changeset::new();
    for (path, _) in lower.iter() {
        let parent_stays = path.parent().is_none_or(|parent| upper.is_directory(&parent));
        if upper.get(path).is_none() && parent_stays {
            changeset.white_out(path.clone());
        }
    }
    for (path, node) in upper.iter() {
        let same = lower.get(path).is_some_and(|below| below.same_but_for_time(node));
        if !same {
            changeset.put(path.clone(), node.clone());
        }
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
