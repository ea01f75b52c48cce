//! Operating-system packages: from what a template asks for to what the lock says.
//!
//! Architecture Invariant: pure. Indexes come as bytes, times as values; what is fetched, and from where, is for the
//! caller to do.

pub mod debian;
