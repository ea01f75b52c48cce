//! Strings with a form of their own: what each looks like, and how it is read.

use crate::base::repository::{is_host, is_repository, is_tag, looks_like_host};
use crate::base::{ContentDigest, Epoch, ImagePath, Platform};

use super::grammar::one_of;
use super::model::{CHANNEL_PARTS, GroupName, Id, Mtime, Owner, Target};

/// A form that a value must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// Repository name.
    ImageName,
    /// Tag.
    Version,
    /// RFC 3339.
    Time,
    /// A time, `epoch` or `content`.
    Mtime,
    /// Octal permission bits.
    Mode,
    /// `user[:group]`
    Owner,
    /// The name of a user or group.
    AccountName,
    /// A path in the image.
    ImagePath,
    /// The same, from the root.
    AbsoluteImagePath,
    /// A path in the image that is not its root.
    FilePath,
    /// A path beside the template.
    LocalPath,
    /// `NAME[:PATH]`
    SourceRef,
    /// A pattern.
    Glob,
    /// `os/arch[/variant]`
    Platform,
    /// `8000/tcp`
    Port,
    /// `1m30s`
    Duration,
    /// Of `${name}` and of sources.
    Name,
    /// Of a layer.
    LayerName,
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// A number within limits.
    Number(i64, i64),
    /// A signal.
    Signal,
    /// Base64.
    Base64,
    /// What a symbolic link points to.
    LinkTarget,
    /// The command of a health check.
    Healthcheck,
    /// The name of an environment variable.
    EnvName,
    /// Its value.
    EnvValue,
    /// The name of a label or annotation.
    Label,
    /// Text of one line.
    Line,
    /// The name of an image that exists.
    ImageRef,
    /// An address of a file.
    Url,
    /// An address of a git repository.
    GitUrl,
    /// Branch, tag or commit.
    Rev,
    /// 64 hexadecimal digits.
    Sha256,
    /// An amount of bytes.
    Size,
    /// What is run.
    Command,
    /// A word of it.
    Argument,
    /// What runs a string.
    Shell,
    /// The id of a secret.
    SecretId,
    /// The name of a unit of systemd.
    UnitName,
    /// A port that can be waited for.
    ServicePort,
    /// A regular expression.
    Regex,
    /// Words that ask for packages.
    Packages,
    /// The name of a repository.
    Repository,
    /// A suite of a repository.
    Suite,
    /// A component of a suite.
    Component,
    /// The address of a repository.
    Mirror,
    /// A registry, and a path in it.
    Registry,
    /// A tag that moves.
    Channel,
}

impl Form {
    /// What it looks like, in the middle of a sentence.
    pub fn expected(self) -> String {
        match self {
            Self::ImageName => "a repository name like `shop/api`",
            Self::Version => "a tag like `1.8.2`",
            Self::Time => "a time like `2026-01-01T00:00:00Z`",
            Self::Mtime => "`epoch`, `content` or a time like `2026-01-01T00:00:00Z`",
            Self::Mode => "octal permission bits like `0644`",
            Self::Owner => "an owner like `app`, `app:app` or `0:0`",
            Self::AccountName => "a name like `www-data`",
            Self::ImagePath => "a path in the image like `/srv/app`",
            Self::AbsoluteImagePath => "a path from the root like `/srv/app`",
            Self::FilePath => "a path in the image below its root like `/srv/app`",
            Self::LocalPath => "a path beside the template like `www`",
            Self::SourceRef => "a source like `app`, or a path in it like `app:src/main.py`",
            Self::Glob => "a pattern of paths like `**/*.html`",
            Self::Platform => "a platform like `linux/amd64`",
            Self::Port => "a port like `8000/tcp`",
            Self::Duration => "a duration like `1m30s`",
            Self::Name => "a name of letters, digits, `-` and `_`",
            Self::LayerName => "a name on one line",
            Self::Choice(words) => return one_of(words),
            Self::Number(from, to) => return format!("a number from {from} to {to}"),
            Self::Signal => "a signal like `SIGTERM`",
            Self::Base64 => "base64",
            Self::LinkTarget => "a path that is not empty",
            Self::Healthcheck => "`CMD` and arguments, `CMD-SHELL` and one string, or `NONE`",
            Self::EnvName => "a name like `LANG`",
            Self::EnvValue => "text without a zero byte",
            Self::Label => "a name like `org.opencontainers.image.licenses`",
            Self::Line => "text on one line without a colon",
            Self::ImageRef => "an image like `debian:bookworm` or `oci:DIR`",
            Self::Url => "an address like `https://example.org/tool.tar.gz`",
            Self::GitUrl => "a repository like `https://example.org/lib` or `git@example.org:lib`",
            Self::Rev => "a branch, tag or commit like `v1.2`",
            Self::Sha256 => "64 hexadecimal digits",
            Self::Size => "a size like `512M`",
            Self::Command => "a command like `make install`",
            Self::Argument => "text without a zero byte",
            Self::Shell => "a shell like `/bin/bash` or `/bin/bash -euo pipefail -c`",
            Self::SecretId => "the id of a secret like `token`",
            Self::UnitName => "the name of a unit like `nginx.service`",
            Self::ServicePort => "a port like `8000/tcp`",
            Self::Regex => "a regular expression like `^ok`",
            Self::Packages => "packages like `nginx-light`",
            Self::Repository => "the name of a repository like `debian`",
            Self::Suite => "a suite like `bookworm`",
            Self::Component => "a component like `main`",
            Self::Mirror => "an address like `https://mirror.example.org/debian`",
            Self::Registry => "a registry like `registry.example.org/acme`",
            Self::Channel => "a tag like `{major}.{minor}` or `latest`",
        }
        .to_owned()
    }

    /// More about it, where the example does not say all.
    pub fn hint(self) -> Option<&'static str> {
        Some(match self {
            Self::ImageName => {
                "lower-case letters, digits, and between them `.`, `_`, `__` or dashes; parts separated by `/`; no registry, no tag"
            }
            Self::Version => "letters, digits, `_`, `.` and `-`, at most 128, not first `.` or `-`",
            Self::Time | Self::Mtime => "from 1980-01-02 to 9999-12-30, with a zone",
            Self::Mode => "three or four digits from 0 to 7, as `chmod` takes them",
            Self::Port => "a number from 1 to 65535, and `/tcp`, `/udp` or `/sctp`",
            Self::Duration => "numbers with `h`, `m`, `s` or `ms`",
            Self::Glob => "`*` matches within a name, `**` across directories, `{a,b}` either, `[ab]` one character",
            Self::SourceRef => "`NAME` or `NAME:PATH`, where NAME stands in `[sources]`",
            Self::ImageRef => {
                "`[HOST/]NAME[:TAG][@sha256:..]`, `oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]`, `docker-archive:FILE[:TAG]` or `store:NAME[:VERSION]`"
            }
            Self::Registry => "it has no scheme; its host has a dot or a port",
            Self::Channel => "what stands in braces is `major`, `minor`, `patch`, `year`, `month` or `day`",
            Self::Url | Self::Mirror => "it begins with `https://`, `http://` or `file:`",
            Self::Size => "a whole number and `K`, `M`, `G` or `T`, which are powers of 1024",
            Self::Command => "a string for the shell, or a list with the program first",
            Self::Shell => "a path from the root; one word gets `-ec`, and the string comes last",
            Self::ServicePort => "a number from 1 to 65535, and `/tcp` or `/udp`",
            Self::Regex => {
                "without look-around and back-references, as https://docs.rs/regex describes; TOML takes backslashes as they are in single quotes"
            }
            Self::UnitName => {
                "`NAME.KIND` or `NAME@INSTANCE.KIND`, where KIND is one of systemd's, such as `service`, `socket` or `timer`"
            }
            Self::SecretId => "letters, digits, `.`, `-` and `_`, first a letter, a digit or `_`",
            Self::AccountName => "lower-case letters, digits, `-` and `_`, at most 32, first a letter or `_`",
            _ => return None,
        })
    }
}

/// The name of an image: what it may hold is for those to say who look it up; here it is one word.
pub(super) fn image_ref(text: &str) -> Option<String> {
    let good = !text.is_empty() && !text.ends_with(':') && text.chars().all(|c| !c.is_whitespace() && !c.is_control());
    good.then(|| text.to_owned())
}

/// An address of a file.
pub(super) fn url(text: &str) -> Option<String> {
    let rest = ["https://", "http://", "file:"].iter().find_map(|scheme| text.strip_prefix(scheme))?;
    let good = !rest.trim_matches('/').is_empty() && rest.chars().all(|c| !c.is_whitespace() && !c.is_control());
    good.then(|| text.to_owned())
}

/// The address of a directory: what is in it is named by adding to it, so nothing may be asked of it.
pub(super) fn mirror(text: &str) -> Option<String> {
    url(text).filter(|text| !text.contains(['?', '#']))
}

/// A suite or component: part of an address, such as `bookworm-security` or `bookworm/updates`.
pub(super) fn repository_part(text: &str) -> Option<String> {
    let good = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._+~".contains(&b))
    };
    text.split('/').all(good).then(|| text.to_owned())
}

/// An address of a git repository. One that begins with a dash would be an option to git, and `ext::` a program.
pub(super) fn git_url(text: &str) -> Option<String> {
    let good = !text.is_empty() && !text.starts_with('-') && !text.contains("::");
    (good && text.chars().all(|c| !c.is_whitespace() && !c.is_control())).then(|| text.to_owned())
}

/// Whether an address holds `user:password@`, or a user where none belongs.
pub(super) fn has_password(address: &str) -> bool {
    let Some((scheme, rest)) = address.split_once("://") else { return false };
    let host = rest.split('/').next().unwrap_or_default();
    match host.rsplit_once('@') {
        Some((user, _)) => user.contains(':') || scheme != "ssh",
        None => false,
    }
}

/// A digest as `sha256sum` prints it, or with its algorithm in front.
pub(super) fn sha256(text: &str) -> Option<ContentDigest> {
    format!("sha256:{}", text.strip_prefix("sha256:").unwrap_or(text)).parse().ok()
}

/// Longest repository name with room for a registry in front of it (distribution-spec, "Pulling manifests": many clients
/// stop at 255 for both).
const IMAGE_NAME_MAX_BYTES: usize = 200;
/// Longest user name (useradd(8)).
const ACCOUNT_NAME_MAX_BYTES: usize = 32;

/// A repository name with room for a registry.
pub(super) fn is_image_name(text: &str) -> bool {
    text.len() <= IMAGE_NAME_MAX_BYTES && is_repository(text)
}

/// What becomes a tag.
pub(super) fn is_version(text: &str) -> bool {
    is_tag(text)
}

/// `HOST[:PORT][/PATH]`, without a scheme, as in the name of an image.
pub(super) fn is_registry(text: &str) -> bool {
    let (host, path) = text.split_once('/').map_or((text, None), |(host, path)| (host, Some(path)));
    looks_like_host(host) && is_host(host) && path.is_none_or(is_image_name)
}

/// A tag in which `{major}` and the like stand for parts of the version.
pub(super) fn is_channel(text: &str) -> bool {
    let filled = CHANNEL_PARTS.iter().fold(text.to_owned(), |text, part| text.replace(&format!("{{{part}}}"), "1"));
    is_version(&filled)
}

/// Names of variables and sources: nothing that `${}`, `NAME:PATH` or a shell would trip over.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Debian's rule for user names.
pub(super) fn is_account_name(text: &str) -> bool {
    let first = |b: u8| b.is_ascii_lowercase() || b == b'_';
    text.len() <= ACCOUNT_NAME_MAX_BYTES
        && text.bytes().next().is_some_and(first)
        && text.bytes().all(|b| first(b) || b.is_ascii_digit() || b == b'-')
}

pub(super) fn is_line(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

pub(super) fn is_signal(text: &str) -> bool {
    let name = text.strip_prefix("SIG").unwrap_or("");
    let named =
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b"+-".contains(&b));
    named || text.parse::<u8>().is_ok_and(|number| (1..=64).contains(&number))
}

pub(super) fn mtime(text: &str) -> Option<Mtime> {
    match text {
        "epoch" => Some(Mtime::Epoch),
        "content" => Some(Mtime::Content),
        _ => text.parse::<Epoch>().ok().map(Mtime::At),
    }
}

pub(super) fn mode(text: &str) -> Option<u16> {
    let digits = matches!(text.len(), 3 | 4) && text.bytes().all(|b| b.is_ascii_digit());
    if !digits { None } else { u16::from_str_radix(text, 8).ok() }
}

fn id(text: &str) -> Option<Id> {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().ok().filter(|number| *number != u32::MAX).map(Id::Number);
    }
    is_account_reference(text).then(|| Id::Name(text.to_owned()))
}

/// Other people's images have names that kiln would not make, such as `Debian-exim`.
fn is_account_reference(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.+$".contains(&b))
}

pub(super) fn owner(text: &str) -> Option<Owner> {
    match text.split_once(':') {
        Some((user, group)) => Some(Owner { user: id(user)?, group: Some(id(group)?) }),
        None => Some(Owner { user: id(text)?, group: None }),
    }
}

pub(super) fn group(text: &str) -> Option<GroupName> {
    id(text).map(GroupName)
}

pub(super) fn target(text: &str, path: ImagePath) -> Target {
    Target { is_directory: text.ends_with('/') || path.is_root(), path }
}

/// The name and the path of `NAME[:PATH]`.
pub(super) fn source_ref(text: &str) -> Option<(&str, &str)> {
    let (name, path) = text.split_once(':').unwrap_or((text, ""));
    is_name(name).then_some((name, path))
}

pub(super) fn platform(text: &str) -> Option<Platform> {
    text.parse().ok()
}

/// `8000` means `8000/tcp`.
pub(super) fn port(text: &str) -> Option<String> {
    let (number, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let number: u16 = number.bytes().all(|b| b.is_ascii_digit()).then(|| number.parse().ok())??;
    (number > 0 && matches!(protocol, "tcp" | "udp" | "sctp")).then(|| format!("{number}/{protocol}"))
}

/// Nanoseconds.
pub(super) fn duration(text: &str) -> Option<u64> {
    let mut total: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let unit_ns: u64 = match &rest[..letters] {
            "h" => 3_600_000_000_000,
            "m" => 60_000_000_000,
            "s" => 1_000_000_000,
            "ms" => 1_000_000,
            _ => return None,
        };
        rest = &rest[letters..];
        total = total.checked_add(number.checked_mul(unit_ns)?)?;
    }
    (!text.is_empty() && i64::try_from(total).is_ok()).then_some(total)
}

/// Seconds, of which at least one: less than a second is rounded up.
pub(super) fn seconds(text: &str) -> Option<u64> {
    duration(text).filter(|ns| *ns > 0).map(|ns| ns.div_ceil(1_000_000_000))
}

/// Bytes, of which at least one.
pub(super) fn size(text: &str) -> Option<u64> {
    let unit: u64 = match text.bytes().last()? {
        b'K' => 1 << 10,
        b'M' => 1 << 20,
        b'G' => 1 << 30,
        b'T' => 1 << 40,
        _ => return None,
    };
    let digits = &text[..text.len() - 1];
    let number: u64 = digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())??;
    number.checked_mul(unit).filter(|bytes| *bytes > 0 && i64::try_from(*bytes).is_ok())
}

/// Something that can be handed to a program (execve(2): strings end at a zero byte).
pub(super) fn argument(text: &str) -> Option<String> {
    (!text.contains('\0')).then(|| text.to_owned())
}

/// What runs a string, if nothing else is given.
pub(super) const SHELL: &str = "/bin/sh -ec";

/// A shell and its options. A string is its last argument, so one without options gets those that take one and stop at
/// the first failure.
pub(super) fn shell(text: &str) -> Option<Vec<String>> {
    let mut words: Vec<String> = argument(text)?.split_whitespace().map(str::to_owned).collect();
    words.first().filter(|word| word.starts_with('/'))?;
    if words.len() == 1 {
        words.push("-ec".to_owned());
    }
    Some(words)
}

/// The id of a secret, which is the name of its file as well.
pub(super) fn secret_id(text: &str) -> Option<String> {
    let good = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    (text.bytes().all(good) && !text.starts_with(['.', '-']) && !text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn image_names_and_versions_follow_the_distribution_spec() {
        for good in ["a", "shop/api", "a--b/c__d/e.f_g1"] {
            assert!(is_image_name(good), "{good}");
        }
        for bad in ["", "A", "a/", "/a", "a..b", "a___b", "-a", "a b", "a:1", "host:5000/x", "é"] {
            assert!(!is_image_name(bad), "{bad}");
        }
        assert!(is_version("1.8.2-rc_1") && is_version("_") && is_version(&"1".repeat(128)));
        assert!(!is_version("") && !is_version(".1") && !is_version("1+2") && !is_version(&"1".repeat(129)));
    }

    #[test]
    fn words_are_read() {
        assert_eq!((mode("0644"), mode("755"), mode("4755")), (Some(0o644), Some(0o755), Some(0o4755)));
        assert_eq!((mode("0o644"), mode("888"), mode("+12"), mode("64")), (None, None, None, None));
        let named = |name: &str| Id::Name(name.to_owned());
        assert_eq!(owner("app:0"), Some(Owner { user: named("app"), group: Some(Id::Number(0)) }));
        assert_eq!(owner("app"), Some(Owner { user: named("app"), group: None }));
        assert!([":", "", "a:b:c", "4294967295", "A b"].iter().all(|bad| owner(bad).is_none()));
        assert_eq!(port("8000"), Some("8000/tcp".to_owned()));
        assert!(["0", "65536", "80/http", "+80", ""].iter().all(|bad| port(bad).is_none()));
        assert_eq!(duration("1m30s"), Some(90_000_000_000));
        assert!(["", "5", "s", "1d", "99999999999999h"].iter().all(|bad| duration(bad).is_none()));
        assert_eq!((seconds("1m"), seconds("1ms"), seconds("0s")), (Some(60), Some(1), None));
        assert_eq!((size("2G"), size("512M"), size("1K")), (Some(2 << 30), Some(512 << 20), Some(1024)));
        assert!(
            ["", "G", "2", "2g", "-1M", "+1M", "1.5G", "0M", "9999999999T", "2é"].iter().all(|bad| size(bad).is_none())
        );
        assert_eq!(shell("/bin/bash").as_deref(), Some(&["/bin/bash".to_owned(), "-ec".to_owned()][..]));
        assert_eq!(shell("/bin/bash -euo pipefail -c").map(|words| words.len()), Some(4));
        assert!(["", "bash", " ", "/bin/sh\0"].iter().all(|bad| shell(bad).is_none()));
        assert!(
            secret_id("a.b_c-1").is_some() && ["", "..", "-x", "a/b", "a b"].iter().all(|bad| secret_id(bad).is_none())
        );
        assert_eq!(source_ref("a:b:c"), Some(("a", "b:c")));
        assert!(is_signal("SIGRTMIN+3") && is_signal("15") && !is_signal("TERM") && !is_signal("0"));
    }
}
