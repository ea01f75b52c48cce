//! Which proxy stands between.
//!
//! Every proxy is asked for a tunnel (`CONNECT`), also on the way to an address of plain HTTP, for which others send the whole
//! address to the proxy (RFC 9112, section 3.2.2). The HTTP library writes the target of a request as a path alone and has
//! no way to say it otherwise. A proxy that gives no tunnel to port 80 or 5000 says so, and the hint names `NO_PROXY`.

use std::net::IpAddr;

use super::secret::Secret;
use super::settings::Proxies;
use super::url::{Scheme, Url, is_loopback};

impl Proxies {
    /// The proxy for an address. This machine is always spoken to directly, as Go's and docker's clients do.
    pub(super) fn between(&self, url: &Url) -> Option<&Secret> {
        let own = match url.scheme() {
            Scheme::Http => &self.http,
            Scheme::Https => &self.https,
        };
        let proxy = own.as_ref().or(self.all.as_ref()).filter(|proxy| !proxy.reveal().is_empty())?;
        (!url.is_loopback() && !self.is_excluded(url)).then_some(proxy)
    }

    /// All that are set, each once.
    pub(super) fn all_set(&self) -> Vec<&Secret> {
        let mut set: Vec<&Secret> = Vec::new();
        for proxy in [&self.https, &self.http, &self.all].into_iter().flatten() {
            if !proxy.reveal().is_empty() && !set.contains(&proxy) {
                set.push(proxy);
            }
        }
        set
    }

    fn is_excluded(&self, url: &Url) -> bool {
        let entries = self.none.as_deref().unwrap_or_default().split([',', ' ']);
        entries.map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| excludes(entry, url))
    }
}

/// Whether an entry of `NO_PROXY` means this host: `*`, a name and those below it, an address, a network, each perhaps with
/// a port.
fn excludes(entry: &str, url: &Url) -> bool {
    if entry == "*" {
        return true;
    }
    let host = url.host().trim_start_matches('[').trim_end_matches(']');
    if let (Ok(address), Some((network, bits))) = (host.parse::<IpAddr>(), entry.split_once('/')) {
        return is_within(address, network, bits);
    }
    let bracketed = entry.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (name, port) = match (bracketed, entry.rsplit_once(':')) {
        (Some((name, rest)), _) => (name, rest.strip_prefix(':')),
        (None, Some((name, port))) if !name.contains(':') => (name, Some(port)),
        _ => (entry, None),
    };
    if port.is_some_and(|port| port.parse() != Ok(url.port())) {
        return false;
    }
    let name = name.trim_start_matches('*').trim_start_matches('.').to_ascii_lowercase();
    host == name
        || host.strip_suffix(&name).is_some_and(|rest| rest.ends_with('.'))
        || (name == "localhost" && is_loopback(host))
}

fn is_within(address: IpAddr, network: &str, bits: &str) -> bool {
    let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>()) else { return false };
    match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(b)) if bits <= 32 => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            a.to_bits() & mask == b.to_bits() & mask
        }
        (IpAddr::V6(a), IpAddr::V6(b)) if bits <= 128 => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            a.to_bits() & mask == b.to_bits() & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies() -> Proxies {
        Proxies {
            https: Some(Secret::new("http://tls:1")),
            http: None,
            all: Some(Secret::new("socks5h://all:2")),
            none: Some("example.org,.internal:8443, 10.0.0.0/8,fd00::/8,*.corp,192.168.1.7".to_owned()),
        }
    }

    fn between(url: &str) -> Option<String> {
        let url = Url::parse(url).expect("an address");
        proxies().between(&url).map(|proxy| proxy.reveal().to_owned())
    }

    #[test]
    fn each_scheme_has_its_proxy() {
        assert_eq!(between("https://other.net/").as_deref(), Some("http://tls:1"));
        assert_eq!(between("http://other.net/").as_deref(), Some("socks5h://all:2"));
        assert_eq!(proxies().all_set().len(), 2);
        assert_eq!(Proxies { http: Some(Secret::new("")), ..Proxies::default() }.all_set(), Vec::<&Secret>::new());
    }

    #[test]
    fn excluded_hosts_and_this_machine_are_spoken_to_directly() {
        for direct in [
            "https://example.org/",
            "https://a.example.org/",
            "https://x.internal:8443/",
            "https://10.2.3.4/",
            "https://[fd12::1]/",
            "https://a.corp/",
            "https://192.168.1.7:1/",
            "https://localhost/",
            "http://127.0.0.1:5000/",
        ] {
            assert_eq!(between(direct), None, "{direct}");
        }
        for through in ["https://badexample.org/", "https://x.internal/", "https://11.0.0.1/", "https://[fe00::1]/"] {
            assert!(between(through).is_some(), "{through}");
        }
    }
}
