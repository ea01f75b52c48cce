use std::io;
use std::time::Duration;

use super::*;
use crate::base::ContentDigest;
use crate::base::hash::digest_of;
use crate::transport::testing::{Access, Mischief, Reply, Rule};
use crate::transport::{Download, Expected, Sink, TransportError};

fn expected(bytes: &[u8]) -> Expected {
    Expected { digest: Some(digest_of(bytes)), size_bytes: Some(bytes.len() as u64) }
}

fn served(bytes: &[u8]) -> Registry {
    let registry = Registry::start();
    registry.store(|store| store.put_file("/file", bytes));
    registry
}

/// Downloads `/file`, and says what came and what the user was told.
fn fetch(registry: &Registry, expected: Expected) -> (Result<Vec<u8>, TransportError>, Vec<Notice>) {
    let told = Told::default();
    let mut sink = Vec::new();
    let result = client(settings()).download(&get(registry, "/file"), expected, &mut sink, &|notice| told.tell(notice));
    if let Ok(received) = &result {
        assert_eq!((received.digest, received.size_bytes), (digest_of(&sink), sink.len() as u64));
    }
    (result.map(|_| sink), told.all())
}

#[test]
fn the_user_is_told_of_every_byte_and_of_those_that_come_again() {
    let registry = Registry::start();
    let bytes = content(300_000);
    registry.store(|store| store.put_file("/file", &bytes));
    registry.misbehave(Rule::on("/file", Mischief::Cut { after: 100_000 }).times(1));
    registry.misbehave(Rule::on("/file", Mischief::NoRange));
    let news = Mutex::new(Vec::new());
    let tell = |one: News| news.lock().expect("not poisoned").push(one);
    let mut sink = Vec::new();
    client(settings()).download(&get(&registry, "/file"), Expected::default(), &mut sink, &tell).expect("fetched");
    let news = news.into_inner().expect("not poisoned");
    assert_eq!(news.first(), Some(&News::Begins { host: registry.place(), bytes: Some(300_000) }));
    assert_eq!(news.last(), Some(&News::Ends));
    let (mut came, mut lost, mut others) = (0, 0, 0);
    for one in &news {
        match one {
            News::Bytes(bytes) => came += bytes,
            News::Lost(bytes) => lost += bytes,
            _ => others += 1,
        }
    }
    assert_eq!((came, lost, others), (400_000, 100_000, 3), "{news:?}");
}

#[test]
fn a_download_that_is_cut_at_any_byte_ends_with_the_right_bytes() {
    let bytes = content(1000);
    let registry = served(&bytes);
    for after in (0..64).chain((64..1000).step_by(61)).chain([998, 999]) {
        registry.reset();
        registry.misbehave(Rule::on("/file", Mischief::Cut { after }).times(2));
        let (result, told) = fetch(&registry, expected(&bytes));
        assert_eq!(result.expect("fetched"), bytes, "cut after {after}");
        // The second part is cut as well if it is longer than that.
        assert_eq!(told.len(), if after < 500 { 2 } else { 1 }, "cut after {after}");
        let second = &registry.calls()[1];
        let asked = second.header("range").map(str::to_owned);
        assert_eq!(asked, (after > 0).then(|| format!("bytes={after}-")), "cut after {after}");
    }
}

#[test]
fn a_cut_of_unknown_length_is_noticed_if_anything_is_known() {
    let bytes = content(500);
    let registry = served(&bytes);
    let size = Expected { size_bytes: Some(500), digest: None };
    for expected in [expected(&bytes), size] {
        registry.reset();
        registry.misbehave(Rule::on("/file", Mischief::NoLength { after: 77 }).times(1));
        assert_eq!(fetch(&registry, expected).0.expect("fetched"), bytes);
    }
    registry.reset();
    registry.misbehave(Rule::on("/file", Mischief::NoLength { after: 500 }));
    assert_eq!(fetch(&registry, Expected::default()).0.expect("fetched"), bytes);
}

#[test]
fn a_server_without_ranges_is_asked_from_the_start() {
    let bytes = content(1000);
    let registry = served(&bytes);
    for wrong in [Mischief::NoRange, Mischief::WrongRange, Mischief::Answer(Reply::new(416))] {
        registry.reset();
        registry.misbehave(Rule::on("/file", Mischief::Cut { after: 300 }).times(1));
        registry.misbehave(Rule::on("/file", wrong.clone()).times(1));
        let (result, told) = fetch(&registry, expected(&bytes));
        assert_eq!(result.expect("fetched"), bytes, "{wrong:?}");
        // The other part is noticed before its bytes are mixed in.
        assert!(told.iter().all(|notice| !notice.reason.contains("than expected")), "{told:?}");
    }
}

#[test]
fn a_file_that_changes_while_it_is_fetched_is_not_mixed() {
    let (old, new) = (content(1000), content(2000)[1000..].to_vec());
    let registry = served(&old);
    registry.misbehave(Rule::on("/file", Mischief::Cut { after: 300 }).times(1));
    let told = |news: News| {
        if matches!(news, News::Retry(_)) {
            registry.store(|store| store.put_file("/file", &new));
        }
    };
    let mut sink = Vec::new();
    let request = get(&registry, "/file");
    client(settings()).download(&request, Expected::default(), &mut sink, &told).expect("fetched");
    assert_eq!(sink, new);
    assert!(registry.calls()[1].header("if-range").is_some());
}

#[test]
fn a_download_without_anything_to_compare_starts_again() {
    let bytes = content(1000);
    let registry = served(&bytes);
    let weak = Mischief::Header { name: "ETag".to_owned(), value: "W/\"1\"".to_owned() };
    registry.misbehave(Rule::on("/file", weak.clone()).times(1));
    let transport = client(settings());
    let mut download = Download::new(Expected::default());
    let mut sink = FailsAt { left: 100, taken: Vec::new() };
    let request = get(&registry, "/file");
    let failed = download.run(&transport, &request, &mut sink, &quiet);
    assert!(matches!(failed, Err(TransportError::Sink { .. })), "{failed:?}");
    let (result, _) = fetch(&registry, Expected::default());
    assert_eq!(result.expect("fetched"), bytes);
    assert!(registry.calls().iter().all(|call| call.header("range").is_none()));
}

/// A disk that is full.
struct FailsAt {
    left: usize,
    taken: Vec<u8>,
}

impl Sink for FailsAt {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() > self.left {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.left -= bytes.len();
        self.taken.extend_from_slice(bytes);
        Ok(())
    }

    fn restart(&mut self) -> io::Result<()> {
        self.taken.clear();
        Ok(())
    }
}

#[test]
fn a_wrong_digest_is_fetched_twice_and_named() {
    let bytes = content(1000);
    let registry = served(&bytes);
    registry.misbehave(Rule::on("/file", Mischief::Flip));
    let (result, told) = fetch(&registry, expected(&bytes));
    let error = result.expect_err("the wrong bytes");
    let wanted: ContentDigest = digest_of(&bytes);
    assert!(matches!(&error, TransportError::Digest { expected, .. } if *expected == wanted), "{error:?}");
    assert!(error.to_string().contains(&wanted.to_string()), "{error}");
    assert_eq!((registry.calls().len(), told.len()), (2, 1));
    registry.reset();
    registry.misbehave(Rule::on("/file", Mischief::Flip).times(1));
    assert_eq!(fetch(&registry, expected(&bytes)).0.expect("the second time it is right"), bytes);
}

#[test]
fn a_wrong_length_is_named() {
    let bytes = content(1000);
    let registry = served(&bytes);
    for (wrong, length) in [(Mischief::Shorter { by: 1 }, 999), (Mischief::Longer { by: 1 }, 1001)] {
        registry.reset();
        registry.misbehave(Rule::on("/file", wrong));
        let (result, _) = fetch(&registry, expected(&bytes));
        let error = result.expect_err("the wrong length");
        assert!(matches!(error, TransportError::Length { expected: 1000, found, .. } if found == length), "{error:?}");
        assert_eq!(registry.calls().len(), 2);
    }
    registry.reset();
    registry.misbehave(Rule::on("/file", Mischief::NoLength { after: 1000 }));
    let short = Expected { size_bytes: Some(10), digest: None };
    assert!(matches!(fetch(&registry, short).0, Err(TransportError::Length { expected: 10, .. })));
}

#[test]
fn a_refusal_in_the_middle_keeps_what_came() {
    let bytes = content(1000);
    let registry = served(&bytes);
    registry.misbehave(Rule::on("/file", Mischief::Cut { after: 400 }).times(1));
    registry.misbehave(Rule::on("/file", Mischief::Answer(Reply::error(401, "UNAUTHORIZED", "expired"))).times(1));
    let transport = client(settings());
    let mut download = Download::new(expected(&bytes));
    let mut sink = Vec::new();
    let request = get(&registry, "/file");
    let refused = download.run(&transport, &request, &mut sink, &quiet);
    assert!(matches!(refused, Err(TransportError::Refused { status: 401, .. })), "{refused:?}");
    assert_eq!(download.offset(), 400);
    download.run(&transport, &request, &mut sink, &quiet).expect("the rest");
    assert_eq!(sink, bytes);
    assert_eq!(registry.calls().last().and_then(|call| call.header("range")), Some("bytes=400-"));
}

#[test]
fn progress_gives_new_attempts_and_no_progress_ends() {
    let bytes = content(12 * 1024 * 1024);
    let registry = served(&bytes);
    registry.misbehave(Rule::on("/file", Mischief::Cut { after: 2 * 1024 * 1024 }).times(5));
    assert_eq!(fetch(&registry, expected(&bytes)).0.expect("fetched"), bytes);
    registry.reset();
    registry.misbehave(Rule::on("/file", Mischief::Cut { after: 10 }));
    let (result, told) = fetch(&registry, expected(&bytes));
    assert!(matches!(result, Err(TransportError::Unreachable { .. })), "{result:?}");
    assert_eq!((registry.calls().len(), told.len()), (4, 3));
    assert_eq!(told.last().map(|notice| notice.from_byte), Some(30));
}

#[test]
fn a_server_that_falls_silent_is_asked_again_for_the_rest() {
    let bytes = content(1000);
    let registry = served(&bytes);
    let silence = Duration::from_secs(1000);
    registry.misbehave(Rule::on("/file", Mischief::Slow { after: 600, silence }).times(1));
    registry.misbehave(Rule::on("/file", Mischief::Hang).times(1));
    let mut settings = settings();
    settings.timeouts.stall = Duration::from_millis(150);
    let told = Told::default();
    let mut sink = Vec::new();
    let request = get(&registry, "/file");
    let result = client(settings).download(&request, expected(&bytes), &mut sink, &|notice| told.tell(notice));
    assert_eq!(result.map(|received| received.size_bytes).expect("fetched"), 1000);
    assert_eq!(sink, bytes);
    assert!(told.all().iter().all(|notice| notice.reason.contains("nothing came")), "{:?}", told.all());
}

#[test]
fn what_is_not_public_is_not_taken_for_the_file() {
    let registry = Registry::start();
    registry.require(Access::Basic { user: "kim".to_owned(), password: "pw".to_owned() });
    let digest = registry.store(|store| store.put_blob(b"blob"));
    let path = format!("/v2/a/blobs/{digest}");
    let mut sink = Vec::new();
    let refused = client(settings()).download(&get(&registry, &path), Expected::default(), &mut sink, &quiet);
    let Err(error @ TransportError::Refused { status: 401, .. }) = refused else { panic!("{refused:?}") };
    assert!(error.to_string().contains("UNAUTHORIZED: authentication required"), "{error}");
    assert!(sink.is_empty());
}
