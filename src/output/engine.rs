//! Loading an image into the engine that runs here.

use std::ffi::OsStr;
use std::io::{BufWriter, Read, Write};
use std::process::{Command, Stdio};
use std::thread;

use crate::base::reference::Engine;
use crate::image::Image;

use super::error::OutputError;
use super::{Subject, docker};

/// Pipes the docker archive into `docker load` or `podman load` and gives what that said.
pub fn load(subject: &Subject<'_>, image: &Image, engine: Engine) -> Result<String, OutputError> {
    let program = match engine {
        Engine::Docker => "docker",
        Engine::Podman => "podman",
    };
    pipe(OsStr::new(program), &mut |out| docker::write(subject, image, None, out))
}

fn pipe(
    program: &OsStr,
    fill: &mut dyn FnMut(&mut dyn Write) -> Result<(), OutputError>,
) -> Result<String, OutputError> {
    let name = program.to_string_lossy().into_owned();
    let spawned =
        Command::new(program).arg("load").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.map_err(|source| OutputError::EngineMissing { program: name.clone(), source })?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    // Both are read while the archive is written: an engine that talks a lot would block on a full pipe.
    let (filled, said, complained) = thread::scope(|scope| {
        let said = scope.spawn(|| said(stdout));
        let complained = scope.spawn(|| self::said(stderr));
        let filled = stdin.map_or(Ok(()), |stdin| {
            let mut out = BufWriter::new(stdin);
            fill(&mut out)?;
            out.flush().map_err(|source| OutputError::Write { source })
        });
        (filled, said.join().unwrap_or_default(), complained.join().unwrap_or_default())
    });
    let status = child.wait().map_err(|source| OutputError::EngineMissing { program: name.clone(), source })?;
    match filled {
        // An engine that gives up closes the pipe; its own words say more than ours.
        Err(OutputError::Write { .. }) | Ok(()) if !status.success() => {
            let complained = complained.trim();
            Err(OutputError::EngineFailed {
                program: name,
                status: status.to_string(),
                stderr: if complained.is_empty() { "it said nothing".to_owned() } else { complained.to_owned() },
            })
        }
        Err(error) => Err(error.at(name.as_ref())),
        Ok(()) => Ok(said.trim().to_owned()),
    }
}

/// The last part of what a program says.
fn said(stream: Option<impl Read>) -> String {
    const KEPT_BYTES: usize = 64 * 1024;
    let mut kept: Vec<u8> = Vec::new();
    let mut buffer = [0; 4096];
    if let Some(mut stream) = stream {
        while let Ok(more @ 1..) = stream.read(&mut buffer) {
            kept.extend_from_slice(&buffer[..more]);
            if kept.len() > 2 * KEPT_BYTES {
                kept.drain(..kept.len() - KEPT_BYTES);
            }
        }
    }
    String::from_utf8_lossy(&kept).into_owned()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn program(directory: &std::path::Path, text: &str) -> std::path::PathBuf {
        let path = directory.join("engine");
        std::fs::write(&path, text).expect("a temporary directory can be written to");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("our own file");
        path
    }

    fn megabyte(out: &mut dyn Write) -> Result<(), OutputError> {
        out.write_all(&vec![7; 1 << 20]).map_err(|source| OutputError::Write { source })
    }

    #[test]
    fn what_the_engine_says_is_kept() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = program(directory.path(), "#!/bin/sh\necho \"$1: $(wc -c)\"\n");
        assert_eq!(pipe(path.as_os_str(), &mut megabyte).expect("it works"), "load: 1048576");
    }

    #[test]
    fn an_engine_that_fails_is_quoted() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = program(directory.path(), "#!/bin/sh\necho no daemon >&2\nexit 3\n");
        match pipe(path.as_os_str(), &mut megabyte) {
            Err(OutputError::EngineFailed { status, stderr, .. }) => {
                assert_eq!((status.as_str(), stderr.as_str()), ("exit status: 3", "no daemon"));
            }
            other => panic!("expected a failure, found {other:?}"),
        }
        let missing = directory.path().join("missing");
        assert!(matches!(pipe(missing.as_os_str(), &mut megabyte), Err(OutputError::EngineMissing { .. })));
    }
}
