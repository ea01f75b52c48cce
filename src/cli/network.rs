//! The network, as the command line and the environment say.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::input::vendor::Vendor;
use crate::input::{InputError, Reach, Remote};
use crate::registry::{Client, CredentialFiles, Files, Mirrors};
use crate::source::url::{Fetcher, Keys};
use crate::store::Store;
use crate::transport::{Network as Allowed, Proxies, Secret, Settings, Transport, Watch};

use super::args::NetworkArgs;

/// What the environment says about the network.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    proxies: Proxies,
    files: Files,
    keys: Keys,
}

impl Surroundings {
    /// Takes what the variables say that curl, docker and podman know.
    pub(super) fn new(variable: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let text = |name: &str| variable(name)?.into_string().ok().filter(|value| !value.is_empty());
        // Many programs know only one spelling; curl prefers the small one.
        let either = |name: &str| text(&name.to_lowercase()).or_else(|| text(name));
        let secret = |name: &str| either(name).map(Secret::new);
        let path = |name: &str| text(name).map(PathBuf::from);
        let home = path("HOME");
        let in_home = |rest: &str| home.as_ref().map(|home| home.join(rest));
        let config = path("XDG_CONFIG_HOME").or_else(|| in_home(".config"));
        let docker = path("DOCKER_CONFIG").or_else(|| in_home(".docker"));
        let credentials = CredentialFiles {
            registry_auth_file: path("REGISTRY_AUTH_FILE"),
            docker_config: docker.map(|directory| directory.join("config.json")),
            runtime_auth: path("XDG_RUNTIME_DIR").map(|directory| directory.join("containers/auth.json")),
            config_auth: config.as_ref().map(|directory| directory.join("containers/auth.json")),
            helper_directories: variable("PATH").iter().flat_map(directories).collect(),
            ..CredentialFiles::default()
        };
        Self {
            // HTTP_PROXY in capitals may come from a request's header where kiln runs behind CGI; curl ignores it too.
            proxies: Proxies {
                https: secret("HTTPS_PROXY"),
                http: text("http_proxy").map(Secret::new),
                all: secret("ALL_PROXY"),
                none: either("NO_PROXY"),
            },
            files: Files {
                credentials,
                registries_conf: registries_conf(config.as_deref(), path("CONTAINERS_REGISTRIES_CONF")),
            },
            keys: Keys { netrc: path("NETRC").or_else(|| in_home(".netrc")), ..Keys::default() },
        }
    }
}

/// The directories of a search path.
fn directories(path: &OsString) -> Vec<PathBuf> {
    path.as_bytes().split(|byte| *byte == b':').map(|part| PathBuf::from(OsStr::from_bytes(part))).collect()
}

/// The files of containers-registries.conf(5), in the order in which later ones win: the user's takes the place of the
/// machine's, and what is in the directories comes on top.
fn registries_conf(config: Option<&Path>, named: Option<PathBuf>) -> Vec<PathBuf> {
    if let Some(named) = named {
        return vec![named];
    }
    let system = Path::new("/etc/containers");
    let user = config.map(|config| config.join("containers"));
    let main = user.iter().map(|user| user.join("registries.conf")).find(|path| path.is_file());
    let mut files = vec![main.unwrap_or_else(|| system.join("registries.conf"))];
    for directory in [Some(system), user.as_deref()].into_iter().flatten() {
        let entries = std::fs::read_dir(directory.join("registries.conf.d")).into_iter().flatten().flatten();
        let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        found.retain(|path| path.extension().is_some_and(|extension| extension == "conf"));
        found.sort();
        files.extend(found);
    }
    files.retain(|path| path.is_file());
    files
}

/// What leads out of this machine, and the vendored inputs that make it unnecessary.
pub struct Network {
    transport: Transport,
    files: Files,
    keys: Keys,
    git: PathBuf,
    allowed: Allowed,
    vendor: Option<Vendor>,
    interrupted: Arc<AtomicBool>,
}

impl Network {
    /// Puts the command line and the surroundings together.
    pub fn new(
        args: &NetworkArgs,
        surroundings: &Surroundings,
        interrupted: &Arc<AtomicBool>,
    ) -> Result<Self, InputError> {
        let allowed = if args.offline { Allowed::Offline } else { Allowed::Allowed };
        let mut insecure_hosts = args.insecure_registries.clone();
        insecure_hosts.extend(Mirrors::read(&surroundings.files.registries_conf)?.insecure_hosts());
        let settings = Settings {
            network: allowed,
            authorities: args.authorities.clone(),
            proxies: surroundings.proxies.clone(),
            insecure_hosts,
            ..Settings::default()
        };
        Ok(Self {
            transport: Transport::new(settings, Arc::clone(interrupted))?,
            files: surroundings.files.clone(),
            keys: surroundings.keys.clone(),
            git: PathBuf::from("git"),
            allowed,
            vendor: args.vendor.as_deref().map(Vendor::open_layout).transpose()?,
            interrupted: Arc::clone(interrupted),
        })
    }

    /// Where inputs of a template in `directory` are looked for. `watch` is told of everything that is tried again.
    pub fn reach<'a>(
        &'a self,
        store: &'a Store,
        directory: PathBuf,
        watch: Watch<'a>,
    ) -> Result<Reach<'a>, crate::pipeline::Error> {
        let remote = Remote {
            registry: Client::new(&self.transport, &self.files, watch).map_err(InputError::from)?,
            web: Fetcher { transport: &self.transport, keys: &self.keys, watch },
            git: &self.git,
            network: self.allowed,
            interrupted: &self.interrupted,
        };
        Ok(Reach { store, vendor: self.vendor.as_ref(), directory, remote: Arc::new(remote) })
    }
}
