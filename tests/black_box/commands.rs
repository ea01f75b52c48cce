//! What each command prints and the code it ends with.

use crate::harness::{Program, Project, kiln_binary};
use crate::outputs::{SMALL, small};
use crate::sample;

/// The small template without its times: it needs a lock.
fn unlocked() -> Project {
    let lines = SMALL.lines().filter(|line| !line.starts_with("epoch") && !line.starts_with("created"));
    let project = Project::new(&lines.collect::<Vec<_>>().join("\n"));
    project.write("app/file", "hello\n");
    project
}

#[test]
fn a_wrong_command_line_is_2() {
    let project = small();
    let cases: [&[&str]; 15] = [
        &["nonsense"],
        &["build", "--nonsense"],
        &["build", "--set", "word"],
        &["build", "--jobs", "0"],
        &["build", "--platform", "amiga"],
        &["build", "--epoch", "yesterday"],
        &["build", "-o", "nonsense:"],
        &["update", "--summary", "prose"],
        &["build", "-o", "oci:out", "-o", "oci-archive:./out"],
        &["build", "-o", "rootfs:out", "-o", "oci:out/inside"],
        &["build", "-o", "docker-archive:-", "-o", "docker-archive:-"],
        &["build", "-o", "docker-archive:-", "--json"],
        &["build", "-o", "rootfs:."],
        &["build", "-o", "rootfs:out", "--platform", "linux/amd64", "--platform", "linux/arm64"],
        &["build", "-o", "oci:out", "nowhere", "elsewhere"],
    ];
    for case in cases {
        let ended = project.kiln(case).run().expect_code(2);
        assert!(ended.stdout.is_empty() && ended.stderr.starts_with("error: "), "{}", ended.all());
    }
    assert!(!project.top().join("store").exists(), "nothing was done");
}

#[test]
fn a_wrong_template_is_1_with_its_place_and_a_caret() {
    let project = small();
    project.write("kiln.toml", SMALL.replace("copy = \"app\"", "copi = \"app\"\nmode = 3"));
    for verb in ["build", "check", "plan"] {
        let ended = project.kiln(&[verb]).run().expect_code(1);
        let said = &ended.stderr;
        assert!(said.contains("kiln.toml:17:1") && said.contains("copi") && said.contains('^'), "{}", ended.all());
        assert!(said.contains("`copy`"), "the nearest name: {}", ended.all());
        assert!(said.contains("kiln.toml:18:"), "all findings at once: {}", ended.all());
        assert!(ended.stdout.is_empty(), "{}", ended.all());
    }
}

#[test]
fn what_is_not_there_is_1_with_advice() {
    let project = small();
    project.kiln(&["build", "elsewhere"]).run().expect_code(1).expect_said("help:");
    project.kiln(&["build", "--set", "wrod=x"]).run().expect_code(1).expect_said("did you mean `--set word=...`?");
    project.kiln(&["inspect", "store:nothing"]).run().expect_code(1).expect_said("`nothing`");
    std::fs::remove_dir_all(project.path("app")).expect("it is there");
    project.kiln(&["build"]).run().expect_code(1).expect_said("app");
}

#[test]
fn keys_of_later_versions_are_refused_by_name() {
    let project = small();
    project.write(
        "kiln.toml",
        format!("{SMALL}\n[[layer]]\nname = \"later\"\nonly = \"machine\"\ndirectory = \"/boot\"\n"),
    );
    project.kiln(&["check"]).run().expect_code(1).expect_said("`only` is not built yet");
}

#[test]
fn a_lock_that_would_have_to_be_written_is_4() {
    let project = unlocked();
    project.kiln(&["build", "--locked"]).run().expect_code(4).expect_said("kiln lock");
    project.kiln(&["build"]).env("CI", "1").run().expect_code(4);
    assert!(!project.path("kiln.lock").exists());
    for off in ["", "0", "false"] {
        let project = unlocked();
        project.kiln(&["build"]).env("CI", off).ok();
        assert!(project.path("kiln.lock").exists(), "CI={off}");
    }
    project.kiln(&["build", "--no-locked"]).env("CI", "1").ok().expect_said("wrote");
    let first = project.kiln(&["build"]).env("CI", "1").ok().digest();
    assert_eq!(project.build(&["--locked"]), first);
}

#[test]
fn a_template_with_its_own_times_needs_no_lock() {
    let project = small();
    project.build(&["--locked"]);
    assert!(!project.path("kiln.lock").exists());
}

#[test]
fn lock_and_update_take_the_time_that_is_given() {
    let project = unlocked();
    project.kiln(&["lock", "--epoch", "2026-03-01T00:00:00Z", "--created", "1772409600"]).ok();
    let text = |project: &Project| String::from_utf8(project.read("kiln.lock")).expect("UTF-8");
    let lock = text(&project);
    assert!(lock.contains("epoch = \"2026-03-01T00:00:00Z\""), "{lock}");
    assert!(lock.contains("created = \"2026-03-02T00:00:00Z\""), "{lock}");
    let before = project.build(&[]);
    project.kiln(&["lock"]).env("SOURCE_DATE_EPOCH", "1500000000").ok();
    assert_eq!(text(&project), lock, "lock moves nothing");
    project.kiln(&["update", "epoch"]).env("SOURCE_DATE_EPOCH", "1775001600").ok().expect_said("2026-04-01T00:00:00Z");
    assert!(text(&project).contains("epoch = \"2026-04-01T00:00:00Z\""), "{}", text(&project));
    assert_ne!(project.build(&[]), before);
}

#[test]
fn a_new_lock_takes_source_date_epoch() {
    let project = unlocked();
    project.kiln(&["build"]).env("SOURCE_DATE_EPOCH", "1775001600").ok();
    let lock = String::from_utf8(project.read("kiln.lock")).expect("UTF-8");
    assert!(lock.contains("epoch = \"2026-04-01T00:00:00Z\""), "{lock}");
}

#[test]
fn build_says_the_digest_in_each_way_that_was_asked_for() {
    let project = small();
    let build = project.kiln(&["build", "--digest-file", "digest"]).ok();
    let digest = build.digest();
    assert_eq!(build.text(), format!("{digest}\n"), "stdout holds the digest and nothing else");
    assert_eq!(project.read("digest"), build.stdout);
    let json = project.kiln(&["build", "--json", "-o", "oci:out"]).ok().json();
    assert_eq!(json["digest"], digest);
    assert_eq!(json["layers"].as_array().map(Vec::len), Some(2));
    assert_eq!(json["layers"][0]["cached"], true);
    assert_eq!(json["outputs"][0]["written"], true);
}

#[test]
fn variables_version_and_times_reach_the_image() {
    let project = small();
    project.build(&["--set", "word=two", "--version", "2.5", "--epoch", "1767312000", "-o", "rootfs:root"]);
    assert_eq!(project.read("root/etc/word"), b"two\n");
    let files = project.kiln(&["inspect", "store:test/small:2.5", "--files"]).ok();
    assert!(files.text().contains(" 1767312000 /etc/word 4 "), "{}", files.all());
    let created = project.kiln(&["inspect", "store:test/small:2.5", "--json"]).ok().json();
    assert_eq!(created["images"][0]["config"]["created"], "2026-01-01T00:00:00Z");
}

#[test]
fn plan_says_what_is_cached_and_what_changed_first() {
    let project = small();
    let cold = project.kiln(&["plan"]).ok();
    assert_eq!(cold.text().matches("to build").count(), 2, "{}", cold.all());
    project.build(&[]);
    let warm = project.kiln(&["plan"]).ok();
    assert_eq!(warm.text().matches("  cached").count(), 2, "{}", warm.all());
    project.write("app/file", "other\n");
    let file = project.kiln(&["plan"]).ok();
    assert!(file.text().contains("`/srv/file`: content"), "the file that changed: {}", file.all());
    assert_eq!(file.text().matches("  cached").count(), 1, "the other layer stays: {}", file.all());
    project.write("kiln.toml", SMALL.replace("to = \"/srv/\"", "to = \"/srv/\"\nowner = \"7:7\""));
    let owner = project.kiln(&["plan", "--json"]).ok().json();
    assert_eq!(owner["layers"][0]["cached"], false);
    let why = owner["layers"][0]["why"].as_str().expect("a reason");
    assert!(why.contains("owner"), "the key that changed: {why}");
    let listed = project.kiln(&["plan", "--files", "app"]).ok();
    assert!(listed.text().contains("/file 6 sha256:"), "{}", listed.all());
    project.kiln(&["plan", "--files", "ap"]).run().expect_code(1).expect_said("`app`");
}

#[test]
fn check_is_strict_when_asked() {
    let project = small();
    project.kiln(&["check", "--strict"]).ok();
    project.write("kiln.toml", format!("{SMALL}\n[sources.unused]\npath = \"app\"\n"));
    project.kiln(&["check"]).ok().expect_said("warning");
    project.kiln(&["check", "--strict"]).run().expect_code(1).expect_said("unused");
}

#[test]
fn inspect_reads_every_form_alike() {
    let project = small();
    let digest = project.build(&["-o", "oci:out", "-o", "oci-archive:oci.tar", "-o", "docker-archive:docker.tar"]);
    for image in ["store:test/small", "store:test/small:1", "oci:out", "oci:out:1", "oci-archive:oci.tar"] {
        let json = project.kiln(&["inspect", image, "--json"]).ok().json();
        assert_eq!(json["digest"], digest, "{image}");
        assert_eq!(json["images"][0]["layers"][1]["created_by"], "kiln: word", "{image}");
    }
    let docker = project.kiln(&["inspect", "docker-archive:docker.tar", "--files"]).ok();
    assert!(docker.text().contains("/etc/word"), "{}", docker.all());
}

#[test]
fn diff_shows_files_and_config() {
    let project = small();
    project.build(&["-o", "oci:one"]);
    project.kiln(&["diff", "--check", "oci:one", "store:test/small"]).ok();
    project.write("kiln.toml", format!("{SMALL}\n[config]\nuser = \"7\"\n"));
    project.build(&["-o", "oci:two", "--set", "word=second"]);
    let text = project.kiln(&["diff", "oci:one", "oci:two"]).ok();
    assert!(text.text().contains("~ /etc/word") && text.text().contains("config.User"), "{}", text.all());
    let json = project.kiln(&["diff", "oci:one", "oci:two", "--json"]).ok().json();
    assert_eq!(json["files"].as_array().map(Vec::len), Some(1), "{json}");
    assert_eq!(json["files"][0]["path"], "/etc/word");
    project.kiln(&["diff", "--check", "oci:one", "oci:two"]).run().expect_code(4);
}

#[test]
fn store_lists_logs_checks_and_cleans() {
    let project = small();
    let one = project.build(&[]);
    let two = project.build(&["--set", "word=two"]);
    let listed = project.kiln(&["store", "ls"]).ok();
    assert!(listed.text().contains("test/small:1") && listed.text().contains(&two), "{}", listed.all());
    let log = project.kiln(&["store", "log", "test/small:1", "--json"]).ok().json();
    assert_eq!([&log[0]["digest"], &log[1]["digest"]], [&two.as_str(), &one.as_str()], "the newest first");
    project.kiln(&["store", "check"]).ok();
    let dry = project.kiln(&["store", "gc", "--keep-days", "0", "--dry-run", "--json"]).ok().json();
    let real = project.kiln(&["store", "gc", "--keep-days", "0", "--json"]).ok().json();
    assert_eq!(dry["removed_blobs"], real["removed_blobs"], "{dry} {real}");
    project.kiln(&["store", "check"]).ok();
    assert_eq!(project.build(&["--set", "word=two", "-o", "oci:out"]), two, "what is current stays");
    assert_eq!(project.build(&[]), one, "and what was removed is built again");
}

#[test]
fn a_damaged_blob_is_found_named_and_built_again() {
    let project = small();
    let json = project.kiln(&["build", "--json"]).ok().json();
    let digest = json["layers"][0]["digest"].as_str().expect("a digest");
    let hex = digest.trim_start_matches("sha256:");
    let blob = project.top().join("store/blobs/sha256").join(&hex[..2]).join(&hex[2..]);
    sample::set_mode(&blob, 0o644);
    let mut bytes = std::fs::read(&blob).expect("a blob");
    bytes[20] ^= 1;
    std::fs::write(&blob, bytes).expect("root or the owner can write");
    let check = project.kiln(&["store", "check"]).run().expect_code(4);
    assert!(check.text().contains(digest), "{}", check.all());
    let expected = json["digest"].as_str().expect("a digest");
    assert_eq!(project.build(&["-o", "oci:out"]), expected);
    project.kiln(&["store", "check"]).ok();
}

#[test]
fn init_writes_a_template_that_builds_and_never_overwrites() {
    let project = Project::empty();
    project.kiln(&["init", "new"]).ok();
    project.kiln(&["check", "--strict", "new"]).ok();
    project.build(&["new", "-o", "oci:out"]);
    project.write("new/kiln.toml", "# mine\n");
    project.kiln(&["init", "new"]).run().expect_code(3);
    assert_eq!(project.read("new/kiln.toml"), b"# mine\n");
    let schema = project.kiln(&["schema"]).ok();
    assert!(schema.stdout == project.read("new/kiln.schema.json"), "the schema beside the template is kiln's");
    assert!(schema.json()["properties"]["layer"].is_object(), "{}", schema.all());
}

#[test]
fn completions_and_manual_pages() {
    let project = Project::empty();
    for shell in ["bash", "zsh", "fish"] {
        let script = project.kiln(&["completions", shell]).ok();
        assert!(script.text().contains("digest-file"), "{shell}: {}", script.text());
    }
    project.kiln(&["completions", "cmd.exe"]).run().expect_code(2);
    assert!(project.kiln(&["man"]).ok().text().contains(".TH kiln 1"));
    project.kiln(&["man", "pages"]).ok();
    assert!(project.path("pages/kiln-store-gc.1").is_file());
}

#[test]
fn no_place_for_the_store_is_said() {
    let project = small();
    let build = Program::new(kiln_binary()).args(["build"]).cwd(project.path(""));
    build.run().expect_code(1).expect_said("HOME");
}
