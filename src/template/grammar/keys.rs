//! The table itself: one key a line, whatever its length, so that it can be read as a table. A key means one thing in the
//! whole grammar.

use super::Shape::{Bool, ByPlatform, Choice, Either, Integer, List, Map, Named, Table, Tables, Text, Word as W};
use super::Word::{
    Duration, Glob, ImagePath, LocalPath, Mode, Mtime, Owner, Platform, Port, Size, SourceRef, Time,
};
use super::{Key, Place, Shape};

const STRINGS: Shape = List(&Text);
const ONE_OR_SEVERAL: Shape = Either(&[Text, STRINGS]);
const GLOBS: Shape = List(&W(Glob));
const WHEN: Shape = Either(&[W(Platform), List(&W(Platform))]);
const COMMAND: Shape = Either(&[Text, List(&Text)]);
const EXPECTED: Shape = Either(&[Text, Table(Place::Match)]);
const NAME_OR_NUMBER: Shape = Either(&[Text, Integer(0, ID_MAX)]);
/// The largest user or group number: 2^32 - 1 means "no one" to the kernel (chown(2)).
const ID_MAX: i64 = 4_294_967_294;
const MTIME_DOC: &str = "File times: `\"epoch\"` (the default, but git, images and stages keep their own), `\"content\"` (changes exactly when the content does) or a time.";
const WHEN_DOC: &str = "Only on this platform, or on these.";
const INCLUDE_DOC: &str = "Globs of what is taken; without it: everything.";
const EXCLUDE_DOC: &str = "Globs of what is not taken.";

const fn key(name: &'static str, shape: Shape, example: &'static str, doc: &'static str) -> Key {
    Key::new(name, shape, example, doc)
}

/// Every place of a template with its keys, in the order in which the reference lists them.
pub const TABLE: &[(Place, &[Key])] = &[
    (Place::Top, TOP),
    (Place::Image, IMAGE),
    (Place::Compression, COMPRESSION),
    (Place::Base, BASE),
    (Place::Source, SOURCE),
    (Place::Repository, REPOSITORY),
    (Place::Stage, STAGE),
    (Place::Layer, LAYER),
    (Place::Step, STEP),
    (Place::Mount, MOUNT),
    (Place::Config, CONFIG),
    (Place::Healthcheck, HEALTHCHECK),
    (Place::Test, TEST),
    (Place::Match, MATCH),
    (Place::Publish, PUBLISH),
    (Place::Machine, MACHINE),
    (Place::Partition, PARTITION),
];

const TOP: &[Key] = &[
    key("include", List(&W(LocalPath)), "[\"../common.kiln.toml\"]", "Other templates; their layers come first, and a layer of the same name replaces theirs in its place."),
    key("image", Table(Place::Image), "{ name = \"shop/api\" }", "What the image is called and how it is packed."),
    key("base", Table(Place::Base), "{ image = \"debian:bookworm\" }", "What the image starts from; without it, from nothing."),
    key("variables", Map(&ByPlatform), "{ root = \"/srv\" }", "Values for `${name}` in any string (`$${` is a literal `${`), fixed or by platform; `--set name=value` overrides. Always there: `${platform.os}`, `${platform.arch}`, `${platform.variant}`, `${platform.machine}`."),
    key("sources", Named(Place::Source), "{ app = { path = \"shop\" } }", "Where files come from."),
    key("repositories", Named(Place::Repository), "{ debian = { kind = \"debian\", suite = \"bookworm\" } }", "Where packages of the operating system come from."),
    key("stage", Named(Place::Stage), "{ build = { runs-on = \"linux/amd64\" } }", "Images that are built on the way and not published."),
    key("layer", Tables(Place::Layer), "[{ name = \"app\" }]", "The layers, from the bottom up."),
    key("config", Table(Place::Config), "{ user = \"app\" }", "How the image is run."),
    key("test", Tables(Place::Test), "[{ name = \"answers\" }]", "What has to hold for the finished image."),
    key("publish", Table(Place::Publish), "{ registry = \"registry.example.org/acme\" }", "Where the image is published and how it is signed."),
    key("machine", Table(Place::Machine), "{ formats = [\"raw\"] }", "How the image becomes the disk of a machine.").later(),
];

const IMAGE: &[Key] = &[
    key("name", Text, "\"shop/api\"", "Repository path, without a registry.").required(),
    key("version", Text, "\"1.8.2\"", "Becomes the tag; may be given as `--version` instead."),
    key("platforms", List(&W(Platform)), "[\"linux/amd64\", \"linux/arm64\"]", "What it is built for; several give an index. Default: the lock's."),
    key("epoch", W(Time), "\"2026-01-01T00:00:00Z\"", "The time of files. Default: the lock's."),
    key("created", W(Time), "\"2026-11-01T00:00:00Z\"", "The time in the config and the annotations. Default: the epoch, else the lock's."),
    key("compression", Either(&[Choice(CODECS), Table(Place::Compression)]), "\"gzip\"", "How layers are compressed: `gzip` (the default), `zstd`, `none`, or a table with a level."),
    key("annotations", Map(&Text), "{ \"org.opencontainers.image.licenses\" = \"MIT\" }", "Annotations of the manifest and the index."),
];

/// How versions can be compared.
pub const ORDERS: &[&str] = &["semver", "debian", "date"];

/// How layers can be compressed.
pub const CODECS: &[&str] = &["gzip", "zstd", "none"];

const COMPRESSION: &[Key] = &[
    key("codec", Choice(CODECS), "\"zstd\"", "`gzip`, `zstd` or `none`.").required(),
    key("level", Integer(0, 22), "9", "gzip: 0 to 12; zstd: 1 to 22."),
];

const BASE: &[Key] = &[
    key("image", Text, "\"python:3.12-slim-bookworm\"", "An image in a registry, or `oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]`, `docker-archive:FILE[:TAG]`, `store:NAME:VERSION`. Short names mean Docker Hub, as in docker."),
    key("stage", Text, "\"build\"", "A stage of this template."),
    key("verify", W(LocalPath), "\"keys/vendor.pub\"", "The key that has to have signed it.").later(),
];

const SOURCE: &[Key] = &[
    key("path", W(LocalPath), "\"shop\"", "A directory or file beside the template: what git would commit of it."),
    key("ignored", Bool, "true", "Takes what git ignores too."),
    key("include", GLOBS, "[\"**/*.html\"]", INCLUDE_DOC),
    key("exclude", GLOBS, "[\"drafts/**\"]", EXCLUDE_DOC),
    key("when", WHEN, "\"linux/amd64\"", WHEN_DOC),
    key("url", Text, "\"https://example.org/tool.tar.gz\"", "A download: `https:`, `http:` on this machine only, or `file:`."),
    key("sha256", Text, "\"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"", "Digest of the download, 64 hexadecimal digits; has to agree with the lock."),
    key("mirrors", STRINGS, "[\"https://mirror.example.org/tool.tar.gz\"]", "Other places of the same download, tried in order."),
    key("git", Text, "\"https://example.org/lib\"", "A git repository; its files keep the time of the commit."),
    key("rev", Text, "\"v1.2\"", "Its branch, tag or commit; default: its HEAD."),
    key("subdir", Text, "\"src\"", "Only this directory of it."),
    key("submodules", Bool, "true", "Takes its submodules too."),
    key("image", Text, "\"registry.example.org/x:1\"", "The root tree of an image, named as in `[base]`."),
    key("fetch", STRINGS, "[\"pip\", \"download\", \"-d\", \"/out\"]", "A command with network that fills `/out`; runs when the lock is made, which holds the digest of what it made."),
    key("in", Text, "\"build\"", "The stage that the command runs in; default: the base."),
    key("mounts", List(&Table(Place::Mount)), "[{ from = \"app:requirements.txt\", to = \"/in/requirements.txt\" }]", "Sources and stages that the command sees."),
];

/// The kinds of repositories.
pub const KINDS: &[&str] = &["debian"];

const REPOSITORY: &[Key] = &[
    key("kind", Choice(KINDS), "\"debian\"", "What kind of repository it is: `debian` is Debian's, and what is made like it.").required(),
    key("suite", ONE_OR_SEVERAL, "\"bookworm\"", "Its suite, or several.").required(),
    key("components", STRINGS, "[\"main\"]", "The components that are taken; default `main` alone."),
    key("snapshot", W(Time), "\"2026-11-01T00:00:00Z\"", "As it was at this time; without it, as it is when the lock is made."),
    key("mirror", ONE_OR_SEVERAL, "\"https://mirror.example.org/debian\"", "Where `dists` and `pool` are, `https:`, `http:` or `file:`; several are tried in order. Never in the lock."),
    key("keyring", W(LocalPath), "\"keys/vendor.asc\"", "A file of the public keys of which one has to have signed it; default: the distribution's own."),
];

const STAGE: &[Key] = &[
    key("base", Table(Place::Base), "{ image = \"debian:bookworm\" }", "What it starts from."),
    key("layer", Tables(Place::Layer), "[{ name = \"tools\" }]", "Its layers."),
    key("env", Map(&Text), "{ CFLAGS = \"-O2\" }", "The environment of its steps."),
    key("runs-on", W(Platform), "\"linux/amd64\"", "The platform of its base, which its steps run on; default: the one that is built for."),
];

/// What an image becomes.
pub const FORMS: &[&str] = &["container", "machine"];

const LAYER: &[Key] = &[
    key("name", Text, "\"app\"", "Unique in the template; stands in the image's history.").required(),
    key("step", Tables(Place::Step), "[{ directory = \"/srv\" }]", "What the layer does, in order. A layer with one action may carry the step's keys itself."),
    key("mtime", W(Mtime), "\"content\"", MTIME_DOC),
    key("when", WHEN, "\"linux/amd64\"", WHEN_DOC),
    key("keep", GLOBS, "[\"/var/log/dpkg.log\"]", "Residue of commands and packages that stays: what matches is neither removed nor rewritten."),
    key("allow-private-keys", GLOBS, "[\"/etc/ssl/private/test.key\"]", "Private keys that the layer may hold; any other stops the build."),
    key("split", Choice(SPLITS), "\"origin\"", "Spreads the packages of the layer over several, those of one source package together, so that an update changes few of them. Only for a layer of `packages` alone."),
    key("only", Choice(FORMS), "\"machine\"", "Only in this form of the image.").later(),
];

/// How packages can be spread over layers.
pub const SPLITS: &[&str] = &["origin"];

/// What can happen to the scripts of packages.
pub const SCRIPTS: &[&str] = &["run", "refuse"];

const STEP: &[Key] = &[
    key("copy", W(SourceRef), "\"app\"", "Copies from a source or a stage: `NAME` or `NAME:PATH`. A directory's content goes into `to`; a file goes into `to` if that ends in `/`, else it becomes `to`."),
    key("write", W(ImagePath), "\"/etc/motd\"", "Writes a file with `text` or `base64`."),
    key("directory", W(ImagePath), "\"/srv/data\"", "Makes a directory."),
    key("symlink", W(ImagePath), "\"/usr/bin/python\"", "Makes a symbolic link to `target`."),
    key("extract", W(SourceRef), "\"tool:tool.tar.gz\"", "Unpacks an archive (tar, plain or gz, xz, zst, bz2; zip) into `to`; its modes and times stay."),
    key("adduser", Text, "\"app\"", "Makes a locked user, and a group of the same name and number unless `group` is given."),
    key("addgroup", Text, "\"app\"", "Makes a group."),
    key("remove", W(Glob), "\"/usr/share/doc/**\"", "Removes what matches, from lower layers too."),
    key("packages", STRINGS, "[\"nginx-light\", \"curl=7.88*\"]", "Installs packages of the operating system, and all that they need: `NAME`, `NAME=VERSION` (`*` stands for any text), `NAME:ARCHITECTURE`; `NAME-` leaves one out; `?priority(required)`, `important` or `standard` takes all that are at least so important."),
    key("run", COMMAND, "\"make install\"", "Runs a command in the image: a string with `shell`, a list as it is."),
    key("script", W(SourceRef), "\"app:setup.sh\"", "Runs a script of a source in the image, by its first line (`#!`)."),
    key("enable", STRINGS, "[\"nginx.service\"]", "Enables units of systemd, as `systemctl enable` does: makes the links that their `[Install]` sections ask for."),
    key("to", W(ImagePath), "\"/srv/app/\"", "Where it goes in the image."),
    key("owner", W(Owner), "\"app:app\"", "`user[:group]`, by name or number; default `0:0`. For `extract` also `\"keep\"`."),
    key("mode", W(Mode), "\"0644\"", "Permission bits of files; directories get x where there is r."),
    key("mtime", W(Mtime), "\"content\"", MTIME_DOC),
    key("include", GLOBS, "[\"**/*.html\"]", INCLUDE_DOC),
    key("exclude", GLOBS, "[\"drafts/**\"]", EXCLUDE_DOC),
    key("text", Text, "\"Welcome\\n\"", "What is written, as text."),
    key("base64", Text, "\"SGVsbG8K\"", "What is written, as base64."),
    key("target", Text, "\"python3\"", "What the link points to, as it is."),
    key("strip", Integer(0, 255), "1", "Drops that many leading parts of each name in the archive."),
    key("uid", Integer(0, ID_MAX), "1000", "The user's number; default: the first free one from 1000 up, for system users from 999 down."),
    key("gid", Integer(0, ID_MAX), "1000", "The group's number; default as for `uid`."),
    key("group", NAME_OR_NUMBER, "\"www-data\"", "The user's group, which has to exist."),
    key("groups", List(&NAME_OR_NUMBER), "[\"video\"]", "Further groups of the user."),
    key("system", Bool, "true", "Takes a number from the range for system users."),
    key("home", W(ImagePath), "\"/home/app\"", "The user's home; it is not made."),
    key("shell", Text, "\"/bin/sh\"", "The user's login shell, default `/usr/sbin/nologin`; for `run`, the shell that runs a string, default `/bin/sh -ec`; one word gets `-ec`, several are taken as they are."),
    key("comment", Text, "\"The application\"", "The comment in the user's entry."),
    key("when", WHEN, "\"linux/amd64\"", WHEN_DOC),
    key("repository", ONE_OR_SEVERAL, "\"debian\"", "The repository or repositories that the packages come from; default: all of the template."),
    key("recommends", Bool, "true", "Installs what the packages recommend too; default false."),
    key("scripts", Choice(SCRIPTS), "\"refuse\"", "What happens to the packages' own scripts: `run` in the sandbox (the default), or `refuse`: packages are unpacked only, and one that needs its scripts is refused."),
    key("args", STRINGS, "[\"--fast\"]", "Arguments of the script."),
    key("env", Map(&Text), "{ CFLAGS = \"-O2\" }", "The command's environment, on top of the stage's."),
    key("workdir", W(ImagePath), "\"/srv\"", "Where the command runs; default `/`."),
    key("user", W(Owner), "\"app\"", "Who runs the command: `user[:group]`, by name or number; default root."),
    key("network", Bool, "true", "Gives the command a network. The lock does not pin what comes from there."),
    key("mounts", List(&Table(Place::Mount)), "[{ from = \"app\", to = \"/src\" }]", "Sources and stages that the command sees; they never enter the image."),
    key("cache", List(&W(ImagePath)), "[\"/var/cache/pip\"]", "Directories that are kept from build to build and never enter the image. One layer of a build uses them at a time. The lock does not pin what is in them."),
    key("secrets", STRINGS, "[\"token\"]", "Secrets that the command may read, by the id that `--secret` gives them."),
    key("timeout", W(Duration), "\"10m\"", "How long the command may take."),
    key("memory", W(Size), "\"2G\"", "How much memory the command may use."),
    key("cpus", Integer(1, 4096), "2", "How many processors the command may use."),
];

const MOUNT: &[Key] = &[
    key("from", W(SourceRef), "\"app:requirements.txt\"", "What is seen: `NAME` or `NAME:PATH`.").required(),
    key("to", W(ImagePath), "\"/in/requirements.txt\"", "Where it is seen; a file becomes it.").required(),
    key("writable", Bool, "true", "The command may write there; what it writes is dropped."),
];

const CONFIG: &[Key] = &[
    key("entrypoint", STRINGS, "[\"/srv/app/serve\"]", "The program that is run; clears the base's `cmd`."),
    key("cmd", STRINGS, "[\"--port\", \"8000\"]", "Its arguments, unless others are given."),
    key("env", Map(&Text), "{ LANG = \"C.UTF-8\" }", "Environment variables."),
    key("user", W(Owner), "\"app\"", "Who runs it: `user[:group]`, by name or number."),
    key("workdir", W(ImagePath), "\"/srv\"", "Where it runs."),
    key("ports", List(&W(Port)), "[\"8000/tcp\"]", "The ports that it listens on."),
    key("volumes", List(&W(ImagePath)), "[\"/data\"]", "Directories for data that outlives the container."),
    key("labels", Map(&Text), "{ team = \"web\" }", "Labels."),
    key("stop-signal", Text, "\"SIGQUIT\"", "The signal that ends it."),
    key("healthcheck", Table(Place::Healthcheck), "{ test = [\"CMD\", \"app\", \"ping\"] }", "How to see whether it is well."),
];

const HEALTHCHECK: &[Key] = &[
    key("test", STRINGS, "[\"CMD\", \"app\", \"ping\"]", "`CMD` and arguments, `CMD-SHELL` and one string, or `NONE`.").required(),
    key("interval", W(Duration), "\"30s\"", "Between two checks."),
    key("timeout", W(Duration), "\"3s\"", "For one check."),
    key("start-period", W(Duration), "\"10s\"", "Grace at the start."),
    key("retries", Integer(0, 1000), "3", "Failures before it is unwell."),
];

const TEST: &[Key] = &[
    key("name", Text, "\"answers\"", "What the test is called; default: what it tests."),
    key("service", W(Port), "\"8000/tcp\"", "Starts the entrypoint beside the test and waits for this port, TCP or UDP."),
    key("run", COMMAND, "[\"app\", \"--version\"]", "A command that is run in the image: a string with `/bin/sh -ec`, a list as it is."),
    key("exit", Integer(0, 255), "0", "The exit code that it has to have; default 0."),
    key("stdout", EXPECTED, "{ contains = \"ok\" }", "What it prints; a string is exact."),
    key("stderr", EXPECTED, "\"\"", "What it prints to the other stream."),
    key("file", W(ImagePath), "\"/etc/passwd\"", "A file of the image."),
    key("exists", Bool, "true", "Whether the file is there; default true."),
    key("mode", W(Mode), "\"0644\"", "The file's permission bits."),
    key("owner", W(Owner), "\"0:0\"", "The file's owner."),
    key("contains", Text, "\"app:\"", "Text that is in the file."),
    key("sha256", Text, "\"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"", "Digest of the file, 64 hexadecimal digits."),
    key("in", Choice(FORMS), "\"container\"", "Only in this form; default: in every form that the template makes."),
    key("timeout", W(Duration), "\"1m\"", "How long it may take."),
];

const MATCH: &[Key] = &[
    key("exact", Text, "\"ok\\n\"", "It is this."),
    key("contains", Text, "\"ok\"", "This occurs in it."),
    key("regex", Text, "\"^ok\"", "This matches in it; `^` and `$` match at the ends of lines."),
];

const PUBLISH: &[Key] = &[
    key("registry", Text, "\"registry.example.org/acme\"", "The registry, and the path that the image's name goes below."),
    key("channels", STRINGS, "[\"{major}.{minor}\", \"latest\"]", "Tags that move forward with each version that is further on: `{major}`, `{minor}` and `{patch}`, or `{year}`, `{month}` and `{day}`, stand for parts of it. Pre-releases move neither `latest` nor such a pattern."),
    key("order", Choice(ORDERS), "\"semver\"", "How versions are compared: `semver` (the default), `debian` or `date`."),
    key("key", Text, "\"env://KILN_SIGNING_KEY\"", "The key that signs.").later(),
    key("signatures", List(&Choice(&["bundle", "simple"])), "[\"bundle\", \"simple\"]", "The formats of signatures that are written.").later(),
    key("cache", Text, "\"registry.example.org/acme/cache\"", "The shared cache.").later(),
];

const MACHINE: &[Key] = &[
    key("formats", List(&Choice(&["raw", "qcow2", "vmdk", "vhd", "gce"])), "[\"raw\", \"qcow2\"]", "The disk formats that are made.").later(),
    key("kernel", Text, "\"auto\"", "The kernel in the image.").later(),
    key("initrd", Text, "\"initrd\"", "A stage; default: made of the image's own packages.").later(),
    key("cmdline", Text, "\"console=ttyS0\"", "The kernel's command line.").later(),
    key("hostname", Text, "\"web\"", "The machine's name.").later(),
    key("etc", Choice(&["overlay", "read-only"]), "\"overlay\"", "Whether `/etc` can be changed, on the data partition.").later(),
    key("size", W(Size), "\"auto\"", "Size of the disk.").later(),
    key("partition", Tables(Place::Partition), "[{ role = \"esp\", size = \"128M\" }]", "The partitions, in order.").later(),
];

const PARTITION: &[Key] = &[
    key("role", Choice(&["esp", "root", "verity", "data"]), "\"data\"", "What it is for.").later(),
    key("size", W(Size), "\"rest\"", "Its size.").later(),
    key("mount", W(ImagePath), "\"/var\"", "Where it is mounted.").later(),
    key("filesystem", Text, "\"ext4\"", "Its file system.").later(),
    key("create", Choice(&["build", "first-boot"]), "\"first-boot\"", "When it is made.").later(),
    key("seed", Text, "\"tree\"", "What it starts with.").later(),
];
