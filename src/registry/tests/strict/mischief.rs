use std::sync::{Arc, Mutex};

use super::*;
use crate::transport::testing::{Mischief, Reply, Rule};

const UPLOADS: &str = "/v2/r/blobs/uploads/";

/// Asks and gives the status; nothing if there was no answer.
fn status(registry: &Registry, method: Method, target: &str, body: &[u8]) -> Option<u16> {
    let request = Request::new(method, Url::parse(&registry.url(target)).expect("an address"));
    transport()
        .send_once(&request.with_body("application/octet-stream", body.to_vec()))
        .ok()
        .map(|answer| answer.status)
}

#[test]
fn a_request_is_done_or_not_whatever_is_answered() {
    let broken = || Reply::error(500, "UNKNOWN", "unknown error");
    let troubles = [
        (Mischief::Answer(broken()), Some(500), false),
        (Mischief::AnswerEarly(broken()), Some(500), false),
        (Mischief::busy(1), Some(429), false),
        (Mischief::Vanish, None, false),
        (Mischief::Garbage, None, false),
        (Mischief::CutRequest { after: 0 }, None, false),
        (Mischief::CutRequest { after: 10 }, None, false),
        (Mischief::ActThenVanish, None, true),
        (Mischief::ActThenAnswer(broken()), Some(500), true),
        (Mischief::Cut { after: 0 }, None, true),
    ];
    for (trouble, expected, done) in troubles {
        let registry = Registry::start();
        let (manifest, config) = image("a");
        push_blob(&registry, "r", &config);
        registry.misbehave(Rule::to("PUT", "/manifests/", trouble.clone()).times(1));
        let request = Request::new(Method::Put, Url::parse(&registry.url("/v2/r/manifests/1")).expect("an address"));
        let answer = transport().send_once(&request.with_body(MANIFEST, manifest.clone()));
        // An answer without its body is an answer.
        let status = answer.ok().map(|answer| answer.status).filter(|status| *status != 201);
        assert_eq!(status, expected, "{trouble:?}");
        assert_eq!(registry.store(|store| store.tag("r", "1").is_some()), done, "{trouble:?}");
        assert_eq!(put(&registry, "1", &manifest).status, 201, "{trouble:?}");
    }
}

#[test]
fn an_upload_that_is_cut_goes_on_where_it_was() {
    let registry = Registry::start();
    let whole = vec![7; 100_000];
    let at = ask(&registry, Method::Post, UPLOADS).location().to_owned();
    registry.misbehave(Rule::to("PATCH", UPLOADS, Mischief::CutRequest { after: 70_000 }).times(1));
    assert_eq!(status(&registry, Method::Patch, &at, &whole), None);
    let seen = ask(&registry, Method::Get, &at);
    assert_eq!(seen.header("range"), "0-69999");
    // What was done and not answered has no new place.
    registry.misbehave(Rule::to("PATCH", UPLOADS, Mischief::ActThenVanish).times(1));
    let at = seen.location().to_owned();
    assert_eq!(status(&registry, Method::Patch, &at, &whole[70_000..]), None);
    let seen = ask(&registry, Method::Get, &at);
    assert_eq!(seen.header("range"), "0-99999");
    let end = ask(&registry, Method::Put, &format!("{}&digest={}", seen.location(), digest_of(&whole)));
    assert_eq!(end.status, 201);
    let lines = registry.lines();
    let expected = [
        "POST /v2/r/blobs/uploads/ -> 202".to_owned(),
        "PATCH /v2/r/blobs/uploads/upload-1 -> no answer".to_owned(),
        "GET /v2/r/blobs/uploads/upload-1 -> 204".to_owned(),
        "PATCH /v2/r/blobs/uploads/upload-1 -> no answer".to_owned(),
        "GET /v2/r/blobs/uploads/upload-1 -> 204".to_owned(),
        format!("PUT /v2/r/blobs/uploads/upload-1?digest={} -> 201", &digest_of(&whole)[..19]),
    ];
    assert_eq!(lines, expected);
}

#[test]
fn headers_lie_or_are_missing() {
    let registry = Registry::start();
    let (_, config) = image("a");
    push_blob(&registry, "r", &config);
    let subject = json!({ "mediaType": MANIFEST, "digest": digest_of(b"x"), "size": 1 });
    let manifest = manifest_of(&config, &json!({ "subject": subject }));
    registry.misbehave(Rule::to("PUT", "/manifests/", Mischief::silent_subject()).times(1));
    registry.misbehave(Rule::to("PUT", "/manifests/", Mischief::wrong_digest()).times(1));
    assert_eq!(put(&registry, "1", &manifest).header("oci-subject"), "");
    let seen = put(&registry, "1", &manifest);
    assert_eq!(seen.header("oci-subject"), digest_of(b"x"));
    assert_eq!(seen.header("docker-content-digest"), digest_of(b"something else"));
    registry.misbehave(Rule::to("POST", UPLOADS, Mischief::lying_location("http://other.example.invalid/x")));
    assert_eq!(ask(&registry, Method::Post, UPLOADS).location(), "http://other.example.invalid/x");
    registry.reset();
    registry.configure(|settings| settings.absolute_locations = true);
    assert!(ask(&registry, Method::Post, UPLOADS).location().starts_with(&registry.url(UPLOADS)));
}

#[test]
fn the_kth_request_of_all_is_counted_under_other_rules_too() {
    let registry = Registry::start();
    registry.misbehave(Rule::on("/v2/", Mischief::busy(0)).times(2));
    registry.misbehave(Rule::nth(3, Mischief::Answer(Reply::new(418))));
    let statuses: Vec<u16> = (0..4).map(|_| ask(&registry, Method::Get, "/v2/").status).collect();
    assert_eq!(statuses, [429, 429, 418, 200]);
    let numbers: Vec<_> = registry.calls().iter().map(|call| (call.number, call.status)).collect();
    assert_eq!(numbers, [(1, Some(429)), (2, Some(429)), (3, Some(418)), (4, Some(200))]);
}

#[test]
fn a_hook_sees_each_call_and_may_be_faster() {
    let registry = Registry::start();
    registry.configure(|settings| settings.honours_if_none_match = true);
    let (manifest, config) = image("a");
    push_blob(&registry, "r", &config);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let in_hook = Arc::clone(&seen);
    registry.on_call(move |call, store| {
        in_hook.lock().expect("not poisoned").push((call.number, call.length));
        store.put_manifest("r", "1", MANIFEST, b"somebody else's");
    });
    let headers = [("content-type", MANIFEST), ("if-none-match", "*")];
    let late = ask_with(&registry, (Method::Put, "/v2/r/manifests/1"), &headers, Some(&manifest));
    assert_eq!(late.status, 412);
    registry.misbehave(Rule::on("/early", Mischief::AnswerEarly(Reply::new(404))));
    registry.misbehave(Rule::on("/cut", Mischief::CutRequest { after: 2 }));
    assert_eq!(status(&registry, Method::Put, "/early", b"body"), Some(404));
    assert_eq!(status(&registry, Method::Put, "/cut", b"body"), None);
    assert_eq!(*seen.lock().expect("not poisoned"), [(3, manifest.len() as u64), (4, 0), (5, 2)]);
}

#[test]
fn a_server_with_requests_that_hang_stops() {
    let registry = Registry::start();
    registry.misbehave(Rule::to("PUT", "/hang", Mischief::Hang));
    registry.misbehave(Rule::to("PUT", "/act", Mischief::ActThenHang));
    registry.misbehave(Rule::to("PUT", "/stall", Mischief::StallRequest { after: 1 }));
    let urls = ["/hang", "/act", "/stall"].map(|path| registry.url(path));
    std::thread::scope(|scope| {
        for url in &urls {
            scope.spawn(move || {
                let request = Request::new(Method::Put, Url::parse(url).expect("an address"));
                assert!(transport().send_once(&request.with_body("text/plain", b"body".to_vec())).is_err());
            });
        }
        while registry.calls().len() < urls.len() {
            std::thread::yield_now();
        }
        drop(registry);
    });
}
