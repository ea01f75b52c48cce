//! One file for each verb.

pub mod build;
pub mod channel;
pub mod check;
pub mod copy;
pub mod diff;
pub mod doctor;
pub mod drift;
pub mod init;
pub mod inspect;
pub mod lock;
pub mod log;
pub mod login;
pub mod manual;
pub mod plan;
pub mod probe;
pub mod pull;
pub mod push;
mod repository;
pub mod shell;
pub mod reproduce;
pub mod store;
pub mod tags;
pub mod test;
pub mod update;
pub mod vendor;
