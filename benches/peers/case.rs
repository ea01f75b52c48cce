//! What is measured.

use clap::ValueEnum;

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
}

/// A tree that a case builds from, and the template of the same name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Input {
    A,
    B,
    Layers,
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
    /// The same was built before; then a line is appended to the file that stands at this percentage of the tree.
    Change(usize),
}

impl Case {
    pub(crate) const ALL: [Case; 9] = [
        Case::AGzip,
        Case::AZstd,
        Case::AAgain,
        Case::AChangedFirst,
        Case::AChangedMiddle,
        Case::AChangedLast,
        Case::LayersAgain,
        Case::BGzip,
        Case::BZstd,
    ];

    pub(crate) fn input(self) -> Input {
        match self {
            Case::LayersAgain => Input::Layers,
            Case::BGzip | Case::BZstd => Input::B,
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
            Case::AGzip | Case::AZstd | Case::BGzip | Case::BZstd => Before::Clean,
            Case::AAgain | Case::LayersAgain => Before::Nothing,
            Case::AChangedFirst => Before::Change(2),
            Case::AChangedMiddle => Before::Change(50),
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
        }
    }
}

impl Input {
    /// Name of its directory and its template.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Input::A => "a",
            Input::B => "b",
            Input::Layers => "layers",
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
