use super::*;
use crate::transport::testing::{Mischief, Reply, Rule};
use crate::transport::{Fault, Method, TransportError};

fn served() -> Registry {
    let registry = Registry::start();
    registry.store(|store| store.put_file("/file", b"found"));
    registry
}

#[test]
fn passing_troubles_pass() {
    let registry = served();
    let troubles = [
        Mischief::Answer(Reply::new(500)),
        Mischief::Answer(Reply::new(503)),
        Mischief::Answer(Reply::new(408)),
        Mischief::Answer(Reply::new(429).with("Retry-After", "0")),
        Mischief::Vanish,
        Mischief::Garbage,
        Mischief::Cut { after: 2 },
    ];
    for trouble in troubles {
        registry.reset();
        registry.misbehave(Rule::on("/file", trouble.clone()).times(2));
        let told = Told::default();
        let document = client(settings()).document(&get(&registry, "/file"), 10, &|notice| told.tell(notice));
        assert_eq!(document.expect("it passes").bytes, b"found", "{trouble:?}");
        let attempts: Vec<_> = told.all().iter().map(|notice| (notice.attempt, notice.attempts)).collect();
        assert_eq!(attempts, [(2, 4), (3, 4)], "{trouble:?}");
    }
}

#[test]
fn troubles_that_stay_are_told_with_what_the_server_said() {
    let registry = served();
    let reply = Reply::error(503, "UNAVAILABLE", "under maintenance");
    registry.misbehave(Rule::on("/file", Mischief::Answer(reply)));
    let error = client(settings()).document(&get(&registry, "/file"), 10, &quiet).expect_err("it stays");
    assert_eq!(error.to_string(), format!("`{}` answered 503: UNAVAILABLE: under maintenance", registry.url("/file")));
    assert!(error.is_unavailable() && error.hint().as_deref() == Some("try again later"));
    assert_eq!(registry.calls().len(), 4);
}

#[test]
fn other_refusals_are_not_repeated() {
    let registry = served();
    for status in [400, 401, 403, 404, 410] {
        registry.reset();
        registry.misbehave(Rule::on("/file", Mischief::Answer(Reply::new(status))));
        let error = client(settings()).document(&get(&registry, "/file"), 10, &quiet).expect_err("refused");
        assert_eq!((error.status(), registry.calls().len()), (Some(status), 1));
    }
}

#[test]
fn who_is_asked_to_wait_too_long_gives_up() {
    let registry = served();
    let reply = Reply::new(429).with("Retry-After", "3600");
    registry.misbehave(Rule::on("/file", Mischief::Answer(reply)));
    let error = client(settings()).document(&get(&registry, "/file"), 10, &quiet).expect_err("too long");
    assert_eq!(error.hint().as_deref(), Some("the server asks to try again in 3600 s"));
    assert_eq!(registry.calls().len(), 1);
}

#[test]
fn what_may_have_arrived_is_repeated_only_if_that_is_safe() {
    let registry = served();
    let post = Request::new(Method::Post, get(&registry, "/file").url).with_body("text/plain", b"x".to_vec());
    registry.misbehave(Rule::on("/file", Mischief::Vanish).times(1));
    let error = client(settings()).send(&post, &quiet).expect_err("nobody knows");
    assert!(matches!(error, TransportError::Unreachable { source: Fault::Cut, .. }), "{error:?}");
    registry.reset();
    registry.misbehave(Rule::on("/file", Mischief::Answer(Reply::new(429))).times(1));
    assert_eq!(client(settings()).send(&post, &quiet).expect("it did nothing the first time").status, 200);
    registry.reset();
    registry.misbehave(Rule::on("/file", Mischief::Vanish).times(1));
    assert_eq!(client(settings()).send(&post.repeatable(), &quiet).expect("said to be safe").status, 200);
}

#[test]
fn a_server_that_is_gone_is_named() {
    let registry = Registry::start();
    let request = get(&registry, "/file");
    drop(registry);
    let told = Told::default();
    let error = client(settings()).send(&request, &|notice| told.tell(notice)).expect_err("gone");
    let TransportError::Unreachable { host, source: Fault::Io(_), .. } = &error else { panic!("{error:?}") };
    assert!(error.hint().is_some_and(|hint| hint.contains(host)));
    assert_eq!(told.all().len(), 3);
    let shown = told.all()[0].to_string();
    assert!(shown.contains("refused") && shown.ends_with("(2 of 4)"), "{shown}");
}

#[test]
fn long_documents_are_refused() {
    let registry = served();
    let error = client(settings()).document(&get(&registry, "/file"), 4, &quiet).expect_err("too long");
    assert!(matches!(error, TransportError::TooLarge { limit_bytes: 4, .. }), "{error:?}");
}
