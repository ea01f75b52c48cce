use proptest::prelude::*;

use super::super::index::{Held, Installed};
use super::super::package::Relates;
use super::super::package::testing::package;
use super::super::pool::{Automatic, Offer};
use super::*;

/// Packages of a repository, of a second suite that does not come by itself, and of a system.
#[derive(Default)]
struct World {
    offered: Vec<Package>,
    backports: Vec<Package>,
    installed: Vec<Installed>,
}

impl World {
    fn new(packages: &[(&str, &str, &str)]) -> Self {
        Self {
            offered: packages.iter().map(|(name, version, more)| package(name, version, more)).collect(),
            ..Self::default()
        }
    }

    fn with(mut self, name: &str, version: &str, more: &str, held: Held) -> Self {
        self.installed.push(Installed { package: package(name, version, more), held });
        self
    }

    fn full(
        &self,
        requests: &[&str],
        recommends: Recommends,
        foundation: Foundation,
    ) -> Result<Vec<String>, SolveError> {
        let requests: Vec<Request> = requests.iter().map(|text| Request::parse(text).expect("a request")).collect();
        let offers = [
            Offer { packages: &self.offered, automatic: Automatic::Yes },
            Offer { packages: &self.backports, automatic: Automatic::No },
        ];
        let pool = Pool::new("amd64", &offers, &self.installed).expect("a pool");
        let requests = spelled_out(&pool, &requests);
        let task = Task { requests: &requests, recommends, foundation };
        let chosen = solve(&pool, &task)?;
        Ok(chosen.iter().map(|chosen| format!("{} {}", chosen.package.name(), chosen.package.version())).collect())
    }

    #[track_caller]
    fn solved(&self, requests: &[&str]) -> String {
        self.full(requests, Recommends::Skip, Foundation::Nothing).expect("it can be solved").join(", ")
    }

    fn refused(&self, requests: &[&str]) -> SolveError {
        self.full(requests, Recommends::Skip, Foundation::Nothing).expect_err("it cannot be solved")
    }
}

#[test]
fn the_first_alternative_is_taken_unless_another_is_there_anyway() {
    let world = World::new(&[
        ("a", "1", "Depends: b | c\n"),
        ("b", "1", ""),
        ("c", "1", ""),
        ("d", "1", "Depends: a, e\n"),
        ("e", "1", "Depends: c\n"),
    ]);
    assert_eq!(world.solved(&["a"]), "a 1, b 1");
    assert_eq!(world.solved(&["d"]), "a 1, c 1, d 1, e 1");
    assert_eq!(world.solved(&["a", "b-"]), "a 1, c 1");
}

#[test]
fn packages_come_before_those_that_provide_their_name() {
    let world = World::new(&[
        ("a", "1", "Depends: mta\n"),
        ("aa-mta", "1", "Provides: mta\nPriority: extra\n"),
        ("b-mta", "1", "Provides: mta (= 3)\nPriority: optional\n"),
        ("c", "1", "Depends: mta (>= 2)\n"),
        ("d", "1", "Depends: mta (>= 4)\n"),
    ]);
    assert_eq!(world.solved(&["a"]), "a 1, b-mta 1", "the more common one");
    assert_eq!(world.solved(&["c"]), "b-mta 1, c 1");
    assert!(matches!(world.refused(&["d"]), SolveError::Unsolvable { .. }));
    assert_eq!(
        world.refused(&["mta"]),
        SolveError::Virtual { name: "mta".to_owned(), providers: vec!["aa-mta".to_owned(), "b-mta".to_owned()] }
    );
    let mut real = world;
    real.offered.push(package("mta", "1", ""));
    assert_eq!(real.solved(&["a"]), "a 1, mta 1");
}

#[test]
fn the_newest_version_is_taken_and_older_ones_only_where_nothing_else_works() {
    let world = World::new(&[
        ("a", "2", "Depends: b (= 1)\n"),
        ("b", "1", ""),
        ("b", "2", ""),
        ("c", "1", "Depends: b\n"),
        ("d", "1", ""),
        ("d", "2", "Depends: missing\n"),
    ]);
    assert_eq!(world.solved(&["c"]), "b 2, c 1");
    assert_eq!(world.solved(&["a"]), "a 2, b 1");
    assert_eq!(world.solved(&["d"]), "d 1");
    assert_eq!(world.solved(&["c", "b=1*"]), "b 1, c 1");
    assert_eq!(
        world.refused(&["b=3*"]),
        SolveError::NoVersion { request: "b=3*".to_owned(), has: vec!["2".to_owned(), "1".to_owned()] }
    );
}

#[test]
fn backports_come_when_they_are_asked_for() {
    let mut world = World::new(&[("a", "1", ""), ("b", "1", "Depends: a\n")]);
    world.backports = vec![package("a", "2", ""), package("only", "1", "")];
    assert_eq!(world.solved(&["b"]), "a 1, b 1");
    assert_eq!(world.solved(&["b", "a=2"]), "a 2, b 1");
    assert_eq!(world.solved(&["only"]), "only 1");
}

#[test]
fn what_excludes_each_other_is_not_taken_together() {
    let world = World::new(&[
        ("a", "1", "Depends: b | c\nConflicts: b\n"),
        ("b", "1", ""),
        ("c", "1", "Depends: d | e\n"),
        ("d", "1", "Breaks: a (<< 2)\n"),
        ("e", "1", ""),
        ("mta1", "1", "Provides: mta\nConflicts: mta\n"),
        ("mta2", "1", "Provides: mta\nConflicts: mta\n"),
    ]);
    assert_eq!(world.solved(&["a"]), "a 1, c 1, e 1");
    assert_eq!(world.solved(&["mta1"]), "mta1 1", "nothing excludes itself");
    let SolveError::Unsolvable { lines } = world.refused(&["mta1", "mta2"]) else { panic!("they exclude each other") };
    assert_eq!(lines, ["`mta1` is asked for", "`mta2` is asked for", "mta1 1 conflicts with mta, which is mta2 1"]);
}

#[test]
fn a_collision_is_a_chain_from_what_was_asked_for() {
    let world = World::new(&[
        ("web", "1", "Depends: lib (>= 2)\n"),
        ("lib", "1", ""),
        ("old", "1", "Depends: middle\n"),
        ("middle", "1", "Pre-Depends: gone (>= 5) | lost\n"),
        ("gone", "4", ""),
        ("more", "1", ""),
    ]);
    let SolveError::Unsolvable { lines } = world.refused(&["more", "web"]) else { panic!("there is no lib 2") };
    assert_eq!(lines, ["`web` is asked for", "web 1 depends on lib (>= 2), and there is only lib 1"]);
    let SolveError::Unsolvable { lines } = world.refused(&["old"]) else { panic!("there is no gone 5") };
    assert_eq!(
        lines,
        [
            "`old` is asked for",
            "old 1 depends on middle",
            "middle 1 pre-depends on gone (>= 5) | lost, and there is only gone 4"
        ]
    );
    let error = world.refused(&["weeb"]);
    assert_eq!(error, SolveError::Unknown { name: "weeb".to_owned(), nearest: vec!["web".to_owned()] });
    assert_eq!(error.hint().as_deref(), Some("did you mean `web`?"));
}

#[test]
fn the_system_stays_as_it_is_unless_something_demands_more() {
    let world = World::new(&[
        ("lib", "2", ""),
        ("lib", "1", ""),
        ("tool", "1", "Depends: lib\n"),
        ("new", "1", "Depends: lib (>= 2)\n"),
        ("rival", "1", "Conflicts: lib\n"),
    ]);
    let free = world.with("lib", "1", "", Held::Free);
    assert_eq!(free.solved(&["tool"]), "tool 1");
    assert_eq!(free.solved(&["lib"]), "", "it is there");
    assert_eq!(free.solved(&["new"]), "lib 2, new 1");
    assert_eq!(free.solved(&["lib=2"]), "lib 2");
    assert!(matches!(free.refused(&["lib-"]), SolveError::InBase { .. }));
    let SolveError::Unsolvable { lines } = free.refused(&["rival"]) else { panic!("it cannot stay") };
    assert!(lines.contains(&"lib 1 is in the base".to_owned()), "{lines:?}");
    let mut held = free;
    held.installed[0].held = Held::Held;
    let SolveError::Unsolvable { lines } = held.refused(&["new"]) else { panic!("it is held") };
    assert!(lines.contains(&"lib 1 is held back in the base".to_owned()), "{lines:?}");
}

#[test]
fn a_base_that_lacks_something_is_as_it_is() {
    let world = World::new(&[("a", "1", ""), ("b", "1", "")])
        .with("broken", "1", "Depends: missing, b\nConflicts: other\n", Held::Free)
        .with("other", "1", "", Held::Free);
    assert_eq!(world.solved(&["a"]), "a 1");
}

#[test]
fn recommended_packages_come_as_far_as_they_can() {
    let world = World::new(&[
        ("a", "1", "Recommends: b, c, d | e, missing\n"),
        ("b", "1", "Recommends: f\n"),
        ("c", "1", "Conflicts: a\n"),
        ("d", "1", "Depends: missing\n"),
        ("e", "1", ""),
        ("f", "1", ""),
    ]);
    assert_eq!(world.solved(&["a"]), "a 1");
    let all = world.full(&["a"], Recommends::Take, Foundation::Nothing).expect("it can be solved");
    assert_eq!(all.join(", "), "a 1, b 1, e 1, f 1");
    let less = world.full(&["a", "b-"], Recommends::Take, Foundation::Nothing).expect("it can be solved");
    assert_eq!(less.join(", "), "a 1, e 1");
}

#[test]
fn an_empty_base_gets_what_every_system_has() {
    let world = World::new(&[
        ("bash", "1", "Essential: yes\nDepends: libc\n"),
        ("bash", "2", "Essential: yes\nDepends: libc\n"),
        ("libc", "1", ""),
        ("mount", "1", "Priority: required\n"),
        ("apt", "1", ""),
        ("other", "1", ""),
    ]);
    let set = |foundation| world.full(&[], Recommends::Skip, foundation).expect("it can be solved").join(", ");
    assert_eq!(set(Foundation::Nothing), "");
    assert_eq!(set(Foundation::Essential), "bash 2, libc 1");
    assert_eq!(set(Foundation::Minbase), "apt 1, bash 2, libc 1, mount 1");
}

#[test]
fn architectures_are_told_apart() {
    let i386 = "Architecture: i386\n";
    let world = World::new(&[
        ("lib", "1", "Multi-Arch: same\n"),
        ("lib", "1", &format!("{i386}Multi-Arch: same\n")),
        ("tool", "1", "Multi-Arch: foreign\n"),
        ("perl", "1", "Multi-Arch: allowed\n"),
        ("app", "1", &format!("{i386}Depends: lib, tool, perl:any\n")),
        ("strict", "1", &format!("{i386}Depends: perl\n")),
        ("both", "1", "Depends: lib, lib:i386\n"),
        ("plain", "1", ""),
        ("plain", "1", i386),
    ]);
    assert_eq!(world.solved(&["app:i386"]), "app 1, lib 1, perl 1, tool 1");
    assert_eq!(world.solved(&["both"]), "both 1, lib 1, lib 1");
    assert!(matches!(world.refused(&["strict:i386"]), SolveError::Unsolvable { .. }));
    assert!(matches!(world.refused(&["plain", "plain:i386"]), SolveError::Unsolvable { .. }));
    assert!(matches!(world.refused(&["app"]), SolveError::Unknown { .. }));
}

#[test]
fn each_package_has_a_reason() {
    let world = World::new(&[
        ("a", "1", "Depends: b\nRecommends: c\n"),
        ("b", "2", ""),
        ("c", "1", ""),
        ("dpkg", "1", "Essential: yes\n"),
    ])
    .with("b", "1", "", Held::Free);
    let requests = [Request::parse("a").expect("a request"), Request::parse("b=2").expect("a request")];
    let offers = [Offer { packages: &world.offered, automatic: Automatic::Yes }];
    let pool = Pool::new("amd64", &offers, &world.installed).expect("a pool");
    let task = Task { requests: &requests, recommends: Recommends::Take, foundation: Foundation::Essential };
    let chosen = solve(&pool, &task).expect("it can be solved");
    let shown: Vec<String> =
        chosen.iter().map(|chosen| format!("{}: {}", chosen.package.name(), chosen.reason)).collect();
    assert_eq!(shown, ["a: asked for", "b: asked for", "c: recommended by a", "dpkg: in every system"]);
    assert_eq!(chosen[1].replaces, Some("1"));
    let pin = chosen[0].pin("debian").expect("it is a file");
    assert_eq!((pin.file.as_str(), pin.size), ("pool/a_1.deb", 1));
}

#[test]
fn relations_that_cannot_be_read_are_told_with_their_package() {
    let world = World::new(&[("a", "1", "Depends: b (\n")]);
    assert!(matches!(world.refused(&["a"]), SolveError::Relations { package, .. } if package == "a 1"));
}

/// Worlds of few packages, in which every set can be tried.
fn worlds() -> impl Strategy<Value = Vec<(String, u8, String)>> {
    let relation = "(Depends|Conflicts|Breaks|Pre-Depends): [a-e]( \\((>=|<<|=) [12]\\))?( \\| [a-e])?\n";
    let provides = "(Provides: [f-g]\n|)";
    let one =
        ("[a-e]", 1u8..3, "((Depends|Pre-Depends): [a-g]( \\((>=|<<|=) [12]\\))?( \\| [a-g])?\n|)", provides, relation);
    prop::collection::vec(
        one.prop_map(|(name, version, depends, provides, relation)| {
            let excludes = relation.starts_with('C') || relation.starts_with('B');
            let more = if excludes { relation.replace(" | ", ", ") } else { String::new() };
            (name, version, depends + &provides + &more)
        }),
        1..8,
    )
}

/// Whether a set of packages is whole, and nothing in it excludes another.
fn is_good(pool: &Pool<'_>, set: &[Id]) -> bool {
    let has = |ids: Vec<Id>| ids.iter().any(|id| set.contains(id));
    set.iter().all(|id| {
        let package = pool.package(*id);
        let relations = |field| package.relations(field, "amd64").expect("relations");
        let alone = set.iter().all(|other| other == id || pool.package(*other).name() != package.name());
        let whole = [Relates::Depends, Relates::PreDepends].into_iter().flat_map(relations).all(|alternatives| {
            has(alternatives.iter().flat_map(|relation| pool.satisfying(relation, package)).collect())
        });
        let excludes = [Relates::Conflicts, Relates::Breaks]
            .into_iter()
            .flat_map(relations)
            .flatten()
            .any(|relation| has(pool.excluded(&relation, *id)));
        alone && whole && !excludes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_set_is_found_if_there_is_one(packages in worlds()) {
        let mut offered: Vec<Package> = Vec::new();
        for (name, version, more) in &packages {
            if !offered.iter().any(|known| known.name() == name && known.version() == version.to_string()) {
                offered.push(package(name, &version.to_string(), more));
            }
        }
        let requests = [Request::parse(offered[0].name()).expect("a request")];
        let offers = [Offer { packages: &offered, automatic: Automatic::Yes }];
        let pool = Pool::new("amd64", &offers, &[]).expect("a pool");
        let task = Task { requests: &requests, recommends: Recommends::Skip, foundation: Foundation::Nothing };
        let all: Vec<Id> = pool.ids().collect();
        let sets = (0u32..1 << all.len()).map(|bits| {
            all.iter().copied().filter(|id| bits >> id & 1 == 1).collect::<Vec<Id>>()
        });
        let good: Vec<Vec<Id>> = sets
            .filter(|set| set.iter().any(|id| pool.package(*id).name() == requests[0].name) && is_good(&pool, set))
            .collect();
        match solve(&pool, &task) {
            Ok(chosen) => {
                let of = |chosen: &Chosen<'_>| all.iter().copied().find(|id| std::ptr::eq(pool.package(*id), chosen.package));
                let set: Vec<Id> = chosen.iter().filter_map(of).collect();
                prop_assert!(is_good(&pool, &set));
                prop_assert_eq!(set.len(), chosen.len());
                prop_assert_eq!(solve(&pool, &task).expect("again"), chosen);
            }
            Err(error) => prop_assert!(good.is_empty(), "{error} {good:?}"),
        }
    }
}

#[test]
fn a_priority_stands_for_all_packages_of_it() {
    let world = World::new(&[
        ("a", "1", "Priority: required"),
        ("b", "1", "Priority: important\nDepends: d"),
        ("b", "2", "Priority: important"),
        ("c", "1", "Priority: standard"),
        ("d", "1", "Priority: optional"),
        ("e", "1", "Priority: required\nArchitecture: arm64"),
    ]);
    assert_eq!(world.solved(&["?priority(required)"]), "a 1");
    assert_eq!(world.solved(&["?priority(important)"]), "a 1, b 2");
    assert_eq!(world.solved(&["?priority(standard)", "a-", "b=1"]), "b 1, c 1, d 1");
}
