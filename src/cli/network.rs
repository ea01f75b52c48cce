//! The network: what can be typed about it, and what that means with the configuration and the environment.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::Args;

use crate::config::{Config, TokenPlace};
use crate::input::vendor::Vendor;
use crate::input::{InputError, Reach, Remote};
use crate::registry::{Client, CredentialFiles, Files, Mirrors};
use crate::source::debian::Hosts;
use crate::source::url::{Fetcher, Keys, Token};
use crate::store::Store;
use crate::transport::{Identity, Network as Allowed, Proxies, Retries, Secret, Settings, Timeouts, Transport, Watch};

/// How far inputs may be looked for.
#[derive(Debug, Args)]
pub struct NetworkArgs {
    /// Use only what the store and `--vendor` hold, and name what is missing
    #[arg(long)]
    pub offline: bool,
    /// Take inputs from a directory that `kiln vendor` wrote, before any network
    #[arg(long, value_name = "DIR", env = "KILN_VENDOR")]
    pub vendor: Option<PathBuf>,
    /// Speak to this registry without TLS; may be given several times
    #[arg(
        long = "insecure-registry",
        value_name = "HOST",
        env = "KILN_INSECURE_REGISTRY",
        hide_env_values = true,
        value_delimiter = ','
    )]
    pub insecure_registries: Vec<String>,
    /// Trust the certificates in this PEM file beside those of the system; may be given several times
    #[arg(long = "ca", value_name = "FILE", env = "KILN_CA", hide_env_values = true)]
    pub authorities: Vec<PathBuf>,
    /// Show this certificate (PEM) to servers that ask for one
    #[arg(
        long = "client-cert",
        value_name = "FILE",
        env = "KILN_CLIENT_CERT",
        hide_env_values = true,
        requires = "client_key"
    )]
    pub client_certificate: Option<PathBuf>,
    /// The private key (PEM) of `--client-cert`
    #[arg(long, value_name = "FILE", env = "KILN_CLIENT_KEY", hide_env_values = true, requires = "client_certificate")]
    pub client_key: Option<PathBuf>,
    /// Give up on a server that says nothing for so long [default: 30]
    #[arg(long, value_name = "SECONDS", env = "KILN_STALL", hide_env_values = true,
        value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub stall: Option<u64>,
    /// Try so often what fails for a passing reason, until something is gained [default: 5]
    #[arg(long, value_name = "TIMES", env = "KILN_ATTEMPTS", hide_env_values = true,
        value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub attempts: Option<u32>,
}

impl NetworkArgs {
    fn timeouts(&self) -> Timeouts {
        let usual = Timeouts::default();
        Timeouts { stall: self.stall.map_or(usual.stall, Duration::from_secs), ..usual }
    }

    fn retries(&self) -> Retries {
        let usual = Retries::default();
        Retries { attempts: self.attempts.unwrap_or(usual.attempts), ..usual }
    }
}

/// What the environment says about the network.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    proxies: Proxies,
    files: Files,
    keys: Keys,
    debian: Hosts,
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
                ..Files::default()
            },
            keys: Keys { netrc: path("NETRC").or_else(|| in_home(".netrc")), ..Keys::default() },
            debian: debian(text("KILN_DEBIAN_MIRROR"), text("KILN_DEBIAN_SNAPSHOT")),
        }
    }
}

impl Surroundings {
    /// Where credentials for registries are.
    pub fn credentials(&self) -> &CredentialFiles {
        &self.files.credentials
    }
}

/// Where Debian's packages may be: addresses in variables, separated by blanks, and what this machine's own apt has.
fn debian(mirrors: Option<String>, snapshot: Option<String>) -> Hosts {
    let usual = Hosts::default();
    let keyrings = ["debian-archive-keyring.pgp", "debian-archive-keyring.gpg"];
    Hosts {
        mirrors: mirrors.iter().flat_map(|text| text.split_whitespace()).map(str::to_owned).collect(),
        snapshot: snapshot.unwrap_or(usual.snapshot),
        apt: PathBuf::from("/etc/apt"),
        keyrings: keyrings.iter().map(|name| Path::new("/usr/share/keyrings").join(name)).collect(),
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

fn tokens(config: &Config, variable: &dyn Fn(&str) -> Option<String>) -> BTreeMap<String, Token> {
    let token = |place: &TokenPlace| match place {
        TokenPlace::Variable(name) => {
            variable(name).map_or_else(|| Token::Unset(name.clone()), |value| Token::Known(Secret::new(value.trim())))
        }
        TokenPlace::File(path) => Token::File(path.clone()),
    };
    config.tokens.iter().map(|(host, place)| (host.clone(), token(place))).collect()
}

/// What leads out of this machine, and the vendored inputs that make it unnecessary.
pub struct Network {
    transport: Transport,
    files: Files,
    keys: Keys,
    debian: Hosts,
    git: PathBuf,
    allowed: Allowed,
    vendor: Option<Vendor>,
    interrupted: Arc<AtomicBool>,
}

impl Network {
    /// Puts the command line, the configuration and the surroundings together. `variable` reads a variable that the
    /// configuration names.
    pub fn new(
        args: &NetworkArgs,
        config: &Config,
        variable: &dyn Fn(&str) -> Option<String>,
        surroundings: &Surroundings,
        interrupted: &Arc<AtomicBool>,
    ) -> Result<Self, InputError> {
        let allowed = if args.offline { Allowed::Offline } else { Allowed::Allowed };
        let mut insecure_hosts = [config.insecure_registries.clone(), args.insecure_registries.clone()].concat();
        insecure_hosts.extend(Mirrors::read(&surroundings.files.registries_conf)?.insecure_hosts());
        let of_flags = args.client_certificate.clone().zip(args.client_key.clone());
        let identities = config.identities.iter().map(|(host, identity)| {
            let (certificate, key) = (identity.certificate.clone(), identity.key.clone());
            (host.clone(), Identity { certificate, key })
        });
        let settings = Settings {
            network: allowed,
            authorities: [config.authorities.clone(), args.authorities.clone()].concat(),
            identity: of_flags.map(|(certificate, key)| Identity { certificate, key }),
            identities: identities.collect(),
            proxies: surroundings.proxies.clone(),
            insecure_hosts,
            timeouts: args.timeouts(),
            retries: args.retries(),
        };
        Ok(Self {
            transport: Transport::new(settings, Arc::clone(interrupted))?,
            files: Files { mirrors: config.mirrors.clone(), ..surroundings.files.clone() },
            keys: Keys { tokens: tokens(config, variable), ..surroundings.keys.clone() },
            debian: surroundings.debian.clone(),
            git: PathBuf::from("git"),
            allowed,
            vendor: args.vendor.as_deref().map(Vendor::open_layout).transpose()?,
            interrupted: Arc::clone(interrupted),
        })
    }

    /// Who speaks to registries. `watch` is told of everything that is tried again.
    pub fn client<'a>(&'a self, watch: Watch<'a>) -> Result<Client<'a>, InputError> {
        Ok(Client::new(&self.transport, &self.files, watch)?)
    }

    /// Where inputs of a template in `directory` are looked for. `watch` is told of everything that is tried again.
    pub fn reach<'a>(
        &'a self,
        store: &'a Store,
        directory: PathBuf,
        watch: Watch<'a>,
    ) -> Result<Reach<'a>, crate::pipeline::Error> {
        let remote = Remote {
            registry: self.client(watch)?,
            web: Fetcher { transport: &self.transport, keys: &self.keys, watch },
            debian: &self.debian,
            git: &self.git,
            network: self.allowed,
            interrupted: &self.interrupted,
        };
        Ok(Reach { store, vendor: self.vendor.as_ref(), directory, remote: Arc::new(remote) })
    }
}
