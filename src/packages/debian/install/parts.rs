//! The database of a root without dpkg: a file for each package.

use crate::base::ImagePath;

use super::super::deb::Deb;
use super::super::error::IndexError;
use super::Ground;
use super::database::{Database, DatabaseChange, DatabaseFile};
use super::divert::lines;
use super::error::InstallError;
use super::record::{Record, not_text};

const DIRECTORY: &str = "status.d";
const SUMS: &str = ".md5sums";

impl Database {
    /// Reads the packages of a root that has none of dpkg's. Of their files those are known that have sums.
    pub(super) fn read_parts(ground: &Ground<'_>) -> Result<Self, InstallError> {
        let mut database = Self::empty(ground)?;
        let directory = database.path(DIRECTORY);
        for (path, _) in ground.root.below(&directory).filter(|(path, _)| !path.name().ends_with(SUMS.as_bytes())) {
            let status = |source: IndexError| InstallError::Status { path: path.clone(), source };
            let bytes = ground.file(path)?.unwrap_or_default();
            let text = std::str::from_utf8(&bytes).map_err(|error| status(not_text(&error)))?;
            let text = text.trim_matches('\n');
            let mut record = Record::read_part(text).map_err(status)?;
            let Ok(sums) = ImagePath::parse(&[path.as_bytes(), SUMS.as_bytes()].concat()) else { continue };
            for line in lines(&ground.file(&sums)?.unwrap_or_default()) {
                let file = line.splitn(2, |b| *b == b' ').nth(1).unwrap_or_default().trim_ascii_start();
                record.files.extend(ImagePath::parse(file).ok().filter(|file| !file.is_root()));
            }
            database.records.push(record);
        }
        Ok(database)
    }

    /// What has to be written there for packages that were unpacked.
    pub(super) fn take_parts(&mut self, debs: &[&Deb]) -> DatabaseChange {
        let names: Vec<&str> = self.records.iter().map(|record| record.package.name()).collect();
        let mut change =
            DatabaseChange { directories: vec![self.path(""), self.path(DIRECTORY)], ..Default::default() };
        for deb in debs {
            let package = &deb.control.package;
            // Two architectures of a package need two files.
            let is_alone = names.iter().filter(|name| **name == package.name()).count() == 1;
            let name = match is_alone {
                true => package.name().to_owned(),
                false => format!("{}:{}", package.name(), package.architecture()),
            };
            let control = deb.control.files.get("control").map(|file| file.content.clone()).unwrap_or_default();
            let sums = self.changed.get(&format!("info/{}{SUMS}", super::record::stem(package))).cloned().flatten();
            let sums = sums.map(|(sums, _)| sums).unwrap_or_default();
            for (name, content) in [(name.clone(), control), (format!("{name}{SUMS}"), sums)] {
                change.files.push(DatabaseFile {
                    path: self.path(&format!("{DIRECTORY}/{name}")),
                    content,
                    mode: 0o644,
                });
            }
        }
        change.files.sort_unstable_by(|left, right| left.path.cmp(&right.path));
        change
    }
}
