//! Debian's registry server on loopback.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::harness::require;

/// Whether things can be removed from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deletion {
    Off,
    On,
}

/// It runs until it is dropped.
pub(crate) struct Server {
    child: Child,
    place: String,
}

impl Server {
    /// An empty one with its files in a directory. `None`, said visibly, where it is not installed.
    pub(crate) fn start(directory: &Path, deletion: Deletion) -> Option<Self> {
        let program = require("docker-registry")?;
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address");
        let config = directory.join("server.yml");
        let text = format!(
            "version: 0.1\nstorage: {{ filesystem: {{ rootdirectory: '{}' }}, delete: {{ enabled: {} }} }}\n\
             http: {{ addr: '{free}' }}\n",
            directory.join("server").display(),
            deletion == Deletion::On
        );
        std::fs::write(&config, text).expect("written");
        let child = Command::new(program)
            .args(["serve".as_ref(), config.as_os_str()])
            .env_clear()
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let server = Self { child, place: free.to_string() };
        let is_up = (0..200).any(|_| {
            std::thread::sleep(Duration::from_millis(50));
            std::net::TcpStream::connect(free).is_ok()
        });
        assert!(is_up, "the registry does not answer");
        Some(server)
    }

    /// `127.0.0.1:PORT`
    pub(crate) fn place(&self) -> &str {
        &self.place
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
