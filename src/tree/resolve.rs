//! Where a path really is, once the links on the way are followed inside the root.

use crate::base::ImagePath;
use crate::base::path::PathError;

use super::Tree;
use super::node::Kind;

/// How many links Linux follows before it gives up (`path_resolution(7)`).
const MAX_LINKS: usize = 40;

/// A path that leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// Links that point to each other.
    #[error("following `{path}` meets more than {MAX_LINKS} symbolic links")]
    Loop {
        /// The path that was to be resolved.
        path: ImagePath,
    },
    /// Something on the way is neither a directory nor a link to one.
    #[error("`{path}` passes through `{at}`, which is not a directory")]
    NotADirectory {
        /// The path that was to be resolved.
        path: ImagePath,
        /// What stands in the way.
        at: ImagePath,
    },
    /// A link target that cannot be a path.
    #[error("`{at}` points to a place that cannot be")]
    Target {
        /// The link.
        at: ImagePath,
        /// Why.
        source: PathError,
    },
}

/// Follows the links among the *parents* of `path`, inside the root: an absolute target starts at the root again, `..`
/// above the root stays there. The last part is not followed. On Debian, `lib/x` is really `usr/lib/x`. Parents that do
/// not exist are taken as directories yet to be made.
pub fn resolve_parents(tree: &Tree, path: &ImagePath) -> Result<ImagePath, ResolveError> {
    resolve(tree, path, Last::Kept)
}

/// The same, with the last part followed too.
pub fn resolve_fully(tree: &Tree, path: &ImagePath) -> Result<ImagePath, ResolveError> {
    resolve(tree, path, Last::Followed)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Kept,
    Followed,
}

fn resolve(tree: &Tree, path: &ImagePath, last: Last) -> Result<ImagePath, ResolveError> {
    // A stack of the parts still to walk, the next one last.
    let mut todo: Vec<Vec<u8>> = path.parts().rev().map(<[u8]>::to_vec).collect();
    let mut at = ImagePath::root();
    let mut links = 0;
    while let Some(part) = todo.pop() {
        if part == b".." {
            at = at.parent().unwrap_or_default();
            continue;
        }
        let next = at.child(&part).map_err(|source| ResolveError::Target { at: at.clone(), source })?;
        let is_last = todo.is_empty();
        match tree.get(&next).map(|node| &node.kind) {
            Some(Kind::Symlink { target }) if !(is_last && last == Last::Kept) => {
                links += 1;
                if links > MAX_LINKS {
                    return Err(ResolveError::Loop { path: path.clone() });
                }
                if target.starts_with(b"/") {
                    at = ImagePath::root();
                }
                let parts = target.split(|b| *b == b'/').filter(|part| !part.is_empty() && *part != b".");
                todo.extend(parts.rev().map(<[u8]>::to_vec));
            }
            Some(Kind::Directory) | None => at = next,
            Some(_) if is_last => at = next,
            Some(_) => return Err(ResolveError::NotADirectory { path: path.clone(), at: next }),
        }
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    #[test]
    fn links_among_parents_are_followed_inside_the_root() {
        let tree = tree(&[
            ("lib", symlink("usr/lib")),
            ("usr", directory()),
            ("usr/lib", directory()),
            ("usr/lib/up", symlink("../../../..")),
            ("abs", symlink("/usr/lib")),
            ("file", file("")),
            ("self", symlink("self")),
        ]);
        assert_eq!(resolve_parents(&tree, &path("lib/x/y")), Ok(path("usr/lib/x/y")));
        assert_eq!(resolve_parents(&tree, &path("lib")), Ok(path("lib")));
        assert_eq!(resolve_fully(&tree, &path("lib")), Ok(path("usr/lib")));
        assert_eq!(resolve_parents(&tree, &path("lib/up/etc")), Ok(path("etc")));
        assert_eq!(resolve_parents(&tree, &path("abs/z")), Ok(path("usr/lib/z")));
        assert!(matches!(resolve_parents(&tree, &path("self/x")), Err(ResolveError::Loop { .. })));
        assert!(matches!(resolve_parents(&tree, &path("file/x")), Err(ResolveError::NotADirectory { .. })));
    }
}
