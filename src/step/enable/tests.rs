//! What enabling units changes.

use super::*;
use crate::step::tests::{run, write};
use crate::template::Action;
use crate::tree::testing::*;

const SYSTEM: &str = "usr/lib/systemd/system";
const LOCAL: &str = "etc/systemd/system";

/// Files with these texts, and links where a text begins with `->`.
fn steps(files: &[(&str, &str)]) -> Vec<Action> {
    let step = |(at, text): &(&str, &str)| match text.strip_prefix("->") {
        Some(target) => Action::Symlink { path: path(at), target: target.to_owned(), owner: None },
        None => write(at, text),
    };
    files.iter().map(step).collect()
}

fn enable(units: &[&str]) -> Action {
    Action::Enable { units: units.iter().map(|unit| (*unit).to_owned()).collect() }
}

/// The links in `/etc/systemd/system` that enabling `units` adds to `files`.
fn enabled(files: &[(&str, &str)], units: &[&str]) -> Result<(Vec<String>, Vec<StepWarning>), StepError> {
    let (lower, ..) = run(&Tree::new(), &[], steps(files))?;
    let mut before = Tree::new();
    before.apply(&lower);
    // Once more in the same layer, so that the texts are there to be read.
    let (changes, _, warnings) = run(&Tree::new(), &[], [steps(files), vec![enable(units)]].concat())?;
    let links = changes.nodes().filter(|(at, node)| before.get(at) != Some(node)).filter_map(|(at, node)| {
        let Kind::Symlink { target } = &node.kind else { return None };
        Some(format!("{} -> {}", at.to_string().strip_prefix("/etc/systemd/system/")?, String::from_utf8_lossy(target)))
    });
    Ok((links.collect(), warnings))
}

/// The same for one unit file in the system's directory.
fn one(name: &str, install: &str) -> Result<(Vec<String>, Vec<StepWarning>), StepError> {
    enabled(&[(&format!("{SYSTEM}/{name}"), &format!("[Unit]\nWantedBy=no.target\n[Install]\n{install}\n"))], &[name])
}

#[track_caller]
fn gives(result: Result<(Vec<String>, Vec<StepWarning>), StepError>, expected: &[&str]) {
    assert_eq!(
        result.map(|(links, _)| links).map_err(|error| error.to_string()),
        Ok(expected.iter().map(|link| (*link).to_owned()).collect())
    );
}

#[track_caller]
fn fails(result: Result<(Vec<String>, Vec<StepWarning>), StepError>) -> UnitError {
    match result {
        Err(StepError::Unit(error)) => {
            assert!(error.hint().is_some_and(|hint| !hint.is_empty()));
            *error
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_install_section_says_which_links_there_are() {
    let install = "WantedBy = multi-user.target \\\n# a note\n \"b.target\"\n;RequiredBy=no.target\nRequiredBy=c.target\nUpheldBy=d.service\nAlias=web.service\nwantedby=no.target";
    let to = "/usr/lib/systemd/system/nginx.service";
    let links = [
        format!("b.target.wants/nginx.service -> {to}"),
        format!("c.target.requires/nginx.service -> {to}"),
        format!("d.service.upholds/nginx.service -> {to}"),
        format!("multi-user.target.wants/nginx.service -> {to}"),
        format!("web.service -> {to}"),
    ];
    gives(one("nginx.service", install), &links.each_ref().map(String::as_str));
}

#[test]
fn units_of_the_image_come_before_those_of_packages() {
    let unit = "[Install]\nWantedBy=a.target\n";
    let (own, local, system) =
        (format!("{LOCAL}/x.service"), "usr/local/lib/systemd/system/x.service", format!("{SYSTEM}/x.service"));
    let first = |files: &[(&str, &str)], target: &str| {
        gives(enabled(files, &["x.service"]), &[&format!("a.target.wants/x.service -> /{target}")]);
    };
    first(&[(&own, unit), (local, unit), (&system, unit)], &own);
    first(&[(local, unit), (&system, unit)], local);
    first(&[("lib/systemd/system/x.service", unit), (&system, unit)], "lib/systemd/system/x.service");
}

#[test]
fn where_lib_is_a_link_the_directory_is_named_as_other_links_name_it() {
    let unit = (&*format!("{SYSTEM}/x.service"), "[Install]\nWantedBy=a.target\n");
    let lib = ("lib", "->usr/lib");
    gives(enabled(&[lib, unit], &["x.service"]), &["a.target.wants/x.service -> /usr/lib/systemd/system/x.service"]);
    let old = ("etc/systemd/system/b.target.wants/y.service", "->/lib/systemd/system/y.service");
    gives(enabled(&[lib, unit, old], &["x.service"]), &["a.target.wants/x.service -> /lib/systemd/system/x.service"]);
}

#[test]
fn instances_and_templates() {
    let to = "/usr/lib/systemd/system/getty@.service";
    let getty = (
        &*format!("{SYSTEM}/getty@.service"),
        "[Install]\nAlias=autovt@.service\nWantedBy=getty.target %i.target\nDefaultInstance=tty1\n",
    );
    let links = |unit: &str, instance: &str, alias: &str| {
        let links = [
            format!("{alias} -> {to}"),
            format!("getty.target.wants/getty@{instance}.service -> {to}"),
            format!("{instance}.target.wants/getty@{instance}.service -> {to}"),
        ];
        gives(enabled(&[getty], &[unit]), &links.each_ref().map(String::as_str));
    };
    links("getty@.service", "tty1", "autovt@.service");
    links("getty@tty9.service", "tty9", "autovt@tty9.service");
    let own = (&*format!("{SYSTEM}/getty@x.service"), "[Install]\nWantedBy=own.target\n");
    gives(
        enabled(&[getty, own], &["getty@x.service"]),
        &["own.target.wants/getty@x.service -> /usr/lib/systemd/system/getty@x.service"],
    );
    gives(
        one("a-b@.service", "WantedBy=x@%j.target"),
        &["x@b.target.wants/a-b@.service -> /usr/lib/systemd/system/a-b@.service"],
    );
    let error = fails(one("t@.service", "WantedBy=a.target"));
    assert!(matches!(error, UnitError::NeedsInstance { .. }));
    assert_eq!(error.hint().as_deref(), Some("name an instance: `enable = [\"t@NAME.service\"]`"));
}

#[test]
fn companions_are_enabled_too() {
    let a = (&*format!("{SYSTEM}/a.service"), "[Install]\nAlso=b.socket gone.service off.service\n");
    let b = (&*format!("{SYSTEM}/b.socket"), "[Install]\nWantedBy=sockets.target\nAlso=a.service\n");
    let (links, warnings) =
        enabled(&[a, b, ("etc/systemd/system/off.service", "->/dev/null")], &["a.service"]).expect("links");
    assert_eq!(links, ["sockets.target.wants/b.socket -> /usr/lib/systemd/system/b.socket"]);
    let missing = |warning: &StepWarning| matches!(warning, StepWarning::CompanionMissing { .. });
    assert!(warnings.len() == 2 && warnings.iter().all(missing), "{warnings:?}");
}

#[test]
fn drop_ins_add_to_the_section() {
    let unit = (&*format!("{SYSTEM}/x.service"), "[Install]\nWantedBy=a.target\n");
    let later = (&*format!("{SYSTEM}/x.service.d/20.conf"), "[Install]\nWantedBy=\nRequiredBy=c.target\n");
    let first = ("etc/systemd/system/x.service.d/10.conf", "[Install]\nWantedBy=b.target\n");
    gives(
        enabled(&[unit, first], &["x.service"]),
        &[
            "a.target.wants/x.service -> /usr/lib/systemd/system/x.service",
            "b.target.wants/x.service -> /usr/lib/systemd/system/x.service",
        ],
    );
    gives(
        enabled(&[unit, first, later], &["x.service"]),
        &["c.target.requires/x.service -> /usr/lib/systemd/system/x.service"],
    );
}

#[test]
fn a_unit_without_the_section_is_a_warning() {
    let (links, warnings) = one("x.service", "").expect("nothing to do");
    assert!(
        links.is_empty() && matches!(&warnings[..], [StepWarning::NothingToEnable { unit, .. }] if unit == "x.service")
    );
}

#[test]
fn links_between_units() {
    let x = "[Install]\nWantedBy=a.target\n";
    let system = |name: &str| format!("{SYSTEM}/{name}");
    let (unit, other) = (system("x.service"), system("y.service"));
    gives(
        enabled(&[(&unit, x), (&other, "->x.service")], &["y.service"]),
        &["a.target.wants/x.service -> /usr/lib/systemd/system/x.service"],
    );
    gives(
        enabled(&[("opt/x.service", x), (&unit, "->/opt/x.service")], &["x.service"]),
        &["a.target.wants/x.service -> /opt/x.service", "x.service -> /opt/x.service"],
    );
    gives(
        enabled(&[("opt/x.service", x), ("etc/systemd/system/x.service", "->/opt/x.service")], &["x.service"]),
        &["a.target.wants/x.service -> /opt/x.service"],
    );
    let own = ("etc/systemd/system/y.service", "->/usr/lib/systemd/system/x.service");
    assert!(
        matches!(fails(enabled(&[(&unit, x), own], &["y.service"])), UnitError::OtherName { real, .. } if real == "x.service")
    );
    assert!(matches!(fails(enabled(&[(&unit, "->nowhere.service")], &["x.service"])), UnitError::Dangling { .. }));
    assert!(matches!(
        fails(enabled(&[("etc/systemd/system/x.service", "->/dev/null"), (&unit, x)], &["x.service"])),
        UnitError::Masked { .. }
    ));
    assert!(matches!(fails(enabled(&[(&unit, "")], &["x.service"])), UnitError::Masked { .. }));
}

#[test]
fn links_that_are_there_already() {
    let unit = (&*format!("{SYSTEM}/x.service"), "[Install]\nWantedBy=a.target\nAlias=b.service\n");
    let same = ("etc/systemd/system/a.target.wants/x.service", "->../../../../usr/lib/systemd/system/x.service");
    let alias = "b.service -> /usr/lib/systemd/system/x.service";
    gives(enabled(&[unit, same], &["x.service"]), &[alias]);
    let wants = "a.target.wants/x.service -> /usr/lib/systemd/system/x.service";
    gives(
        enabled(&[unit, (same.0, "->/elsewhere"), ("etc/systemd/system/b.service", "->/gone")], &["x.service"]),
        &[wants, alias],
    );
    assert!(matches!(fails(enabled(&[unit, (same.0, "text")], &["x.service"])), UnitError::Taken { .. }));
    let other = (&*format!("{SYSTEM}/y.service"), "x");
    let taken = fails(enabled(
        &[unit, other, ("etc/systemd/system/b.service", "->/usr/lib/systemd/system/y.service")],
        &["x.service"],
    ));
    assert!(matches!(taken, UnitError::Taken { by, .. } if by == "a link to `/usr/lib/systemd/system/y.service`"));
}

#[test]
fn an_unknown_unit_is_answered_with_those_that_look_like_it() {
    let unit = (&*format!("{SYSTEM}/nginx.service"), "x");
    let error = fails(enabled(&[unit, (&*format!("{SYSTEM}/cron.service"), "x")], &["ngnix.service"]));
    assert!(matches!(&error, UnitError::Unknown { nearest, .. } if nearest == &["nginx.service"]), "{error:?}");
    assert_eq!(error.hint().as_deref(), Some("did you mean `nginx.service`?"));
    assert!(matches!(fails(enabled(&[], &["x.service"])), UnitError::Unknown { nearest, .. } if nearest.is_empty()));
}

#[test]
fn settings_that_cannot_be_followed_are_named() {
    for (setting, wanted) in [
        ("WantedBy=%H.target", "WantedBy"),
        ("RequiredBy=word", "RequiredBy"),
        ("Alias=x.socket", "Alias"),
        ("Alias=y@.service", "Alias"),
        ("Alias=a.target.wants/x.service", "Alias"),
        ("Also=../y.service", "Also"),
    ] {
        let error = fails(one("x.service", setting));
        assert!(matches!(error, UnitError::Setting { setting, .. } if setting == wanted), "{setting}: {error:?}");
    }
    let aliased = (&*format!("{SYSTEM}/t@.service"), "[Install]\nAlias=u@z.service\n");
    assert!(matches!(fails(enabled(&[aliased], &["t@y.service"])), UnitError::Setting { setting: "Alias", .. }));
}
