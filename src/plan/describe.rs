//! A template's step as names and values, for plans and for comparing them.

use std::collections::BTreeMap;

use crate::base::ContentDigest;
use crate::base::hash::digest_of;
use crate::template::{Account, Action, Compression, ExtractOwner, Id, Mtime, Owner, SourceRef, Step};

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

    fn account(&mut self, number: &str, account: &Account) {
        self.optional(number, account.id.map(|id| id.to_string()));
        self.optional("system", account.system.then(|| "true".to_owned()));
    }
}

fn reference(reference: &SourceRef) -> String {
    if reference.path.is_root() { reference.source.clone() } else { format!("{}:{}", reference.source, reference.path) }
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
