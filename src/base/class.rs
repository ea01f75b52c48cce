//! What a failure means to whoever called kiln.

/// The kinds of failure, in the order of their exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// 1: any other.
    Failed,
    /// 3: something would have been rewritten.
    Refused,
    /// 4: not what was locked, signed or asked for.
    Mismatch,
    /// 5: the network, or what is behind it.
    Unavailable,
    /// 130: the user wanted to stop.
    Interrupted,
}
