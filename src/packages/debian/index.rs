//! What a repository offers, and what a system has: lists of packages.

use super::error::IndexError;
use super::package::Package;
use super::paragraph::Paragraphs;
use super::state::State;
use crate::packages::entry::is_inside;

/// Reads the index of one component (`Packages`, decompressed). Each package has a file, its size and its digest.
pub fn read(bytes: &[u8]) -> Result<Vec<Package>, IndexError> {
    Paragraphs::new(bytes)?
        .map(|paragraph| {
            let package = Package::read(&paragraph?)?;
            check_file(&package)?;
            Ok(package)
        })
        .collect()
}

fn check_file(package: &Package) -> Result<(), IndexError> {
    let missing = |field| Err(IndexError::Missing { package: package.name().to_owned(), field });
    if package.size_bytes == 0 {
        return missing("Size");
    }
    if package.sha256.is_none() {
        return missing("SHA256");
    }
    let file = package.file();
    if file.is_empty() {
        return missing("Filename");
    }
    if !is_inside(file) {
        return Err(IndexError::Field {
            package: package.name().to_owned(),
            field: "Filename",
            found: file.to_owned(),
            expected: "a path inside the repository",
        });
    }
    Ok(())
}

/// A package that a system has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// What it is.
    pub package: Package,
    /// Whether it may be exchanged for another version.
    pub held: Held,
}

/// Whether the administrator holds a package back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// It stays as it is.
    Held,
    /// It may change.
    Free,
}

/// Reads dpkg's database (`/var/lib/dpkg/status`): what is there, unpacked at least. What was removed and left its
/// conffiles behind is not.
pub fn installed(bytes: &[u8]) -> Result<Vec<Installed>, IndexError> {
    let mut all = Vec::new();
    for paragraph in Paragraphs::new(bytes)? {
        let package = Package::read(&paragraph?)?;
        if State::of(&package)? >= State::Unpacked {
            let is_held = package.status().split_whitespace().next() == Some("hold");
            let held = if is_held { Held::Held } else { Held::Free };
            all.push(Installed { package, held });
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(name: &str, file: &str) -> String {
        let sha256 = "ab".repeat(32);
        format!("Package: {name}\nVersion: 1\nArchitecture: all\nFilename: {file}\nSize: 5\nSHA256: {sha256}\n\n")
    }

    #[test]
    fn an_index_lists_files() {
        let text = entry("a", "pool/a.deb") + &entry("b", "./b~1+x.deb").replace("./", "");
        let names: Vec<String> =
            read(text.as_bytes()).expect("an index").iter().map(|package| package.name().to_owned()).collect();
        assert_eq!(names, ["a", "b"]);
        for file in ["/etc/passwd", "../a", "a//b", "a?b", "a b", "./a"] {
            assert!(
                matches!(read(entry("a", file).as_bytes()), Err(IndexError::Field { field: "Filename", .. })),
                "{file}"
            );
        }
        for field in ["Filename", "Size", "SHA256"] {
            let without: String = entry("a", "a.deb")
                .lines()
                .filter(|l| !l.starts_with(field))
                .fold(String::new(), |text, line| text + line + "\n");
            assert!(
                matches!(read(without.as_bytes()), Err(IndexError::Missing { field: found, .. }) if found == field)
            );
        }
    }

    #[test]
    fn the_database_says_what_is_there() {
        let one = |name: &str, status: &str| {
            format!("Package: {name}\nStatus: {status}\nVersion: 1\nArchitecture: amd64\n\n")
        };
        let text = one("a", "install ok installed")
            + &one("b", "hold ok installed")
            + &one("c", "deinstall ok config-files")
            + &one("d", "install ok unpacked")
            + "Package: e\nStatus: purge ok not-installed\n";
        let all = installed(text.as_bytes()).expect("a database");
        let found: Vec<_> = all.iter().map(|installed| (installed.package.name(), installed.held)).collect();
        assert_eq!(found, [("a", Held::Free), ("b", Held::Held), ("d", Held::Free)]);
        let odd = installed(one("a", "install ok odd").as_bytes());
        assert!(matches!(odd, Err(IndexError::Field { field: "Status", .. })));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(
            lines in prop::collection::vec("(Package|Version|Size|Status|Depends|Source|)(:|) ?[a-z0-9:. ]{0,6}", 0..12)
        ) {
            let text = lines.join("\n");
            let _ = (read(text.as_bytes()), installed(text.as_bytes()));
        }
    }
}
