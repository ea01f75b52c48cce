use std::fs;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::base::ContentDigest;
use crate::base::hash::digest_of;
use crate::transport::testing::access::basic;
use crate::transport::testing::{Mischief, Registry, Reply, Rule};
use crate::transport::{News, Proof, Retries, Secret, Settings, Transport, TransportError};

fn transport() -> Transport {
    let short = Duration::from_millis(1);
    let retries = Retries { attempts: 2, base_delay: short, longest_delay: short, ..Retries::default() };
    Transport::new(Settings { retries, ..Settings::default() }, Arc::default()).expect("a client")
}

fn quiet(_: News) {}

fn fetch(request: &Request, locked: Option<(ContentDigest, u64)>, keys: &Keys) -> Result<(Fetched, Vec<u8>), UrlError> {
    let transport = transport();
    let mut sink = Vec::new();
    let fetched = Fetcher { transport: &transport, keys, watch: &quiet }.fetch(request, locked, &mut sink)?;
    assert_eq!((fetched.sha256, fetched.size_bytes), (digest_of(&sink), sink.len() as u64));
    Ok((fetched, sink))
}

fn request(url: String, mirrors: &[String]) -> Request {
    Request { url, mirrors: mirrors.to_vec(), sha256: None, proof: Proof::Connection }
}

fn served(bytes: &[u8]) -> Registry {
    let registry = Registry::start();
    registry.store(|store| store.put_file("/tool.tar", bytes));
    registry
}

#[test]
fn a_file_is_fetched_and_held_against_template_and_lock() {
    let registry = served(b"tool");
    let mut wanted = request(registry.url("/tool.tar"), &[]);
    let (fetched, bytes) = fetch(&wanted, None, &Keys::default()).expect("fetched");
    assert_eq!(bytes, b"tool");
    fetch(&wanted, Some((fetched.sha256, 4)), &Keys::default()).expect("as locked");
    let length = fetch(&wanted, Some((fetched.sha256, 5)), &Keys::default()).expect_err("another length");
    assert!(length.is_mismatch(), "{length:?}");
    wanted.sha256 = Some(digest_of(b"other"));
    let error = fetch(&wanted, None, &Keys::default()).expect_err("other content");
    assert!(matches!(&error, UrlError::Transport(source) if matches!(**source, TransportError::Digest { .. })));
    let error = fetch(&wanted, Some((fetched.sha256, 4)), &Keys::default()).expect_err("two wishes");
    assert!(matches!(error, UrlError::Disagree { .. }) && error.is_mismatch());
}

#[test]
fn mirrors_help_and_continue_if_the_digest_is_known() {
    let bytes: Vec<u8> = (0..10_000_u32).flat_map(u32::to_le_bytes).collect();
    let (first, second) = (served(&bytes), served(&bytes));
    let wanted = request(first.url("/tool.tar"), &[second.url("/tool.tar")]);
    for (locked, range) in [(Some((digest_of(&bytes), 40_000)), Some("bytes=9000-")), (None, None)] {
        for registry in [&first, &second] {
            registry.reset();
        }
        first.misbehave(Rule::on("/tool", Mischief::Cut { after: 9000 }).times(1));
        first.misbehave(Rule::on("/tool", Mischief::Answer(Reply::new(404))));
        let (_, came) = fetch(&wanted, locked, &Keys::default()).expect("from both");
        assert!(came == bytes);
        assert_eq!(second.calls()[0].header("range"), range);
    }
    second.misbehave(Rule::on("/tool", Mischief::Answer(Reply::new(403))));
    let error = fetch(&wanted, None, &Keys::default()).expect_err("nowhere");
    let UrlError::NoMirror { tried, source, .. } = &error else { panic!("{error:?}") };
    assert!(tried.len() == 1 && tried[0].contains(&second.place()) && source.to_string().contains(&first.place()));
    assert!(error.is_unavailable() && error.hint().is_some());
}

#[test]
fn files_of_this_machine_are_copied() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("a b");
    fs::write(&path, b"tool").expect("written");
    let url = format!("file://{}", path.display().to_string().replace(' ', "%20"));
    assert_eq!(fetch(&request(url.clone(), &[]), None, &Keys::default()).expect("copied").1, b"tool");
    let other = Request { sha256: Some(digest_of(b"other")), ..request(url.clone(), &[]) };
    assert!(matches!(fetch(&other, None, &Keys::default()), Err(UrlError::Digest { .. })));
    let missing = request(format!("{url}x"), &[url]);
    assert_eq!(fetch(&missing, None, &Keys::default()).expect("from the mirror").1, b"tool");
    for wrong in ["file:tool", "file://host/tool", "file:///%ff"] {
        let error = fetch(&request(wrong.to_owned(), &[]), None, &Keys::default()).expect_err(wrong);
        assert!(matches!(error, UrlError::NotAbsolute { .. }), "{error:?}");
    }
    assert!(matches!(fetch(&request("file:///".to_owned(), &[]), None, &Keys::default()), Err(UrlError::Read { .. })));
}

#[test]
fn keys_go_to_their_host_and_into_no_message() {
    let registry = served(b"tool");
    let directory = tempfile::tempdir().expect("a directory");
    let netrc = directory.path().join("netrc");
    fs::write(&netrc, "machine 127.0.0.1 login kim password hunter2").expect("written");
    let mut keys = Keys { netrc: Some(netrc), ..Keys::default() };
    let wanted = request(registry.url("/tool.tar?sig=hunter2"), &[]);
    fetch(&wanted, None, &keys).expect("fetched");
    assert_eq!(registry.calls()[0].header("authorization"), Some(basic("kim", "hunter2").as_str()));
    keys.tokens.insert(registry.place(), Token::Known(Secret::new("hunter2")));
    fetch(&wanted, None, &keys).expect("fetched");
    assert_eq!(registry.calls()[1].header("authorization"), Some("Bearer hunter2"));
    registry.misbehave(Rule::on("/tool", Mischief::Answer(Reply::new(403))));
    let error = fetch(&wanted, None, &keys).expect_err("refused");
    assert!(!format!("{error} {error:?} {keys:?}").contains("hunter2"), "{error:?}");
    let other = request(format!("http://localhost:{}/tool.tar", registry.port()), &[]);
    let _ = fetch(&other, None, &keys);
    assert_eq!(registry.calls().last().and_then(|call| call.header("authorization").map(str::to_owned)), None);
}

#[test]
fn a_token_that_is_not_where_it_should_be_matters_to_its_host_alone() {
    let registry = served(b"tool");
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("token");
    fs::write(&file, "hunter2\n").expect("written");
    let wanted = request(registry.url("/tool.tar"), &[]);
    let with = |token| Keys { tokens: [(registry.place(), token)].into(), ..Keys::default() };
    fetch(&wanted, None, &with(Token::File(file))).expect("fetched");
    assert_eq!(registry.calls()[0].header("authorization"), Some("Bearer hunter2"));
    let unset = fetch(&wanted, None, &with(Token::Unset("TOKEN".to_owned()))).expect_err("no token");
    assert!(matches!(&unset, UrlError::NoToken { variable, .. } if variable == "TOKEN"), "{unset:?}");
    let gone = fetch(&wanted, None, &with(Token::File(directory.path().join("gone")))).expect_err("no file");
    assert!(matches!(gone, UrlError::Read { .. }), "{gone:?}");
    let elsewhere = Keys { tokens: [("other".to_owned(), Token::Unset("TOKEN".to_owned()))].into(), ..Keys::default() };
    fetch(&wanted, None, &elsewhere).expect("fetched");
}

#[test]
fn what_cannot_be_written_is_said() {
    struct Full;
    impl crate::transport::Sink for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<()> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn restart(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("x"), b"tool").expect("written");
    let url = format!("file://{}/x", directory.path().display());
    let transport = transport();
    let keys = Keys::default();
    let fetcher = Fetcher { transport: &transport, keys: &keys, watch: &quiet };
    let error = fetcher.fetch(&request(url.clone(), &[url]), None, &mut Full).expect_err("no space");
    assert!(matches!(error, UrlError::Sink { .. }), "{error:?}");
}
