//! Attacks on the store and on builds, with the real binary: kills, damage, full disks, rivals, files that move.

mod crowd;
mod damage;
mod disk;
mod kill;
mod memory;
mod place;
mod push;
mod shifting;
mod steps;

#[path = "../support/foreign.rs"]
mod foreign;
#[path = "../support/registry/mod.rs"]
mod registry;
