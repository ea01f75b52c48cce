//! Pulls from a registry that misbehaves.

mod access;
mod files;
mod keep;
mod lists;
mod login;
mod pull;
mod push;
mod stream;
mod strict;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::{Client, CredentialFiles, Files, ImageName, RegistryError};
use crate::base::BlobDigest;
use crate::transport::testing::Registry;
use crate::transport::{News, Retries, Settings, Timeouts, Transport};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

fn quiet(_: News) {}

fn settings() -> Settings {
    Settings {
        retries: Retries {
            attempts: 3,
            base_delay: Duration::from_millis(1),
            longest_delay: Duration::from_millis(2),
            longest_requested: Duration::from_secs(1),
        },
        timeouts: Timeouts { connect: Duration::from_secs(10), stall: Duration::from_secs(10) },
        ..Settings::default()
    }
}

fn transport() -> Transport {
    Transport::new(settings(), Arc::default()).expect("a client")
}

/// A registry with `a/b:1`, and the digest of it.
fn served() -> (Registry, String) {
    let registry = Registry::start();
    let digest = registry.store(|store| store.put_manifest("a/b", "1", MANIFEST, &manifest("first")));
    (registry, digest)
}

fn manifest(note: &str) -> Vec<u8> {
    format!(r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","annotations":{{"note":"{note}"}}}}"#).into_bytes()
}

fn name(registry: &Registry, rest: &str) -> ImageName {
    format!("{}/{rest}", registry.place()).parse().expect("a name")
}

fn digest(text: &str) -> BlobDigest {
    text.parse().expect("a digest")
}

/// A directory with docker's file in it.
struct Home(tempfile::TempDir);

impl Home {
    fn new(config: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("config.json"), config).expect("written");
        Self(directory)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn config(&self) -> PathBuf {
        self.0.path().join("config.json")
    }

    fn files(&self) -> Files {
        let credentials = CredentialFiles {
            docker_config: Some(self.config()),
            helper_directories: vec![self.path().to_owned()],
            ..CredentialFiles::default()
        };
        Files { credentials, ..Files::default() }
    }

    /// A credential helper that is a shell script.
    fn helper(&self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path().join(format!("docker-credential-{name}"));
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("made executable");
    }
}

/// All that a person can see of an error.
fn shown(error: &RegistryError) -> String {
    let mut text = format!("{error} {error:?} {:?}", error.hint());
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        text.push_str(&format!(" {inner}"));
        source = inner.source();
    }
    text
}

fn nothing_asked(registry: &Registry) -> BTreeMap<String, usize> {
    let mut count = BTreeMap::new();
    for call in registry.calls() {
        *count.entry(call.path().to_owned()).or_default() += 1;
    }
    count
}
