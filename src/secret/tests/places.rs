//! The search in what a layer changes.

use super::*;
use crate::tree::testing::{directory, symlink};

const VALUE: &[u8] = b"/a/value/of/slashes";
const NAME: &str = "hunter2hunter2";

fn both() -> Needles {
    needles(&[("name", NAME.as_bytes()), ("slashes", VALUE)])
}

fn texts(changes: &Changeset, memory: &Memory) -> Vec<String> {
    let found = search(changes, memory, &both()).expect("it can be read");
    found.iter().map(|(path, finding)| format!("{path} {finding}")).collect()
}

#[test]
fn names_targets_and_attributes_land_too() {
    let (mut changes, memory) = layer(&[("a/value/of/slashes", b"x"), ("clean", b"y")]);
    changes.put(path("link"), symlink("/x/hunter2hunter2"));
    let mut attributed = directory();
    attributed.xattrs.insert(b"user.x".as_slice().into(), b"6a68756e7465723268756e74657232".as_slice().into());
    attributed.xattrs.insert(b"user.y/a/value/of/slashes".as_slice().into(), b"".as_slice().into());
    changes.put(path("attributed"), attributed);
    let expected = [
        "/a/value/of has a file below it with the secret `slashes` as it is in its name",
        "/attributed has an extended attribute with the secret `name` in hexadecimal",
        "/attributed has an extended attribute with the secret `slashes` as it is",
        "/link is a link with the secret `name` as it is in its target",
    ];
    assert_eq!(texts(&changes, &memory), expected);
}

#[test]
fn a_name_with_a_secret_is_said_once_and_not_shown() {
    let inside = format!("inside of it {}", String::from_utf8_lossy(VALUE));
    let one = format!("srv/{NAME}/one");
    let two = format!("srv/{NAME}/two");
    let (mut changes, memory) = layer(&[(&one, b"x"), (&two, inside.as_bytes())]);
    changes.white_out(path(&format!("opt/{NAME}")));
    changes.make_opaque(path(&format!("var/{NAME}")));
    let expected = [
        "/opt has a file below it with the secret `name` as it is in its name",
        "/srv has a file below it with the secret `name` as it is in its name",
        "/srv contains the secret `slashes` as it is",
        "/var has a file below it with the secret `name` as it is in its name",
    ];
    assert_eq!(texts(&changes, &memory), expected);
}

#[test]
fn a_content_is_read_once_and_said_for_each_file() {
    let text = [b"x=".as_slice(), NAME.as_bytes()].concat();
    let (mut changes, memory) = layer(&[("one", &text), ("two", &text)]);
    let expected = ["/one contains the secret `name` as it is", "/two contains the secret `name` as it is"];
    assert_eq!(texts(&changes, &memory), expected);
    changes.forget(&path("two"));
    assert_eq!(texts(&changes, &memory).len(), 1);
}

#[test]
fn a_file_that_cannot_be_read_is_named_without_a_secret() {
    let (changes, _) = layer(&[("srv/hunter2hunter2/x", b"lost")]);
    let error = search(&changes, &Memory::default(), &both()).expect_err("nothing can be read");
    let SecretError::Read { path: shown, .. } = &error;
    assert_eq!((shown, error.to_string()), (&path("srv"), "cannot search `/srv`".to_owned()));
    assert!(error.hint().is_some());
    assert!(search(&changes, &Memory::default(), &needles(&[])).expect("nothing is read").is_empty());
    assert!(matches!(private_keys(&changes, &Memory::default()), Err(SecretError::Read { .. })));
}
