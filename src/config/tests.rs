//! What may stand in a configuration, and what is said of the rest.

use std::path::Path;

use super::*;
use crate::template::{Files, Finding, Style, render};

fn reading(text: &str) -> (Config, Vec<Finding>, Files) {
    let (mut files, mut findings) = (Files::default(), Vec::new());
    let file = files.add("here/kiln.config.toml".to_owned(), String::new(), text);
    let config = read(&files, file, Path::new("here"), &mut findings);
    (config, findings, files)
}

fn said(text: &str) -> String {
    let (config, findings, files) = reading(text);
    assert_eq!(config, Config::default(), "what is wrong is left out");
    render(&findings, &files, Style::Plain)
}

#[test]
fn everything_that_can_be_said_is_read() {
    let (config, findings, _) = reading(
        "jobs = 0x3\nstore = 'images'\nca = ['ca.pem', '/etc/own.pem']\ninsecure-registries = ['Near:5000']\n\
         [mirrors]\n'docker.io' = ['mirror.example.org', 'near:5000/hub']\n\
         [tokens]\n'example.org' = { env = 'TOKEN' }\n'[::1]:80' = { file = 'token' }\n\
         [client-certificate]\n'Example.org:8443' = { cert = 'own.pem', key = '/own.key' }\n",
    );
    assert_eq!(findings, []);
    let here = |path: &str| Path::new("here").join(path);
    let tokens = [
        ("[::1]:80".to_owned(), TokenPlace::File(here("token"))),
        ("example.org".to_owned(), TokenPlace::Variable("TOKEN".to_owned())),
    ];
    let own = ClientCertificate { certificate: here("own.pem"), key: PathBuf::from("/own.key") };
    let expected = Config {
        mirrors: [("docker.io".to_owned(), vec!["mirror.example.org".to_owned(), "near:5000/hub".to_owned()])].into(),
        tokens: tokens.into(),
        authorities: vec![here("ca.pem"), PathBuf::from("/etc/own.pem")],
        identities: [("example.org:8443".to_owned(), own)].into(),
        insecure_registries: vec!["near:5000".to_owned()],
        jobs: NonZeroUsize::new(3),
        store: Some(here("images")),
    };
    assert_eq!(config, expected);
}

#[test]
fn mistakes_are_shown_where_they_are_all_at_once() {
    let shown = said(
        "mirors = {}\njobs = 0\nstore = '~/x'\nca = 'one'\ninsecure-registries = [1, 'https://x', 'x/y', 'ü']\n\
         [client-certificate]\nx = { cert = 'a' }\ny = { crt = 'a', cert = 'b' }\n",
    );
    for words in [
        "unknown key `mirors` in a configuration",
        "did you mean `mirrors`?",
        "`jobs` takes a whole number from 1 on",
        "`~/x` is no path",
        "`ca` takes a list of strings",
        "`insecure-registries` takes a string",
        "`https://x` is an address, not a host",
        "`x/y` has a path in it",
        "`ü` is not a host",
        "the client certificate for `x` needs `cert` and `key`",
        "unknown key `crt` in a client certificate",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert!(shown.contains("--> here/kiln.config.toml:2:8") && shown.contains("jobs = 0\n  |        ^"), "{shown}");
    assert!(said("jobs = [").contains("this is not TOML"));
}

#[test]
fn a_secret_in_the_file_is_refused_and_not_shown() {
    for text in [
        "[tokens]\nx = 'hunter2'\n",
        "[tokens]\nx = { token = 'hunter2' }\n",
        "[tokens]\nx = { env = 'A', file = 'hunter2' }\n",
        "tokens.x = 'hunter2'\n",
        "[tokens]\nx = hunter2\n",
        "[tokens]\nx = { env = hunter2\n",
        "[mirrors]\nx = ['kim:hunter2@y']\n",
        "[mirrors]\n'kim:hunter2@y' = ['y']\n",
    ] {
        let (_, findings, files) = reading(text);
        let shown = render(&findings, &files, Style::Plain);
        assert!(!shown.is_empty() && !shown.contains("hunter2"), "{text}: {shown}");
        assert!(shown.contains("here/kiln.config.toml:"), "{shown}");
    }
    let shown = said("[tokens]\n\n'example.org' = 'hunter2'\n");
    assert!(shown.contains("kiln.config.toml:3: the token for `example.org` is written into the file"), "{shown}");
    assert!(shown.contains("`env` names a variable"), "{shown}");
}

#[test]
fn the_upper_one_wins_where_both_speak_and_lists_add_up() {
    let variable = |name: &str| TokenPlace::Variable(name.to_owned());
    let of = |mirror: &str, token: &str, authority: &str, jobs| Config {
        mirrors: BTreeMap::from([("docker.io".to_owned(), vec![mirror.to_owned()])]),
        tokens: BTreeMap::from([("a".to_owned(), variable(token)), (token.to_owned(), variable(token))]),
        authorities: vec![PathBuf::from(authority)],
        jobs,
        ..Config::default()
    };
    let both = of("up", "u", "up.pem", None).over(of("down", "d", "down.pem", NonZeroUsize::new(3)));
    assert_eq!(both.mirrors["docker.io"], ["up"]);
    assert_eq!((&both.tokens["a"], &both.tokens["d"]), (&variable("u"), &variable("d")));
    assert_eq!(both.authorities, [PathBuf::from("down.pem"), PathBuf::from("up.pem")]);
    assert_eq!(both.jobs, NonZeroUsize::new(3));
}
