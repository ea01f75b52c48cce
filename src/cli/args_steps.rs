//! Arguments of the verbs around commands in the image.

use clap::Args;

use crate::sandbox::Mode;

use super::args::{ResolveArgs, StoreDir, TemplateArgs, parse};
use super::secret::SecretArg;

/// `kiln log`
#[derive(Debug, Args)]
pub struct Log {
    /// Which template.
    #[command(flatten)]
    pub template: TemplateArgs,
    /// Only this layer
    #[arg(long, value_name = "NAME")]
    pub layer: Option<String>,
    /// How it is resolved.
    #[command(flatten)]
    pub resolve: ResolveArgs,
}

/// `kiln shell`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  kiln shell .                     a shell on the whole image\n  kiln shell . --layer system -- ls -l /etc\n\n\
    The exit code is the command's."
)]
pub struct Shell {
    /// Which template.
    #[command(flatten)]
    pub template: TemplateArgs,
    /// The uppermost layer [default: all of them]
    #[arg(long, value_name = "NAME")]
    pub layer: Option<String>,
    /// What to run instead of a shell
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
    /// How it is resolved.
    #[command(flatten)]
    pub resolve: ResolveArgs,
    /// How its commands run.
    #[command(flatten)]
    pub provision: ProvisionArgs,
}

/// `kiln run`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  kiln run .                       the entrypoint and its arguments\n  kiln run . -p 8000               it listens on port 8000 of this machine\n  kiln run . -- --version          with other arguments\n\n\
    With `-p` the program shares this machine's network; without, it has one of its own. The exit code is the program's."
)]
pub struct Run {
    /// Which template.
    #[command(flatten)]
    pub template: TemplateArgs,
    /// A port that it listens on; may be given several times
    #[arg(short, long = "port", value_name = "PORT")]
    pub ports: Vec<u16>,
    /// Other arguments than the image's `cmd`
    #[arg(last = true, value_name = "ARGUMENT")]
    pub arguments: Vec<String>,
    /// How it is resolved.
    #[command(flatten)]
    pub resolve: ResolveArgs,
    /// How its commands run.
    #[command(flatten)]
    pub provision: ProvisionArgs,
}

/// `kiln doctor`
#[derive(Debug, Args)]
pub struct Doctor {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Where the store is: steps run on its file system
    #[command(flatten)]
    pub store: StoreDir,
}

/// How the commands of a template run.
#[derive(Debug, Clone, Args)]
pub struct ProvisionArgs {
    /// A secret for the steps that name it, as `/run/secrets/ID`; may be given several times
    #[arg(long = "secret", value_name = "id=ID,env=VARIABLE | id=ID,file=PATH", value_parser = parse::<SecretArg>)]
    pub secrets: Vec<SecretArg>,
    /// How steps get a root of their own: root, subordinate-ids, one-id or chroot [default: the first that works]
    #[arg(long, value_name = "MODE", value_parser = parse::<Mode>, env = "KILN_SANDBOX", hide_env_values = true)]
    pub sandbox: Option<Mode>,
}
