//! One file, checked: everything that is wrong with it at once.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::template::{FileId, Files, Finding, Kind, Severity, Span, nearest};

use super::{ClientCertificate, Config, TokenPlace};

const KEYS: [&str; 7] = ["mirrors", "tokens", "ca", "client-certificate", "insecure-registries", "jobs", "store"];

const TOKEN_ADVICE: &str = "a token in a file that others read or that git keeps is no secret any more: write a table in \
                            which `env` names a variable or `file` a path, and make a new token if this one was shared";

type Entry<'t, 'a> = (&'t Spanned<Cow<'a, str>>, &'t Spanned<DeValue<'a>>);

/// Reads one of `files`, whose relative paths begin in `directory`. What is wrong is left out of the result and reported
/// with its place.
pub fn read(files: &Files, file: FileId, directory: &Path, findings: &mut Vec<Finding>) -> Config {
    let (name, text) = files.get(file).map_or(("", ""), |file| (&file.name, &file.text));
    let mut reader = Reader { file, name, text, directory, findings, config: Config::default() };
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        reader.syntax(error);
    }
    if errors.is_empty() {
        reader.top(root.get_ref());
    }
    reader.config
}

struct Reader<'f> {
    file: FileId,
    name: &'f str,
    text: &'f str,
    directory: &'f Path,
    findings: &'f mut Vec<Finding>,
    config: Config,
}

impl Reader<'_> {
    fn top(&mut self, root: &DeTable<'_>) {
        for (key, value) in root {
            match key.get_ref().as_ref() {
                "mirrors" => {
                    for (registry, places) in self.entries("mirrors", value) {
                        let Some(registry) = self.place(registry, registry.get_ref()) else { continue };
                        let places = self.list("mirrors", places).into_iter();
                        let places: Vec<_> = places.filter_map(|(at, text)| self.place(at, text)).collect();
                        self.config.mirrors.insert(registry, places);
                    }
                }
                "tokens" => {
                    for (host, token) in self.entries("tokens", value) {
                        let place = self.token(host, token);
                        let Some(host) = self.host(host, host.get_ref()) else { continue };
                        self.config.tokens.extend(place.map(|place| (host, place)));
                    }
                }
                "ca" => {
                    let paths = self.list("ca", value).into_iter();
                    self.config.authorities = paths.filter_map(|(at, text)| self.path(at, text)).collect();
                }
                "client-certificate" => {
                    for (host, identity) in self.entries("client-certificate", value) {
                        let identity = self.identity(host, identity);
                        let Some(host) = self.host(host, host.get_ref()) else { continue };
                        self.config.identities.extend(identity.map(|identity| (host, identity)));
                    }
                }
                "insecure-registries" => {
                    let hosts = self.list("insecure-registries", value).into_iter();
                    self.config.insecure_registries = hosts.filter_map(|(at, text)| self.host(at, text)).collect();
                }
                "jobs" => self.config.jobs = self.jobs(value),
                "store" => {
                    self.config.store = self.string("store", value).and_then(|text| self.path(value, text));
                }
                _ => self.unknown(key, &KEYS, "a configuration"),
            }
        }
    }

    fn jobs(&mut self, value: &Spanned<DeValue<'_>>) -> Option<NonZeroUsize> {
        let number = match value.get_ref() {
            DeValue::Integer(number) => usize::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        let jobs = number.and_then(NonZeroUsize::new);
        if jobs.is_none() {
            self.wrong(value, "jobs", "a whole number from 1 on");
        }
        jobs
    }

    fn token(&mut self, host: &Spanned<Cow<'_, str>>, value: &Spanned<DeValue<'_>>) -> Option<TokenPlace> {
        let inline = |reader: &mut Self| {
            let message = format!("the token for `{}` is written into the file", host.get_ref());
            reader.without_line(value, message, TOKEN_ADVICE);
            None
        };
        let DeValue::Table(table) = value.get_ref() else { return inline(self) };
        let [(key, place)] = table.iter().collect::<Vec<_>>()[..] else { return inline(self) };
        match key.get_ref().as_ref() {
            "env" => {
                let name = self.string("env", place)?;
                let good = !name.is_empty() && !name.contains(['=', '\0']);
                if !good {
                    self.wrong(place, "env", "the name of a variable");
                }
                good.then(|| TokenPlace::Variable(name.to_owned()))
            }
            "file" => self.string("file", place).and_then(|text| self.path(place, text)).map(TokenPlace::File),
            _ => inline(self),
        }
    }

    fn identity(&mut self, host: &Spanned<Cow<'_, str>>, value: &Spanned<DeValue<'_>>) -> Option<ClientCertificate> {
        let mut paths: BTreeMap<&str, PathBuf> = BTreeMap::new();
        for (key, path) in self.entries("client-certificate", value) {
            match key.get_ref().as_ref() {
                name @ ("cert" | "key") => {
                    let path = self.string(name, path).and_then(|text| self.path(path, text))?;
                    paths.insert(name, path);
                }
                _ => self.unknown(key, &["cert", "key"], "a client certificate"),
            }
        }
        let both = paths.remove("cert").zip(paths.remove("key"));
        if both.is_none() && matches!(value.get_ref(), DeValue::Table(_)) {
            let message = format!("the client certificate for `{}` needs `cert` and `key`", host.get_ref());
            self.tell(value, message, Some("both are PEM files: { cert = \"PATH\", key = \"PATH\" }".to_owned()));
        }
        both.map(|(certificate, key)| ClientCertificate { certificate, key })
    }

    /// The entries of a table, or a complaint and none.
    fn entries<'t, 'a>(&mut self, key: &str, value: &'t Spanned<DeValue<'a>>) -> Vec<Entry<'t, 'a>> {
        match value.get_ref() {
            DeValue::Table(table) => table.iter().collect(),
            _ => {
                self.wrong(value, key, "a table");
                Vec::new()
            }
        }
    }

    /// The strings of a list with their places.
    fn list<'t, 'a>(&mut self, key: &str, value: &'t Spanned<DeValue<'a>>) -> Vec<(&'t Spanned<DeValue<'a>>, &'t str)> {
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong(value, key, "a list of strings");
            return Vec::new();
        };
        items.iter().filter_map(|item| Some((item, self.string(key, item)?))).collect()
    }

    fn string<'t>(&mut self, key: &str, value: &'t Spanned<DeValue<'_>>) -> Option<&'t str> {
        if let DeValue::String(text) = value.get_ref() {
            return Some(text);
        }
        self.wrong(value, key, "a string");
        None
    }

    /// A path: from the directory of the file.
    fn path<T>(&mut self, at: &Spanned<T>, text: &str) -> Option<PathBuf> {
        if text.is_empty() || text == "~" || text.starts_with("~/") {
            let hint = "`~` is the shell's: write the whole path, or one from the directory of this file";
            self.tell(at, format!("`{text}` is no path"), Some(hint.to_owned()));
            return None;
        }
        Some(self.directory.join(text))
    }

    /// `HOST[:PORT]`
    fn host<T>(&mut self, at: &Spanned<T>, text: &str) -> Option<String> {
        let place = self.place(at, text)?;
        if place.contains('/') {
            let hint = "write the host alone, or HOST:PORT";
            self.tell(at, format!("`{text}` has a path in it"), Some(hint.to_owned()));
            return None;
        }
        Some(place)
    }

    /// `HOST[:PORT][/PATH]`, in small letters, as names of images are.
    fn place<T>(&mut self, at: &Spanned<T>, text: &str) -> Option<String> {
        if text.contains('@') {
            // It may stand behind a password.
            let hint = "credentials of registries are in docker's and podman's files: `kiln login` writes them";
            self.without_line(at, "a host has a user or a password in front of it".to_owned(), hint);
            return None;
        }
        if text.contains("://") {
            let hint = "write it without the scheme: HOST[:PORT], and where TLS is not spoken in `insecure-registries`";
            self.tell(at, format!("`{text}` is an address, not a host"), Some(hint.to_owned()));
            return None;
        }
        let known = |c: char| c.is_ascii_alphanumeric() || "._-:/[]".contains(c);
        let host = text.split('/').next().unwrap_or_default();
        if host.is_empty() || text.ends_with('/') || !text.chars().all(known) {
            let hint = "expected HOST[:PORT], and for mirrors perhaps a path behind it";
            self.tell(at, format!("`{text}` is not a host"), Some(hint.to_owned()));
            return None;
        }
        Some(text.to_ascii_lowercase())
    }

    fn unknown<T: AsRef<str>>(&mut self, key: &Spanned<T>, known: &[&str], whose: &str) {
        let name = key.get_ref().as_ref();
        let hint = match nearest(name, known.iter().copied()) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => format!("the keys of {whose} are `{}`", known.join("`, `")),
        };
        self.tell(key, format!("unknown key `{name}` in {whose}"), Some(hint));
    }

    fn wrong<T>(&mut self, at: &Spanned<T>, key: &str, expected: &str) {
        self.tell(at, format!("`{key}` takes {expected}"), None);
    }

    fn tell<T>(&mut self, at: &Spanned<T>, message: String, hint: Option<String>) {
        let range = at.span();
        let span = Span { file: self.file, start: range.start, end: range.end };
        self.findings.push(Finding::told(span, Severity::Error, message, hint));
    }

    /// Says the line's number and does not show the line: there may be a secret in it.
    fn without_line<T>(&mut self, at: &Spanned<T>, message: String, hint: &str) {
        let (name, line) = (self.name, self.line_number(at.span().start));
        let (message, hint) = (format!("{name}:{line}: {message}"), Some(hint.to_owned()));
        self.findings.push(Finding::without_place(Kind::Told { severity: Severity::Error, message, hint }));
    }

    fn line_number(&self, at: usize) -> usize {
        self.text.get(..at).unwrap_or(self.text).matches('\n').count() + 1
    }

    fn syntax(&mut self, error: &toml::de::Error) {
        let range = error.span().unwrap_or(self.text.len()..self.text.len());
        let message = format!("this is not TOML: {}", error.message());
        let hint = "the rules of TOML are at https://toml.io/en/v1.0.0";
        if self.is_near_tokens(range.start) {
            self.without_line(&Spanned::new(range, ()), message, hint);
        } else {
            self.tell(&Spanned::new(range, ()), message, Some(hint.to_owned()));
        }
    }

    /// Whether what is written there may be a token.
    fn is_near_tokens(&self, at: usize) -> bool {
        let line = self.line_number(at);
        let above = self.text.lines().take(line);
        let is_header = |line: &&str| line.trim_start().starts_with('[');
        let header = above.clone().filter(is_header).last().unwrap_or_default();
        header.contains("token") || above.last().is_some_and(|line| line.contains("token"))
    }
}
