use super::world::World;
use crate::packages::debian::install::{InstallError, unpack};
use crate::tree::testing::{directory, path, symlink};
use crate::tree::{Kind, LinkGroup, Node};

/// A root that is not empty, so that nothing is made in it beforehand.
fn some() -> World {
    World::with(&[("usr/old", "")])
}

#[test]
fn an_empty_root_gets_a_merged_usr() {
    let mut world = World::default();
    let deb = world.deb("Package: a\n", &[], &[("bin/", ""), ("bin/sh", "x"), ("lib64/", ""), ("lib64/ld", "y")]);
    world.unpack(&[&deb]).expect("it can be unpacked");
    assert!(world.has("usr/bin/sh") && world.has("usr/lib64/ld") && world.has("libx32"));
    assert_eq!(world.root.get(&path("bin")).map(|node| (&node.kind, node.mtime)), Some((&symlink("usr/bin").kind, 7)));
    assert_eq!(world.text("var/lib/dpkg/info/a.list"), "/.\n/bin\n/bin/sh\n/lib64\n/lib64/ld\n");
    assert_eq!(world.text("var/lib/dpkg/info/format"), "1\n");
    // A package that brings them itself knows best which.
    let mut world = World::default();
    let deb = world.deb("Package: base-files\n", &[], &[("bin", "-> usr/bin"), ("usr/", ""), ("usr/bin/", "")]);
    world.unpack(&[&deb]).expect("it can be unpacked");
    assert!(world.has("bin") && !world.has("lib") && !world.has("libx32"));
}

#[test]
fn directories_that_are_there_stay_as_they_are() {
    let mut world = some();
    world.root.insert(path("tmp"), Node { mode: 0o1777, ..directory() });
    world.root.insert(path("lib"), symlink("usr/lib"));
    world.root.insert(path("usr/lib"), directory());
    world.root.insert(path("srv"), symlink("nowhere"));
    let deb = world.deb(
        "Package: a\n",
        &[],
        &[("lib/", ""), ("lib/x", "1"), ("srv/", ""), ("tmp/", ""), ("usr/lib", "-> elsewhere"), ("var/x/y", "2")],
    );
    world.unpack(&[&deb]).expect("it can be unpacked");
    assert_eq!(world.root.get(&path("tmp")).map(|node| node.mode), Some(0o1777));
    assert!(world.has("usr/lib/x") && world.root.is_directory(&path("srv")));
    // A directory that no package has is made at the time that was given.
    assert_eq!(world.root.get(&path("var/x")).map(|node| node.mtime), Some(7));
}

#[test]
fn a_file_takes_the_place_of_a_directory_that_nobody_has() {
    let mut world = World::with(&[("d/below", ""), ("d-x", "")]);
    let deb = world.deb("Package: a\n", &[], &[("d", "file")]);
    let mut database = world.database();
    let unpacking = unpack(&[&deb], &mut database, &world.ground()).expect("it can be unpacked");
    assert_eq!(unpacking.removed, [path("d")]);
    assert_eq!(unpacking.entries.len(), 1);
}

#[test]
fn files_of_others_are_left_alone() {
    let mut world = some();
    let one = world.deb("Package: one\n", &[], &[("usr/x", "1"), ("usr/d/", "")]);
    let two = world.deb("Package: two\n", &[], &[("usr/x", "2"), ("usr/d/", "")]);
    let conflict = |world: &mut World, debs: &[_]| match world.clone().unpack(debs) {
        Err(InstallError::Conflict { path, package, other }) => format!("{path} {package} {other}"),
        found => panic!("{found:?}"),
    };
    assert_eq!(conflict(&mut world, &[&one, &two]), "/usr/x two one");
    world.unpack(&[&one]).expect("it can be unpacked");
    assert_eq!(conflict(&mut world, &[&two]), "/usr/x two one");
    let other = world.deb("Package: two\nReplaces: one (<< 1)\n", &[], &[("usr/x", "2")]);
    assert_eq!(conflict(&mut world, &[&other]), "/usr/x two one");
    // A new version that gives the file up leaves it to the other, in whatever order they come.
    let new = world.deb("Package: one\nVersion: 2\n", &[], &[("usr/d/", "")]);
    for debs in [[&new, &two], [&two, &new]] {
        let mut world = world.clone();
        world.unpack(&debs).expect("they can be unpacked");
        assert_eq!(world.text("usr/x"), "2");
        assert_eq!(world.text("var/lib/dpkg/info/one.list"), "/.\n/usr/d\n");
    }
    assert!(matches!(world.unpack(&[&two, &two]), Err(InstallError::Twice { package }) if package == "two"));
}

#[test]
fn architectures_share_what_is_the_same() {
    let mut world = some();
    let same = |architecture: &str| format!("Package: l\nMulti-Arch: same\nArchitecture: {architecture}\n");
    let one = world.deb(&same("amd64"), &[], &[("usr/doc", "1"), ("usr/64", "")]);
    let two = world.deb(&same("i386"), &[], &[("usr/doc", "1")]);
    let odd = world.deb(&same("i386"), &[], &[("usr/doc", "2")]);
    world.unpack(&[&one]).expect("it can be unpacked");
    assert!(matches!(world.clone().unpack(&[&odd]), Err(InstallError::Unequal { .. })));
    world.unpack(&[&two]).expect("it can be unpacked");
    assert_eq!(world.text("var/lib/dpkg/arch"), "amd64\ni386\n");
    assert!(world.has("var/lib/dpkg/info/l:i386.list") && world.has("var/lib/dpkg/info/l:amd64.list"));
    assert_eq!(world.database().records.len(), 2);
}

#[test]
fn diverted_files_go_where_they_are_diverted_to() {
    let mut world = World::with(&[("var/lib/dpkg/diversions", "/usr/x\n/usr/x.old\nd\n")]);
    let deb = world.deb("Package: a\n", &[], &[("usr/x", "1")]);
    let owner = world.deb("Package: d\n", &[], &[("usr/x", "2")]);
    world.unpack(&[&deb, &owner]).expect("they can be unpacked");
    assert_eq!((world.text("usr/x"), world.text("usr/x.old")), ("2".to_owned(), "1".to_owned()));
    let target = world.deb("Package: t\n", &[], &[("usr/x.old", "")]);
    assert!(matches!(world.unpack(&[&target]), Err(InstallError::Diverted { .. })));
    let new = world.deb("Package: a\nVersion: 2\n", &[], &[("usr/y", "")]);
    world.unpack(&[&new]).expect("it can be unpacked");
    assert!(world.has("usr/x") && !world.has("usr/x.old"));
}

#[test]
fn an_upgrade_takes_away_what_nobody_has_any_more() {
    let mut world = World::with(&[("usr/lib/mine", "")]);
    world.root.insert(path("lib"), symlink("usr/lib"));
    let old = [
        ("lib/", ""),
        ("lib/moved", "1"),
        ("usr/a/b/", ""),
        ("usr/a/b/gone", "1"),
        ("usr/a/own/", ""),
        ("usr/dir/", ""),
    ];
    let old = world.deb(
        "Package: a\n",
        &[("conffiles", "/etc/c\n"), ("preinst", "#!/bin/sh\n")],
        &[&old[..], &[("etc/c", "1")]].concat(),
    );
    let other = world.deb("Package: o\n", &[], &[("usr/dir/", ""), ("usr/dir/x", "")]);
    world.unpack(&[&old, &other]).expect("they can be unpacked");
    assert!(world.has("etc/c.dpkg-new") && !world.has("etc/c"));
    world.write("etc/c", "1");
    world.write("usr/a/own/mine", "of the administrator");
    world.configure();
    let new = world.deb("Package: a\nVersion: 2\n", &[("postinst", "#!/bin/sh\n")], &[("usr/lib/moved", "2")]);
    world.unpack(&[&new]).expect("it can be unpacked");
    assert_eq!(world.text("usr/lib/moved"), "2");
    assert!(!world.has("usr/a/b") && world.has("usr/a/own/mine") && world.has("usr/dir") && world.has("etc/c"));
    assert!(world.has("var/lib/dpkg/info/a.postinst") && !world.has("var/lib/dpkg/info/a.preinst"));
    assert_eq!(world.text("var/lib/dpkg/info/a.list"), "/.\n/usr/lib/moved\n/etc/c\n");
    let status = world.text("var/lib/dpkg/status");
    assert!(
        status.contains(
            "\nVersion: 2\nConfig-Version: 1\nConffiles:\n /etc/c 0123456789abcdef0123456789abcdef obsolete\n"
        ),
        "{status}"
    );
}

#[test]
fn hard_links_of_packages_do_not_meet() {
    let mut world = some();
    let mut debs = ["a", "b"].map(|name| world.deb(&format!("Package: {name}\n"), &[], &[]));
    for (deb, name) in debs.iter_mut().zip(["a", "b"]) {
        for number in ["1", "2"] {
            let mut node = world.contents.file(name);
            if let Kind::File { links, .. } = &mut node.kind {
                *links = Some(LinkGroup(0));
            }
            deb.files.put(path(&format!("usr/{name}{number}")), node);
        }
    }
    world.unpack(&[&debs[0], &debs[1]]).expect("they can be unpacked");
    let links = |name: &str| match world.root.get(&path(name)).map(|node| &node.kind) {
        Some(Kind::File { links, .. }) => *links,
        _ => None,
    };
    assert_eq!(links("usr/a1"), links("usr/a2"));
    assert!(links("usr/a1").is_some() && links("usr/a1") != links("usr/b1"));
}

#[test]
fn a_package_is_told_apart_from_one_of_another_architecture_that_it_replaces() {
    let mut world = some();
    let old = world.deb("Package: a\nArchitecture: all\n", &[], &[("usr/x", "")]);
    let new = world.deb("Package: a\nVersion: 2\n", &[], &[("usr/y", "")]);
    world.unpack(&[&old]).expect("it can be unpacked");
    world.unpack(&[&new]).expect("it can be unpacked");
    assert!(!world.has("usr/x") && world.database().records.len() == 1);
}
