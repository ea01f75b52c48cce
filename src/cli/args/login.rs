//! `kiln login` and `kiln logout`

use clap::Args;

use crate::cli::network::NetworkArgs;

/// `kiln login`
#[derive(Debug, Args)]
#[command(after_help = "\
The password is asked for on the terminal, or read from stdin. No flag takes
it: everybody on a machine can read the arguments of its programs, and shells
keep them in their history.

It is kept only if the registry takes it: by the helper that `credHelpers` or
`credsStore` name in docker's config.json, else in that file itself. Where
REGISTRY_AUTH_FILE is set, it is the file. Docker and podman read the same.

Examples:
  kiln login quay.io                   ask for user and password
  kiln login quay.io/acme -u robot     for one namespace only, as podman has it
  kiln login docker.io -u kim --password-stdin < token
                                       Docker Hub, without a terminal")]
pub struct Login {
    /// `HOST[:PORT][/NAMESPACE]`; Docker Hub is `docker.io`
    #[arg(value_name = "REGISTRY")]
    pub registry: String,
    /// The user name [default: asked for]
    #[arg(short, long, value_name = "USER")]
    pub user: Option<String>,
    /// Read the password from stdin, without the end of its line
    #[arg(long, requires = "user")]
    pub password_stdin: bool,
    /// How far registries may be looked for.
    #[command(flatten)]
    pub network: NetworkArgs,
}

/// `kiln logout`
#[derive(Debug, Args)]
#[command(after_help = "\
It is forgotten by every file that kiln reads, podman's too, and by the helpers
that they name. A registry that nobody is logged in to is no failure.

Examples:
  kiln logout quay.io
  kiln logout --all")]
pub struct Logout {
    /// As it was logged in to: `HOST[:PORT][/NAMESPACE]`
    #[arg(value_name = "REGISTRY", required_unless_present = "all", conflicts_with = "all")]
    pub registry: Option<String>,
    /// Forget everything that is kept for any registry
    #[arg(long)]
    pub all: bool,
}
