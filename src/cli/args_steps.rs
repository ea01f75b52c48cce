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
    /// How steps get a root of their own: root, subordinate-ids or one-id [default: the first that works]
    #[arg(long, value_name = "MODE", value_parser = parse::<Mode>, env = "KILN_SANDBOX", hide_env_values = true)]
    pub sandbox: Option<Mode>,
}
