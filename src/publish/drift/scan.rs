//! Finds images with digests in a text of any format.
//!
//! ```text
//!     image: quay.io/acme/shop:1.8@sha256:5b0b..       # a comment
//!            |                    |
//!            the longest run of characters of names    @sha256: and 64 digits, no letter behind
//! ```
//! Formats are not parsed: what is pinned in a Dockerfile, a compose file, a chart, a script or a table of a README looks the
//! same. What stands before the name must be able to stand there; a digest whose name cannot be read, because a variable is
//! in it for example, is given back as such, so that nobody takes it for checked.

use std::fmt;

use crate::registry::ImageName;

use super::pin::Pin;

/// What comes between a name and its digest.
const MARK: &str = "@sha256:";

/// Digits of a digest.
const HEX: usize = 64;

/// Bytes of a name with host, path and tag: longer ones no registry takes (distribution-spec, "Pulling manifests").
const NAME_MAX_BYTES: usize = 512;

/// Names of things in files, which no registry has (containers-transports(5)).
const TRANSPORTS: [&str; 7] =
    ["oci:", "oci-archive:", "docker-archive:", "store:", "dir:", "docker-daemon:", "containers-storage:"];

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A digest whose name cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Where what stands for the name begins.
    pub spot: Spot,
    /// What stands for the name.
    pub text: String,
}

/// What a text holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scan {
    /// Images with digests, in the order of the text.
    pub pins: Vec<(Pin, Spot)>,
    /// Digests whose name cannot be read.
    pub unread: Vec<Unread>,
}

/// What stands before a digest.
#[derive(Debug, PartialEq, Eq)]
enum Before<'a> {
    /// It may be a name.
    Name(&'a str),
    /// It is none that can be read.
    Odd(&'a str),
    /// It is something else on purpose: a file, a web page.
    Other,
}

/// Finds all of them.
pub fn scan(text: &str) -> Scan {
    let mut scan = Scan::default();
    let mut cursor = Cursor { text, at: 0, spot: Spot { line: 1, column: 1 } };
    for (at, _) in text.match_indices(MARK) {
        let Some(digest) = digest_at(text, at + 1) else { continue };
        let head = text.get(..at).unwrap_or_default();
        match before(head) {
            Before::Name(name) => {
                let spot = cursor.advance(at - name.len());
                match format!("{name}@{digest}").parse::<ImageName>().ok().and_then(pin) {
                    Some(pin) => scan.pins.push((pin, spot)),
                    None => scan.unread.push(Unread { spot, text: name.to_owned() }),
                }
            }
            Before::Odd(odd) => {
                let spot = cursor.advance(at - odd.len());
                scan.unread.push(Unread { spot, text: odd.to_owned() });
            }
            Before::Other => {}
        }
    }
    scan
}

fn pin(name: ImageName) -> Option<Pin> {
    let digest = name.digest?;
    Some(Pin::new(name, digest))
}

/// The digest that begins at a byte, if it ends where a word ends.
fn digest_at(text: &str, at: usize) -> Option<&str> {
    let end = at + MARK.len() - 1 + HEX;
    let digest = text.get(at..end)?;
    let hex = digest.get(digest.len() - HEX..)?;
    let is_hex = hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let ends = text.get(end..)?.chars().next().is_none_or(|next| !next.is_alphanumeric());
    (is_hex && ends).then_some(digest)
}

/// The name at the end of a text.
fn before(head: &str) -> Before<'_> {
    let of_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-/:[]".contains(byte);
    let length = head.bytes().rev().take(NAME_MAX_BYTES + 1).take_while(of_name).count();
    let (outside, run) = head.split_at(head.len() - length);
    if length > NAME_MAX_BYTES {
        return Before::Odd("");
    }
    // What follows a scheme, a default of a shell's variable or the bracket of a list begins there, whatever is before.
    if let Some((scheme, name)) = run.rsplit_once("://") {
        let is_image = ["docker", "oci"].iter().any(|known| scheme.ends_with(known));
        return if is_image { named(name) } else { Before::Other };
    }
    if TRANSPORTS.iter().any(|transport| run.starts_with(transport)) {
        return Before::Other;
    }
    if let Some((_, name)) = run.rsplit_once(":-") {
        return named(name);
    }
    // An address in brackets is a host; any other bracket is none of a name.
    if let Some(open) = run.rfind('[') {
        let name = run.get(open..).unwrap_or_default();
        return if name.contains(']') { named(name) } else { named(name.get(1..).unwrap_or_default()) };
    }
    match outside.chars().next_back() {
        // In a string of JSON or C: the letter belongs to the line end before the name.
        Some('\\') if run.starts_with(['n', 'r', 't']) => named(run.get(1..).unwrap_or_default()),
        Some(last) if last.is_alphanumeric() || "$})%@\\+~&]".contains(last) => Before::Odd(run),
        _ => named(run),
    }
}

/// A name begins with a letter, a digit or an address.
fn named(name: &str) -> Before<'_> {
    let begins = |first: char| first.is_ascii_alphanumeric() || first == '[';
    if name.starts_with(begins) { Before::Name(name) } else { Before::Odd(name) }
}

/// Walks through a text once, however many places are asked for.
struct Cursor<'a> {
    text: &'a str,
    at: usize,
    spot: Spot,
}

impl Cursor<'_> {
    /// The place of a byte that is not before the last one.
    fn advance(&mut self, to: usize) -> Spot {
        for letter in self.text.get(self.at..to).unwrap_or_default().chars() {
            self.spot = match letter {
                '\n' => Spot { line: self.spot.line + 1, column: 1 },
                _ => Spot { column: self.spot.column + 1, ..self.spot },
            };
        }
        self.at = self.at.max(to);
        self.spot
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn digest(of: char) -> String {
        format!("sha256:{}", of.to_string().repeat(HEX))
    }

    /// The names in a text, with their places; what cannot be read has a `?`.
    fn found(text: &str) -> Vec<String> {
        let scan = scan(&text.replace("@D", &format!("@{}", digest('a'))));
        let pins = scan.pins.iter().map(|(pin, spot)| format!("{spot} {}", pin.name().replace(&digest('a'), "D")));
        pins.chain(scan.unread.iter().map(|unread| format!("{}? {}", unread.spot, unread.text))).collect()
    }

    #[test]
    fn names_are_found_in_all_kinds_of_files() {
        for (text, expected) in [
            ("FROM python:3.12@D AS build", "1:6 docker.io/library/python:3.12"),
            ("FROM --platform=$X acme/shop@D", "1:20 docker.io/acme/shop@D"),
            ("# a\n  image: \"quay.io/acme/shop:1.8@D\"\n", "2:11 quay.io/acme/shop:1.8"),
            ("image = 'localhost:5000/x@D'", "1:10 localhost:5000/x@D"),
            ("{\"name\":\"127.0.0.1:5000/a/b:1@D\"}", "1:10 127.0.0.1:5000/a/b:1"),
            ("x=[::1]:5000/x:1@D", "1:3 [::1]:5000/x:1"),
            ("images: [debian:12@D, other]", "1:10 docker.io/library/debian:12"),
            ("images: [[::1]:5000/x@D]", "1:10 [::1]:5000/x@D"),
            ("uses: docker://ghcr.io/acme/tool:1@D", "1:16 ghcr.io/acme/tool:1"),
            ("oci://r.example.org/charts/x:1@D", "1:7 r.example.org/charts/x:1"),
            ("image: ${IMAGE:-python:3.12@D}", "1:17 docker.io/library/python:3.12"),
            ("IMAGE=r.example.org/x:1@D;", "1:7 r.example.org/x:1"),
            ("| `r.example.org/x:1@D` |", "1:4 r.example.org/x:1"),
            ("**r.example.org/x:1@D**", "1:3 r.example.org/x:1"),
            ("(see r.example.org/x:1@D.)", "1:6 r.example.org/x:1"),
            ("\"text\\nr.example.org/x:1@D\\n\"", "1:8 r.example.org/x:1"),
            ("größe „r.example.org/x@D“", "1:8 r.example.org/x@D"),
            ("\r\nr.example.org/x@D\r\n", "2:1 r.example.org/x@D"),
        ] {
            assert_eq!(found(text), [expected], "{text}");
        }
        let two = format!("a@{} b@{}\n\tc@{}", digest('1'), digest('2'), digest('3'));
        let spots: Vec<String> = scan(&two).pins.iter().map(|(_, spot)| spot.to_string()).collect();
        assert_eq!(spots, ["1:1", "1:75", "2:2"]);
    }

    #[test]
    fn what_is_no_name_is_said_to_be_unread() {
        for (text, expected) in [
            ("$REGISTRY/shop:1@D", "1:2? REGISTRY/shop:1"),
            ("$registry/shop:1@D", "1:2? registry/shop:1"),
            ("${REGISTRY}/shop:1@D", "1:12? /shop:1"),
            ("${IMAGE}@D", "1:9? "),
            ("{{ image }}:1@D", "1:12? :1"),
            ("r.example.org/Shop:1@D", "1:1? r.example.org/Shop:1"),
            ("würfel/x@D", "1:3? rfel/x"),
            ("./x@D", "1:1? ./x"),
            ("kim@r.example.org/x@D", "1:5? r.example.org/x"),
            (" @D", "1:2? "),
        ] {
            assert_eq!(found(text), [expected], "{text}");
        }
        let long = format!("{}@D", "a".repeat(600));
        assert_eq!(found(&long), ["1:601? "]);
    }

    #[test]
    fn what_is_no_digest_of_an_image_is_passed_over() {
        for text in [
            "oci:out:1@D",
            "oci-archive:x.tar@D",
            "store:shop/api:1@D",
            "https://example.org/x@D",
            "python@sha256:abc",
            "python@sha256:..",
            "sha256:0000",
            "@sha256:",
            "",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
        for wrong in [digest('a').to_uppercase(), format!("{}a", digest('a')), format!("{}ü", digest('a'))] {
            assert_eq!(scan(&format!("python@{wrong}")), Scan::default(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_to_its_end(text in "([@:/\\[\\]a-z0-9.\\n\\\\$ü-]|@sha256:|a{64}|0{64}|://|:-){0,40}") {
            let scan = scan(&text);
            let lines: Vec<&str> = text.split('\n').collect();
            for (pin, spot) in &scan.pins {
                let line = lines[spot.line - 1];
                let rest: String = line.chars().skip(spot.column - 1).collect();
                let end = format!("@{}", pin.digest);
                let (name, _) = rest.split_once(&end).expect("the digest follows on the line");
                prop_assert!(!name.contains('@') && name.len() <= NAME_MAX_BYTES, "{}", name);
                prop_assert_eq!(format!("{name}{end}").parse::<ImageName>().ok().and_then(super::pin), Some(pin.clone()));
            }
        }

        #[test]
        fn a_name_is_found_whatever_is_around_it(
            before in "[^@]{0,20}", open in "[ \\t\\n\"'`=,(<|>;*{]", close in "[ \\n\"'`,.)>;}]", after in "[^@]{0,20}",
            tag in proptest::option::of("[a-z0-9_][a-z0-9._-]{0,8}"), path in "[a-z0-9]{1,5}(/[a-z0-9]{1,5}){0,2}",
        ) {
            let tag = tag.map(|tag| format!(":{tag}")).unwrap_or_default();
            let name = format!("r.example.org:5000/{path}{tag}@{}", digest('c'));
            let text = format!("{before}{open}{name}{close}{after}");
            let scan = scan(&text);
            prop_assert_eq!(scan.pins.len(), 1);
            let (pin, _) = &scan.pins[0];
            prop_assert_eq!(format!("{}{tag}@{}", pin.repository, pin.digest), name);
        }
    }
}
