use std::fs;

use super::*;
use crate::transport::testing::{Mischief, Rule, tls};
use crate::transport::{Expected, Identity, TransportError};

#[test]
fn a_server_that_speaks_no_tls_is_not_trusted() {
    let registry = Registry::start();
    let url = Url::parse(&format!("https://{}/", registry.place())).expect("an address");
    let error = client(settings()).send(&Request::get(url), &quiet).expect_err("no TLS");
    assert!(matches!(error, TransportError::Tls { .. }), "{error:?}");
    assert!(error.hint().is_some_and(|hint| hint.contains("--ca FILE")));
}

#[test]
fn an_authority_of_ones_own_has_to_be_named() {
    let registry = Registry::start_secure();
    registry.store(|store| store.put_file("/file", b"found"));
    let request = get(&registry, "/file");
    let error = client(settings()).send(&request, &quiet).expect_err("nobody knows it");
    assert!(matches!(error, TransportError::Tls { .. }), "{error:?}");
    let (certificate, key) = tls::identity();
    let identity = Some(Identity { certificate, key });
    let trusting = client(Settings { authorities: vec![tls::authority()], identity, ..settings() });
    assert_eq!(trusting.document(&request, 10, &quiet).expect("trusted").bytes, b"found");
}

#[test]
fn a_secure_server_that_stalls_or_is_cut_is_asked_again() {
    let registry = Registry::start_secure();
    let bytes = content(100_000);
    registry.store(|store| store.put_file("/file", &bytes));
    registry.misbehave(Rule::on("/file", Mischief::Cut { after: 70_000 }).times(1));
    registry.misbehave(Rule::on("/file", Mischief::Slow { after: 10_000, silence: Duration::from_secs(100) }).times(1));
    let mut settings = Settings { authorities: vec![tls::authority()], ..settings() };
    settings.timeouts.stall = Duration::from_millis(300);
    let mut sink = Vec::new();
    let request = get(&registry, "/file");
    client(settings).download(&request, Expected::default(), &mut sink, &quiet).expect("fetched");
    assert_eq!(sink, bytes);
}

#[test]
fn nobody_leads_from_tls_to_plain_http() {
    let registry = Registry::start_secure();
    let to = "http://example.invalid/?hunter2".to_owned();
    registry.misbehave(Rule::on("/away", Mischief::Redirect { status: 302, to }));
    // Also not to a host that may be spoken to without TLS.
    let settings = Settings {
        authorities: vec![tls::authority()],
        insecure_hosts: vec!["example.invalid".to_owned()],
        ..settings()
    };
    let error = client(settings).send(&get(&registry, "/away"), &quiet).expect_err("refused");
    assert!(matches!(error, TransportError::Downgrade { .. }), "{error:?}");
    assert!(error.to_string().ends_with("to `http://example.invalid/`, which is plain HTTP"), "{error}");
}

#[test]
fn certificates_that_cannot_be_read_are_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let empty = directory.path().join("empty.pem");
    fs::write(&empty, "nothing").expect("written");
    for path in [empty.clone(), directory.path().join("none.pem")] {
        let settings = Settings { authorities: vec![path.clone()], ..settings() };
        let error = Transport::new(settings, Arc::default()).expect_err("no certificate");
        assert!(matches!(&error, TransportError::Certificate { path: named, .. } if *named == path), "{error:?}");
    }
    let identity = Some(Identity { certificate: empty.clone(), key: empty });
    assert!(Transport::new(Settings { identity, ..settings() }, Arc::default()).is_err());
}

#[test]
fn a_server_that_wants_a_certificate_gets_the_one_for_it() {
    let registry = Registry::start_for_known();
    registry.store(|store| store.put_file("/file", b"found"));
    let (certificate, key) = tls::identity();
    let own = Identity { certificate, key };
    let with = |identity: Option<Identity>, host: &str| {
        let identities = if host.is_empty() { Vec::new() } else { vec![(host.to_owned(), own.clone())] };
        let identities = identities.into_iter().collect();
        let settings = Settings { authorities: vec![tls::authority()], identity, identities, ..settings() };
        client(settings).document(&get(&registry, "/file"), 10, &quiet).map(|document| document.bytes)
    };
    assert_eq!(with(Some(own.clone()), "").expect("for all"), b"found");
    assert_eq!(with(None, "127.0.0.1").expect("for the host"), b"found");
    assert_eq!(with(None, &registry.place()).expect("for the host and its port"), b"found");
    for none in ["", "localhost", "127.0.0.1:1"] {
        let error = with(None, none).expect_err("no certificate");
        assert!(matches!(error, TransportError::Tls { .. }), "{error:?}");
        assert!(error.hint().is_some_and(|hint| hint.contains("--client-cert")), "{error:?} {:?}", error.hint());
    }
}
