//! `[publish]`: where an image goes. Nothing of it enters the image or its plan.

/// Where an image is published, and which names move to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Publish {
    /// `HOST[:PORT][/PATH]`; the image's name goes below.
    pub registry: Option<String>,
    /// Patterns of tags that move forward, such as `{major}.{minor}`.
    pub channels: Vec<String>,
    /// How versions are compared.
    pub order: Order,
}

/// How versions are compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// Semantic Versioning 2.0.0.
    #[default]
    Semver,
    /// Debian's versions (deb-version(7)).
    Debian,
    /// Dates, as numbers with anything between them: `2026-11-25`, `20261125.2`.
    Date,
}

impl Order {
    /// The one that a template writes so.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Semver, Self::Debian, Self::Date].into_iter().find(|order| order.name() == name)
    }

    /// As it is written in a template.
    pub fn name(self) -> &'static str {
        match self {
            Self::Semver => "semver",
            Self::Debian => "debian",
            Self::Date => "date",
        }
    }
}

/// What stands in a channel's pattern for a part of the version.
pub const CHANNEL_PARTS: [&str; 6] = ["major", "minor", "patch", "year", "month", "day"];
