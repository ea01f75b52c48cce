//! What a generated file holds, by its kind and seed.

use crate::binary::{self, Instructions};
use crate::random::Random;
use crate::text::{self, Words};

/// Kinds of files, as a distribution's /usr has them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Prose,
    Code,
    Json,
    Html,
    Program,
    Catalogue,
    Compressed,
}

impl Kind {
    /// Ends of file names.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Kind::Prose => ".txt",
            Kind::Code => ".py",
            Kind::Json => ".json",
            Kind::Html => ".html",
            Kind::Program => ".so",
            Kind::Catalogue => ".mo",
            Kind::Compressed => ".png",
        }
    }
}

/// What all content is made from.
pub(crate) struct Material {
    words: Words,
    instructions: Instructions,
}

impl Material {
    pub(crate) fn new() -> Material {
        Material { words: Words::new(), instructions: Instructions::new() }
    }

    pub(crate) fn word(&self, random: &mut Random) -> &str {
        self.words.pick(random)
    }

    /// Replaces `out` by `length` bytes; the same kind, seed and length always give the same.
    pub(crate) fn fill(&self, kind: Kind, seed: u64, length: usize, out: &mut Vec<u8>) {
        out.clear();
        let random = &mut Random::new(seed);
        match kind {
            Kind::Prose => text::prose(&self.words, random, out, length),
            Kind::Code => text::code(&self.words, random, out, length),
            Kind::Json => text::json(&self.words, random, out, length),
            Kind::Html => text::html(&self.words, random, out, length),
            Kind::Program => binary::program(&self.words, &self.instructions, random, out, length),
            Kind::Catalogue => binary::catalogue(&self.words, random, out, length),
            Kind::Compressed => binary::compressed(random, out, length),
        }
    }
}
