//! Registry servers of other people, on a free loopback port.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::harness::{kiln_binary, require, skip};

/// How long one may take to answer, in steps.
const STEP: Duration = Duration::from_millis(50);
const STEPS: u32 = 200;

/// Who keeps the list of what refers to a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The server: it has the referrers API.
    WithReferrers,
    /// Clients, under a tag.
    WithoutReferrers,
}

/// A server; it is ended when it is dropped.
pub(crate) struct Server {
    pub(crate) kind: Kind,
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Debian's: it has no referrers API, and forgets an upload that was cut. `None`, said visibly, where it is not
    /// installed.
    pub(crate) fn docker_registry(directory: &Path) -> Option<Self> {
        let program = require("docker-registry")?;
        let address = free();
        let (config, storage) = (directory.join("registry.yml"), directory.join("registry"));
        let text = format!(
            "version: 0.1\nstorage: {{ filesystem: {{ rootdirectory: '{}' }} }}\nhttp: {{ addr: '{address}' }}\n",
            storage.display()
        );
        fs::write(&config, text).expect("written");
        let mut command = Command::new(program);
        command.args(["serve".as_ref(), config.as_os_str()]).env_clear();
        Some(Self::start(command, address, Kind::WithoutReferrers))
    }

    /// One that follows the distribution specification 1.1, in memory. `tests/setup` puts it beside what cargo builds;
    /// `None`, said visibly, where it did not.
    pub(crate) fn ferro() -> Option<Self> {
        let Some(program) = ferro_binary() else {
            skip("ferro-oci-server is not there: `tests/setup` installs it");
            return None;
        };
        let address = free();
        let mut command = Command::new(program);
        command.env_clear().env("FERRO_OCI_LISTEN", address.to_string());
        Some(Self::start(command, address, Kind::WithReferrers))
    }

    fn start(mut command: Command, address: SocketAddr, kind: Kind) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let server = Self { kind, child: child.expect("the registry starts"), address };
        let up = (0..STEPS).any(|_| {
            std::thread::sleep(STEP);
            TcpStream::connect(address).is_ok()
        });
        assert!(up, "the registry does not answer");
        server
    }

    /// `127.0.0.1:PORT`
    pub(crate) fn place(&self) -> String {
        self.address.to_string()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn free() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its address")
}

/// `TARGET/readers/bin`, beside `TARGET/PROFILE/kiln`.
fn ferro_binary() -> Option<PathBuf> {
    let target = kiln_binary().parent()?.parent()?;
    Some(target.join("readers/bin/ferro-oci-server")).filter(|path| path.is_file())
}
