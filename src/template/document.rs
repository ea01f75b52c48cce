//! A template as it was written: all platforms, variables still in place.

use std::collections::BTreeMap;
use std::io;

use crate::base::{Epoch, Platform, TemplateDigest};

use super::files::{self, Files};
use super::finding::{self, Finding, Kind};
use super::form::{self, Form};
use super::model::{Publish, Template};
use super::names;
use super::read::{self, Reader};
use super::span::Span;
use super::value::{Table, Value};
use super::variables::Scope;

/// What parsing gave.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The texts, for [`super::render()`].
    pub files: Files,
    /// What is wrong before a platform is chosen, in the order of the text.
    pub findings: Vec<Finding>,
    /// `None` if a file is not there or is not TOML.
    pub document: Option<Document>,
}

/// The merged tables of a template and its includes.
#[derive(Debug, Clone)]
pub struct Document {
    root: Table,
    /// Directory of each file, from the main template's.
    directories: Vec<String>,
    digest: TemplateDigest,
}

/// What all platforms share.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// `image.name`
    pub name: Option<String>,
    /// `--version`, or `image.version`.
    pub version: Option<String>,
    /// `image.epoch`
    pub epoch: Option<Epoch>,
    /// `image.created`
    pub created: Option<Epoch>,
    /// `image.platforms`; empty if the lock decides.
    pub platforms: Vec<Platform>,
    /// `publish`
    pub publish: Publish,
}

/// Reads a template and its includes. `name` is the template as it was named, for messages; `read` is given paths from its
/// directory.
pub fn parse(name: &str, read: &mut dyn FnMut(&str) -> io::Result<String>) -> Parsed {
    let mut loaded = files::load(name, read);
    let document = loaded.root.map(|root| {
        names::check(&root, &loaded.files, &mut loaded.findings);
        let directory =
            |file: &files::File| file.path.rsplit_once('/').map_or("", |(directory, _)| directory).to_owned();
        let directories = loaded.files.iter().map(directory).collect();
        Document { root, directories, digest: loaded.files.digest() }
    });
    finding::sort(&mut loaded.findings);
    Parsed { files: loaded.files, findings: loaded.findings, document }
}

impl Document {
    /// Of the texts of the template and its includes.
    pub fn digest(&self) -> TemplateDigest {
        self.digest
    }

    /// The names in `[variables]`, sorted.
    pub fn variable_names(&self) -> Vec<&str> {
        let entries = self.root.table("variables").map_or(&[][..], |table| &table.entries);
        let mut names: Vec<&str> = entries.iter().map(|entry| entry.key.text.as_str()).collect();
        names.sort_unstable();
        names
    }

    /// What all platforms share. `set` overrides variables, `version` overrides `image.version`.
    pub fn facts(&self, set: &BTreeMap<String, String>, version: Option<&str>) -> (Facts, Vec<Finding>) {
        let mut findings = Vec::new();
        names::check_set(&self.root, set, &mut findings);
        let scope = Scope::new(self.root.table("variables"), set, None);
        let mut reader = Reader::new(&scope, None, &mut findings);
        let facts = self.read_facts(&mut reader, version);
        finding::sort(&mut findings);
        (facts, findings)
    }

    /// The template as `platform` sees it. Worth something only if nothing of severity error was found here, in
    /// [`Document::facts`] and by [`parse`].
    pub fn template(
        &self,
        platform: &Platform,
        set: &BTreeMap<String, String>,
        version: Option<&str>,
    ) -> (Template, Vec<Finding>) {
        let (facts, mut findings) = self.facts(set, version);
        let scope = Scope::new(self.root.table("variables"), set, Some(platform));
        let mut reader = Reader::new(&scope, Some(platform), &mut findings);
        let template = read::template(&mut reader, &self.root, &self.directories, facts);
        finding::sort(&mut findings);
        (template, findings)
    }

    fn read_facts(&self, reader: &mut Reader<'_>, version: Option<&str>) -> Facts {
        let none = Table::default();
        let image = self.root.table("image").unwrap_or(&none);
        let name = image.get("name");
        if name.is_none() {
            let kind = Kind::MissingKey {
                keys: vec!["name"],
                whose: "`[image]`".to_owned(),
                example: "name = \"shop/api\"".to_owned(),
            };
            reader.report(self.root.get("image").map_or(Span::default(), |node| node.span), kind);
        }
        let name = name.and_then(|node| {
            reader.word("name", node, Form::ImageName, |text| form::is_image_name(text).then(|| text.to_owned()))
        });
        let is_version = |text: &str| form::is_version(text).then(|| text.to_owned());
        let version = match version {
            Some(given) => {
                if !form::is_version(given) {
                    let (form, key) = (Form::Version, "--version".to_owned());
                    reader.report_without_place(Kind::BadValue { key, form, found: given.to_owned(), why: None });
                }
                Some(given.to_owned())
            }
            None => image.get("version").and_then(|node| reader.word("version", node, Form::Version, is_version)),
        };
        let epoch = reader.time(image, "epoch");
        let created = reader.time(image, "created");
        let publish = read::publish::publish(reader, &self.root);
        Facts { name, version, epoch, created, platforms: platforms(reader, image), publish }
    }
}

fn platforms(reader: &mut Reader<'_>, image: &Table) -> Vec<Platform> {
    let Some(node) = image.get("platforms") else { return Vec::new() };
    let Value::Array(items) = &node.value else { return Vec::new() };
    let read = |item| Some((reader.word("platforms", item, Form::Platform, form::platform)?, item.span));
    let platforms: Vec<(Platform, Span)> = items.iter().filter_map(read).collect();
    let names: Vec<(String, Span)> = platforms.iter().map(|(platform, span)| (platform.to_string(), *span)).collect();
    reader.duplicates("platform", &names);
    platforms.into_iter().map(|(platform, _)| platform).collect()
}
