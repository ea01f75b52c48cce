//! Black-box tests: the binary as a user runs it, its output as other people's programs read it.

mod attacks;
mod commands;
mod determinism;
mod files;
mod gc;
mod harness;
mod inputs;
mod outputs;
mod owners;
mod readers;
mod refusals;
mod sample;
mod screen;
mod shipped;
mod system;
