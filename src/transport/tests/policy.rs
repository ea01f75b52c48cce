use std::sync::atomic::Ordering;

use super::*;
use crate::transport::testing::proxy::Proxy;
use crate::transport::testing::{Mischief, Reply, Rule};
use crate::transport::{Fault, Method, Network, Proof, Proxies, Secret, TransportError};

fn url(text: &str) -> Url {
    Url::parse(text).expect("an address")
}

#[test]
fn offline_nothing_is_sent() {
    let registry = Registry::start();
    let transport = client(Settings { network: Network::Offline, ..settings() });
    let error = transport.send(&get(&registry, "/x"), &quiet).expect_err("offline");
    assert!(matches!(error, TransportError::Offline { .. }) && error.is_unavailable() && error.hint().is_some());
    assert!(registry.calls().is_empty());
}

#[test]
fn plain_http_needs_leave() {
    let error = client(settings()).send(&Request::get(url("http://example.invalid:81/x")), &quiet);
    let error = error.expect_err("refused");
    assert!(matches!(error, TransportError::PlainHttp { .. }));
    assert_eq!(
        error.hint().as_deref(),
        Some("use https, or allow it for this host with `--insecure-registry example.invalid:81`")
    );
}

#[test]
fn what_proves_itself_may_come_in_the_clear_without_secrets() {
    let registry = Registry::start();
    registry.store(|store| store.put_file("/file", b"found"));
    let proxy = Proxy::start(&registry);
    let proxies = Proxies { http: Some(Secret::new(proxy.url("kim", "x"))), ..Proxies::default() };
    let transport = client(Settings { proxies, ..settings() });
    let request = |text: &str| Request::get(url(text)).proven(Proof::Content);
    let document = transport.document(&request("http://example.invalid/file"), 10, &quiet).expect("found");
    assert_eq!(document.bytes, b"found");
    for secret in [
        request("http://kim:hunter2@example.invalid/file"),
        request("http://example.invalid/file").authorized(Some(Secret::new("Bearer hunter2"))),
    ] {
        let error = transport.document(&secret, 10, &quiet).expect_err("a secret in the clear");
        assert!(matches!(error, TransportError::PlainHttp { .. }), "{error:?}");
    }
}

#[test]
fn redirects_carry_no_credentials_to_another_host() {
    let (from, to) = (Registry::start(), Registry::start());
    to.store(|store| store.put_file("/there", b"found"));
    // The same machine under another name is another host.
    let other_name = format!("http://localhost:{}/there", from.port());
    from.store(|store| store.put_file("/there", b"found"));
    for (target, asked) in [(to.url("/there"), &to), (other_name, &from)] {
        from.reset();
        to.reset();
        from.misbehave(Rule::on("/here", Mischief::Redirect { status: 307, to: target }));
        let mut request = get(&from, "/here").authorized(Some(Secret::new("Bearer hunter2")));
        request.headers.set_secret("private-token", Secret::new("hunter2"));
        request.headers.set("cookie", "hunter2");
        request.headers.set("accept", "text/plain");
        let document = client(settings()).document(&request, 10, &quiet).expect("found");
        assert_eq!(document.bytes, b"found");
        assert!(from.calls()[0].headers.iter().filter(|(_, value)| value.contains("hunter2")).count() == 3);
        let call = asked.calls_of("/there").pop().expect("a call");
        assert!(!call.headers.iter().any(|(_, value)| value.contains("hunter2")), "{call:?}");
        assert_eq!(call.header("accept"), Some("text/plain"));
    }
}

#[test]
fn redirects_on_the_same_host_keep_credentials_and_the_method() {
    let registry = Registry::start();
    registry.misbehave(Rule::on("/here", Mischief::Redirect { status: 301, to: "there?x=1".to_owned() }));
    registry.store(|store| store.put_file("/there", b"found"));
    let mut request = get(&registry, "/here").authorized(Some(Secret::new("Bearer t")));
    request.method = Method::Head;
    let answer = client(settings()).send(&request, &quiet).expect("found");
    assert_eq!((answer.status, answer.url.path()), (200, "/there"));
    let call = registry.calls().pop().expect("a call");
    assert_eq!((call.method.as_str(), call.header("authorization")), ("HEAD", Some("Bearer t")));
    assert_eq!((call.header("user-agent"), call.header("accept-encoding")), (Some("kiln"), Some("identity")));
}

#[test]
fn a_post_is_not_repeated_elsewhere_by_an_old_redirect() {
    let registry = Registry::start();
    registry.misbehave(Rule::on("/here", Mischief::Redirect { status: 302, to: "/there".to_owned() }));
    let request = Request::new(Method::Post, url(&registry.url("/here"))).with_body("text/plain", b"x".to_vec());
    assert_eq!(client(settings()).send(&request, &quiet).expect("an answer").status, 302);
    assert_eq!(registry.calls()[0].body, b"x");
}

#[test]
fn redirects_end() {
    let registry = Registry::start();
    registry.misbehave(Rule::on("/loop", Mischief::Redirect { status: 302, to: "/loop".to_owned() }));
    let error = client(settings()).send(&get(&registry, "/loop"), &quiet).expect_err("a loop");
    assert!(matches!(error, TransportError::TooManyRedirects { limit: 10, .. }), "{error:?}");
    assert_eq!(registry.calls().len(), 11);
    registry.misbehave(Rule::on("/out", Mischief::Redirect { status: 302, to: "ftp://x/".to_owned() }));
    let error = client(settings()).send(&get(&registry, "/out"), &quiet).expect_err("no address");
    assert!(matches!(error, TransportError::BadRedirect { .. }), "{error:?}");
    registry.misbehave(Rule::on("/away", Mischief::Redirect { status: 302, to: "http://example.invalid/".to_owned() }));
    let error = client(settings()).send(&get(&registry, "/away"), &quiet).expect_err("plain HTTP");
    assert!(matches!(error, TransportError::PlainHttp { .. }), "{error:?}");
}

#[test]
fn errors_show_no_credentials() {
    let registry = Registry::start();
    let echo = Reply::new(400).body("text/plain", "your token hunter2 is bad");
    registry.misbehave(Rule::on("/echo", Mischief::Answer(echo)));
    registry.misbehave(Rule::on("/gone", Mischief::Vanish));
    registry.misbehave(Rule::on("/loop", Mischief::Redirect { status: 302, to: "/loop?hunter2".to_owned() }));
    registry.misbehave(Rule::on("/out", Mischief::Redirect { status: 302, to: "ftp://hunter2@x/?hunter2".to_owned() }));
    for path in ["/echo", "/gone", "/loop", "/out", "/none"] {
        let text = format!("http://kim:hunter2@{}{path}?sig=hunter2", registry.place());
        let mut request = Request::get(url(&text));
        request.headers.set_secret("private-token", Secret::new("hunter2"));
        let told = Told::default();
        let error = client(settings()).document(&request, 10, &|notice| told.tell(notice)).expect_err(path);
        let shown = format!("{error} {error:?} {:?} {request:?} {:?}", error.hint(), told.all());
        assert!(!shown.contains("hunter2"), "{shown}");
        let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        assert!(!source.contains("hunter2"), "{source}");
        let call = &registry.calls_of(path)[0];
        assert_eq!(call.header("authorization"), Some("Basic a2ltOmh1bnRlcjI="));
        assert!(call.target.contains("sig=hunter2"));
    }
}

#[test]
fn a_header_that_would_break_the_request_is_refused() {
    let registry = Registry::start();
    let request = get(&registry, "/x").with("accept", "a\r\nX-Evil: 1");
    assert!(matches!(client(settings()).send(&request, &quiet), Err(TransportError::Url { .. })));
    assert!(registry.calls().is_empty());
}

#[test]
fn proxies_are_used_and_asked_with_their_password() {
    let registry = Registry::start();
    registry.store(|store| store.put_file("/file", b"found"));
    let proxy = Proxy::start(&registry);
    let proxied = |none: &str| Settings {
        proxies: Proxies {
            http: Some(Secret::new(proxy.url("kim", "hunter2"))),
            none: Some(none.to_owned()),
            ..Proxies::default()
        },
        insecure_hosts: vec!["example.invalid".to_owned()],
        ..settings()
    };
    let request = Request::get(url("http://example.invalid/file"));
    let transport = client(proxied(""));
    assert_eq!(transport.document(&request, 10, &quiet).expect("through the proxy").bytes, b"found");
    let call = proxy.calls().pop().expect("a call");
    assert_eq!((call.method.as_str(), call.target.as_str()), ("CONNECT", "example.invalid:80"));
    assert_eq!(call.header("proxy-authorization"), Some("Basic a2ltOmh1bnRlcjI="));
    assert_eq!(registry.calls()[0].header("host"), Some("example.invalid"));
    assert!(!format!("{transport:?}").contains("hunter2"));
    let direct = client(proxied("example.invalid")).send(&request, &quiet);
    assert!(matches!(direct, Err(TransportError::Unreachable { source: Fault::NoSuchHost | Fault::Io(_), .. })));
    assert_eq!(proxy.calls().len(), 1);
}

#[test]
fn a_proxy_that_is_none_is_said() {
    let settings = Settings {
        proxies: Proxies { all: Some(Secret::new("gopher://hunter2")), ..Proxies::default() },
        ..settings()
    };
    let error = client(settings).send(&Request::get(url("https://example.invalid/")), &quiet).expect_err("no proxy");
    assert!(matches!(error, TransportError::BadProxy { .. }) && !format!("{error:?}").contains("hunter2"));
}

#[test]
fn an_interrupt_ends_a_request_that_nobody_answers() {
    let registry = Registry::start();
    registry.misbehave(Rule::on("/x", Mischief::Hang));
    let stop = Arc::new(AtomicBool::new(false));
    let mut settings = settings();
    settings.timeouts.stall = Duration::from_secs(1000);
    let transport = Transport::new(settings, Arc::clone(&stop)).expect("a client");
    let result = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| transport.send(&get(&registry, "/x"), &quiet).map(|answer| answer.status));
        while registry.calls().is_empty() {
            std::thread::yield_now();
        }
        stop.store(true, Ordering::Relaxed);
        waiting.join().expect("no panic")
    });
    assert!(matches!(result, Err(TransportError::Interrupted)), "{result:?}");
}
