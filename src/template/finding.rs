//! What is wrong with a template, and where.

use super::advice::{actions, known_or_example, modifier_hint, repository_example, unknown_key_hint};
use super::form::Form;
use super::grammar::{Place, one_of};
use super::span::Span;
use crate::packages::RequestError;

/// Whether a template with this finding can be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// No.
    Error,
    /// Yes, but it is probably not what was meant.
    Warning,
}

/// One thing that is wrong. Findings are ordered by file and place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Where; `None` for what comes from the command line.
    pub span: Option<Span>,
    /// What.
    pub kind: Kind,
    /// Another place that belongs to it, and what is there.
    pub related: Option<(Span, &'static str)>,
}

/// What can be wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Kind {
    /// Not TOML.
    #[error("this is not TOML: {message}")]
    Syntax {
        /// What the parser says.
        message: String,
    },
    /// TOML 1.1, which editors refuse.
    #[error("{what} is TOML 1.1")]
    Toml11 {
        /// What of it.
        what: &'static str,
    },
    /// No such key in that place.
    #[error("unknown key `{key}` {}", at(*place))]
    UnknownKey {
        /// The key.
        key: String,
        /// Where it stands.
        place: Place,
        /// A key of that place that it may have been meant to be.
        nearest: Option<&'static str>,
        /// Where a key of that name does belong.
        belongs: Vec<Place>,
        /// The line of the table it stands in, if it only has to move above it.
        above_line: Option<usize>,
    },
    /// In the grammar, but this version cannot do it.
    #[error("`{key}` is not built yet")]
    NotBuilt {
        /// The key.
        key: &'static str,
    },
    /// Another kind of value.
    #[error("`{key}` takes {expected}, found {found}")]
    WrongType {
        /// The key.
        key: String,
        /// What it takes.
        expected: String,
        /// What is there.
        found: &'static str,
        /// What to write instead.
        advice: Option<String>,
    },
    /// Something has to be there.
    #[error("{} is missing in {whose}", one_of(keys))]
    MissingKey {
        /// The key, or those of which one has to be there.
        keys: Vec<&'static str>,
        /// What lacks it.
        whose: String,
        /// A line to write.
        example: String,
    },
    /// A step does one thing.
    #[error("a step has one action, found `{first}` and `{second}`")]
    TwoActions {
        /// The first in the text.
        first: &'static str,
        /// The second.
        second: &'static str,
    },
    /// A step or layer that does nothing.
    #[error("{whose} has no action")]
    NoAction {
        /// The step or layer.
        whose: String,
    },
    /// A layer that carries a step's keys and has steps as well.
    #[error("the layer has `{key}` itself and `[[layer.step]]` too")]
    KeyBesideSteps {
        /// The step's key in the layer.
        key: String,
    },
    /// A modifier that the action does not take.
    #[error("`{modifier}` does not go with `{action}`")]
    WrongModifier {
        /// The modifier.
        modifier: &'static str,
        /// The action of the step.
        action: &'static str,
    },
    /// Two keys of which one rules out the other.
    #[error("`{first}` and `{second}` rule each other out")]
    Conflict {
        /// The first in the text.
        first: String,
        /// The second.
        second: String,
    },
    /// A name that has to be unique.
    #[error("{what} `{name}` occurs twice")]
    Duplicate {
        /// Layer or platform.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A reference to nothing.
    #[error("there is no source `{name}`")]
    UnknownSource {
        /// The name.
        name: String,
        /// A source that it may have been meant to be.
        nearest: Option<String>,
        /// All sources.
        known: Vec<String>,
    },
    /// A reference to a source that this platform does not have.
    #[error("there is no source `{name}` on {platform}")]
    SourceElsewhere {
        /// The name.
        name: String,
        /// The platform.
        platform: String,
    },
    /// A source, stage or repository that nothing refers to.
    #[error("nothing uses the {what} `{name}`")]
    UnusedSource {
        /// `source`, `stage` or `repository`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A base that is no stage.
    #[error("there is no stage `{name}`")]
    UnknownStage {
        /// The name.
        name: String,
        /// A stage that it may have been meant to be.
        nearest: Option<String>,
        /// All stages.
        known: Vec<String>,
    },
    /// A step that takes packages from a repository that is none.
    #[error("there is no repository `{name}`")]
    UnknownRepository {
        /// The name.
        name: String,
        /// A repository that it may have been meant to be.
        nearest: Option<String>,
        /// All repositories.
        known: Vec<String>,
    },
    /// A step that takes packages, in a template without repositories.
    #[error("there is no repository that the packages could come from")]
    NoRepository,
    /// A step without packages in a layer that is spread.
    #[error("`split` is for a layer of `packages` alone, found `{action}`")]
    NotSplit {
        /// What the step does.
        action: &'static str,
    },
    /// A word that asks for no package.
    #[error("{error}")]
    BadRequest {
        /// Which, and why not.
        error: RequestError,
    },
    /// A stage or source that is made of itself.
    #[error("`{name}` needs itself: {}", one_after_another(through))]
    StageCycle {
        /// The name.
        name: String,
        /// The way from it back to itself.
        through: Vec<String>,
    },
    /// An address that would bring a password into the lock.
    #[error("`{key}` has a user or a password in it")]
    PasswordInAddress {
        /// The key.
        key: &'static str,
    },
    /// A value that does not have the form it needs.
    #[error("`{key}` takes {}, found `{found}`", form.expected())]
    BadValue {
        /// The key.
        key: String,
        /// What it takes.
        form: Form,
        /// What is there, with variables filled in.
        found: String,
        /// What about it is wrong, if that can be said.
        why: Option<String>,
    },
    /// A path of the image that tries to leave it.
    #[error("`{found}` contains `..`, which leads out of the tree")]
    ParentInPath {
        /// The path.
        found: String,
    },
    /// A path of this machine.
    #[error("`{path}` is an absolute path: another machine has something else there, or nothing")]
    AbsolutePath {
        /// The path.
        path: String,
    },
    /// `${name}` without such a variable, or a `--set` of it.
    #[error("there is no variable `{name}`")]
    UnknownVariable {
        /// The name.
        name: String,
        /// A variable that it may have been meant to be.
        nearest: Option<String>,
        /// Where it was named.
        whence: Whence,
    },
    /// A variable that nothing refers to.
    #[error("nothing uses the variable `{name}`")]
    UnusedVariable {
        /// The name.
        name: String,
    },
    /// A variable that is made of itself.
    #[error("the variable `{name}` is made of itself: {}", one_after_another(through))]
    VariableCycle {
        /// The name.
        name: String,
        /// The way from it back to itself.
        through: Vec<String>,
    },
    /// A variable by platform that leaves this one out.
    #[error("the variable `{name}` has no value for {platform}")]
    NoValue {
        /// The name.
        name: String,
        /// The platform.
        platform: String,
    },
    /// A value that is the same for all platforms, made of something that is not.
    #[error("`{key}` is the same for all platforms, but `${{{name}}}` is not")]
    DependsOnPlatform {
        /// The key.
        key: String,
        /// The variable.
        name: String,
    },
    /// `${` that is not followed by a name and `}`.
    #[error("`${{` without a name and `}}`")]
    OpenVariable,
    /// Variables that multiply.
    #[error("with its variables filled in, the string has more than {limit_bytes} bytes")]
    TooLong {
        /// How many it may have.
        limit_bytes: usize,
    },
    /// The template or an include that cannot be read.
    #[error("cannot read the template `{path}`: {reason}")]
    Unreadable {
        /// Where it should be.
        path: String,
        /// Why not.
        reason: String,
    },
    /// A template that includes itself.
    #[error("`{path}` includes itself")]
    IncludeCycle {
        /// Which.
        path: String,
    },
    /// Said by a later stage: a step that cannot be done, or that looks wrong.
    #[error("{message}")]
    Told {
        /// Whether it stops the build.
        severity: Severity,
        /// What.
        message: String,
        /// What to do next.
        hint: Option<String>,
    },
    /// More includes than anyone writes.
    #[error("a template may include up to {limit} others")]
    TooManyIncludes {
        /// How many.
        limit: usize,
    },
}

/// Where a variable was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whence {
    /// In the template.
    Template,
    /// With `--set`.
    Set,
}

fn one_after_another(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" -> ")
}

impl Finding {
    /// A finding at one place.
    pub fn new(span: Span, kind: Kind) -> Self {
        Self { span: Some(span), kind, related: None }
    }

    /// What a later stage has to say about a place.
    pub fn told(span: Span, severity: Severity, message: String, hint: Option<String>) -> Self {
        Self::new(span, Kind::Told { severity, message, hint })
    }

    /// A finding that has no place in the template.
    pub fn without_place(kind: Kind) -> Self {
        Self { span: None, kind, related: None }
    }

    /// Adds the other place that belongs to it.
    pub fn with(mut self, span: Span, what_is_there: &'static str) -> Self {
        self.related = Some((span, what_is_there));
        self
    }

    /// Whether it stops the build.
    pub fn severity(&self) -> Severity {
        match self.kind {
            Kind::Told { severity, .. } => severity,
            Kind::Toml11 { .. }
            | Kind::UnusedSource { .. }
            | Kind::UnusedVariable { .. }
            | Kind::AbsolutePath { .. } => Severity::Warning,
            _ => Severity::Error,
        }
    }
}

/// Puts findings in the order of the text, each once: the same is found for every platform.
pub fn sort(findings: &mut Vec<Finding>) {
    findings.sort();
    findings.dedup();
}

/// Whether there is one that stops the build.
pub fn any_error(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity() == Severity::Error)
}

impl Kind {
    /// What stands under the caret.
    pub fn label(&self) -> Option<String> {
        Some(match self {
            Self::UnknownKey { belongs, above_line: Some(_), .. } if !belongs.is_empty() => {
                format!("belongs to {}", belongs[0].title())
            }
            Self::UnknownKey { nearest: Some(nearest), .. } => format!("did you mean `{nearest}`?"),
            Self::UnknownKey { .. } => "not a key of this table".to_owned(),
            Self::UnknownSource { nearest: Some(nearest), .. }
            | Self::UnknownStage { nearest: Some(nearest), .. }
            | Self::UnknownRepository { nearest: Some(nearest), .. }
            | Self::UnknownVariable { nearest: Some(nearest), .. } => {
                format!("did you mean `{nearest}`?")
            }
            Self::NotBuilt { .. } => "this version of kiln cannot do this".to_owned(),
            Self::WrongType { found, .. } => format!("this is {found}"),
            Self::MissingKey { keys, .. } => format!("needs {}", one_of(keys)),
            Self::TwoActions { .. } => "the second action".to_owned(),
            Self::NoAction { .. } => "nothing is done here".to_owned(),
            Self::WrongModifier { action, .. } => format!("not a key of `{action}`"),
            Self::BadValue { why: Some(why), .. } => why.clone(),
            Self::BadValue { form: Form::Choice(_) | Form::Healthcheck, .. } => "none of these".to_owned(),
            Self::BadValue { form, .. } => {
                let expected = form.expected();
                format!("not {}", expected.split(" like ").next().unwrap_or(&expected))
            }
            Self::ParentInPath { .. } => "no `..` here".to_owned(),
            Self::Conflict { first, .. } => format!("`{first}` is there already"),
            Self::Duplicate { .. } => "the second".to_owned(),
            _ => return None,
        })
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Told { hint, .. } => return hint.clone(),
            Self::Syntax { message } if message.contains("duplicate key") => {
                "a key stands once in a table, and a `[table]` once in a file".to_owned()
            }
            Self::Syntax { .. } => "the rules of TOML are at https://toml.io/en/v1.0.0".to_owned(),
            Self::Toml11 { .. } => "write it as in TOML 1.0: editors and other tools refuse this".to_owned(),
            Self::UnknownKey { key, place, belongs, above_line, nearest } => {
                return unknown_key_hint(key, *place, belongs, *above_line, *nearest);
            }
            Self::NotBuilt { .. } => "leave it out, or use a version of kiln that has it".to_owned(),
            Self::WrongType { advice, .. } => return advice.clone(),
            Self::MissingKey { example, .. } => format!("add `{example}`"),
            Self::TwoActions { second, .. } => {
                format!("give `{second}` a `[[layer.step]]` of its own; a layer may have many")
            }
            Self::NoAction { .. } => format!("give it one of {}", actions()),
            Self::KeyBesideSteps { key } => {
                format!("move `{key}` into a `[[layer.step]]`: a layer has steps, or the keys of its only step")
            }
            Self::WrongModifier { modifier, action: name } => return Some(modifier_hint(modifier, name)),
            Self::Conflict { .. } => "leave one of them out".to_owned(),
            Self::Duplicate { what: "layer", .. } => {
                "give one of them another name: the cache and the image's history tell layers apart by it".to_owned()
            }
            Self::Duplicate { .. } => "leave one of them out".to_owned(),
            Self::UnknownSource { known, name, .. } => {
                let example = format!("add a source: `[sources.{name}]` and below it `path = \"...\"`");
                known_or_example("sources and stages", known, example)
            }
            Self::UnknownStage { known, name, .. } => {
                known_or_example("stages", known, format!("add a stage: `[[stage.{name}.layer]]`"))
            }
            Self::UnknownRepository { known, name, .. } => {
                known_or_example("repositories", known, repository_example(name))
            }
            Self::NotSplit { action } => format!("give `{action}` a layer of its own"),
            Self::NoRepository => repository_example("debian"),
            Self::BadRequest { error } => return error.hint(),
            Self::StageCycle { .. } => "take one of these references out: a stage or source has to be made before it is used".to_owned(),
            Self::PasswordInAddress { .. } => {
                "keep it out of the template: credentials come from `.netrc`, docker's and podman's auth files, or git's credential helpers"
                    .to_owned()
            }
            Self::SourceElsewhere { .. } => "give the step the same `when` as the source".to_owned(),
            Self::UnusedSource { what: "repository", name } => {
                format!("a step with `packages` uses it: add `repository = \"{name}\"`, or leave it out")
            }
            Self::UnusedSource { name, .. } => format!("use it (`copy = \"{name}\"`), or leave it out"),
            Self::BadValue { form, .. } => return form.hint().map(str::to_owned),
            Self::ParentInPath { .. } => "write the path from the root, without `..`".to_owned(),
            Self::AbsolutePath { .. } => "put it beside the template and write the path from there".to_owned(),
            Self::UnknownVariable { nearest: None, whence: Whence::Template, name } => {
                format!("add `{name} = \"...\"` to `[variables]`; a literal `${{` is written `$${{`")
            }
            // It has no place that a label could stand at.
            Self::UnknownVariable { nearest: Some(nearest), whence: Whence::Set, .. } => {
                format!("did you mean `--set {nearest}=...`?")
            }
            Self::UnknownVariable { whence: Whence::Set, .. } => {
                "`--set` gives another value to a variable of `[variables]`".to_owned()
            }
            Self::UnknownVariable { .. } => "variables stand in `[variables]`".to_owned(),
            Self::UnusedVariable { name } => format!("use it as `${{{name}}}`, or leave it out"),
            Self::VariableCycle { .. } => "give one of them a value without variables".to_owned(),
            Self::NoValue { name, platform } => {
                format!("add `\"{platform}\" = \"...\"` to `{name}`, or give what uses it a `when`")
            }
            Self::DependsOnPlatform { .. } => "all platforms share one name, version and time".to_owned(),
            Self::OpenVariable => "write `${name}`, or `$${` for a literal `${`".to_owned(),
            Self::TooLong { .. } => "a file beside the template is the place for long text".to_owned(),
            Self::Unreadable { .. } => "`kiln init` writes a first template; includes are named from the directory of the file that includes them".to_owned(),
            Self::IncludeCycle { .. } => "leave this include out".to_owned(),
            Self::TooManyIncludes { .. } => "put what they share into fewer files".to_owned(),
        })
    }
}

/// "in `[image]`", "at the top of the file"
pub(super) fn at(place: Place) -> String {
    let word = if place == Place::Top { "at" } else { "in" };
    format!("{word} {}", place.title())
}
