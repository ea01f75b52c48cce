//! The grammar of names in registries (distribution-spec, "Pulling manifests").

/// Longest tag (`[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`).
const TAG_MAX_BYTES: usize = 128;

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*`
pub fn is_repository(text: &str) -> bool {
    text.split('/').all(is_part)
}

fn is_part(part: &str) -> bool {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let mut separators = part.split(word).filter(|between| !between.is_empty());
    let good = |between: &str| matches!(between, "." | "_" | "__") || between.bytes().all(|b| b == b'-');
    part.starts_with(word) && part.ends_with(word) && separators.all(good)
}

/// Whether a registry takes this as a tag.
pub fn is_tag(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    text.len() <= TAG_MAX_BYTES
        && text.bytes().next().is_some_and(word)
        && text.bytes().all(|b| word(b) || b == b'.' || b == b'-')
}

/// `HOST` or `HOST:PORT`, the host a name or an IPv4 address.
pub fn is_host(text: &str) -> bool {
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let is_label = |label: &str| {
        let edge = |b: u8| b.is_ascii_alphanumeric();
        label.bytes().next().is_some_and(edge)
            && label.bytes().next_back().is_some_and(edge)
            && label.bytes().all(|b| edge(b) || b == b'-')
    };
    host.split('.').all(is_label) && port.is_none_or(is_port)
}

/// Digits of a port.
pub fn is_port(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

/// Whether the first part of a name is a registry's host: nothing but a dot, a port or this word tells it from a path.
pub fn looks_like_host(text: &str) -> bool {
    text == "localhost" || text.contains(['.', ':'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_distribution_spec() {
        for good in ["a", "a/b", "a-b", "a--b", "a.b", "a_b", "a__b", "0/1"] {
            assert!(is_repository(good), "{good}");
        }
        for bad in ["", "/a", "a/", "a//b", "A", "a..b", "a___b", "a._b", "-a", "a-", "ä"] {
            assert!(!is_repository(bad), "{bad}");
        }
        assert!(is_tag("1.8.2-rc_1") && is_tag("_") && is_tag(&"1".repeat(128)));
        assert!(!is_tag("") && !is_tag(".1") && !is_tag("1+2") && !is_tag(&"1".repeat(129)));
        for good in ["localhost", "r.example.org", "127.0.0.1:5000", "r:0"] {
            assert!(is_host(good), "{good}");
        }
        for bad in ["", "-r", "r.", "r:", "r:x", "r:65536", "r_x", "r:1:2"] {
            assert!(!is_host(bad), "{bad}");
        }
    }
}
