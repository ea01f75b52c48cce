//! A template's step as names and values, for plans and for comparing them.

use std::collections::BTreeMap;

use crate::base::ContentDigest;
use crate::base::hash::digest_of;
use crate::template::{
    Account, Action, Command, Compression, ExtractOwner, Id, Mount, Mtime, Owner, Run, Scripts, SourceRef, Step,
};

use super::model::StepPlan;

/// What `step` does, with only those modifiers that are set.
pub fn describe(step: &Step) -> StepPlan {
    let mut settings = Settings(BTreeMap::new());
    let action = match &step.action {
        Action::Copy(copy) => {
            settings.set("copy", reference(&copy.from));
            settings.set("to", format!("{}{}", copy.to.path, if copy.to.is_directory { "/" } else { "" }));
            settings.optional("owner", copy.owner.as_ref().map(owner));
            settings.optional("mode", copy.mode.map(mode));
            settings.list("include", &copy.include);
            settings.list("exclude", &copy.exclude);
            "copy"
        }
        Action::Write(write) => {
            settings.set("write", write.path.to_string());
            settings.set("content", digest_of::<ContentDigest>(&write.content).to_string());
            settings.optional("owner", write.owner.as_ref().map(owner));
            settings.optional("mode", write.mode.map(mode));
            "write"
        }
        Action::Directory { path, owner: given, mode: bits } => {
            settings.set("directory", path.to_string());
            settings.optional("owner", given.as_ref().map(owner));
            settings.optional("mode", bits.map(mode));
            "directory"
        }
        Action::Symlink { path, target, owner: given } => {
            settings.set("symlink", path.to_string());
            settings.set("target", target.clone());
            settings.optional("owner", given.as_ref().map(owner));
            "symlink"
        }
        Action::Extract(extract) => {
            settings.set("extract", reference(&extract.from));
            settings.set("to", extract.to.to_string());
            settings.set("strip", extract.strip.to_string());
            settings.optional("owner", extract.owner.as_ref().map(extract_owner));
            settings.list("include", &extract.include);
            settings.list("exclude", &extract.exclude);
            "extract"
        }
        Action::Adduser(user) => {
            settings.set("adduser", user.account.name.clone());
            settings.account("uid", &user.account);
            settings.optional("group", user.group.as_ref().map(|group| id(&group.0)));
            settings.optional("home", user.home.clone());
            settings.optional("shell", user.shell.clone());
            settings.list("groups", &user.groups.iter().map(|group| id(&group.0)).collect::<Vec<_>>());
            settings.set("comment", user.comment.clone());
            "adduser"
        }
        Action::Addgroup(account) => {
            settings.set("addgroup", account.name.clone());
            settings.account("gid", account);
            "addgroup"
        }
        Action::Remove { glob } => {
            settings.set("remove", glob.clone());
            "remove"
        }
        Action::Packages(packages) => {
            let words: Vec<String> = packages.requests.iter().map(ToString::to_string).collect();
            settings.list("packages", &words);
            settings.list("repository", &packages.repositories);
            settings.optional("recommends", packages.recommends.then(|| "true".to_owned()));
            settings.optional("scripts", (packages.scripts == Scripts::Refuse).then(|| "refuse".to_owned()));
            "packages"
        }
        Action::Run(run) => settings.run(run),
        Action::Enable { units } => {
            settings.list("enable", units);
            "enable"
        }
    };
    settings.optional("mtime", step.mtime.map(mtime));
    StepPlan { action: action.to_owned(), settings: settings.0 }
}

struct Settings(BTreeMap<String, String>);

impl Settings {
    fn set(&mut self, name: &str, value: String) {
        self.0.insert(name.to_owned(), value);
    }

    fn optional(&mut self, name: &str, value: Option<String>) {
        self.0.extend(value.map(|value| (name.to_owned(), value)));
    }

    fn list(&mut self, name: &str, values: &[String]) {
        self.optional(name, (!values.is_empty()).then(|| values.join(", ")));
    }

    /// Secrets by their ids only.
    fn run(&mut self, run: &Run) -> &'static str {
        let action = match &run.command {
            Command::Shell { shell, text } => {
                self.set("run", text.clone());
                self.set("shell", shell.join(" "));
                "run"
            }
            Command::Argv(words) => {
                self.set("run", words_of(words));
                "run"
            }
            Command::Script { from, args } => {
                self.set("script", reference(from));
                self.optional("args", (!args.is_empty()).then(|| words_of(args)));
                "script"
            }
        };
        run.env.iter().for_each(|(name, value)| self.set(&format!("env.{name}"), value.clone()));
        self.optional("workdir", run.workdir.as_ref().map(ToString::to_string));
        self.optional("user", run.user.as_ref().map(owner));
        self.optional("network", run.network.then(|| "true".to_owned()));
        self.list("mounts", &run.mounts.iter().map(mount).collect::<Vec<_>>());
        self.list("cache", &run.caches.iter().map(ToString::to_string).collect::<Vec<_>>());
        self.list("secrets", &run.secrets);
        self.optional("timeout", run.timeout_s.map(|seconds| format!("{seconds}s")));
        self.optional("memory", run.memory_bytes.map(|bytes| format!("{bytes} bytes")));
        self.optional("cpus", run.cpus.map(|count| count.to_string()));
        action
    }

    fn account(&mut self, number: &str, account: &Account) {
        self.optional(number, account.id.map(|id| id.to_string()));
        self.optional("system", account.system.then(|| "true".to_owned()));
    }
}

fn reference(reference: &SourceRef) -> String {
    if reference.path.is_root() { reference.source.clone() } else { format!("{}:{}", reference.source, reference.path) }
}

/// As a list, so that a space in a word is not taken for one between two.
fn words_of(words: &[String]) -> String {
    serde_json::Value::from(words).to_string()
}

fn mount(mount: &Mount) -> String {
    let writable = if mount.writable { " (writable)" } else { "" };
    format!("{} -> {}{writable}", reference(&mount.from), mount.to)
}

fn id(id: &Id) -> String {
    match id {
        Id::Name(name) => name.clone(),
        Id::Number(number) => number.to_string(),
    }
}

fn owner(owner: &Owner) -> String {
    match &owner.group {
        Some(group) => format!("{}:{}", id(&owner.user), id(group)),
        None => id(&owner.user),
    }
}

fn extract_owner(given: &ExtractOwner) -> String {
    match given {
        ExtractOwner::Keep => "keep".to_owned(),
        ExtractOwner::Given(given) => owner(given),
    }
}

fn mode(mode: u16) -> String {
    format!("{mode:04o}")
}

fn mtime(mtime: Mtime) -> String {
    match mtime {
        Mtime::Epoch => "epoch".to_owned(),
        Mtime::Content => "content".to_owned(),
        Mtime::At(time) => time.to_string(),
    }
}

/// The codec that a template's `compression` names.
pub fn codec(compression: Compression) -> crate::layer::Codec {
    use crate::layer::Codec;
    match compression {
        Compression::Gzip => Codec::Gzip { level: Codec::GZIP_LEVEL },
        Compression::GzipLevel(level) => Codec::Gzip { level },
        Compression::Zstd => Codec::Zstd { level: Codec::ZSTD_LEVEL },
        Compression::ZstdLevel(level) => Codec::Zstd { level },
        Compression::None => Codec::None,
    }
}

/// A template's config as JSON, for plans.
pub fn config(config: &crate::template::Config) -> serde_json::Value {
    serde_json::json!({
        "entrypoint": config.entrypoint,
        "cmd": config.cmd,
        "env": config.env,
        "user": config.user,
        "workdir": config.workdir,
        "ports": config.ports,
        "volumes": config.volumes,
        "labels": config.labels,
        "stop-signal": config.stop_signal,
        "healthcheck": config.healthcheck.as_ref().map(|check| serde_json::json!({
            "test": check.test,
            "interval-ns": check.interval_ns,
            "timeout-ns": check.timeout_ns,
            "start-period-ns": check.start_period_ns,
            "retries": check.retries,
        })),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ImagePath;
    use crate::template::Span;

    #[test]
    fn a_command_is_described_with_what_it_is_given() {
        let path = |text: &str| ImagePath::parse(text.as_bytes()).expect("a path");
        let from = SourceRef { source: "app".to_owned(), path: path("src"), span: Span::default() };
        let run = Run {
            command: Command::Argv(vec!["make".to_owned(), "a b".to_owned()]),
            env: BTreeMap::from([("A".to_owned(), "1".to_owned())]),
            workdir: Some(path("src")),
            user: Some(Owner { user: Id::Name("app".to_owned()), group: None }),
            network: true,
            mounts: vec![Mount { from: from.clone(), to: path("in"), writable: true }],
            caches: vec![path("c")],
            secrets: vec!["token".to_owned()],
            timeout_s: Some(60),
            memory_bytes: Some(1024),
            cpus: Some(2),
        };
        let lines = |command: Command| {
            let action = Action::Run(Box::new(Run { command, ..run.clone() }));
            let plan = describe(&Step { span: Span::default(), mtime: None, action });
            (plan.action, plan.settings.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>())
        };
        let (action, settings) = lines(run.command.clone());
        let given = [
            "cache=/c",
            "cpus=2",
            "env.A=1",
            "memory=1024 bytes",
            "mounts=app:/src -> /in (writable)",
            "network=true",
            r#"run=["make","a b"]"#,
            "secrets=token",
            "timeout=60s",
            "user=app",
            "workdir=/src",
        ];
        assert_eq!((action.as_str(), &settings[..]), ("run", &given.map(str::to_owned)[..]));
        let (_, shell) =
            lines(Command::Shell { shell: vec!["/bin/sh".to_owned(), "-ec".to_owned()], text: "x".to_owned() });
        assert!(shell.contains(&"shell=/bin/sh -ec".to_owned()) && shell.contains(&"run=x".to_owned()), "{shell:?}");
        let (action, script) = lines(Command::Script { from, args: vec!["-x".to_owned()] });
        assert!(action == "script" && script.contains(&r#"args=["-x"]"#.to_owned()), "{script:?}");
    }
}
