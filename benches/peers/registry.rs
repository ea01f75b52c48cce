//! Debian's registry server on a free port of this machine, with the bases in it.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::case::Base;
use crate::layout::TAG;
use crate::process;

/// Seconds after which the server ends by itself, should the bench be killed.
const LIFE_SECONDS: &str = "7200";

/// The server; it is ended when this is dropped.
pub(crate) struct Registry {
    server: Child,
    address: SocketAddr,
}

impl Registry {
    /// Starts one that keeps what it has below `root`; why not, in words for the table.
    pub(crate) fn start(root: &Path) -> Result<Self, String> {
        for program in ["docker-registry", "skopeo", "timeout"] {
            process::find(program).ok_or_else(|| format!("{program} is not installed"))?;
        }
        let io = |error: std::io::Error| format!("the registry: {error}");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).map_err(io)?;
        let config = format!(
            "version: 0.1\nlog: {{ level: error }}\nstorage: {{ filesystem: {{ rootdirectory: '{}' }} }}\n\
             http: {{ addr: '{free}' }}\n",
            root.join("registry").display()
        );
        fs::write(root.join("registry.yml"), config).map_err(io)?;
        let server = Command::new("timeout")
            .args([LIFE_SECONDS, "docker-registry", "serve", "registry.yml"])
            .current_dir(root)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(io)?;
        let registry = Self { server, address: free };
        for _ in 0..200 {
            thread::sleep(Duration::from_millis(50));
            if TcpStream::connect(free).is_ok() {
                return Ok(registry);
            }
        }
        Err("the registry does not answer".to_owned())
    }

    /// `127.0.0.1:PORT`
    pub(crate) fn place(&self) -> String {
        self.address.to_string()
    }

    /// Where a base is, as kiln and podman write it.
    pub(crate) fn name(&self, base: Base) -> String {
        format!("{}/bench/{}:{TAG}", self.address, base.name())
    }

    /// Brings a base from its layout below `root` into the registry; what is there already is not sent again.
    pub(crate) fn push(&self, base: Base, root: &Path, limit: Duration) -> Result<(), String> {
        let (from, to) = (format!("oci:{}:{TAG}", base.name()), format!("docker://{}", self.name(base)));
        let command = ["skopeo", "--insecure-policy", "copy", "-q", "--dest-tls-verify=false", &from, &to];
        process::run(&command.map(str::to_owned), root, limit).map(|_| ())
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = kill_process_group(Pid::from_child(&self.server), Signal::TERM);
        let _ = self.server.wait();
    }
}
