use super::*;
use crate::registry::{Credential, Repository};
use crate::transport::Secret;

fn repository(text: &str) -> Repository {
    text.parse::<ImageName>().expect("a name").repository
}

fn find(home: &Home, text: &str) -> Result<Option<Credential>, RegistryError> {
    home.files().credentials.find(&repository(text))
}

fn password(user: &str, password: &str) -> Option<Credential> {
    Some(Credential::Password(user.to_owned(), Secret::new(password)))
}

#[test]
fn the_most_special_key_wins() {
    let home = Home::new(
        r#"{"auths":{
            "https://index.docker.io/v1/":{"auth":"aHViOmE="},
            "quay.io":{"auth":"cXVheTpi"},
            "quay.io/acme":{"auth":"YWNtZTpj"},
            "quay.io/acme/shop":{"username":"shop","password":"d"},
            "https://old.example.org/v2/":{"auth":"b2xkOmU6Zg"},
            "empty.example.org":{}
        },"HttpHeaders":{"x":"y"}}"#,
    );
    for (name, expected) in [
        ("debian", password("hub", "a")),
        ("docker.io/acme/x", password("hub", "a")),
        ("quay.io/other/x", password("quay", "b")),
        ("quay.io/acme/x", password("acme", "c")),
        ("quay.io/acme/shop", password("shop", "d")),
        ("quay.io/acmeshop/x", password("quay", "b")),
        ("old.example.org/x", password("old", "e:f")),
        ("empty.example.org/x", None),
        ("unknown.example.org/x", None),
    ] {
        assert_eq!(find(&home, name).expect("read"), expected, "{name}");
    }
}

#[test]
fn the_first_file_that_knows_wins_and_missing_ones_say_nothing() {
    let home = Home::new(r#"{"auths":{"a.org":{"auth":"YTph"}}}"#);
    let second = Home::new(r#"{"auths":{"a.org":{"auth":"Yjpi"},"b.org":{"auth":"YjpiYg=="}}}"#);
    let files = CredentialFiles {
        registry_auth_file: Some(home.path().join("none.json")),
        runtime_auth: Some(second.config()),
        ..home.files().credentials
    };
    assert_eq!(files.find(&repository("a.org/x")).expect("read"), password("a", "a"));
    assert_eq!(files.find(&repository("b.org/x")).expect("read"), password("b", "bb"));
    assert_eq!(files.in_order().len(), 3);
}

#[test]
fn broken_files_are_named_and_not_shown() {
    for broken in [
        r#"{"auths":{"a.org":{"auth":["hunter2"]}}}"#,
        r#"{"auths":{"a.org":{"auth":"aHVudGVyMg=="}}}"#,
        r#"{"auths":{"a.org":{"auth":"hunter2!"}}}"#,
        r#"{"auths":"hunter2"}"#,
    ] {
        let home = Home::new(broken);
        let error = find(&home, "a.org/x").expect_err(broken);
        assert!(matches!(&error, RegistryError::File { path, .. } if *path == home.config()), "{error:?}");
        assert!(!shown(&error).contains("hunter2") && !shown(&error).contains("aHVudGVyMg"), "{}", shown(&error));
    }
    assert_eq!(find(&Home::new(""), "a.org/x").expect("nothing in it"), None);
}

#[test]
fn helpers_are_asked_on_their_standard_input() {
    let home = Home::new(
        r#"{"credHelpers":{"a.org":"keeps","https://index.docker.io/v1/":"keeps","../../x":"no"},"credsStore":"all"}"#,
    );
    // A helper that is not asked with `get` alone, or sees more than the registry, answers something else.
    home.helper("keeps", r#"read -r host; printf '{"ServerURL":"","Username":"%s","Secret":"%s"}' "$host" "$#$1""#);
    home.helper("all", r#"read -r host; printf '{"Username":"<token>","Secret":"%s"}' "$host""#);
    assert_eq!(find(&home, "a.org/x").expect("asked"), password("a.org", "1get"));
    assert_eq!(find(&home, "debian").expect("asked"), password("https://index.docker.io/v1/", "1get"));
    let refresh = Some(Credential::Refresh(Secret::new("b.org:5000")));
    assert_eq!(find(&home, "b.org:5000/x").expect("asked"), refresh);
}

#[test]
fn helpers_that_fail_are_named_and_what_they_keep_is_not_shown() {
    let home = Home::new(r#"{"credsStore":"bad"}"#);
    let why = |script: &str| {
        home.helper("bad", script);
        let error = find(&home, "a.org/x").expect_err(script);
        assert!(!shown(&error).contains("hunter2"), "{}", shown(&error));
        let RegistryError::Helper { helper, why, .. } = error else { panic!("{error:?}") };
        assert_eq!(helper, "docker-credential-bad");
        why
    };
    assert!(why("echo locked; exit 3").contains("locked"));
    assert!(why(r#"echo '{"Secret":"hunter2"}'; exit 3"#).contains("3"));
    assert!(why("echo hunter2").contains("not what helpers answer"));
    home.helper("bad", "echo 'credentials not found in native keychain'; exit 1");
    assert_eq!(find(&home, "a.org/x").expect("it has none"), None);
    let home = Home::new(r#"{"credsStore":"none"}"#);
    assert!(matches!(find(&home, "a.org/x"), Err(RegistryError::Helper { .. })));
    let home = Home::new(r#"{"credsStore":"../bad"}"#);
    assert!(matches!(find(&home, "a.org/x"), Err(RegistryError::Helper { .. })));
}

#[test]
fn a_helper_that_hangs_is_ended_with_all_that_it_started() {
    let home = Home::new(r#"{"credsStore":"slow"}"#);
    home.helper("slow", "sleep 1000 & sleep 1000");
    let files = CredentialFiles { helper_limit: Duration::from_millis(200), ..home.files().credentials };
    let error = files.find(&repository("a.org/x")).expect_err("too slow");
    assert!(matches!(&error, RegistryError::Helper { why, .. } if why.contains("longer than")), "{error:?}");
}
