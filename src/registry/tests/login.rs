use super::*;
use crate::registry::{Asked, Namespace};
use crate::transport::testing::access::{Access, Tokens, basic};
use crate::transport::testing::{Mischief, Reply, Rule};
use crate::transport::{Secret, TransportError};

fn login_as(registry: &Registry, user: &str, password: &str) -> Result<Asked, RegistryError> {
    let transport = transport();
    // A file without an end would fail a client that looks into it.
    let home = Home::new("{");
    let client = Client::new(&transport, &home.files(), &quiet).expect("a client");
    let namespace: Namespace = registry.place().parse().expect("a registry");
    client.login(&namespace, user, &Secret::new(password))
}

/// Fails unless the password was refused, and is shown nowhere.
fn refused(registry: &Registry) -> RegistryError {
    let error = login_as(registry, "kim", "other-secret").expect_err("the wrong password");
    assert!(matches!(&error, RegistryError::WrongPassword { user, .. } if user == "kim"), "{error:?}");
    assert!(error.is_unavailable() && error.hint().is_some());
    assert!(!shown(&error).contains("other-secret"), "{}", shown(&error));
    error
}

#[test]
fn basic_authentication_is_tried() {
    let registry = Registry::start();
    registry.require(Access::Basic { user: "kim".to_owned(), password: "hunter2".to_owned() });
    assert_eq!(login_as(&registry, "kim", "hunter2").expect("taken"), Asked::Credentials);
    let sent: Vec<_> =
        registry.calls_of("/v2/").iter().map(|call| call.header("authorization").map(str::to_owned)).collect();
    assert_eq!(sent.last(), Some(&Some(basic("kim", "hunter2"))));
    assert!(sent[..sent.len() - 1].iter().all(Option::is_none), "nothing is sent that was not asked for: {sent:?}");
    assert!(refused(&registry).to_string().ends_with("authentication required"));
}

#[test]
fn the_token_server_gets_the_password_and_the_registry_the_token() {
    let registry = Registry::start();
    registry.require(Access::tokens_for("kim", "hunter2"));
    assert_eq!(login_as(&registry, "kim", "hunter2").expect("taken"), Asked::Credentials);
    let call = &registry.calls_of("/token")[0];
    assert_eq!((call.method.as_str(), call.header("authorization")), ("GET", Some(basic("kim", "hunter2").as_str())));
    assert_eq!(call.query("service").as_deref(), Some("a, test"));
    let last = registry.calls().pop().expect("it was asked");
    assert_eq!((last.target.as_str(), last.header("authorization")), ("/v2/", Some("Bearer token-1")));
    assert!(refused(&registry).to_string().ends_with("incorrect username or password"));
}

#[test]
fn a_token_is_asked_for_without_a_scope_where_none_is_named() {
    let registry = Registry::start();
    registry.store(|store| store.put_file("/other", br#"{"access_token":"t"}"#));
    let challenge = format!("Bearer realm=\"{}\"", registry.url("/other"));
    registry
        .misbehave(Rule::on("/v2/", Mischief::Answer(Reply::new(401).with("WWW-Authenticate", challenge))).times(2));
    login_as(&registry, "kim", "hunter2").expect("taken");
    assert_eq!(registry.calls_of("/other")[0].target, "/other");
    // A token server that says it as OAuth does.
    registry.reset();
    registry.require(Access::tokens());
    registry.misbehave(Rule::on("/token", Mischief::Answer(Reply::new(400).body("", r#"{"error":"invalid_grant"}"#))));
    assert!(refused(&registry).to_string().ends_with("invalid_grant"));
    registry.reset();
    registry.misbehave(Rule::on("/token", Mischief::Answer(Reply::new(200).body("", "{}"))));
    assert!(matches!(login_as(&registry, "kim", "hunter2"), Err(RegistryError::NoToken { .. })));
}

#[test]
fn who_asks_for_nothing_says_nothing_about_a_password() {
    let registry = Registry::start();
    assert_eq!(login_as(&registry, "kim", "hunter2").expect("anything"), Asked::Nothing);
    assert!(registry.calls().iter().all(|call| call.header("authorization").is_none()));
}

#[test]
fn what_is_no_registry_and_what_is_not_there_is_told_apart_from_a_wrong_password() {
    let registry = Registry::start();
    for (status, class) in [(404, true), (500, true)] {
        registry.reset();
        registry.misbehave(Rule::on("/v2/", Mischief::Answer(Reply::new(status))));
        let error = login_as(&registry, "kim", "hunter2").expect_err("no answer");
        assert!(matches!(&error, RegistryError::Login { .. }), "{error:?}");
        assert!(error.is_unavailable() == class && error.hint().is_some(), "{error:?}");
    }
    registry.reset();
    let strange = Reply::new(401).with("WWW-Authenticate", "Negotiate");
    registry.misbehave(Rule::on("/v2/", Mischief::Answer(strange)));
    assert!(matches!(login_as(&registry, "kim", "hunter2"), Err(RegistryError::UnknownChallenge { .. })));
}

#[test]
fn a_token_server_without_tls_gets_nothing() {
    let registry = Registry::start();
    let realm = Some("http://auth.example.invalid/token".to_owned());
    registry.require(Access::Token(Tokens { realm, ..Tokens::default() }));
    let error = login_as(&registry, "kim", "hunter2").expect_err("refused");
    let RegistryError::Login { source, .. } = &error else { panic!("{error:?}") };
    assert!(matches!(&**source, TransportError::PlainHttp { host, .. } if host == "auth.example.invalid"));
    assert!(!shown(&error).contains("hunter2"));
}

#[test]
fn another_host_that_asks_for_the_password_does_not_get_it() {
    for access in
        [Access::Basic { user: "kim".to_owned(), password: "hunter2".to_owned() }, Access::tokens_for("kim", "hunter2")]
    {
        let (registry, other) = (Registry::start(), Registry::start());
        other.require(access);
        registry.misbehave(Rule::on("/v2/", Mischief::Redirect { status: 307, to: other.url("/v2/") }));
        let error = login_as(&registry, "kim", "hunter2").expect_err("another host");
        assert!(matches!(&error, RegistryError::Login { .. }), "{error:?}");
        assert!(other.calls_of("/token").is_empty(), "{:?}", other.lines());
        assert!(other.calls().iter().all(|call| call.header("authorization").is_none()), "{:?}", other.calls());
    }
}

#[test]
fn a_server_that_repeats_the_password_is_shown_without_it() {
    let registry = Registry::start();
    registry.require(Access::tokens_for("kim", "hunter2"));
    let echo = Reply::error(401, "DENIED", "no other-secret of kim");
    registry.misbehave(Rule::on("/token", Mischief::Answer(echo)));
    assert!(refused(&registry).to_string().ends_with("DENIED: no *** of kim"));
}
