use super::*;
use crate::registry::Given;
use crate::transport::TransportError;
use crate::transport::testing::access::{Access, Tokens, basic};
use crate::transport::testing::{Mischief, Reply, Rule};

fn resolve(registry: &Registry, files: &Files) -> Result<crate::registry::Manifest, RegistryError> {
    let transport = transport();
    Client::new(&transport, files, &quiet)?.resolve(&name(registry, "a/b:1"))
}

fn login(registry: &Registry, user: &str, password: &str) -> Home {
    let auth = basic(user, password);
    let auth = auth.trim_start_matches("Basic ");
    Home::new(&format!(r#"{{"auths":{{"{}":{{"auth":"{auth}"}}}}}}"#, registry.place()))
}

#[test]
fn a_token_is_fetched_once_for_a_repository() {
    let (registry, digest) = served();
    registry.require(Access::tokens());
    let transport = transport();
    let client = Client::new(&transport, &Files::default(), &quiet).expect("a client");
    let image = name(&registry, "a/b:1");
    client.resolve(&image).expect("with a token");
    client.resolve(&image.at(super::digest(&digest))).expect("with the same token");
    let asked = nothing_asked(&registry);
    assert_eq!((asked["/token"], asked["/v2/a/b/manifests/1"]), (1, 2));
    let call = &registry.calls_of("/token")[0];
    assert_eq!(call.query("service").as_deref(), Some("a, test"));
    assert_eq!(call.query("scope").as_deref(), Some("repository:a/b:pull"));
    assert_eq!(call.header("authorization"), None);
}

#[test]
fn passwords_go_to_the_token_server_and_tokens_to_the_registry() {
    let (registry, _) = served();
    registry.require(Access::tokens_for("kim", "hunter2"));
    let home = login(&registry, "kim", "hunter2");
    resolve(&registry, &home.files()).expect("with a token");
    for call in registry.calls_of("/manifests/") {
        assert!(!call.header("authorization").unwrap_or_default().starts_with("Basic"), "{call:?}");
    }
}

#[test]
fn basic_authentication_works_where_it_is_asked_for() {
    let (registry, _) = served();
    registry.require(Access::Basic { user: "kim".to_owned(), password: "hunter2".to_owned() });
    resolve(&registry, &login(&registry, "kim", "hunter2").files()).expect("with a password");
}

#[test]
fn identity_tokens_are_exchanged() {
    let (registry, _) = served();
    let refresh = Some("hunter2 & co".to_owned());
    registry.require(Access::Token(Tokens {
        refresh,
        user: Some(("x".to_owned(), "y".to_owned())),
        ..Tokens::default()
    }));
    let entry = r#"{"auth":"","identitytoken":"hunter2 & co"}"#;
    let home = Home::new(&format!(r#"{{"auths":{{"http://{}/v1/":{entry}}}}}"#, registry.place()));
    resolve(&registry, &home.files()).expect("with a token");
    let call = &registry.calls_of("/token")[0];
    assert_eq!((call.method.as_str(), call.form("grant_type").as_deref()), ("POST", Some("refresh_token")));
    assert_eq!((call.form("service").as_deref(), call.form("client_id").as_deref()), (Some("a, test"), Some("kiln")));
}

#[test]
fn a_token_server_that_repeats_the_identity_token_is_shown_without_it() {
    let (registry, _) = served();
    registry.require(Access::tokens());
    let entry = r#"{"auth":"","identitytoken":"hunter2 & co"}"#;
    let home = Home::new(&format!(r#"{{"auths":{{"{}":{entry}}}}}"#, registry.place()));
    let encoded = crate::transport::url::encode("hunter2 & co");
    for echo in ["hunter2 & co", &encoded] {
        let reply = Reply::new(400).body("text/plain", format!("not good: {echo}"));
        registry.misbehave(Rule::on("/token", Mischief::Answer(reply)).times(1));
        let error = resolve(&registry, &home.files()).expect_err("refused");
        assert!(error.to_string().ends_with("not good: ***"), "{error}");
        assert!(!shown(&error).contains("hunter2"), "{}", shown(&error));
    }
}

#[test]
fn a_token_that_expires_in_the_middle_of_a_blob_is_renewed_there() {
    let (registry, _) = served();
    registry.require(Access::tokens());
    let blob: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
    let expected = digest(&registry.store(|store| store.put_blob(&blob)));
    let transport = transport();
    let client = Client::new(&transport, &Files::default(), &quiet).expect("a client");
    // 401, part, expired, part, expired, rest.
    registry.misbehave(Rule::on("/blobs/", Mischief::Cut { after: 100_000 }).after(1).times(1));
    registry.misbehave(Rule::on("/blobs/", Mischief::ExpireTokens).after(1).times(1));
    registry.misbehave(Rule::on("/blobs/", Mischief::Cut { after: 100_000 }).after(1).times(1));
    registry.misbehave(Rule::on("/blobs/", Mischief::ExpireTokens).after(1).times(1));
    let mut sink = Vec::new();
    let repository = name(&registry, "a/b").repository;
    client.blob(&repository, &expected, blob.len() as u64, &mut sink).expect("fetched");
    assert!(sink == blob);
    let ranges: Vec<_> =
        registry.calls_of("/blobs/").iter().map(|call| call.header("range").map(str::to_owned)).collect();
    assert!(ranges.iter().flatten().count() >= 2, "{ranges:?}");
    assert_eq!(registry.calls_of("/token").len(), 3);
}

#[test]
fn who_may_not_read_is_told_what_to_do() {
    let (registry, _) = served();
    registry.require(Access::tokens_for("kim", "hunter2"));
    let home = Home::new("{}");
    let error = resolve(&registry, &home.files()).expect_err("nobody");
    assert!(matches!(error, RegistryError::Unauthorized { credentials: Given::No, .. }), "{error:?}");
    let hint = error.hint().expect("what to do");
    assert!(hint.contains(&format!("kiln login {}", registry.place())), "{hint}");
    assert!(hint.contains(&home.config().display().to_string()), "{hint}");

    let home = login(&registry, "kim", "wrong-secret");
    let error = resolve(&registry, &home.files()).expect_err("somebody else");
    assert!(matches!(error, RegistryError::Unauthorized { credentials: Given::Yes, .. }), "{error:?}");
    assert!(error.to_string().ends_with(": incorrect username or password"), "{error}");
    assert!(!shown(&error).contains("wrong-secret") && error.is_unavailable());
}

#[test]
fn a_token_that_is_refused_again_and_again_ends() {
    let (registry, _) = served();
    registry.require(Access::tokens());
    registry.misbehave(Rule::on("/manifests/", Mischief::ExpireTokens));
    let error = resolve(&registry, &Files::default()).expect_err("never good");
    assert!(matches!(error, RegistryError::Unauthorized { .. }), "{error:?}");
    assert_eq!(registry.calls_of("/token").len(), 1);
}

#[test]
fn strange_ways_to_authenticate_are_named() {
    let (registry, _) = served();
    let ask = |challenge: &str| Mischief::Answer(Reply::new(401).with("WWW-Authenticate", challenge));
    registry.misbehave(Rule::on("/manifests/", ask("Negotiate, Digest realm=\"x\"")));
    let error = resolve(&registry, &Files::default()).expect_err("unknown");
    assert!(error.to_string().ends_with("negotiate, digest"), "{error}");
    assert!(matches!(error, RegistryError::UnknownChallenge { .. }));

    registry.reset();
    registry.store(|store| store.put_file("/none", br#"{"token":""}"#));
    registry.misbehave(Rule::on("/manifests/", ask(&format!("Bearer realm=\"{}\"", registry.url("/none")))));
    assert!(matches!(resolve(&registry, &Files::default()), Err(RegistryError::NoToken { .. })));
    assert_eq!(registry.calls_of("/none")[0].query("scope").as_deref(), Some("repository:a/b:pull"));
}

#[test]
fn a_token_server_without_tls_gets_no_password() {
    let (registry, _) = served();
    let realm = Some("http://auth.example.invalid/token".to_owned());
    registry.require(Access::Token(Tokens { realm, ..Tokens::default() }));
    let error = resolve(&registry, &login(&registry, "kim", "hunter2").files()).expect_err("refused");
    let RegistryError::Transport { source, .. } = &error else { panic!("{error:?}") };
    let TransportError::PlainHttp { host, .. } = &**source else { panic!("{error:?}") };
    assert_eq!(host, "auth.example.invalid");
    assert!(!shown(&error).contains("hunter2"));
}

#[test]
fn storage_behind_a_redirect_sees_no_token() {
    let (registry, storage) = (served().0, Registry::start());
    registry.require(Access::tokens());
    let expected = digest(&registry.store(|store| store.put_blob(b"blob")));
    storage.store(|store| store.put_file("/blob", b"blob"));
    registry.misbehave(
        Rule::on("/blobs/", Mischief::Redirect { status: 307, to: format!("{}?sig=hunter2", storage.url("/blob")) })
            .after(1),
    );
    let transport = transport();
    let client = Client::new(&transport, &Files::default(), &quiet).expect("a client");
    let mut sink = Vec::new();
    client.blob(&name(&registry, "a/b").repository, &expected, 4, &mut sink).expect("fetched");
    let call = &storage.calls()[0];
    assert_eq!((call.header("authorization"), call.query("sig").as_deref()), (None, Some("hunter2")));
    storage.store(|store| store.put_file("/blob", b"blub"));
    let error = client.blob(&name(&registry, "a/b").repository, &expected, 4, &mut Vec::new()).expect_err("other");
    assert!(!shown(&error).contains("hunter2"), "{}", shown(&error));
}
