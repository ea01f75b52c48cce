//! Why a registry cannot be read or written, or takes nobody's password.

use std::io;
use std::path::PathBuf;

use crate::base::BlobDigest;
use crate::transport::TransportError;

/// A registry that could not be asked, did not answer, or answered something that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// Not the name of an image.
    #[error("`{found}` is not the name of an image in a registry: {why}")]
    Name {
        /// As it was given.
        found: String,
        /// What is wrong with it.
        why: String,
    },
    /// The registry wants to know who asks, or knows and does not let them.
    #[error("`{registry}` does not let us {doing} `{image}`{}", also(said))]
    Unauthorized {
        /// As in the image's name; the mirror's host if that is who refused.
        registry: String,
        /// What for.
        doing: Doing,
        /// What was wanted.
        image: String,
        /// 401 or 403.
        status: u16,
        /// What the registry or its token server said.
        said: Option<String>,
        /// Whether there were any.
        credentials: Given,
        /// Where they were looked for.
        looked_at: Vec<PathBuf>,
    },
    /// Not the name of something in a repository.
    #[error("`{found}` is not a tag")]
    Tag {
        /// As it was given.
        found: String,
    },
    /// The tag of a release holds something else.
    #[error("`{tag}` holds {held}, not {wanted}{}", race.ending())]
    TagHeld {
        /// `REPOSITORY:TAG`
        tag: String,
        /// What it holds.
        held: BlobDigest,
        /// What it was to hold.
        wanted: BlobDigest,
        /// Whether it did when we looked first.
        race: Race,
    },
    /// The registry takes no such tag, and it is not there.
    #[error("the registry refuses the tag `{tag}` with {status}{}", also(said))]
    TagRefused {
        /// `REPOSITORY:TAG`
        tag: String,
        /// Its status.
        status: u16,
        /// What it said.
        said: Option<String>,
    },
    /// The registry took a tag, and it is not there.
    #[error("the registry took the tag `{tag}` and does not have it")]
    TagVanished {
        /// `REPOSITORY:TAG`
        tag: String,
    },
    /// Others write the same list all the time.
    #[error("`{tag}` was written by somebody else {rounds} times while we added to it")]
    Crowded {
        /// `REPOSITORY:TAG`
        tag: String,
        /// How often we tried.
        rounds: usize,
    },
    /// Something else is where lists are kept of what refers to something.
    #[error("`{repository}:{tag}` should list what refers to an image, and is no index")]
    NotAFallback {
        /// Where.
        repository: String,
        /// Which.
        tag: String,
    },
    /// An answer that should be a list.
    #[error("`{repository}` answers with something that is no list of {what}")]
    NotAList {
        /// Who answers.
        repository: String,
        /// `tags`, `referrers`
        what: &'static str,
    },
    /// A list that leads in a circle, or is longer than any list is.
    #[error("the list of {what} of `{repository}` does not end")]
    Endless {
        /// Who answers.
        repository: String,
        /// `tags`, `referrers`
        what: &'static str,
    },
    /// The registry does not say where to send a blob.
    #[error("`{repository}` does not say where blobs are to be sent")]
    NoUpload {
        /// Who.
        repository: String,
    },
    /// The registry says that it has something else than what was sent.
    #[error("`{registry}` kept {found} of `{image}`; expected {expected}")]
    KeptOther {
        /// Who.
        registry: String,
        /// With its digest.
        image: String,
        /// What was sent.
        expected: BlobDigest,
        /// What it says that it has.
        found: String,
    },
    /// The registry says that it got something else.
    #[error("`{registry}` says that it did not get the blob {digest}{}", also(said))]
    NotTheBlob {
        /// Who.
        registry: String,
        /// What was sent.
        digest: BlobDigest,
        /// What it said.
        said: Option<String>,
    },
    /// The registry asks for something that kiln does not have.
    #[error("`{registry}` wants authentication in a way that kiln does not know: {}", schemes(found))]
    UnknownChallenge {
        /// Who asks.
        registry: String,
        /// Which ways it offers.
        found: Vec<String>,
    },
    /// The token server's answer holds no token.
    #[error("the token server of `{registry}` answered without a token")]
    NoToken {
        /// Whose tokens.
        registry: String,
    },
    /// No such repository, tag, manifest or blob.
    #[error("`{registry}` does not have {what} `{image}`{}", also(said))]
    NotFound {
        /// Who was asked.
        registry: String,
        /// `the image`, `the blob`, `the repository`.
        what: &'static str,
        /// With tag or digest.
        image: String,
        /// What the registry said.
        said: Option<String>,
    },
    /// Anything else that can happen on the way.
    #[error("cannot {doing} {what} `{image}` {} `{registry}`", doing.preposition())]
    Transport {
        /// Who was asked.
        registry: String,
        /// What for.
        doing: Doing,
        /// `the image`, `the blob`.
        what: &'static str,
        /// With tag or digest.
        image: String,
        /// Why.
        source: Box<TransportError>,
    },
    /// Not the bytes that were asked for.
    #[error("`{registry}` answers with other bytes for `{image}`: expected {expected}, found {found}")]
    Digest {
        /// Who was asked.
        registry: String,
        /// With tag or digest.
        image: String,
        /// What was asked for, or what the registry says it is.
        expected: String,
        /// Of the bytes.
        found: BlobDigest,
    },
    /// From the time before image manifests had digests.
    #[error("`{image}` is in docker's schema 1 (`{found}`), which no digest covers")]
    Schema1 {
        /// With tag or digest.
        image: String,
        /// Its media type.
        found: String,
    },
    /// Neither a manifest nor an index.
    #[error("expected an image manifest or index as `{image}`, found `{found}`")]
    MediaType {
        /// With tag or digest.
        image: String,
        /// Its media type.
        found: String,
    },
    /// The header says one thing, the document another.
    #[error("`{image}` says it is `{inside}`, and the registry says it is `{outside}`")]
    TwoTypes {
        /// With tag or digest.
        image: String,
        /// Its `mediaType`.
        inside: String,
        /// The `Content-Type`.
        outside: String,
    },
    /// registries.conf forbids it.
    #[error("`{image}` is blocked in `{path}`", path = path.display())]
    Blocked {
        /// With tag or digest.
        image: String,
        /// The file that says so.
        path: PathBuf,
    },
    /// A file with credentials or mirrors.
    #[error("cannot read `{path}`", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The program that keeps the credentials.
    #[error("the credential helper `{helper}` gives nothing for `{registry}`: {why}")]
    Helper {
        /// `docker-credential-NAME`.
        helper: String,
        /// For whom.
        registry: String,
        /// What happened, without what it keeps.
        why: String,
    },
    /// The program that keeps the credentials, when it is to keep or forget some.
    #[error("`{helper} {action}` failed: {why}")]
    HelperAction {
        /// `docker-credential-NAME`.
        helper: String,
        /// `store`, `erase`, `list`.
        action: &'static str,
        /// What happened, without what it keeps.
        why: String,
    },
    /// Helpers know registries alone.
    #[error("`{path}` names the credential helper `{helper}`, which keeps nothing for a part of a registry such as `{namespace}`", path = path.display())]
    HelperNamespace {
        /// The file that names it.
        path: PathBuf,
        /// `docker-credential-NAME`.
        helper: String,
        /// What was to be logged in to.
        namespace: String,
    },
    /// Not what one can log in to.
    #[error("`{found}` is not a registry: {why}")]
    Namespace {
        /// As it was given, without a password.
        found: String,
        /// What is wrong with it.
        why: String,
    },
    /// The registry knows nobody with this name and password.
    #[error("`{registry}` does not take this password of `{user}`{}", also(said))]
    WrongPassword {
        /// Who was asked.
        registry: String,
        /// Who it should be.
        user: String,
        /// What the registry or its token server said.
        said: Option<String>,
    },
    /// Anything else that can happen on the way to the answer.
    #[error("cannot ask `{registry}` whether it takes a password")]
    Login {
        /// Who was asked.
        registry: String,
        /// Why.
        source: Box<TransportError>,
    },
    /// There is no file for credentials.
    #[error("no place for credentials: neither REGISTRY_AUTH_FILE nor DOCKER_CONFIG nor HOME is set")]
    NoAuthFile,
    /// A file with credentials that is to hold others.
    #[error("cannot write `{path}`", path = path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Neither the mirrors nor the registry have it.
    #[error("`{image}` is on none of its mirrors ({}) and not in its registry", tried.join("; "))]
    NoMirror {
        /// With tag or digest.
        image: String,
        /// Each mirror with its reason.
        tried: Vec<String>,
        /// What the registry itself said.
        source: Box<RegistryError>,
    },
}

/// Whether somebody else was faster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Race {
    /// It was so when we looked first.
    None,
    /// It was not so when we looked first.
    Lost,
}

impl Race {
    fn ending(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Lost => ": somebody else pushed it at the same time",
        }
    }
}

/// In which direction things go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// From the registry.
    Read,
    /// To it.
    Write,
    /// Out of it.
    Remove,
}

impl Doing {
    fn preposition(self) -> &'static str {
        match self {
            Self::Read | Self::Remove => "from",
            Self::Write => "to",
        }
    }
}

impl std::fmt::Display for Doing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Remove => "remove",
        })
    }
}

/// Whether there was something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// Something.
    Yes,
    /// Nothing.
    No,
}

fn also(said: &Option<String>) -> String {
    said.as_ref().map(|said| format!(": {said}")).unwrap_or_default()
}

fn schemes(found: &[String]) -> String {
    if found.is_empty() { "it does not say which".to_owned() } else { found.join(", ") }
}

impl RegistryError {
    /// Whether the network or the registry is to blame (exit code 5).
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Transport { source, .. } | Self::Login { source, .. } => source.is_unavailable(),
            Self::WrongPassword { .. } => true,
            Self::Unauthorized { .. } | Self::NotFound { .. } | Self::UnknownChallenge { .. } => true,
            Self::NoToken { .. } | Self::NoUpload { .. } | Self::NotAList { .. } | Self::TagVanished { .. } => true,
            Self::Crowded { .. } | Self::Endless { .. } => true,
            Self::NoMirror { source, .. } => source.is_unavailable(),
            _ => false,
        }
    }

    /// Whether it is not what it should be (exit code 4).
    pub fn is_mismatch(&self) -> bool {
        match self {
            Self::Digest { .. } | Self::TwoTypes { .. } | Self::KeptOther { .. } | Self::NotTheBlob { .. } => true,
            Self::Transport { source, .. } => source.is_mismatch(),
            Self::NoMirror { source, .. } => source.is_mismatch(),
            _ => false,
        }
    }

    /// Whether something that was published would be rewritten (exit code 3).
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::TagHeld { .. } | Self::TagRefused { .. })
    }

    /// Whether another question to the same registry would end the same way: nobody answers there.
    pub fn is_silence(&self) -> bool {
        use TransportError as E;
        let Self::Transport { source, .. } = self else { return false };
        matches!(**source, E::Unreachable { .. } | E::Tls { .. } | E::Offline { .. } | E::PlainHttp { .. })
    }

    /// With all its causes, in one line.
    pub fn in_one_line(&self) -> String {
        let causes = std::iter::successors(std::error::Error::source(self), |cause| cause.source());
        causes.fold(self.to_string(), |text, cause| format!("{text}: {cause}"))
    }

    /// Whether the user wanted to stop.
    pub fn is_interrupt(&self) -> bool {
        match self {
            Self::Transport { source, .. } | Self::Login { source, .. } => {
                matches!(**source, TransportError::Interrupted)
            }
            _ => false,
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Name { .. } => "write it as `HOST/REPOSITORY:TAG`; without a host it is on Docker Hub".to_owned(),
            Self::Unauthorized { registry, credentials: Given::No, looked_at, .. } => {
                let files: Vec<_> = looked_at.iter().map(|path| format!("`{}`", path.display())).collect();
                let looked = if files.is_empty() { "no file".to_owned() } else { files.join(", ") };
                format!("`kiln login {registry}`; credentials were looked for in {looked}")
            }
            Self::Unauthorized { registry, .. } => {
                format!("ask for access, or `kiln login {registry}` with credentials that have it; also check the name")
            }
            Self::NotFound { what: "the image", .. } => "check the repository and the tag".to_owned(),
            Self::NotFound { what: "the repository", .. } => {
                "check the name; some registries want a repository to be made before anything is pushed, and some say this of what \
                 you may not see: `kiln login`"
                    .to_owned()
            }
            Self::NotFound { .. } => "the registry lost a part of the image: push it again".to_owned(),
            Self::Transport { source, .. } | Self::Login { source, .. } => return source.hint(),
            Self::Digest { .. } | Self::TwoTypes { .. } => {
                "the registry or somebody on the way to it is not to be trusted: ask whoever runs it".to_owned()
            }
            Self::Schema1 { .. } => "push it again with a docker of this decade".to_owned(),
            Self::MediaType { .. } => "name an image; this is something else that registries keep".to_owned(),
            Self::Blocked { path, .. } => format!("use another image, or change `{}`", path.display()),
            Self::File { path, .. } => format!("repair or remove `{}`", path.display()),
            Self::Helper { helper, .. } => {
                format!("check that `{helper} get` works, or remove it from the file that names it")
            }
            Self::HelperAction { helper, action, .. } => {
                format!("check that `{helper} {action}` works, or remove it from the file that names it")
            }
            Self::HelperNamespace { namespace, .. } => {
                let registry = namespace.split('/').next().unwrap_or_default();
                format!("log in to all of `{registry}`, or name another file in REGISTRY_AUTH_FILE")
            }
            Self::Namespace { .. } => {
                "write it as `HOST`, `HOST:PORT` or `HOST/NAMESPACE`; Docker Hub is `docker.io`".to_owned()
            }
            Self::WrongPassword { .. } => {
                "check both; many registries want a token that was made for this in place of the password".to_owned()
            }
            Self::NoAuthFile => "set HOME, or name a file in REGISTRY_AUTH_FILE".to_owned(),
            Self::Write { path, .. } => {
                format!("make `{}` writable, or name another file in REGISTRY_AUTH_FILE", path.display())
            }
            Self::NoMirror { source, .. } => return source.hint(),
            Self::Tag { .. } => {
                "a tag has letters, digits, `_`, `.` and `-`, at most 128, and begins with a letter, a digit or `_`"
                    .to_owned()
            }
            Self::TagHeld { .. } => {
                "what is published stays: raise the version; `kiln diff` shows how the two differ".to_owned()
            }
            Self::TagRefused { .. } => {
                "ask whoever runs the registry which tags may be created there; if it was there once, raise the version"
                    .to_owned()
            }
            Self::TagVanished { .. } | Self::Crowded { .. } => "push again".to_owned(),
            Self::NotAFallback { .. } => "find out who wrote that tag, and remove it".to_owned(),
            Self::KeptOther { .. } | Self::NotTheBlob { .. } => {
                "push again; if it stays so, the registry or a proxy before it changes what passes".to_owned()
            }
            Self::NoUpload { .. } | Self::NotAList { .. } | Self::Endless { .. } => "check that this is the address of a registry".to_owned(),
            Self::UnknownChallenge { .. } | Self::NoToken { .. } => return None,
        })
    }
}
