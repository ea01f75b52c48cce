//! A proxy that knows CONNECT and leads every name to one address.

use std::io::{BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::http::{self, Call};
use super::{Registry, STEP, Shared, State};

/// The running proxy; it stops when it is dropped.
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Leads to `target`, whatever is asked for.
    pub(crate) fn start(target: &Registry) -> Self {
        let target = target.place();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("its address");
        let shared = Arc::new(Shared { stop: AtomicBool::new(false), state: Mutex::new(State::default()), tls: None });
        let in_thread = Arc::clone(&shared);
        let listener = std::thread::spawn(move || {
            let mut connections = Vec::new();
            for stream in listener.incoming() {
                if in_thread.is_stopped() {
                    break;
                }
                let Ok(stream) = stream else { continue };
                let (shared, target) = (Arc::clone(&in_thread), target.clone());
                connections.push(std::thread::spawn(move || tunnel(stream, &target, &shared)));
            }
            for connection in connections {
                let _ = connection.join();
            }
        });
        Self { address, shared, listener: Some(listener) }
    }

    /// Its address with a user name and a password.
    pub(crate) fn url(&self, user: &str, password: &str) -> String {
        format!("http://{user}:{password}@{}", self.address)
    }

    /// What it was asked for.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.shared.state().calls.clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

fn tunnel(stream: TcpStream, target: &str, shared: &Shared) -> Option<()> {
    stream.set_read_timeout(Some(STEP)).ok()?;
    let mut reading = BufReader::new(stream.try_clone().ok()?);
    let call = http::head(&mut reading, shared)?;
    shared.state().calls.push(call);
    let far = TcpStream::connect(target).ok()?;
    far.set_read_timeout(Some(STEP)).ok()?;
    (&stream).write_all(b"HTTP/1.1 200 OK\r\n\r\n").ok()?;
    std::thread::scope(|scope| {
        scope.spawn(|| pass(&mut reading, &far, shared));
        pass(&mut &far, &stream, shared);
    });
    Some(())
}

fn pass(from: &mut impl Read, mut to: &TcpStream, shared: &Shared) {
    let mut piece = [0; 4096];
    while !shared.is_stopped() {
        match from.read(&mut piece) {
            Ok(0) => break,
            Ok(found) if to.write_all(&piece[..found]).is_ok() => {}
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            _ => break,
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
