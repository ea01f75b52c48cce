use proptest::prelude::*;

use super::world::World;
use crate::packages::debian::install::{Database, InstallError, unpack};
use crate::tree::testing::{directory, file, path, symlink};

const GOOD: &str = "Package: a\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\n";

fn read(files: &[(&str, &str)]) -> Result<Database, InstallError> {
    Database::read(&World::with(files).ground())
}

#[test]
fn a_damaged_database_is_refused_with_the_file_that_is() {
    let status = |text: &str| read(&[("var/lib/dpkg/status", text)]);
    for bad in ["hello\n", "Version: 1\n", "Package: a\nStatus: install ok odd\nVersion: 1\n"] {
        assert!(matches!(status(bad), Err(InstallError::Status { .. })), "{bad}");
    }
    for bad in ["\n /a", "\n a 0123", " /.. 0123"] {
        let found = status(&format!("{GOOD}Conffiles:{bad}\n"));
        assert!(matches!(found, Err(InstallError::Status { .. })), "{bad}");
    }
    for (name, text) in
        [("info/a.list", "etc\n"), ("diversions", "/a\n"), ("statoverride", "x\n"), ("triggers/File", "x\n")]
    {
        let found = read(&[("var/lib/dpkg/status", GOOD), (&format!("var/lib/dpkg/{name}"), text)]);
        let is_told = matches!(&found, Err(InstallError::Damaged { path, .. }) if path.to_string().ends_with(name));
        assert!(is_told, "{name} {found:?}");
        assert!(found.is_err_and(|error| error.hint().is_some()));
    }
    let found = read(&[("var/lib/dpkg/statoverride", "x root 755 /a\n")]);
    assert!(matches!(found, Err(InstallError::Owner { .. })));
    let mut world = World::with(&[("var/lib/dpkg/x", "")]);
    world.root.insert(path("var/lib/dpkg/status"), directory());
    assert!(matches!(Database::read(&world.ground()), Err(InstallError::NotAFile { .. })));
    world.root.insert(path("var/lib/dpkg/status"), file("nobody has it"));
    assert!(matches!(Database::read(&world.ground()), Err(InstallError::Content { .. })));
    world.root.insert(path("var/lib/dpkg"), symlink("dpkg"));
    assert!(matches!(Database::read(&world.ground()), Err(InstallError::Resolve { .. })));
}

#[test]
fn packages_that_cannot_be_noted_are_refused() {
    let mut world = World::with(&[("usr/x", "")]);
    let line = world.deb("Package: a\n", &[], &[("usr/a\nb", "")]);
    assert!(matches!(world.unpack(&[&line]), Err(InstallError::Name { .. })));
    let long = format!("usr/{}", "n".repeat(250));
    let conffiles = format!("/{long}\n");
    let long = world.deb("Package: a\n", &[("conffiles", &conffiles)], &[(&long, "")]);
    assert!(matches!(world.unpack(&[&long]), Err(InstallError::Name { .. })));
    let below = world.deb("Package: a\n", &[], &[("usr/x/y", "")]);
    assert!(matches!(world.unpack(&[&below]), Err(InstallError::Resolve { .. })));
    let trigger = world.deb("Package: a\n", &[("triggers", "interest ../../x\n")], &[]);
    assert!(matches!(world.unpack(&[&trigger]), Err(InstallError::Trigger { .. })));
    let conffile = world.deb("Package: a\n", &[("conffiles", "etc\n")], &[]);
    assert!(matches!(world.unpack(&[&conffile]), Err(InstallError::Deb { .. })));
    let control = world.deb("Package: a\nSuggests: (\n", &[], &[]);
    assert!(matches!(world.unpack(&[&control]), Err(InstallError::Control { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_database_ends_in_an_answer(
        name in "status|info/a\\.list|info/a\\.prerm|diversions|statoverride|triggers/(File|x|Unincorp)|arch",
        lines in prop::collection::vec("[/a:. #\u{e9}\n]{0,6}|Package: a|Status: install ok installed|Conffiles:|Version: 1| /a b", 0..8),
    ) {
        let mut world = World::with(&[("var/lib/dpkg/status", GOOD)]);
        world.write(&format!("var/lib/dpkg/{name}"), &lines.join("\n"));
        let deb = world.deb("Package: b\n", &[("triggers", "activate x\n")], &[("a", "x"), ("etc/b", "")]);
        if let Ok(mut database) = Database::read(&world.ground()) {
            let _ = unpack(&[&deb], &mut database, &world.ground());
            database.take();
        }
    }
}
