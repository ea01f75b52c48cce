//! Pushes to the servers of other people, and what skopeo and podman see of them.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::trouble::{LARGE_BYTES, large_template, noise};
use super::{MADE, MADE_LATER, pushed, template};
use crate::harness::{Program, Project, require, require_root};
use crate::server::{Kind, Server};

/// Those that are installed.
fn servers(directory: &Path) -> Vec<Server> {
    [Server::docker_registry(directory), Server::ferro()].into_iter().flatten().collect()
}

fn tool(path: impl AsRef<Path>, project: &Project) -> Program {
    let program = Program::new(path.as_ref()).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    program.env("HOME", project.top().join("home")).env("TMPDIR", project.top()).cwd(project.path(""))
}

/// What skopeo says that a name holds.
fn digest_by_skopeo(project: &Project, name: &str) -> Option<String> {
    let arguments = ["inspect", "--no-tags", "--tls-verify=false", "--override-os=linux", "--override-arch=amd64"];
    let skopeo = tool(require("skopeo")?, project).args(arguments).args(["--format={{.Digest}}"]);
    Some(skopeo.args([format!("docker://{name}")]).ok().text().trim().to_owned())
}

#[test]
fn what_is_pushed_is_there_once_and_stays() {
    let project = Project::new(&template("'linux/amd64', 'linux/arm64'"));
    for server in servers(project.top()) {
        project.write("kiln.toml", template("'linux/amd64', 'linux/arm64'"));
        let place = format!("{}/acme/shop/api", server.place());
        let first = project.kiln(&["push", ".", &place]).ok();
        let digest = pushed(&first);
        if let Some(seen) = digest_by_skopeo(&project, &format!("{place}:1.0")) {
            assert_eq!(seen, digest);
        }
        // Where the server does not list what refers to an image, a tag does.
        if let Some(skopeo) = require("skopeo") {
            let list = ["list-tags", "--tls-verify=false", &format!("docker://{place}")];
            let tags = tool(skopeo, &project).args(list).ok().json();
            let is_listed = tags["Tags"].to_string().contains(&digest.replace(':', "-"));
            assert_eq!(is_listed, server.kind == Kind::WithoutReferrers, "{tags}");
        }
        let again = project.kiln(&["push", "store:shop/api", &place]).ok().expect_said("nothing was sent");
        assert_eq!(again.text(), first.text());
        let store = project.top().join(format!("fresh-{}", server.place()));
        let fresh = project.kiln(&["push", ".", &place]).env("KILN_STORE", &store).ok();
        assert_eq!(fresh.expect_said("nothing is built").text(), first.text());
        // Another repository of the same server takes all blobs from the first.
        let second = format!("{}/other", server.place());
        let mounted = project.kiln(&["push", ".", &second, "--json"]).ok().json();
        let blobs = mounted["destinations"][0]["blobs"].as_array().expect("a list");
        assert!(blobs.iter().all(|blob| blob["how"] != "sent"), "{mounted:#}");
        let text = template("'linux/amd64', 'linux/arm64'").replace("'one'", "'two'").replace(MADE, MADE_LATER);
        project.write("kiln.toml", text);
        let other = project.kiln(&["push", ".", &place]).env("KILN_STORE", project.top().join("other"));
        other.run().expect_code(3).expect_said(&digest).expect_said(MADE).expect_said(MADE_LATER);
        let held = project.kiln(&["inspect", &format!("{place}:1.0"), "--json"]).ok();
        assert!(held.text().contains(&digest), "{}", held.all());
    }
}

#[test]
fn what_is_pushed_is_pulled_by_others() {
    let project = Project::new(&template("'linux/amd64'"));
    for (number, server) in servers(project.top()).into_iter().enumerate() {
        let place = format!("{}/acme/shop/api", server.place());
        let digest = pushed(&project.kiln(&["push", ".", &place]).ok());
        if let Some(skopeo) = require("skopeo") {
            let out = format!("dir:copy-{number}");
            let copy =
                ["copy", "-q", "--preserve-digests", "--src-tls-verify=false", &format!("docker://{place}:1.0"), &out];
            tool(skopeo, &project).args(copy).ok();
        }
        let Some(podman) = require("podman") else { continue };
        if !require_root() {
            return;
        }
        let (root, run) = (project.top().join(format!("storage-{number}")), project.top().join("run"));
        let podman = |args: &[&str]| {
            let program = tool(&podman, &project).args([Path::new("--root"), &root, Path::new("--runroot"), &run]);
            program.args(["--storage-driver", "vfs"]).args(args).ok()
        };
        let image = podman(&["pull", "--quiet", "--tls-verify=false", "--arch=amd64", &format!("{place}:1.0")]);
        let seen = podman(&["image", "inspect", image.last_line()]).json();
        assert_eq!(seen[0]["Digest"], digest, "{seen}");
    }
}

/// Between kiln and a server: of all that goes there together so many bytes pass, and then the connection ends, once.
struct Cutter {
    address: SocketAddr,
}

impl Cutter {
    fn start(target: &Server, after: u64) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (target, passed) = (target.place(), Arc::new(AtomicU64::new(0)));
        // It ends with the process.
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let (target, passed) = (target.clone(), Arc::clone(&passed));
                std::thread::spawn(move || lead(&near, &target, &passed, after));
            }
        });
        Self { address }
    }
}

fn lead(near: &TcpStream, target: &str, passed: &AtomicU64, after: u64) -> Option<()> {
    let far = TcpStream::connect(target).ok()?;
    std::thread::scope(|scope| {
        scope.spawn(|| pass(&far, near, |_| true));
        pass(near, &far, |bytes| {
            let before = passed.fetch_add(bytes, Ordering::Relaxed);
            before >= after || before + bytes < after
        });
    });
    Some(())
}

/// Until one side ends, or what passes is too much.
fn pass(mut from: &TcpStream, mut to: &TcpStream, may: impl Fn(u64) -> bool) {
    let mut piece = vec![0; 64 * 1024];
    while let Ok(found) = from.read(&mut piece) {
        if found == 0 || !may(found as u64) || to.write_all(&piece[..found]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

#[test]
fn an_upload_that_is_cut_in_the_middle_arrives_whole() {
    let project = Project::new(&large_template());
    project.write("data/large", noise());
    let digest = project.build(&[]);
    for server in servers(project.top()) {
        let cutter = Cutter::start(&server, LARGE_BYTES as u64 / 2);
        let ended = project.kiln(&["push", "store:shop/api", &format!("{}/acme/large", cutter.address)]).ok();
        let ended = ended.expect_said("trying again");
        let said = ["does not know the upload", "up to byte"];
        assert!(said.iter().any(|words| ended.stderr.contains(words)), "{}", ended.all());
        let name = format!("{}/acme/large:1.0", server.place());
        // All bytes are read again and held against their digests.
        let Some(skopeo) = require("skopeo") else { continue };
        let out = format!("dir:{}", project.top().join("copy").display());
        tool(skopeo, &project).args(["copy", "-q", "--src-tls-verify=false", &format!("docker://{name}"), &out]).ok();
        assert_eq!(digest_by_skopeo(&project, &name), Some(digest.clone()));
    }
}
