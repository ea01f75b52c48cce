//! Which files configure a command, and what they say together.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::config::{Config, PROJECT_FILE, read};
use crate::template::{Files, Finding, Kind, Severity};

use super::args::Command;
use super::environment::Environment;
use super::report::Failure;

/// What the files say.
#[derive(Debug, Default)]
pub struct Configuration {
    /// The project's over the user's.
    pub config: Config,
    /// The project's file, which is no part of what is built.
    pub project_file: Option<PathBuf>,
}

impl Configuration {
    /// Reads the files that count for a command. Those that only print something about kiln itself have none: a mistake in
    /// a file must not take the help away.
    pub fn of(command: &Command, environment: &Environment) -> Result<Self, Failure> {
        let Some(place) = place(command) else { return Ok(Self::default()) };
        let project_file = project_file(&place);
        let (mut files, mut findings) = (Files::default(), Vec::new());
        let user = environment.config_file().filter(|path| path.is_file());
        let user = user.map(|path| read_one(&path, &mut files, &mut findings)).unwrap_or_default();
        let project = project_file.as_deref().map(|path| read_one(path, &mut files, &mut findings));
        if findings.is_empty() {
            return Ok(Self { config: project.unwrap_or_default().over(user), project_file });
        }
        crate::template::finding::sort(&mut findings);
        Err(Failure::Configuration { findings, files })
    }
}

fn read_one(path: &Path, files: &mut Files, findings: &mut Vec<Finding>) -> Config {
    let name = path.display().to_string();
    match fs::read_to_string(path) {
        Ok(text) => {
            let file = files.add(name.clone(), name, &text);
            read(files, file, path.parent().unwrap_or(Path::new("")), findings)
        }
        Err(error) => {
            let (message, hint) = (format!("cannot read the configuration `{name}`: {error}"), None);
            findings.push(Finding::without_place(Kind::Told { severity: Severity::Error, message, hint }));
            Config::default()
        }
    }
}

/// The directory in which the search for a project's file begins.
fn place(command: &Command) -> Option<PathBuf> {
    let template = match command {
        Command::Check(args) => &args.template.template,
        Command::Plan(args) => &args.template.template,
        Command::Lock(args) => &args.template.template,
        Command::Build(args) => &args.template.template,
        Command::Update(args) => &args.template.template,
        Command::Vendor(args) => &args.template.template,
        Command::Reproduce(args) => &args.template.template,
        Command::Test(args) => &args.template.template,
        Command::Shell(args) => &args.template.template,
        Command::Run(args) => &args.template.template,
        Command::Log(args) => &args.template.template,
        Command::Push(args) => {
            let first = args.words.first().map(Path::new).filter(|first| first.exists());
            first.unwrap_or(Path::new("."))
        }
        Command::Inspect(_)
        | Command::Diff(_)
        | Command::Pull(_)
        | Command::Copy(_)
        | Command::Tags(_)
        | Command::Drift(_)
        | Command::Probe(_)
        | Command::Channel(_)
        | Command::Store(_)
        | Command::Doctor(_) => Path::new("."),
        Command::Login(_) => Path::new("."),
        // Nobody is asked who could be anywhere else.
        Command::Logout(_) => return None,
        Command::Init(_) | Command::Schema(_) | Command::Completions(_) | Command::Man(_) => return None,
    };
    if template.is_dir() {
        return Some(template.to_owned());
    }
    let parent = template.parent().filter(|parent| !parent.as_os_str().is_empty());
    Some(parent.unwrap_or(Path::new(".")).to_owned())
}

/// The file in a directory or in the nearest one above it, up to the root of the repository. Where there is no repository
/// nothing bounds the search, and what somebody else left in `/tmp` must not speak for us: there the owner has to be the
/// directory's.
fn project_file(directory: &Path) -> Option<PathBuf> {
    let start = fs::canonicalize(directory).ok()?;
    let root = start.ancestors().find(|directory| directory.join(".git").exists());
    let inside = start.ancestors().take_while(|directory| root.is_none_or(|root| directory.starts_with(root)));
    let found = inside.map(|directory| directory.join(PROJECT_FILE)).find(|file| file.is_file())?;
    let owner = |path: &Path| fs::metadata(path).map(|metadata| metadata.uid()).ok();
    (root.is_some() || owner(&found) == owner(&start)).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_file_counts_and_none_above_the_repository() {
        let top = tempfile::tempdir().expect("a directory");
        let top = fs::canonicalize(top.path()).expect("it is there").join("x");
        fs::create_dir_all(top.join("repository/a/b")).expect("made");
        let put = |directory: &str| fs::write(top.join(directory).join(PROJECT_FILE), "").expect("written");
        let found = |directory: &str| {
            let found = project_file(&top.join(directory))?;
            Some(found.strip_prefix(&top).expect("below").parent().expect("a file").display().to_string())
        };
        put("");
        assert_eq!(found("repository/a/b").as_deref(), Some(""), "without a repository the search goes on");
        fs::create_dir(top.join("repository/.git")).expect("made");
        assert_eq!(found("repository/a/b"), None);
        put("repository");
        assert_eq!(found("repository/a/b").as_deref(), Some("repository"));
        put("repository/a/b");
        assert_eq!(found("repository/a/b").as_deref(), Some("repository/a/b"));
        assert_eq!(found("nowhere"), None);
    }
}
