//! Black-box tests: the binary as a user runs it, its output as other people's programs read it.

mod attacks;
mod commands;
mod determinism;
mod enable;
mod files;
mod gc;
mod harness;
mod inputs;
mod outputs;
mod readers;
mod refusals;
mod reproduce;
mod sample;
mod screen;
mod shipped;
mod steps;
mod system;
