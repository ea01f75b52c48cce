//! Black-box tests: the binary as a user runs it, its output as other people's programs read it.

mod attacks;
mod caches;
mod channels;
mod chroot;
mod commands;
mod configuration;
mod copies;
mod debian;
mod determinism;
mod distribution;
mod drift;
mod enable;
mod fetch;
mod files;
mod gc;
mod harness;
mod ids;
mod inputs;
mod installed;
mod kept;
mod limits;
mod login;
mod minbase;
mod outputs;
mod owners;
mod packages;
mod places;
mod probe;
mod pull;
mod push;
mod readers;
mod recorded;
mod refusals;
mod repository;
mod reproduce;
mod rootless;
mod sample;
mod screen;
mod shipped;
mod secrets;
mod server;
mod stages;
mod steps;
mod system;
mod tags;
mod tried;
mod visits;

#[path = "../support/foreign.rs"]
mod foreign;
#[path = "../support/registry/mod.rs"]
mod registry;
