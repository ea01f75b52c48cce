//! Packages of the real Debian, installed on nothing: what their scripts do is done, and the same in every way to build.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::harness::{Ended, Program, Project, require};
use crate::minbase::on_debian;
use crate::rootless;

/// An interpreter, a locale, a package that makes a user, one with alternatives, one with a diversion, one with triggers; and
/// the package that says that `/usr` is merged, instead of the one that merges it, which needs a whole Perl.
const PACKAGES: &str = "[[layer]]\nname = 'system'\n\
    packages = ['python3-minimal', 'locales', 'dbus', 'nano', 'molly-guard', 'ca-certificates', 'usr-is-merged']\n";

const LOOK: &str = r#"
[[layer]]
name = 'look'
run = '''
python3 -c 'print("python", 6 * 7)'
localedef -i de_DE -f UTF-8 de_DE.UTF-8 && LC_ALL=de_DE.UTF-8 locale charmap
getent passwd messagebus
readlink -f /usr/bin/editor
dpkg-divert --list molly-guard | head -1
test -s /etc/ssl/certs/ca-certificates.crt && echo certificates
dpkg --verify && dpkg --audit && echo sound
test ! -e /usr/sbin/policy-rc.d && echo clean
'''
"#;

/// A build with what was vendored, by somebody who has no network.
fn offline(project: &Project) -> [String; 3] {
    ["--offline".to_owned(), "--vendor".to_owned(), project.path("vendored").display().to_string()]
}

/// A store that belongs to the user without privileges.
fn store_of_user(project: &Project, name: &str) -> PathBuf {
    let store = project.top().join(name);
    fs::create_dir(&store).expect("a store");
    let chown = require("chown").expect("chown");
    Program::new(chown).args([rootless::USER]).args([&store]).ok();
    store
}

fn said(ended: &Ended, words: &[&str]) {
    for word in words {
        assert!(ended.stderr.contains(word), "{word}: {}", ended.all());
    }
}

#[test]
fn what_scripts_of_packages_do_is_done_and_the_same_for_everybody() {
    let Some(project) = on_debian("installed", &format!("{PACKAGES}{LOOK}")) else { return };
    let first = project.kiln(&["build", "-v"]).ok();
    said(
        &first,
        &[
            "look | python 42",
            "look | UTF-8",
            "look | messagebus:x:",
            "look | /usr/bin/nano",
            "look | diversion of ",
            "look | certificates",
            "look | sound",
            "look | clean",
        ],
    );
    project.kiln(&["vendor", "vendored"]).ok();
    let offline = offline(&project);
    let again = project.kiln(&["build", "--no-cache", "--locked"]).args(&offline).ok();
    assert_eq!(again.digest(), first.digest(), "{}", again.all());
    for mode in ["subordinate-ids", "one-id"] {
        if let Some(build) = rootless::build(&project, mode, &project.top().join(mode)) {
            store_of_user(&project, mode);
            let rootless = build.args(&offline).ok();
            assert_eq!(rootless.digest(), first.digest(), "{mode}: {}", rootless.all());
        }
    }
}

/// The digests of the layers of an image in a layout, by their names.
fn layers(project: &Project, layout: &str) -> BTreeMap<String, String> {
    let image = project.kiln(&["inspect", layout, "--json"]).ok().json();
    let layers = image["images"][0]["layers"].as_array().expect("layers").clone();
    let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
    layers.iter().map(|layer| (text(&layer["created_by"]), text(&layer["digest"]))).collect()
}

#[test]
fn packages_are_spread_over_layers_that_stay_when_others_come() {
    let spread = "[[layer]]\nname = 'system'\nsplit = 'origin'\npackages = ['usr-is-merged']\n";
    let Some(project) = on_debian("spread", spread) else { return };
    project.build(&["-o", "oci:spread", "-o", "rootfs:spread-root"]);
    let before = layers(&project, "oci:spread");
    assert!((10..=41).contains(&before.len()), "{before:?}");
    let text = project.read("kiln.toml");
    let text = String::from_utf8(text).expect("text");
    project.write("kiln.toml", text.replace("split = 'origin'\n", ""));
    project.build(&["-o", "oci:whole", "-o", "rootfs:whole-root"]);
    assert_eq!(layers(&project, "oci:whole").len(), 1);
    let compare = require("diff").expect("diffutils");
    Program::new(compare)
        .args(["-r", "--no-dereference"])
        .args([project.path("spread-root"), project.path("whole-root")])
        .ok();
    project.write("kiln.toml", text.replace("['usr-is-merged']", "['usr-is-merged', 'nano']"));
    project.build(&["-o", "oci:more"]);
    let after = layers(&project, "oci:more");
    let moved = before.iter().filter(|(name, digest)| after.get(*name) != Some(*digest)).count();
    // The shared layer that the new package is in, and what all packages have together.
    assert!(moved <= 2, "{moved} of {}: {before:?} {after:?}", before.len());
}
