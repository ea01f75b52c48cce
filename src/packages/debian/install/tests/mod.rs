//! Packages unpacked into roots in memory, and beside dpkg.

mod dpkg;
mod hostile;
mod refused;
mod rounds;
mod scripts;
mod unpacking;
mod world;
