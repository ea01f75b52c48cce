//! Runs one command in a root of its own, and tells what it changed.
//!
//! ```text
//! host       the side of kiln: starts a child, gives it an Order, gets an Answer
//! program    what is started, which no step can change
//! choose     which of the ways is taken
//! child      the side behind: the same binary, called by another name, in other namespaces
//!   fork       a copy of it, process 1 of the step
//!   unpack     a tree             -> a directory that an overlay can stand on
//!   root       lower directories  -> a mounted root with /proc, /dev, /tmp, /run and what the step was given
//!   place      what of a root is only there to be mounted on, made and taken away again
//!   chroot     lower directories  -> a copy of them as the root, where nothing can be mounted
//!   terminal   whom its keys are for
//!   command    an order           -> how its command ended
//!   confine    this process       -> one without privileges that it does not need
//!   service    a program beside the command, waited for by its port
//!   capture    an upper directory -> what was changed, and the contents of it
//! outputs    what a command prints, stream by stream
//!   census     an upper directory -> which files it has, to tell what one command touched
//! spread     a tree in several directories, whose entries are listed in another order
//! owners     where there is one id only: whose the files are, and the supervisor that answers for them
//! mode       the ways, and what steps share with the machine in spite of each
//! area       where all of it lies in the store
//! ```
//! Rationale: namespaces belong to processes, and a process with threads cannot enter a new user namespace. So whatever
//! needs other ids or other mounts is done by a child that executes kiln's own binary and has one thread; trees go there as
//! their readable dump, contents as an open file.
//!
//! What a command gets: the image's root on an overlay (namespaces(7), overlayfs.rst), `/proc`, a minimal `/dev`, empty
//! `/tmp` and `/run`, a loopback interface, the host name `kiln`, umask 022, the environment that its step says, and all
//! processors. What it does not get: other processes, other files, a network unless it asked, new privileges (execve(2),
//! `no_new_privs`), the system calls in [`confine`]. Where the machine allows neither namespaces nor mounts, much of that is
//! missing, and the digest is the same: see `chroot`.

pub mod answer;
pub mod area;
mod capture;
mod census;
mod cgroup;
pub mod child;
mod choose;
mod chroot;
mod command;
pub mod confine;
pub mod error;
mod fork;
pub mod host;
mod loopback;
pub mod machine;
pub mod mode;
pub mod order;
pub mod outputs;
mod overlay;
pub mod owners;
mod place;
mod proc;
mod program;
mod root;
mod service;
mod spread;
pub mod subids;
mod terminal;
mod unpack;

pub use answer::Ending;
pub use area::{Area, CacheLock, Work};
pub use capture::Captured;
pub use census::Stamp;
pub use confine::processors;
pub use error::{MORE_MEMORY, SandboxError};
pub use host::{Sandbox, Talk, Watch};
pub use mode::{Mode, Modes, Trouble};
pub use order::{Bind, BindKind, Limits, RunOrder, ServiceOrder, Streams, Temporary, Transport};
pub use outputs::{Outputs, Printed, Text};
pub use owners::{Owner, Refusal};
pub use spread::Layout;
