//! The `[Install]` section of a unit file (systemd.unit(5), systemd.syntax(7)).

use crate::template::UnitName;

use super::error::UnitError;

/// What a unit says about being enabled. Lists hold words as they are written.
#[derive(Debug, Default)]
pub(super) struct Install {
    pub(super) wanted_by: Vec<String>,
    pub(super) required_by: Vec<String>,
    pub(super) upheld_by: Vec<String>,
    pub(super) alias: Vec<String>,
    also: Vec<String>,
    default_instance: Option<String>,
}

impl Install {
    /// Adds what a file says. A list goes on from file to file; an empty value begins it again.
    pub(super) fn add(&mut self, file: &[u8]) {
        let text = String::from_utf8_lossy(file);
        let mut inside = false;
        for line in lines(&text) {
            if line.starts_with('[') {
                inside = line == "[Install]";
            } else if let Some((key, value)) = line.split_once('=').filter(|_| inside) {
                self.set(key.trim_end(), value.trim_start());
            }
        }
    }

    fn set(&mut self, key: &str, value: &str) {
        let list = match key {
            "WantedBy" => &mut self.wanted_by,
            "RequiredBy" => &mut self.required_by,
            "UpheldBy" => &mut self.upheld_by,
            "Alias" => &mut self.alias,
            "Also" => &mut self.also,
            "DefaultInstance" => {
                self.default_instance = Some(value.to_owned()).filter(|value| !value.is_empty());
                return;
            }
            _ => return,
        };
        if value.is_empty() {
            list.clear();
        }
        list.extend(words(value));
    }

    /// Whether it says nothing.
    pub(super) fn is_empty(&self) -> bool {
        let lists = [&self.wanted_by, &self.required_by, &self.upheld_by, &self.alias, &self.also];
        lists.iter().all(|list| list.is_empty()) && self.default_instance.is_none()
    }

    /// The instance that a template is enabled as, with the units that follow it.
    pub(super) fn instance_of(&self, unit: &UnitName) -> Result<UnitName, UnitError> {
        match self.default_instance.as_deref().filter(|_| unit.is_template()) {
            Some(default) => Ok(unit.with_instance(&expand("DefaultInstance", default, unit)?)),
            None => Ok(unit.clone()),
        }
    }

    /// The units that are enabled with `unit`.
    pub(super) fn also(&self, unit: &UnitName) -> Result<Vec<UnitName>, UnitError> {
        let unit = self.instance_of(unit)?;
        self.also.iter().map(|word| name("Also", word, &unit)).collect()
    }
}

/// A word as the name of a unit.
pub(super) fn name(setting: &'static str, word: &str, unit: &UnitName) -> Result<UnitName, UnitError> {
    let expanded = expand(setting, word, unit)?;
    UnitName::parse(&expanded).ok_or_else(|| refuse(setting, word, unit, "does not name a unit"))
}

/// Why a word of a setting cannot be followed.
pub(super) fn refuse(setting: &'static str, word: &str, unit: &UnitName, why: &'static str) -> UnitError {
    UnitError::Setting { unit: unit.to_string(), setting, value: word.to_owned(), why }
}

/// Puts in what specifiers stand for, as far as that does not depend on the machine.
fn expand(setting: &'static str, word: &str, unit: &UnitName) -> Result<String, UnitError> {
    let mut expanded = String::with_capacity(word.len());
    let mut letters = word.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            expanded.push(letter);
            continue;
        }
        let whole = unit.to_string();
        match letters.next() {
            Some('%') | None => expanded.push('%'),
            Some('n') => expanded.push_str(&whole),
            Some('N') => expanded.push_str(whole.strip_suffix(&format!(".{}", unit.kind())).unwrap_or(&whole)),
            Some('p') => expanded.push_str(unit.prefix()),
            Some('j') => expanded.push_str(unit.prefix().rsplit('-').next().unwrap_or_default()),
            Some('i') => expanded.push_str(unit.instance().unwrap_or_default()),
            Some(_) => return Err(refuse(setting, word, unit, "depends on the machine that runs it")),
        }
    }
    Ok(expanded)
}

/// The lines of a file that say something: a backslash at the end joins the next one to it, comments are left out.
fn lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut joined = String::new();
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with(['#', ';']) {
            continue;
        }
        match line.strip_suffix('\\') {
            Some(start) => {
                joined.push_str(start);
                joined.push(' ');
            }
            None => {
                joined.push_str(line);
                lines.push(std::mem::take(&mut joined));
            }
        }
    }
    lines.push(joined);
    lines.into_iter().filter(|line| !line.is_empty()).collect()
}

/// Words between white space; quotes keep it.
fn words(value: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    for letter in value.chars() {
        match quote {
            Some(open) if letter == open => quote = None,
            None if letter == '"' || letter == '\'' => quote = Some(letter),
            None if letter.is_ascii_whitespace() => words.push(std::mem::take(&mut word)),
            _ => word.push(letter),
        }
    }
    words.push(word);
    words.into_iter().filter(|word| !word.is_empty()).collect()
}
