//! What a command of a step finds around it.

use std::collections::BTreeMap;
use std::path::Path;

use crate::base::ImagePath;
use crate::sandbox::{Bind, BindKind, Layout, Limits, RunOrder, SandboxError, Work};
use crate::step::{Inline, Reader, StepError, Times, who};
use crate::template::{Command, Mount, Run, SourceRef};
use crate::tree::{Change, Changeset, Kind, Node};

use super::layer::{Running, as_sandbox, fail};
use super::times;
use crate::pipeline::evaluate::Stop;

/// Where the script of a `script` step is seen.
const SCRIPT: &str = "/run/kiln/script";

/// The search path of a shell that nobody told one (Debian's `/etc/login.defs`).
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The host name that commands see.
pub(crate) const HOSTNAME: &str = "kiln";

/// An `/etc/hosts` that knows the loopback interface and the name that commands see.
pub(crate) fn hosts(work: &Work, hostname: &str) -> Result<Bind, SandboxError> {
    let from = work.path().join("hosts");
    let text = format!("127.0.0.1 localhost {hostname}\n::1 localhost\n");
    std::fs::write(&from, text).map_err(|source| SandboxError::Area { path: from.clone(), source })?;
    Ok(Bind { from: vec![from], to: "/etc/hosts".to_owned(), kind: BindKind::ReadOnly })
}

impl Running<'_, '_, '_> {
    /// The order for one step, without the directories of its root.
    pub(super) fn order(&mut self, run: &Run) -> Result<RunOrder, Stop> {
        let who = self.who(run)?;
        let variation = &self.given.provision.variation;
        let mut env = BTreeMap::from([
            ("PATH".to_owned(), PATH.to_owned()),
            ("HOME".to_owned(), who.home.clone()),
            ("USER".to_owned(), who.name.clone()),
            ("SOURCE_DATE_EPOCH".to_owned(), self.given.epoch.seconds().to_string()),
            ("TZ".to_owned(), "UTC".to_owned()),
            ("LC_ALL".to_owned(), "C.UTF-8".to_owned()),
        ]);
        env.extend(self.given.env.clone());
        env.extend(run.env.clone());
        let mut binds = Vec::new();
        let mut caches = Vec::new();
        for path in &run.caches {
            let name = self.given.cache_name(path);
            let cache = self.sandbox.area().cache(self.sandbox.mode(), &name).map_err(fail)?;
            // Whoever the step runs as shall be able to write there.
            if who.ids.uid != 0 {
                let open = std::os::unix::fs::PermissionsExt::from_mode(0o1777);
                std::fs::set_permissions(&cache, open)
                    .map_err(|source| fail(SandboxError::Area { path: cache.clone(), source }))?;
            }
            binds.push(Bind { from: vec![cache.clone()], to: path.to_string(), kind: BindKind::Shared });
            caches.push(cache);
        }
        self.cache = caches.into_iter().next().filter(|_| !run.mounts.is_empty());
        let new = self.cache.as_ref().map(|cache| times::of_new(cache, self.given.terms.now.seconds()));
        for (number, mount) in run.mounts.iter().enumerate() {
            binds.push(self.mount(mount, number, new)?);
        }
        let argv = match &run.command {
            Command::Shell { shell, text } => shell.iter().chain([text]).cloned().collect(),
            Command::Argv(words) => words.clone(),
            Command::Script { from, args } => {
                binds.push(self.script(from)?);
                std::iter::once(SCRIPT.to_owned()).chain(args.iter().cloned()).collect()
            }
        };
        binds.extend(self.files_of_the_machine(run)?);
        Ok(RunOrder {
            argv,
            env: env.into_iter().collect(),
            workdir: run.workdir.as_ref().map_or("/".to_owned(), ToString::to_string),
            uid: who.ids.uid,
            gid: who.ids.gid,
            groups: who.groups,
            binds,
            network: run.network,
            secrets: self.secrets(run)?,
            limits: Limits { memory_bytes: run.memory_bytes, cpus: run.cpus.or(variation.cpus) },
            hostname: variation.hostname.clone(),
            first_pid: variation.first_pid,
            ..RunOrder::default()
        })
    }

    fn who(&mut self, run: &Run) -> Result<crate::step::Who, Stop> {
        let nothing = Inline::default();
        let contents = self.given.everywhere(&self.written, &[], &nothing);
        let found = who(run.user.as_ref(), self.draft.root(), &Reader::new(&contents, self.inline));
        found.map_err(|error| self.step_failure(error))
    }

    fn secrets(&self, run: &Run) -> Result<Vec<(String, Vec<u8>)>, Stop> {
        let value = |id: &String| match self.given.provision.secret(id) {
            Some(value) => Ok((id.clone(), value.to_vec())),
            None => Err(self.failure(
                format!("the secret `{id}` was not given"),
                Some(format!("give it with `--secret id={id},env=VARIABLE` or `--secret id={id},file=PATH`")),
            )),
        };
        run.secrets.iter().map(value).collect()
    }

    /// `/etc/hosts`, and with a network the machine's way to names.
    fn files_of_the_machine(&self, run: &Run) -> Result<Vec<Bind>, Stop> {
        let hostname = &self.given.provision.variation.hostname;
        let mut binds = vec![hosts(self.work, hostname).map_err(fail)?];
        let resolver = Path::new("/etc/resolv.conf");
        if run.network && resolver.exists() {
            let to = "/etc/resolv.conf".to_owned();
            binds.push(Bind { from: vec![resolver.to_owned()], to, kind: BindKind::ReadOnly });
        }
        Ok(binds)
    }

    /// `new` is the time of what is new to the cache.
    fn mount(&self, mount: &Mount, number: usize, new: Option<i64>) -> Result<Bind, Stop> {
        let (mut changes, file) = self.given(&mount.from)?;
        if let (Some(cache), Some(new)) = (&self.cache, new) {
            changes = times::remembered(changes, &mount.to.to_string(), cache, new);
        }
        // What may be written, or has times of its own, is nobody else's.
        let is_own = mount.writable || self.cache.is_some();
        // The only file of a tree has no order. In a user namespace no directory of several layers can be renamed, which a
        // step may expect to do in what it may write.
        let stays = mount.writable && self.sandbox.mode().has_user_namespace();
        let layout = if file.is_some() || stays { Layout::Plain } else { self.layout() };
        let directories = if is_own {
            self.own(&changes, layout, &format!("mount-{}-{number}", self.number))?
        } else {
            let spool = || self.spool(&changes).map_err(as_sandbox);
            self.sandbox.lower(&changes, &changes.digest(), layout, spool).map_err(fail)?
        };
        Ok(Bind {
            from: match file {
                Some(file) => directories.iter().map(|directory| directory.join(&file)).collect(),
                None => directories,
            },
            to: mount.to.to_string(),
            kind: if mount.writable { BindKind::Shared } else { BindKind::ReadOnly },
        })
    }

    fn script(&self, from: &SourceRef) -> Result<Bind, Stop> {
        let (changes, file) = self.given(from)?;
        let Some(file) = file else {
            return Err(self
                .failure(format!("`{}:{}` is a directory, and only a file can be run", from.source, from.path), None));
        };
        let executable = changes.iter().map(|(path, change)| match change {
            Change::Node(node) if node.kind != Kind::Directory => {
                (path.clone(), Change::Node(Node { mode: 0o755, ..node.clone() }))
            }
            _ => (path.clone(), change.clone()),
        });
        let changes: Changeset = executable.collect();
        let spool = || self.spool(&changes).map_err(as_sandbox);
        let directories = self.sandbox.lower(&changes, &changes.digest(), Layout::Plain, spool).map_err(fail)?;
        let from = directories.iter().map(|directory| directory.join(&file)).collect();
        Ok(Bind { from, to: SCRIPT.to_owned(), kind: BindKind::ReadOnly })
    }

    /// The files that a reference names, at the root; and the name, if it is one file.
    fn given(&self, reference: &SourceRef) -> Result<(Changeset, Option<String>), Stop> {
        let missing = || {
            self.step_failure(StepError::NotInSource {
                source_name: reference.source.clone(),
                path: reference.path.clone(),
            })
        };
        let source = self.given.sources.get(&reference.source).ok_or_else(missing)?;
        let timed = |node: &Node| match source.times {
            Times::Machine => Node { mtime: self.given.epoch.seconds(), ..node.clone() },
            Times::Pinned => node.clone(),
        };
        if !reference.path.is_root() {
            let node = source.tree.get(&reference.path).ok_or_else(missing)?;
            if node.kind != Kind::Directory {
                let name = ImagePath::parse(b"file").unwrap_or_default();
                let mut changes = Changeset::new();
                let mut node = timed(node);
                if let Kind::File { links, .. } = &mut node.kind {
                    *links = None;
                }
                changes.put(name, node);
                return Ok((changes, Some("file".to_owned())));
            }
        }
        let below = source.tree.below(&reference.path);
        let below = below.filter_map(|(path, node)| Some((path.below(&reference.path)?, Change::Node(timed(node)))));
        Ok((below.collect(), None))
    }
}
