use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use super::*;
use crate::transport::testing::Broken;
use crate::transport::testing::access::Access;

fn start(registry: &Registry) -> Seen {
    let seen = ask(registry, Method::Post, "/v2/r/blobs/uploads/");
    assert_eq!((seen.status, seen.header("range")), (202, "0-0"));
    assert!(seen.location().starts_with("/v2/r/blobs/uploads/") && !seen.header("docker-upload-uuid").is_empty());
    seen
}

fn patch(registry: &Registry, location: &str, range: &str, bytes: &[u8]) -> Seen {
    let headers: &[(&str, &str)] = if range.is_empty() { &[] } else { &[("content-range", range)] };
    ask_with(registry, (Method::Patch, location), headers, Some(bytes))
}

fn finish(registry: &Registry, location: &str, whole: &[u8]) -> Seen {
    ask(registry, Method::Put, &format!("{location}&digest={}", digest_of(whole)))
}

/// Sends bytes as they are; gives the lines of the answer's head, or nothing.
fn raw(registry: &Registry, head: &str, body: &[u8]) -> Vec<String> {
    let stream = TcpStream::connect(registry.place()).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a limit");
    (&stream).write_all(head.replace('\n', "\r\n").as_bytes()).expect("sent");
    (&stream).write_all(body).expect("sent");
    stream.shutdown(Shutdown::Write).expect("ended");
    let lines = BufReader::new(&stream).lines().map_while(Result::ok);
    lines.take_while(|line| !line.is_empty()).collect()
}

#[test]
fn a_blob_is_where_it_was_pushed_and_nowhere_else() {
    let registry = Registry::start();
    let pushed = push_blob(&registry, "r", b"blob");
    let target = format!("/v2/r/blobs/{}", digest_of(b"blob"));
    assert_eq!((pushed.status, pushed.location()), (201, target.as_str()));
    assert_eq!(pushed.header("docker-content-digest"), digest_of(b"blob"));
    assert_eq!(ask(&registry, Method::Get, &target).body, b"blob");
    let head = ask(&registry, Method::Head, &target);
    assert_eq!((head.status, head.header("content-length")), (200, "4"));
    let elsewhere = ask(&registry, Method::Get, &target.replace("/r/", "/other/"));
    assert_eq!(elsewhere.refusal(), (404, "BLOB_UNKNOWN".to_owned()));
    assert_eq!(ask(&registry, Method::Delete, &target).status, 202);
    assert_eq!(ask(&registry, Method::Get, &target).status, 404);
}

#[test]
fn only_the_last_location_is_good() {
    let registry = Registry::start();
    let first = start(&registry);
    let second = patch(&registry, first.location(), "", b"ab");
    assert_eq!((second.status, second.header("range")), (202, "0-1"));
    let stale = patch(&registry, first.location(), "", b"cd");
    assert_eq!(stale.refusal(), (404, "BLOB_UPLOAD_UNKNOWN".to_owned()));
    let third = ask(&registry, Method::Get, second.location());
    assert_eq!((third.status, third.header("range")), (204, "0-1"));
    assert_eq!(ask(&registry, Method::Get, second.location()).status, 404);
    let path = third.location().split('?').next().unwrap_or_default();
    assert_eq!(ask(&registry, Method::Get, path).status, 404, "without its state");
    assert_eq!(finish(&registry, third.location(), b"ab").status, 201);
    assert_eq!(registry.offences().len(), 3, "{:?}", registry.offences());
}

#[test]
fn chunks_begin_where_the_upload_is() {
    let registry = Registry::start();
    let mut at = start(&registry).location().to_owned();
    let mut send = |range: &str, bytes: &[u8]| {
        let seen = patch(&registry, &at, range, bytes);
        if !seen.location().is_empty() {
            at = seen.location().to_owned();
        }
        (seen.status, seen.header("range").to_owned())
    };
    assert_eq!(send("0-2", b"abc"), (202, "0-2".to_owned()));
    assert_eq!(send("2-4", b"cde"), (416, "0-2".to_owned()));
    assert_eq!(send("4-6", b"efg"), (416, "0-2".to_owned()));
    assert_eq!(send("bytes 3-5/6", b"def"), (416, "0-2".to_owned()));
    assert_eq!(send("3-9", b"def").0, 400, "it is shorter than it says");
    assert_eq!(send("3-5", b"def"), (202, "0-5".to_owned()));
    assert_eq!(send("", b"g"), (202, "0-6".to_owned()));
    let last = format!("{at}&digest={}", digest_of(b"abcdefghi"));
    let last = ask_with(&registry, (Method::Put, &last), &[("content-range", "7-8")], Some(b"hi"));
    assert_eq!(last.status, 201);
    let target = format!("/v2/r/blobs/{}", digest_of(b"abcdefghi"));
    assert_eq!(ask(&registry, Method::Get, &target).body, b"abcdefghi");
}

#[test]
fn a_registry_that_ignores_ranges_appends_what_comes() {
    let registry = Registry::start();
    registry.configure(|settings| settings.ignores_content_range = true);
    let first = patch(&registry, start(&registry).location(), "0-2", b"abc");
    let second = patch(&registry, first.location(), "0-2", b"abc");
    assert_eq!((second.status, second.header("range")), (202, "0-5"));
    assert_eq!(finish(&registry, second.location(), b"abcabc").status, 201);
}

#[test]
fn a_wrong_digest_ends_an_upload() {
    let registry = Registry::start();
    let first = patch(&registry, start(&registry).location(), "", b"abc");
    let none = ask(&registry, Method::Put, first.location());
    assert_eq!(none.refusal(), (400, "DIGEST_INVALID".to_owned()));
    let wrong = finish(&registry, first.location(), b"xyz");
    assert_eq!(wrong.refusal(), (400, "DIGEST_INVALID".to_owned()));
    assert_eq!(ask(&registry, Method::Get, first.location()).status, 404);

    let given_up = start(&registry);
    assert_eq!(ask(&registry, Method::Delete, given_up.location()).status, 204);
    assert_eq!(ask(&registry, Method::Get, given_up.location()).status, 404);
    assert_eq!(registry.store(|store| store.uploads.open()), 0);
}

#[test]
fn nothing_follows_a_chunk_that_is_too_short() {
    let registry = Registry::start();
    registry.configure(|settings| settings.chunk_min_bytes = Some(4));
    let first = start(&registry);
    assert_eq!(first.header("oci-chunk-min-length"), "4");
    let second = patch(&registry, first.location(), "0-3", b"abcd");
    let third = patch(&registry, second.location(), "4-5", b"ef");
    assert_eq!(third.status, 202, "it may be the last");
    let fourth = patch(&registry, third.location(), "6-9", b"ghij");
    assert_eq!((fourth.status, fourth.header("range")), (416, "0-5"));
    assert_eq!(finish(&registry, fourth.location(), b"abcdef").status, 201);
}

#[test]
fn a_mount_needs_a_place_to_come_from() {
    let registry = Registry::start();
    let digest = push_blob(&registry, "from", b"blob").header("docker-content-digest").to_owned();
    let mount = |rest: &str| ask(&registry, Method::Post, &format!("/v2/r/blobs/uploads/?mount={digest}{rest}"));
    assert_eq!(mount("&from=other").status, 202);
    assert!(registry.offences().is_empty());
    assert_eq!(mount("").status, 202);
    assert_eq!(registry.offences().len(), 1);
    assert_eq!(ask(&registry, Method::Get, &format!("/v2/r/blobs/{digest}")).status, 404);
    let mounted = mount("&from=from");
    assert_eq!((mounted.status, mounted.location()), (201, format!("/v2/r/blobs/{digest}").as_str()));
    assert_eq!(ask(&registry, Method::Get, mounted.location()).body, b"blob");
    registry.configure(|settings| settings.never_mounts = true);
    assert_eq!(mount("&from=from").status, 202);
}

#[test]
fn bodies_come_in_pieces_too() {
    let registry = Registry::start();
    let at = start(&registry).location().to_owned();
    let head = format!("PATCH {at} HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\n\n");
    let answer = raw(&registry, &head, b"3;note=1\r\nabc\r\n4\r\ndefg\r\n0\r\nTrailer: x\r\n\r\n");
    assert!(answer[0].starts_with("HTTP/1.1 202") && answer.contains(&"Range: 0-6".to_owned()), "{answer:?}");
    let call = &registry.calls_of("/uploads/upload-")[0];
    assert_eq!((call.body.as_slice(), call.length, call.status), (&b"abcdefg"[..], 7, Some(202)));
}

#[test]
fn who_waits_for_a_continue_is_told_before_the_bytes_come() {
    let registry = Registry::start();
    let at = start(&registry).location().to_owned();
    let head = format!("PATCH {at} HTTP/1.1\nHost: x\nContent-Length: 3\nExpect: 100-continue\n\n");
    let stream = TcpStream::connect(registry.place()).expect("a connection");
    (&stream).write_all(head.replace('\n', "\r\n").as_bytes()).expect("sent");
    let mut answer = BufReader::new(&stream);
    let mut line = String::new();
    answer.read_line(&mut line).expect("an answer");
    assert_eq!(line, "HTTP/1.1 100 Continue\r\n");
    (&stream).write_all(b"abc").expect("sent");
    answer.read_line(&mut line).and_then(|_| answer.read_line(&mut line)).expect("an answer");
    assert!(line.contains("HTTP/1.1 202"), "{line}");

    registry.require(Access::tokens());
    let refused = TcpStream::connect(registry.place()).expect("a connection");
    (&refused).write_all(head.replace('\n', "\r\n").as_bytes()).expect("sent");
    let mut text = String::new();
    (&refused).read_to_string(&mut text).expect("it ends");
    assert!(text.starts_with("HTTP/1.1 401") && text.contains("repository:r:pull,push"), "{text}");
}

#[test]
fn what_came_before_a_connection_broke_is_kept_or_all_is_forgotten() {
    for (broken, expected) in [(Broken::Keep, (204, "0-2")), (Broken::Forget, (404, ""))] {
        let registry = Registry::start();
        registry.configure(|settings| settings.broken = broken);
        let at = start(&registry).location().to_owned();
        let head = format!("PATCH {at} HTTP/1.1\nHost: x\nContent-Range: 0-8\nContent-Length: 9\n\n");
        assert!(raw(&registry, &head, b"abc").is_empty());
        let seen = ask(&registry, Method::Get, &at);
        assert_eq!((seen.status, seen.header("range")), expected);
        assert_eq!(registry.lines()[1], "PATCH /v2/r/blobs/uploads/upload-1 -> no answer");
        if broken == Broken::Keep {
            let seen = patch(&registry, seen.location(), "3-8", b"defghi");
            assert_eq!(finish(&registry, seen.location(), b"abcdefghi").status, 201);
        }
    }
}

#[test]
fn long_blobs_are_known_by_digest_and_size_and_long_bodies_recorded_so() {
    let registry = Registry::start();
    registry.configure(|settings| settings.kept_max_bytes = 100_000);
    let long = vec![7; 100_001];
    let first = patch(&registry, start(&registry).location(), "", &long[..90_000]);
    let second = patch(&registry, first.location(), "90000-100000", &long[90_000..]);
    assert_eq!(finish(&registry, second.location(), &long).status, 201);
    let target = format!("/v2/r/blobs/{}", digest_of(&long));
    let head = ask(&registry, Method::Head, &target);
    assert_eq!((head.status, head.header("content-length")), (200, "100001"));
    assert_eq!(ask(&registry, Method::Get, &target).status, 500);
    let calls = registry.calls_of("/uploads/upload-");
    assert_eq!((calls[0].body.len(), calls[0].length), (0, 90_000));
    assert_eq!(calls[0].digest.as_deref(), Some(digest_of(&long[..90_000]).as_str()));
    assert_eq!(calls[1].body.len(), 10_001);
}
