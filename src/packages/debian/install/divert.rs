//! Where files go that a package puts elsewhere (dpkg-divert(1)), and whose they are (dpkg-statoverride(1)).

use std::collections::BTreeMap;

use crate::base::ImagePath;
use crate::tree::Node;

use super::error::InstallError;

/// The files that are diverted.
#[derive(Debug, Clone, Default)]
pub(super) struct Diversions {
    by_path: BTreeMap<ImagePath, Diversion>,
    /// Where they go, and what they are.
    targets: BTreeMap<ImagePath, ImagePath>,
}

#[derive(Debug, Clone)]
struct Diversion {
    to: ImagePath,
    /// The package whose file stays; `None`: nobody's does.
    by: Option<String>,
}

impl Diversions {
    /// Reads the file `diversions`: three lines for each, the path, where it goes, and by whom (`:` for the administrator).
    pub(super) fn read(path: &ImagePath, bytes: &[u8]) -> Result<Self, InstallError> {
        let mut diversions = Self::default();
        let lines: Vec<&[u8]> = lines(bytes).collect();
        for (index, three) in lines.chunks(3).enumerate() {
            let fail = |reason| InstallError::Damaged { path: path.clone(), line: index * 3 + 1, reason };
            let [from, to, by] = three else { return Err(fail("expected three lines for a diversion")) };
            let (from, to) = match (absolute(from), absolute(to)) {
                (Some(from), Some(to)) => (from, to),
                _ => return Err(fail("expected two absolute paths")),
            };
            let by = std::str::from_utf8(by).map_err(|_| fail("expected the name of a package"))?;
            let by = (by != ":").then(|| by.to_owned());
            let is_used = |path| diversions.by_path.contains_key(path) || diversions.targets.contains_key(path);
            if is_used(&from) || is_used(&to) {
                return Err(fail("this path is diverted twice"));
            }
            diversions.targets.insert(to.clone(), from.clone());
            diversions.by_path.insert(from, Diversion { to, by });
        }
        Ok(diversions)
    }

    /// Where a file of `package` goes.
    pub(super) fn place(&self, path: &ImagePath, package: &str) -> ImagePath {
        match self.by_path.get(path) {
            Some(diversion) if diversion.by.as_deref() != Some(package) => diversion.to.clone(),
            _ => path.clone(),
        }
    }

    /// Whether one of two packages that have a path diverts it from the other.
    pub(super) fn part(&self, path: &ImagePath, one: &str, other: &str) -> bool {
        let by = self.by_path.get(path).and_then(|diversion| diversion.by.as_deref());
        by.is_some_and(|by| by == one || by == other)
    }

    /// Whose file is diverted to a path.
    pub(super) fn source(&self, path: &ImagePath) -> Option<&ImagePath> {
        self.targets.get(path)
    }
}

/// Owners and modes that count instead of those of the packages.
#[derive(Debug, Clone, Default)]
pub(super) struct Overrides(BTreeMap<ImagePath, Override>);

#[derive(Debug, Clone)]
struct Override {
    uid: u32,
    gid: u32,
    mode: u16,
}

/// Names of users or groups.
pub(super) struct Names<'a> {
    pub(super) path: &'a ImagePath,
    /// Of `/etc/passwd` or `/etc/group`.
    pub(super) file: &'a [u8],
}

impl Overrides {
    /// Reads the file `statoverride`: `user group mode path`, where a number has a `#` before it.
    pub(super) fn read(path: &ImagePath, bytes: &[u8], users: &[u8], groups: &[u8]) -> Result<Self, InstallError> {
        let (users, groups) = (Names { path, file: users }, Names { path, file: groups });
        let mut all = BTreeMap::new();
        for (index, line) in lines(bytes).enumerate() {
            let fail = |reason| InstallError::Damaged { path: path.clone(), line: index + 1, reason };
            let fields: Vec<&[u8]> = line.splitn(4, |b| *b == b' ').collect();
            let [user, group, mode, file] = fields[..] else {
                return Err(fail("expected `user group mode path`"));
            };
            let mode = std::str::from_utf8(mode).ok().and_then(|mode| u16::from_str_radix(mode, 8).ok());
            let mode = mode.filter(|mode| *mode <= 0o7777).ok_or_else(|| fail("expected a mode"))?;
            let file = absolute(file).ok_or_else(|| fail("expected an absolute path"))?;
            let number = "expected a number behind `#`";
            let uid = users.id(user)?.ok_or_else(|| fail(number))?;
            let gid = groups.id(group)?.ok_or_else(|| fail(number))?;
            all.insert(file, Override { uid, gid, mode });
        }
        Ok(Self(all))
    }

    /// What a package puts at `path`, as the administrator wants it.
    pub(super) fn apply(&self, path: &ImagePath, node: Node) -> Node {
        match self.0.get(path) {
            Some(own) => Node { uid: own.uid, gid: own.gid, mode: own.mode, ..node },
            None => node,
        }
    }
}

impl Names<'_> {
    /// The number of a name; `None` for a number that is none.
    fn id(&self, name: &[u8]) -> Result<Option<u32>, InstallError> {
        let number = |digits: &[u8]| std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
        if let Some(digits) = name.strip_prefix(b"#") {
            return Ok(number(digits));
        }
        let mut entries = self.file.split(|b| *b == b'\n').map(|line| line.split(|b| *b == b':'));
        let found = entries.find_map(|mut fields| {
            let is_it = fields.next() == Some(name);
            number(fields.nth(1)?).filter(|_| is_it)
        });
        let unknown = || InstallError::Owner { name: crate::base::path::readable(name), path: self.path.clone() };
        found.ok_or_else(unknown).map(Some)
    }
}

/// The lines of a file, without what is behind the last line break.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.strip_suffix(b"\n").unwrap_or(bytes).split(|b| *b == b'\n').filter(move |_| !bytes.is_empty())
}

/// A path that begins at the root.
pub(super) fn absolute(text: &[u8]) -> Option<ImagePath> {
    text.starts_with(b"/").then(|| ImagePath::parse(text).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::testing::{file, path};

    #[test]
    fn diverted_files_go_elsewhere() {
        let read = |text: &str| Diversions::read(&path("diversions"), text.as_bytes());
        let diversions = read("/bin/sh\n/bin/sh.distrib\ndash\n/a\n/a.old\n:\n").expect("diversions");
        assert_eq!(diversions.place(&path("bin/sh"), "bash"), path("bin/sh.distrib"));
        assert_eq!(diversions.place(&path("bin/sh"), "dash"), path("bin/sh"));
        assert_eq!(diversions.place(&path("a"), "dash"), path("a.old"));
        assert_eq!(diversions.source(&path("a.old")), Some(&path("a")));
        assert!(diversions.part(&path("bin/sh"), "x", "dash") && !diversions.part(&path("a"), "x", "y"));
        assert!(read("").is_ok());
        for bad in ["/a\n/b\n", "a\n/b\n:\n", "/a\n/b\n:\n/b\n/c\n:\n", "/a\n/..\n:\n", "/a\n/b\n\u{0}\n\n"] {
            let found = read(bad);
            assert!(matches!(found, Err(InstallError::Damaged { .. })), "{bad} {found:?}");
        }
    }

    #[test]
    fn overrides_count_instead_of_the_packages_owners() {
        let users = b"root:x:0:0::/:\nman:x:6:12::/:\n";
        let read = |text: &str| Overrides::read(&path("statoverride"), text.as_bytes(), users, b"man:x:12:\n");
        let overrides = read("man man 2755 /a b\n#7 #8 600 /c\n").expect("overrides");
        let node = overrides.apply(&path("a b"), file(""));
        assert_eq!((node.uid, node.gid, node.mode), (6, 12, 0o2755));
        assert_eq!(overrides.apply(&path("c"), file("")).uid, 7);
        assert_eq!(overrides.apply(&path("d"), file("")), file(""));
        for bad in
            ["man man 755\n", "man man 10000 /a\n", "man man 8 /a\n", "man man 755 a\n", "#x man 755 /a\n", "\n\n"]
        {
            assert!(matches!(read(bad), Err(InstallError::Damaged { .. })), "{bad}");
        }
        assert!(matches!(read("mann man 755 /a\n"), Err(InstallError::Owner { name, .. }) if name == "mann"));
    }
}
