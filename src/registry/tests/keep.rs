use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use serde_json::{Value, json};

use super::*;
use crate::registry::{Credential, Keeper, Kept, Namespace, Whose};
use crate::transport::Secret;

/// A helper that keeps each key as a file in its directory, and writes down what it was given.
const KEEPS: &str = r#"cd "${0%/*}"; echo "$*" >> asked; input=$(cat); echo "$input" >> asked
name() { echo "kept-$(echo "$1" | tr '/:' '__')"; }
case $1 in
store) key=$(echo "$input" | sed 's/.*"ServerURL":"\([^"]*\)".*/\1/'); echo "$input" > "$(name "$key")" ;;
get) cat "$(name "$input")" 2>/dev/null || { echo "credentials not found in native keychain"; exit 1; } ;;
erase) rm "$(name "$input")" 2>/dev/null || { echo "credentials not found in native keychain"; exit 1; } ;;
list) printf '{"b.org":"kim","https://index.docker.io/v1/":"kim"}' ;;
esac"#;

fn namespace(text: &str) -> Namespace {
    text.parse().expect(text)
}

fn password() -> Secret {
    Secret::new("hunter2")
}

fn keep(files: &CredentialFiles, text: &str) -> Result<Keeper, RegistryError> {
    let namespace = namespace(text);
    let keeper = files.keeper(&namespace)?;
    files.keep(&keeper, &namespace, "kim", &password())?;
    Ok(keeper)
}

fn found(files: &CredentialFiles, image: &str) -> Option<Credential> {
    files.find(&image.parse::<ImageName>().expect("a name").repository).expect("read")
}

fn kims() -> Option<Credential> {
    Some(Credential::Password("kim".to_owned(), password()))
}

fn json_of(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("there")).expect("JSON")
}

fn forget(files: &CredentialFiles, whose: Whose<'_>) -> Vec<String> {
    let kept: Vec<Kept> = files.kept(whose).into_iter().map(|kept| kept.expect("readable")).collect();
    kept.iter().for_each(|kept| files.forget(kept).expect("forgotten"));
    kept.iter().map(|kept| kept.key.clone()).collect()
}

#[test]
fn what_is_kept_is_found_and_the_rest_stays() {
    let home = Home::new(
        r#"{"psFormat":"x","auths":{"a.org":{"auth":"YTph","email":"e"},"b.org":{"auth":"Yjpi"},"b.org/acme":{"auth":"YzpD"},
            "docker.io":{"auth":"aDpo"}},"HttpHeaders":{"n":[1,2.5,null,true,18446744073709551615]}}"#,
    );
    let files = home.files().credentials;
    assert_eq!(keep(&files, "b.org").expect("kept"), Keeper::File(home.config()));
    keep(&files, "docker.io").expect("kept");
    keep(&files, "quay.io/acme").expect("kept");
    for image in ["b.org/x", "debian", "quay.io/acme/x"] {
        assert_eq!(found(&files, image), kims(), "{image}");
    }
    assert_eq!(found(&files, "quay.io/x"), None);
    assert_eq!(
        json_of(&home.config()),
        json!({
            "psFormat": "x",
            "auths": {
                "a.org": { "auth": "YTph", "email": "e" },
                "b.org": { "auth": "a2ltOmh1bnRlcjI=" },
                "b.org/acme": { "auth": "YzpD" },
                "https://index.docker.io/v1/": { "auth": "a2ltOmh1bnRlcjI=" },
                "quay.io/acme": { "auth": "a2ltOmh1bnRlcjI=" },
            },
            "HttpHeaders": { "n": [1, 2.5, null, true, u64::MAX] },
        })
    );
}

#[test]
fn other_spellings_and_identity_tokens_do_not_come_first() {
    let home = Home::new(
        r#"{"auths":{"https://b.org/v2/":{"auth":"","identitytoken":"old"},"b.org":{"identitytoken":"old"}}}"#,
    );
    let files = home.files().credentials;
    keep(&files, "b.org").expect("kept");
    assert_eq!(found(&files, "b.org/x"), kims());
}

#[test]
fn the_file_is_its_owners_and_a_link_stays_a_link() {
    let home = Home::new("{}");
    fs::set_permissions(home.config(), fs::Permissions::from_mode(0o644)).expect("a mode");
    fs::create_dir(home.path().join("real")).expect("made");
    let files = |path: PathBuf| CredentialFiles { docker_config: Some(path), ..CredentialFiles::default() };
    let mode = |path: &Path| fs::metadata(path).expect("there").mode() & 0o7777;
    keep(&files(home.config()), "b.org").expect("kept");
    assert_eq!(mode(&home.config()), 0o600);
    // A chain of links to something that is not there yet.
    let (one, two) = (home.path().join("one.json"), home.path().join("real/two.json"));
    symlink("real/two.json", &one).expect("linked");
    symlink(home.path().join("three.json"), &two).expect("linked");
    keep(&files(one.clone()), "b.org").expect("kept");
    assert!(
        fs::symlink_metadata(&one).expect("there").is_symlink()
            && fs::symlink_metadata(&two).expect("there").is_symlink()
    );
    assert_eq!(mode(&home.path().join("three.json")), 0o600);
    assert_eq!(found(&files(one), "b.org/x"), kims());
    // A directory of docker's that is not there is made, for its owner.
    let new = home.path().join("new/.docker");
    keep(&files(new.join("config.json")), "b.org").expect("kept");
    assert_eq!((mode(&new), fs::read_dir(&new).expect("there").count()), (0o700, 1));
}

#[test]
fn what_cannot_be_read_or_written_is_left_alone() {
    for broken in ["{", "[]", r#"{"auths":[]}"#, r#"{"auths":{"a.org":{"auth":1}}}"#, "hunter2"] {
        let home = Home::new(broken);
        let error = keep(&home.files().credentials, "a.org").expect_err(broken);
        assert!(matches!(&error, RegistryError::File { .. }), "{error:?}");
        assert!(error.hint().is_some() && !shown(&error).contains("hunter2"));
        assert_eq!(fs::read_to_string(home.config()).expect("there"), broken);
        assert_eq!(fs::read_dir(home.path()).expect("there").count(), 1, "nothing is left beside it");
    }
    let home = Home::new("x");
    let inside =
        CredentialFiles { docker_config: Some(home.config().join("x/config.json")), ..CredentialFiles::default() };
    let error = keep(&inside, "a.org").expect_err("a file is no directory");
    assert!(matches!(&error, RegistryError::Write { .. }) && error.hint().is_some(), "{error:?}");
    let error = keep(&CredentialFiles::default(), "a.org").expect_err("nowhere");
    assert!(matches!(&error, RegistryError::NoAuthFile) && error.hint().is_some(), "{error:?}");
}

#[test]
fn logins_at_once_do_not_lose_one_another() {
    let home = Home::new("{}");
    let files = home.files().credentials;
    std::thread::scope(|scope| {
        for number in 0..16 {
            let files = &files;
            scope.spawn(move || keep(files, &format!("r{number}.org")).expect("kept"));
        }
    });
    assert_eq!(json_of(&home.config())["auths"].as_object().map(serde_json::Map::len), Some(16));
    assert_eq!(fs::read_dir(home.path()).expect("there").count(), 1, "nothing is left beside it");
}

#[test]
fn the_named_file_is_the_only_one_that_is_written() {
    let (home, named) = (Home::new("{}"), Home::new(r#"{"credHelpers":{"c.org":"keeps"}}"#));
    named.helper("keeps", KEEPS);
    let files = CredentialFiles {
        registry_auth_file: Some(named.config()),
        helper_directories: vec![named.path().to_owned()],
        ..home.files().credentials
    };
    assert_eq!(keep(&files, "a.org").expect("kept"), Keeper::File(named.config()));
    assert_eq!(keep(&files, "c.org").expect("kept"), Keeper::Helper { name: "keeps".to_owned(), path: named.config() });
    assert_eq!(json_of(&home.config()), json!({}));
    assert_eq!(json_of(&named.config())["auths"].as_object().map(serde_json::Map::len), Some(1));
}

#[test]
fn helpers_get_it_on_their_standard_input_and_the_file_does_not_shadow_them() {
    let home = Home::new(
        r#"{"auths":{"a.org":{"auth":"YTph"},"b.org":{},"docker.io":{"auth":"YTph"}},"credHelpers":{"a.org":"keeps"},"credsStore":"keeps"}"#,
    );
    home.helper("keeps", KEEPS);
    let files = home.files().credentials;
    for (registry, image) in [("a.org", "a.org/x"), ("b.org", "b.org/x"), ("docker.io", "debian")] {
        assert!(matches!(keep(&files, registry).expect("kept"), Keeper::Helper { .. }));
        assert_eq!(found(&files, image), kims(), "{image}");
    }
    let asked = fs::read_to_string(home.path().join("asked")).expect("asked");
    let first: Vec<&str> = asked.lines().take(2).collect();
    assert_eq!(first, ["store", r#"{"ServerURL":"a.org","Username":"kim","Secret":"hunter2"}"#]);
    assert!(asked.contains(r#""ServerURL":"https://index.docker.io/v1/""#), "{asked}");
    assert_eq!(json_of(&home.config())["auths"], json!({ "b.org": {} }));
    // What is forgotten leaves no empty entry of docker's behind.
    assert_eq!(forget(&files, Whose::Of(&namespace("b.org"))), ["b.org"]);
    assert_eq!((found(&files, "b.org/x"), found(&files, "a.org/x")), (None, kims()));
    assert_eq!(json_of(&home.config())["auths"], json!({}));
    assert!(forget(&files, Whose::Of(&namespace("b.org"))).is_empty());
    assert!(forget(&files, Whose::Of(&namespace("a.org/acme"))).is_empty(), "helpers keep whole registries");
}

#[test]
fn helpers_that_cannot_keep_or_forget_are_named_and_show_no_secret() {
    let home = Home::new(r#"{"credsStore":"bad"}"#);
    let files = home.files().credentials;
    let failing = |error: RegistryError, wanted: &str| {
        let text = shown(&error);
        let RegistryError::HelperAction { helper, action, why } = error else { panic!("{text}") };
        assert_eq!((helper.as_str(), action), ("docker-credential-bad", wanted), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
        why
    };
    assert!(failing(files.keeper(&namespace("a.org")).expect_err("not there"), "store").contains("PATH"));
    home.helper("bad", "echo locked; exit 3");
    assert!(failing(keep(&files, "a.org").expect_err("locked"), "store").contains("locked"));
    home.helper("bad", "echo 'credentials not found in native keychain'; exit 1");
    assert!(failing(keep(&files, "a.org").expect_err("not kept"), "store").contains("no such credentials"));
    assert!(files.kept(Whose::All).is_empty(), "it lists nothing");
    home.helper("bad", "read -r all; echo \"no: $all\"; exit 3");
    assert!(failing(keep(&files, "a.org").expect_err("tells it"), "store").contains('3'));
    home.helper("bad", r#"[ $1 = get ] && echo '{"Username":"kim","Secret":"hunter2"}' || { echo no; exit 1; }"#);
    let kept = files.kept(Whose::Of(&namespace("a.org"))).pop().expect("something").expect("kept");
    assert!(failing(files.forget(&kept).expect_err("no"), "erase").contains("no"));
    assert!(failing(files.kept(Whose::All).pop().expect("something").expect_err("no"), "list").contains("no"));
    let error = files.keeper(&namespace("a.org/acme")).expect_err("a part of it");
    assert!(matches!(&error, RegistryError::HelperNamespace { .. }) && error.hint().is_some(), "{error:?}");
    assert_eq!(json_of(&home.config()), json!({ "credsStore": "bad" }), "nothing was written in its place");
}

#[test]
fn all_is_forgotten_everywhere_and_the_rest_stays() {
    let home =
        Home::new(r#"{"auths":{"a.org":{"auth":"YTph"}},"credHelpers":{"c.org":"keeps"},"credsStore":"keeps","x":1}"#);
    let second = Home::new(
        r#"{"auths":{"a.org":{"auth":"YTph"},"a.org/acme":{"auth":"YTph"}},"credHelpers":{"c.org":"keeps"}}"#,
    );
    home.helper("keeps", KEEPS);
    let files = CredentialFiles {
        runtime_auth: Some(second.config()),
        config_auth: Some(home.path().join("no")),
        ..home.files().credentials
    };
    for registry in ["b.org", "c.org", "docker.io"] {
        keep(&files, registry).expect("kept");
    }
    assert_eq!(forget(&files, Whose::Of(&namespace("a.org"))), ["a.org", "a.org"]);
    let all = ["c.org", "b.org", "https://index.docker.io/v1/", "a.org/acme"];
    assert_eq!(forget(&files, Whose::All), all, "c.org is one helper's, whoever names it");
    assert_eq!(
        json_of(&home.config()),
        json!({ "auths": {}, "credHelpers": { "c.org": "keeps" }, "credsStore": "keeps", "x": 1 })
    );
    assert_eq!(json_of(&second.config())["auths"], json!({}));
    assert!(!home.path().join("kept-c.org").exists() && !home.path().join("kept-b.org").exists());
    // What cannot be read does not stand in the way of the others.
    fs::write(home.config(), "{").expect("written");
    keep(&CredentialFiles { docker_config: None, registry_auth_file: Some(second.config()), ..files.clone() }, "a.org")
        .expect("kept");
    let kept = files.kept(Whose::Of(&namespace("a.org")));
    assert!(matches!(&kept[..], [Err(RegistryError::File { .. }), Ok(kept)] if kept.key == "a.org"), "{kept:?}");
}
