//! The whole grammar of templates as one table: [`keys::TABLE`] and [`actions::ACTIONS`].
//!
//! From it come the checks (unknown keys, wrong types, "not built yet"), the JSON schema and the reference in the README.
//! The usual way would be structs with a derived schema (`schemars`). One table is better here: the documentation of each
//! key is data that three readers share, a key of a later version is one line and not a struct, a misplaced key can be
//! looked up in every other place, and the rule which modifiers an action takes has no form in a struct.

mod actions;
#[rustfmt::skip]
mod keys;

pub use actions::{ACTIONS, Action, CHECKS, ORIGINS, action};
pub use keys::{CODECS, FORMS, KINDS, ORDERS, SCRIPTS, SPLITS, TABLE};

/// A table of the template that has keys of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Outside of any table.
    Top,
    /// `[image]`
    Image,
    /// `image.compression` as a table.
    Compression,
    /// `[base]`
    Base,
    /// `[sources.NAME]`
    Source,
    /// `[repositories.NAME]`
    Repository,
    /// `[stage.NAME]`
    Stage,
    /// `[[layer]]`
    Layer,
    /// `[[layer.step]]`
    Step,
    /// An entry of `mounts`.
    Mount,
    /// `[config]`
    Config,
    /// `config.healthcheck`
    Healthcheck,
    /// `[[test]]`
    Test,
    /// `stdout` and `stderr` of a test as a table.
    Match,
    /// `[publish]`
    Publish,
    /// `[machine]`
    Machine,
    /// `[[machine.partition]]`
    Partition,
}

/// What a key takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shape {
    /// Any string.
    Text,
    /// A string that something else in the template or the image is found by.
    Word(Word),
    /// One of these strings.
    Choice(&'static [&'static str]),
    /// `true` or `false`.
    Bool,
    /// A whole number from the first to the second.
    Integer(i64, i64),
    /// A list of the same.
    List(&'static Shape),
    /// Any of these.
    Either(&'static [Shape]),
    /// A table with free keys.
    Map(&'static Shape),
    /// A string, or a table of strings by platform.
    ByPlatform,
    /// A table with the keys of that place.
    Table(Place),
    /// Tables with the keys of that place, each under a name.
    Named(Place),
    /// A list of tables with the keys of that place, written with double brackets.
    Tables(Place),
}

/// Strings with a form of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// RFC 3339; TOML's own times are taken too.
    Time,
    /// A time, `epoch` or `content`.
    Mtime,
    /// Octal permission bits.
    Mode,
    /// `user[:group]`
    Owner,
    /// A path in the image.
    ImagePath,
    /// A path beside the template.
    LocalPath,
    /// `NAME` or `NAME:PATH`
    SourceRef,
    /// A pattern of paths.
    Glob,
    /// `os/arch[/variant]`
    Platform,
    /// `8000/tcp`
    Port,
    /// `1m30s`
    Duration,
    /// `128M`
    Size,
}

/// Whether this version does what a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It does.
    Now,
    /// The key is known and refused.
    Later,
}

/// Whether a table makes sense without a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// It has to be there.
    Required,
    /// It may be left out.
    Optional,
}

/// One key of one place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Key {
    /// As it is written.
    pub name: &'static str,
    /// What it takes.
    pub shape: Shape,
    /// One line for people; Markdown.
    pub doc: &'static str,
    /// A value in TOML.
    pub example: &'static str,
    /// Built, or not yet.
    pub state: State,
    /// Required, or not.
    pub need: Need,
}

impl Key {
    const fn new(name: &'static str, shape: Shape, example: &'static str, doc: &'static str) -> Self {
        Self { name, shape, doc, example, state: State::Now, need: Need::Optional }
    }

    const fn later(mut self) -> Self {
        self.state = State::Later;
        self
    }

    const fn required(mut self) -> Self {
        self.need = Need::Required;
        self
    }
}

impl Place {
    /// How a person would write or call it, in Markdown.
    pub fn title(self) -> &'static str {
        match self {
            Self::Top => "the top of the file",
            Self::Image => "`[image]`",
            Self::Compression => "`image.compression`",
            Self::Base => "`[base]`",
            Self::Source => "`[sources.NAME]`",
            Self::Repository => "`[repositories.NAME]`",
            Self::Stage => "`[stage.NAME]`",
            Self::Layer => "`[[layer]]`",
            Self::Step => "`[[layer.step]]`",
            Self::Mount => "`mounts`",
            Self::Config => "`[config]`",
            Self::Healthcheck => "`config.healthcheck`",
            Self::Test => "`[[test]]`",
            Self::Match => "`stdout` of a test",
            Self::Publish => "`[publish]`",
            Self::Machine => "`[machine]`",
            Self::Partition => "`[[machine.partition]]`",
        }
    }

    /// The name of its definition in the schema.
    pub fn id(self) -> &'static str {
        match self {
            Self::Top => "template",
            Self::Image => "image",
            Self::Compression => "compression",
            Self::Base => "base",
            Self::Source => "source",
            Self::Repository => "repository",
            Self::Stage => "stage",
            Self::Layer => "layer",
            Self::Step => "step",
            Self::Mount => "mount",
            Self::Config => "config",
            Self::Healthcheck => "healthcheck",
            Self::Test => "test",
            Self::Match => "match",
            Self::Publish => "publish",
            Self::Machine => "machine",
            Self::Partition => "partition",
        }
    }

    /// The keys that the table lists for it.
    pub fn own_keys(self) -> &'static [Key] {
        TABLE.iter().find(|(place, _)| *place == self).map_or(&[], |(_, keys)| keys)
    }

    /// All keys that may be written there: a layer with one action carries its step's keys itself.
    pub fn keys(self) -> impl Iterator<Item = &'static Key> {
        let own = self.own_keys();
        let inline: &[Key] = if self == Self::Layer { Self::Step.own_keys() } else { &[] };
        own.iter().chain(inline.iter().filter(|key| !own.iter().any(|other| other.name == key.name)))
    }

    /// The key of that name.
    pub fn key(self, name: &str) -> Option<&'static Key> {
        self.keys().find(|key| key.name == name)
    }

    /// The places that list a key of that name themselves.
    pub fn that_have(name: &str) -> Vec<Self> {
        let has = |keys: &[Key]| keys.iter().any(|key| key.name == name);
        TABLE.iter().filter(|(_, keys)| has(keys)).map(|(place, _)| *place).collect()
    }
}

impl Shape {
    /// What is expected, for messages and the reference.
    pub fn describe(&self) -> String {
        match self {
            Self::Text | Self::Word(_) => "a string".to_owned(),
            Self::Choice(words) => one_of(words),
            Self::Bool => "`true` or `false`".to_owned(),
            Self::Integer(..) => "a whole number".to_owned(),
            Self::List(Shape::Text | Shape::Word(_)) => "a list of strings".to_owned(),
            Self::List(Shape::Table(_)) => "a list of tables".to_owned(),
            Self::List(_) => "a list".to_owned(),
            Self::Either(shapes) => shapes.iter().map(Self::describe).collect::<Vec<_>>().join(" or "),
            Self::Map(Shape::Text) => "a table of strings".to_owned(),
            Self::Map(_) | Self::Table(_) => "a table".to_owned(),
            Self::ByPlatform => "a string or a table of strings by platform".to_owned(),
            Self::Named(_) => "named tables".to_owned(),
            Self::Tables(_) => "tables in double brackets".to_owned(),
        }
    }
}

/// "`a`, `b` or `c`"
pub fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} or {last}", rest.join(", ")),
    }
}

/// The candidate that `word` was probably meant to be.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    /// Of the letters, one in three may be wrong, and one always.
    const LETTERS_PER_MISTAKE: usize = 3;
    let limit = (word.chars().count() / LETTERS_PER_MISTAKE).max(1);
    let distance = |candidate: &'a str| (strsim::damerau_levenshtein(word, candidate), candidate);
    candidates.into_iter().map(distance).filter(|(distance, _)| *distance <= limit).min().map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_and_far_ones_are_not() {
        assert_eq!(nearest("plattforms", ["platforms", "name"]), Some("platforms"));
        assert_eq!(nearest("enrtypoint", ["entrypoint"]), Some("entrypoint"));
        assert_eq!(nearest("x", ["entrypoint", "to"]), None);
        assert_eq!(nearest("frobnicate", ["entrypoint", "to"]), None);
    }

    #[test]
    fn each_place_has_its_keys_once() {
        for (place, keys) in TABLE {
            for (index, key) in keys.iter().enumerate() {
                let twice = keys.iter().skip(index + 1).any(|other| other.name == key.name);
                assert!(!twice, "{place:?}: {}", key.name);
                assert!(!key.doc.is_empty() && !key.example.is_empty(), "{place:?}: {}", key.name);
            }
        }
        assert!(Place::Layer.key("copy").is_some() && Place::Step.key("keep").is_none());
    }

    #[test]
    fn every_action_and_modifier_is_a_key_of_the_step() {
        for action in ACTIONS {
            let names = action.modifiers.iter().chain(action.needs.iter().copied().flatten()).chain([&action.name]);
            for name in names {
                assert!(Place::Step.key(name).is_some(), "{}: {name}", action.name);
            }
        }
        for key in Place::Step.own_keys() {
            let used = ACTIONS.iter().any(|action| action.name == key.name || action.takes(key.name));
            assert!(used, "{} belongs to no action", key.name);
        }
    }
}
