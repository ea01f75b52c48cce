use super::world::World;
use crate::packages::debian::install::{Configure, InstallError, PreInst, Round, rounds};
use crate::packages::debian::package::Package;
use crate::packages::debian::paragraph::Paragraphs;

/// A package in a line: `name field: value; field: value`.
fn package(line: &str) -> Package {
    let (name, fields) = line.split_once(' ').unwrap_or((line, ""));
    let fields: String =
        fields.split("; ").filter(|field| !field.is_empty()).map(|field| format!("{field}\n")).collect();
    let architecture = if fields.contains("Architecture:") { "" } else { "Architecture: amd64\n" };
    let text = format!("Package: {name}\nVersion: 1\n{architecture}{fields}");
    Package::read(&Paragraphs::only(text.as_bytes()).expect("a paragraph")).expect("a package")
}

fn planned(world: &World, lines: &[&str]) -> Vec<String> {
    let packages: Vec<Package> = lines.iter().map(|line| package(line)).collect();
    let packages: Vec<&Package> = packages.iter().collect();
    let rounds = rounds(&packages, &world.database()).expect("rounds");
    let shown = |round: &Round| {
        let unpack: Vec<&str> = round.unpack.iter().map(|index| packages[*index].name()).collect();
        let configure: Vec<String> = round.configure.iter().map(|run| run.arguments().join(" ")).collect();
        let late = if round.preinst == PreInst::After { " (preinst after)" } else { "" };
        format!("{}{late} => {}", unpack.join(" "), configure.join(", "))
    };
    rounds.iter().map(shown).collect()
}

const PENDING: &str = "--configure --pending";

#[test]
fn packages_without_pre_depends_are_one_round() {
    let world = World::with(&[(
        "var/lib/dpkg/status",
        "Package: z\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n",
    )]);
    assert_eq!(planned(&world, &["a Depends: b", "b Depends: a"]), [format!("a b => {PENDING}")]);
    assert_eq!(planned(&world, &["a Pre-Depends: z"]), [format!("a => {PENDING}")]);
    assert!(planned(&world, &[]).is_empty());
}

#[test]
fn what_others_wait_for_is_configured_with_all_that_it_needs() {
    let world = World::with(&[(
        "var/lib/dpkg/status",
        "Package: z\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n",
    )]);
    let found = planned(
        &world,
        &[
            "a Pre-Depends: b",
            "b Depends: c | x",
            "c Multi-Arch: same",
            "d",
            "e Pre-Depends: p",
            "f Pre-Depends: a; Provides: p",
        ],
    );
    let expected = [
        "b c d => --configure b c:amd64".to_owned(),
        "a => --configure a".to_owned(),
        "f => --configure f".to_owned(),
        format!("e => {PENDING}"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn packages_that_wait_for_each_other_are_unpacked_together() {
    let world = World::with(&[(
        "var/lib/dpkg/status",
        "Package: z\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n",
    )]);
    let found = planned(&world, &["a Pre-Depends: b", "b Pre-Depends: a", "c Pre-Depends: nobody", "d"]);
    assert_eq!(found, ["d => ".to_owned(), format!("a b c => {PENDING}")]);
}

#[test]
fn what_the_root_has_counts_unless_what_replaces_it_does_not() {
    let world = World::with(&[(
        "var/lib/dpkg/status",
        "Package: b\nStatus: install ok installed\nVersion: 2\nArchitecture: amd64\n\n\
         Package: u\nStatus: install ok unpacked\nVersion: 2\nArchitecture: amd64\n",
    )]);
    assert_eq!(planned(&world, &["a Pre-Depends: b (>= 2)"]), [format!("a => {PENDING}")]);
    assert_eq!(planned(&world, &["a Pre-Depends: b (>= 1)", "b"]), [format!("a b => {PENDING}")]);
    let found = planned(&world, &["a Pre-Depends: b (<= 1)", "b"]);
    assert_eq!(found, ["b => --configure b".to_owned(), format!("a => {PENDING}")]);
    assert_eq!(planned(&world, &["a Pre-Depends: u", "d"])[0], "d => ");
}

#[test]
fn a_new_system_begins_with_all_that_is_essential() {
    let found = planned(
        &World::default(),
        &[
            "app Pre-Depends: libc",
            "base-files Essential: yes; Pre-Depends: awk",
            "base-passwd Essential: yes; Depends: libdebconf",
            "dash Essential: yes; Pre-Depends: libc",
            "libc Multi-Arch: same; Depends: libc-cycle",
            "libc-cycle Pre-Depends: libc",
            "libdebconf",
            "mawk Provides: awk",
            "other",
        ],
    );
    let force = "--force-depends --configure";
    let expected = [
        format!(
            "base-passwd base-files dash libc libc-cycle libdebconf mawk (preinst after) => {force} base-passwd, \
             {force} base-files, {PENDING}"
        ),
        format!("app other => {PENDING}"),
    ];
    assert_eq!(found, expected);
    assert_eq!(planned(&World::default(), &["a"]), [format!("a => {PENDING}")]);
}

#[test]
fn relations_that_cannot_be_read_are_told() {
    let odd = package("a Depends: (");
    let found = rounds(&[&odd], &World::default().database());
    assert!(matches!(found, Err(InstallError::Control { package, .. }) if package == "a"));
    assert_eq!(Configure::These(vec!["a".to_owned()]).arguments(), ["--configure", "a"]);
}
