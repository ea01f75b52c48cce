//! Which urls are followed.

/// How a repository is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    /// Through this machine's file system.
    File,
    /// Through a network.
    Network,
}

/// Why a url is not followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressFlaw {
    /// Nothing.
    #[error("it is empty")]
    Empty,
    /// git or ssh could take it for an option.
    #[error("it, or its host, begins with `-`")]
    Dash,
    /// Such as a line break, which could be read as the end of the url.
    #[error("it has a control character in it")]
    Control,
    /// A remote helper such as `ext::`, which runs commands, or a scheme that git has no transport for.
    #[error("`{transport}` is not one of file, git, http, https, ssh")]
    Transport {
        /// What it asks for.
        transport: String,
    },
    /// It depends on the working directory.
    #[error("it is a relative path")]
    Relative,
    /// A submodule's relative url that leads out of the server.
    #[error("it leads above the root of the url of its parent")]
    Above,
    /// A repository from a network that wants to read this machine's files.
    #[error("a repository from a network may not name a directory of this machine")]
    Local,
}

/// Schemes that are followed, and what they use.
const SCHEMES: &[(&str, Transport)] = &[
    ("file", Transport::File),
    ("git", Transport::Network),
    ("http", Transport::Network),
    ("https", Transport::Network),
    ("ssh", Transport::Network),
    ("git+ssh", Transport::Network),
    ("ssh+git", Transport::Network),
];

/// Says how `url` is reached, if it is one that is followed. This looks at what is written; what the user's `insteadOf`
/// makes of it is theirs.
pub(super) fn check(url: &str) -> Result<Transport, AddressFlaw> {
    if url.is_empty() {
        return Err(AddressFlaw::Empty);
    }
    if url.chars().any(char::is_control) {
        return Err(AddressFlaw::Control);
    }
    if url.starts_with('-') {
        return Err(AddressFlaw::Dash);
    }
    let scheme_end = url.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '-' | '.'));
    let (scheme, rest) = url.split_at(scheme_end.unwrap_or(url.len()));
    let other = || AddressFlaw::Transport { transport: scheme.to_owned() };
    if rest.starts_with("::") {
        return Err(other());
    }
    if let Some(rest) = rest.strip_prefix("://") {
        check_host(rest.split('/').next().unwrap_or_default())?;
        let known = SCHEMES.iter().find(|(name, _)| *name == scheme);
        return known.map(|(_, transport)| *transport).ok_or_else(other);
    }
    if url.starts_with('/') {
        return Ok(Transport::File);
    }
    match url.split_once(':') {
        Some((host, _)) if !host.is_empty() && !host.contains('/') => {
            check_host(host)?;
            Ok(Transport::Network)
        }
        _ => Err(AddressFlaw::Relative),
    }
}

/// ssh would take a host that begins with a dash for an option.
fn check_host(authority: &str) -> Result<(), AddressFlaw> {
    let host = authority.rsplit('@').next().unwrap_or_default();
    if host.starts_with('-') || authority.starts_with('-') { Err(AddressFlaw::Dash) } else { Ok(()) }
}

/// The url of a submodule as its parent's `.gitmodules` gives it: `./` and `../` are relative to the parent's url
/// (gitmodules(5), `submodule.<name>.url`). Unlike git's own, a path never eats up the host.
pub(super) fn of_submodule(parent: &str, url: &str) -> Result<String, AddressFlaw> {
    if !url.starts_with("./") && !url.starts_with("../") {
        return Ok(url.to_owned());
    }
    let mut base = parent.trim_end_matches('/');
    let mut separator = '/';
    let mut rest = url;
    loop {
        if let Some(below) = rest.strip_prefix("./") {
            rest = below;
        } else if let Some(below) = rest.strip_prefix("../") {
            (base, separator) = above(base, separator)?;
            rest = below;
        } else {
            break;
        }
    }
    if rest == ".." || rest.split('/').any(|part| part == "..") {
        return Err(AddressFlaw::Above);
    }
    Ok(format!("{base}{separator}{rest}").trim_end_matches('/').to_owned())
}

/// `base` without its last part, and what separates it from a new one.
fn above(base: &str, separator: char) -> Result<(&str, char), AddressFlaw> {
    let path_start = base.find("://").map_or(0, |at| at + "://".len());
    if let Some(slash) = base[path_start..].rfind('/') {
        return Ok((&base[..path_start + slash], '/'));
    }
    // `host:path`, whose path has one part.
    match base.rfind(':') {
        Some(colon) if path_start == 0 && separator == '/' => Ok((&base[..colon], ':')),
        _ => Err(AddressFlaw::Above),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_transports_are_followed() {
        for url in ["https://example.org/x", "ssh://git@example.org:22/x", "git@example.org:x/y", "host:x", "git://h/x"]
        {
            assert_eq!(check(url), Ok(Transport::Network), "{url}");
        }
        for url in ["/srv/x", "file:///srv/x"] {
            assert_eq!(check(url), Ok(Transport::File), "{url}");
        }
    }

    #[test]
    fn everything_else_is_not() {
        for url in ["-uX", "--upload-pack=x", "ssh://-oProxyCommand=x/y", "ssh://u@-oX/y", "-oX:y", "git@-oX:y"] {
            assert_eq!(check(url), Err(AddressFlaw::Dash), "{url}");
        }
        for (url, transport) in
            [("ext::sh -c x", "ext"), ("fd::7", "fd"), ("https::https://x", "https"), ("x://y", "x")]
        {
            assert_eq!(check(url), Err(AddressFlaw::Transport { transport: transport.to_owned() }), "{url}");
        }
        for url in ["../x", "x", "./a:b", "~/x", ":x"] {
            assert_eq!(check(url), Err(AddressFlaw::Relative), "{url}");
        }
        assert_eq!(check(""), Err(AddressFlaw::Empty));
        assert_eq!(check("https://example.org/\nhost=x"), Err(AddressFlaw::Control));
    }

    #[test]
    fn relative_urls_stay_on_the_server() {
        for (parent, url, whole) in [
            ("https://h/a/b", "../c", "https://h/a/c"),
            ("https://h/a/b/", "../../c.git", "https://h/c.git"),
            ("https://h/a", "./c/", "https://h/a/c"),
            ("https://h/a", "https://other/x", "https://other/x"),
            ("git@h:a/b", "../c", "git@h:a/c"),
            ("git@h:a", "../c", "git@h:c"),
            ("/srv/a", "../c", "/srv/c"),
            ("/a", "../c", "/c"),
            ("file:///srv/a", "../c", "file:///srv/c"),
        ] {
            assert_eq!(of_submodule(parent, url).as_deref(), Ok(whole), "{parent} {url}");
        }
        for (parent, url) in
            [("https://h/a", "../../c"), ("git@h:a", "../../c"), ("/a", "../../c"), ("https://h/a", "./x/../../../c")]
        {
            assert_eq!(of_submodule(parent, url), Err(AddressFlaw::Above), "{parent} {url}");
        }
    }
}
