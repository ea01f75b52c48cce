//! What is measured.

use clap::ValueEnum;

use crate::tool::Tool;

/// One comparison: an input, a compression, and what was there before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Case {
    AGzip,
    AZstd,
    AAgain,
    AChangedFirst,
    AChangedMiddle,
    AChangedLast,
    LayersAgain,
    BGzip,
    BZstd,
    Pull,
    PullLarge,
    BaseCached,
    LockAgain,
    RunTrue,
    RunTenCached,
    RunTenCold,
    PackagesCold,
    PackagesWarm,
    PackagesNoop,
    PushCold,
    PushAgain,
    PushLarge,
}

/// A tree or a base that a case builds from, and the template of the same name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Input {
    A,
    B,
    Layers,
    /// A base in a registry, and nothing else.
    Base,
    BaseLarge,
    /// The small base and one small layer.
    OnBase,
    /// Many files, each a source.
    Sources,
    /// Layers of `true` on Debian.
    True,
    /// Ten layers with a command each on Debian.
    Steps,
    /// A system of Debian's packages.
    Packages,
    /// An image of several layers, to be pushed.
    Push,
    /// An image with one large layer, to be pushed.
    PushLarge,
}

/// An image that the bench puts into its registry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Base {
    /// Of the size of what people start from.
    Small,
    /// One layer of a gigabyte.
    Large,
}

/// How layers are compressed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    Gzip,
    Zstd,
}

/// What is done before each run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Before {
    /// Everything that the tool has kept is removed.
    Clean,
    /// Nothing: the same was built before.
    Nothing,
    /// The same was built before. What was fetched for it is still there; what it became does not count.
    Fetched,
    /// The same was built before; then a line is appended to the file that stands at this percentage of the tree.
    Change(usize),
    /// The same was built before with another value of a variable, so that no command is in a cache.
    Vary,
}

impl Case {
    pub(crate) const ALL: [Case; 22] = [
        Case::AGzip,
        Case::AZstd,
        Case::AAgain,
        Case::AChangedFirst,
        Case::AChangedMiddle,
        Case::AChangedLast,
        Case::LayersAgain,
        Case::BGzip,
        Case::BZstd,
        Case::Pull,
        Case::PullLarge,
        Case::BaseCached,
        Case::LockAgain,
        Case::RunTrue,
        Case::RunTenCached,
        Case::RunTenCold,
        Case::PackagesCold,
        Case::PackagesWarm,
        Case::PackagesNoop,
        Case::PushCold,
        Case::PushAgain,
        Case::PushLarge,
    ];

    pub(crate) fn input(self) -> Input {
        match self {
            Case::LayersAgain => Input::Layers,
            Case::BGzip | Case::BZstd => Input::B,
            Case::Pull => Input::Base,
            Case::PullLarge => Input::BaseLarge,
            Case::BaseCached => Input::OnBase,
            Case::LockAgain => Input::Sources,
            Case::RunTrue => Input::True,
            Case::RunTenCached | Case::RunTenCold => Input::Steps,
            Case::PackagesCold | Case::PackagesWarm | Case::PackagesNoop => Input::Packages,
            Case::PushCold | Case::PushAgain => Input::Push,
            Case::PushLarge => Input::PushLarge,
            _ => Input::A,
        }
    }

    pub(crate) fn codec(self) -> Codec {
        match self {
            Case::AZstd | Case::BZstd => Codec::Zstd,
            _ => Codec::Gzip,
        }
    }

    pub(crate) fn before(self) -> Before {
        match self {
            Case::AGzip | Case::AZstd | Case::BGzip | Case::BZstd | Case::Pull | Case::PullLarge => Before::Clean,
            Case::RunTenCold | Case::PackagesCold | Case::PushCold | Case::PushLarge => Before::Clean,
            Case::AAgain | Case::LayersAgain | Case::LockAgain | Case::RunTenCached => Before::Nothing,
            Case::PackagesNoop | Case::PushAgain => Before::Nothing,
            Case::PackagesWarm => Before::Fetched,
            Case::RunTrue => Before::Vary,
            Case::AChangedFirst => Before::Change(2),
            Case::AChangedMiddle | Case::BaseCached => Before::Change(50),
            Case::AChangedLast => Before::Change(97),
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Case::AGzip => "A, gzip, cold",
            Case::AZstd => "A, zstd, cold",
            Case::AAgain => "A, gzip, nothing changed",
            Case::AChangedFirst => "A, gzip, a file near the beginning changed",
            Case::AChangedMiddle => "A, gzip, a file in the middle changed",
            Case::AChangedLast => "A, gzip, a file near the end changed",
            Case::LayersAgain => "ten small layers, gzip, nothing changed",
            Case::BGzip => "B, gzip, cold",
            Case::BZstd => "B, zstd, cold",
            Case::Pull => "pull of a base, empty store",
            Case::PullLarge => "pull of a base of one large layer, empty store",
            Case::BaseCached => "one small layer, changed, on a base that is there, no network",
            Case::LockAgain => "lock of 50 sources, nothing changed",
            Case::RunTrue => "one more layer of `true` on Debian, never run before",
            Case::RunTenCached => "ten layers with a command each on Debian, nothing changed",
            Case::RunTenCold => "ten layers with a command each on Debian, cold",
            Case::PackagesCold => "Debian with nginx from packages, cold",
            Case::PackagesWarm => "Debian with nginx from packages, made again",
            Case::PackagesNoop => "Debian with nginx from packages, nothing changed",
            Case::PushCold => "push of 66 MB in 11 layers, empty registry",
            Case::PushAgain => "push of 66 MB in 11 layers, all is there",
            Case::PushLarge => "push of one layer of 2 GB, empty registry",
        }
    }

    /// Who can do the same.
    pub(crate) fn is_for(self, tool: Tool) -> bool {
        match self {
            Case::Pull | Case::PullLarge => matches!(tool, Tool::Kiln | Tool::Skopeo),
            Case::PushCold | Case::PushAgain | Case::PushLarge => matches!(tool, Tool::Kiln | Tool::Skopeo),
            Case::BaseCached | Case::LockAgain => tool == Tool::Kiln,
            Case::RunTrue => matches!(tool, Tool::Kiln | Tool::Buildah | Tool::Unshare),
            Case::RunTenCached | Case::RunTenCold => matches!(tool, Tool::Kiln | Tool::Buildah),
            Case::PackagesCold | Case::PackagesWarm | Case::PackagesNoop => {
                matches!(tool, Tool::Kiln | Tool::Buildah | Tool::Mmdebstrap | Tool::Debootstrap)
            }
            _ => matches!(tool, Tool::Kiln | Tool::Umoci | Tool::Buildah | Tool::Pipeline),
        }
    }
}

impl Input {
    /// The base that is pulled or built on, by its name in the registry.
    pub(crate) fn base(self) -> Option<Base> {
        match self {
            Input::Base | Input::OnBase => Some(Base::Small),
            Input::BaseLarge => Some(Base::Large),
            _ => None,
        }
    }

    /// Whether it is pushed.
    pub(crate) fn is_pushed(self) -> bool {
        matches!(self, Input::Push | Input::PushLarge)
    }

    /// Whether it is steps on Debian.
    pub(crate) fn is_steps(self) -> bool {
        matches!(self, Input::True | Input::Steps)
    }

    /// Name of its directory and its template.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Input::A => "a",
            Input::B => "b",
            Input::Layers => "layers",
            Input::Base => "base",
            Input::BaseLarge => "base-large",
            Input::OnBase => "on-base",
            Input::Sources => "sources",
            Input::True => "true",
            Input::Steps => "steps",
            Input::Packages => "packages",
            Input::Push => "push",
            Input::PushLarge => "push-large",
        }
    }
}

impl Base {
    /// Of its layout beside the inputs, and of its repository.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Base::Small => "base",
            Base::Large => "base-large",
        }
    }
}

impl Codec {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Codec::Gzip => "gzip",
            Codec::Zstd => "zstd",
        }
    }
}
