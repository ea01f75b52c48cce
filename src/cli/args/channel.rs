//! `kiln channel`

use clap::{Args, Subcommand};

use crate::base::BlobDigest;
use crate::cli::network::NetworkArgs;

use super::parse;

/// `kiln channel`
#[derive(Debug, Args)]
#[command(after_help = "\
A channel is a tag that moves: `channels` in `[publish]` of a template declares
it, and a push moves it forward. Each move has an entry in its record, under
tags `ch-CHANNEL-000001` and so on, which are created once.

Examples:
  kiln channel log registry.example.org/shop/api:latest
  kiln channel set registry.example.org/shop/api:latest sha256:... \\
      --reason 'the checkout of 1.8.2 is broken'

Exit codes:
  0  done
  3  refused: the tag of a release, or the registry lets no tag move
  4  the record does not agree with itself or with the tag
  5  the registry cannot be reached or does not let us")]
pub struct ChannelArgs {
    /// What about it.
    #[command(subcommand)]
    pub command: ChannelCommand,
}

/// What can be done with a channel.
#[derive(Debug, Subcommand)]
pub enum ChannelCommand {
    /// Show its moves, the newest first, after checking that they follow each other and that the tag agrees
    Log {
        /// `HOST/REPOSITORY:CHANNEL`
        #[arg(value_name = "CHANNEL")]
        channel: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// How far registries may be looked for.
        #[command(flatten)]
        network: NetworkArgs,
    },
    /// Set it to anything in its repository, also back, and record why; a tag without a record gets one
    Set {
        /// `HOST/REPOSITORY:CHANNEL`
        #[arg(value_name = "CHANNEL")]
        channel: String,
        /// Of an image or index in the same repository
        #[arg(value_name = "DIGEST", value_parser = parse::<BlobDigest>)]
        digest: BlobDigest,
        /// Why, in one line, for the record
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Its version, if it does not say it itself
        #[arg(long, value_name = "VERSION")]
        version: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// How far registries may be looked for.
        #[command(flatten)]
        network: NetworkArgs,
    },
}
