use super::world::World;
use crate::packages::debian::install::{InstallError, refuse};
use crate::tree::testing::path;

impl World {
    fn refuse(&mut self, debs: &[&crate::packages::debian::Deb]) -> Result<(), InstallError> {
        let (unpacking, change) = refuse(debs, &self.ground())?;
        self.apply(unpacking, change);
        Ok(())
    }
}

#[test]
fn packages_without_scripts_are_noted_as_in_distroless_images() {
    let mut world = World::default();
    let deb = world.deb(
        "Package: media-types\n",
        &[
            ("conffiles", "/etc/mime.types\n"),
            ("md5sums", "d41d8cd98f00b204e9800998ecf8427e  usr/x\n"),
            ("triggers", "activate-noawait ldconfig\n"),
        ],
        &[("etc/", ""), ("etc/mime.types", "t"), ("lib/", ""), ("lib/l", "")],
    );
    let known = world.deb("Package: libc6\n", &[("postinst", "#!/bin/sh\ndo something\n")], &[]);
    world.refuse(&[&deb, &known]).expect("they need no scripts");
    assert_eq!(world.text("etc/mime.types"), "t");
    assert!(world.has("usr/lib/l"));
    let expected = ["libc6", "libc6.md5sums", "media-types", "media-types.md5sums"];
    assert_eq!(world.paths("var/lib/dpkg/status.d"), expected.map(|name| format!("/var/lib/dpkg/status.d/{name}")));
    assert!(world.text("var/lib/dpkg/status.d/media-types").starts_with("Package: media-types\n"));
    assert!(world.text("var/lib/dpkg/status.d/media-types.md5sums").ends_with("usr/x\n"));
    assert!(!world.has("var/lib/dpkg/status") && !world.has("var/lib/dpkg/info"));
    // What is there already has files, and can be replaced.
    let clash = world.deb("Package: b\n", &[], &[("usr/x", "")]);
    assert!(matches!(world.clone().refuse(&[&clash]), Err(InstallError::Conflict { .. })));
    let new = world.deb("Package: media-types\nVersion: 2\n", &[], &[("usr/y", "")]);
    world.root.insert(path("usr/x"), world.contents.clone().file(""));
    world.refuse(&[&new]).expect("it can be replaced");
    assert!(!world.has("usr/x") && world.text("var/lib/dpkg/status.d/media-types").contains("Version: 2\n"));
}

#[test]
fn packages_that_need_scripts_are_named_all_at_once() {
    let mut world = World::default();
    let bundle = world.deb(
        "Package: ca-certificates\n",
        &[("postinst", "#!/bin/sh\nupdate\n"), ("preinst", "#!/bin/perl\n")],
        &[],
    );
    let paths =
        world.deb("Package: l\n", &[("preinst", "#!/bin/sh\nset -e\n")], &[("etc/ld.so.conf.d/l.conf", "/opt\n")]);
    let error = world.refuse(&[&bundle, &paths]).expect_err("they need scripts");
    let text =
        "packages need scripts that are not run: `ca-certificates` (preinst, postinst), `l` (a cache of libraries)";
    assert_eq!(error.to_string(), text);
    assert!(matches!(error, InstallError::NeedsScripts { .. }));
}
