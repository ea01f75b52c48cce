//! Owners of files where there is one id only: a record of them, and a supervisor that answers from it.
//!
//! ```text
//! owner       who a file belongs to, and how that is written down
//! table       the same for files that it cannot be written on
//! filter      which system calls are held until the supervisor answers       (seccomp(2), seccomp_unotify(2))
//! call        number and arguments of a held call -> what it asks for
//! name        a path of the process that asked -> one that means the same to the supervisor
//! caller      the memory of the process that asked
//! file        what the kernel says of a file
//! listener    the kernel's side: held calls in, answers out
//! supervisor  answers them
//! ```
//! A namespace with one id has one owner: what else a step says, `chown` would refuse and `stat` would not tell. So these
//! two families of calls are held, and answered from the record. The rest of the kernel knows nothing of it: root of the
//! namespace may do everything to all files there, as root may.
//!
//! # Where the record is
//! On the file, as the attribute `user.kiln.owner`. Rationale: it goes where the file goes, through a rename, a hard link,
//! a copy-up, to the next step and the next mount, and ends with it. A table by inode number had to notice all of that, and
//! that a number was given to a new file; overlays change numbers on top. The layers below carry the attribute because they
//! are unpacked with it, and the capture takes it off. `listxattr` does not tell it, so that nothing copies it: the copy of
//! somebody's file belongs to whoever made the copy.
//!
//! Links, pipes, devices and sockets have no such attributes, nor has a `tmpfs` before Linux 6.6. For these there is a table
//! by inode; an open descriptor for each keeps the kernel from using its number again. After a step, the table becomes a
//! list by path, which the next step and the capture get.
//!
//! Files without a record belong to root, as new files of root do, and to the group of a set-group-ID directory that they
//! are in (inode(7)). So a file that was moved there counts as made there.
//!
//! # What is answered
//! - The `chown` family: the supervisor changes the owner to root's, so that the kernel copies the file up, clears the
//!   set-user-ID bit and takes away capabilities as it always does, and writes the record.
//! - The `stat` family: where a record says something else than root, the supervisor asks the kernel and puts in the owner.
//!   Everything else goes on in the kernel (`SECCOMP_USER_NOTIF_FLAG_CONTINUE`), which finds all errors itself.
//! - The `listxattr` family, to keep the record out of it.
//! - `setgroups` with no group but root's succeeds, because `su root` needs it and it changes nothing.
//! - Everything that would need a second id is refused with EPERM and told by name: `setuid` and its like, other groups,
//!   devices. To say yes would be a lie: what the process wrote then would be root's.
//! - `chroot` goes on; it is only noticed, because paths mean something else after it.
//!
//! A held call can end with EINTR, as slow calls do: if a signal comes before the supervisor has looked at it, and the
//! handler was not set to restart calls (signal(7), SA_RESTART).
//!
//! # What the supervisor can do
//! It is the parent of process 1, outside of the step's process namespace: no step can see, signal or trace it. Its own
//! root is the step's, so a path that leads out leads nowhere. What a process asks for may be changed by another one while
//! the answer is found: such a step fools itself, since owners are a record and give no rights.

mod call;
mod caller;
mod file;
pub(super) mod filter;
mod listener;
mod name;
mod owner;
pub mod refusal;
pub(super) mod supervisor;
mod table;

pub use owner::Owner;
pub(super) use owner::{ATTRIBUTE, from_attribute, inherited, recorded, special};
pub use refusal::Refusal;
