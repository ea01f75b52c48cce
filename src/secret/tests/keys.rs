//! Private keys. Those of the tests are made here: a file with a key in it is what the search is there to find.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use proptest::prelude::*;

use super::*;

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let head = if length < 0x80 { vec![tag, length as u8] } else { vec![tag, 0x82, (length >> 8) as u8, length as u8] };
    [head, content.to_vec()].concat()
}

fn numbers(first: &[u8], count: usize) -> Vec<u8> {
    let number = der(2, &[&[1], noise(128, 7).as_slice()].concat());
    der(0x30, &[der(2, first), vec![number; count].concat()].concat())
}

fn pkcs1() -> Vec<u8> {
    numbers(&[0], 8)
}

fn dsa() -> Vec<u8> {
    numbers(&[0], 5)
}

fn ec() -> Vec<u8> {
    der(0x30, &[der(2, &[1]), der(4, &noise(32, 3)), der(0xa0, &der(6, b"\x2a\x86\x48\xce\x3d\x03\x01\x07"))].concat())
}

fn pkcs8() -> Vec<u8> {
    let algorithm = der(0x30, &der(6, &[0x2b, 0x65, 0x70]));
    der(0x30, &[der(2, &[0]), algorithm, der(4, &der(4, &noise(32, 5)))].concat())
}

fn encrypted() -> Vec<u8> {
    let way = der(0x30, &[der(6, b"\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d"), der(0x30, &[5; 40])].concat());
    der(0x30, &[way, der(4, &noise(48, 5))].concat())
}

fn certificate() -> Vec<u8> {
    let way = der(0x30, &der(6, b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"));
    der(0x30, &[der(0x30, &noise(300, 1)), way, der(3, &noise(257, 2))].concat())
}

fn openssh(cipher: &str) -> Vec<u8> {
    let length = (cipher.len() as u32).to_be_bytes();
    [b"openssh-key-v1\0".as_slice(), &length, cipher.as_bytes(), &noise(200, 9)].concat()
}

/// A PEM text with lines of 64 characters.
fn pem(label: &str, headers: &str, body: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(body);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
    format!("-----BEGIN {label}-----\n{headers}{}\n-----END {label}-----\n", lines.join("\n"))
}

fn kinds_in(name: &str, bytes: &[u8]) -> Vec<KeyKind> {
    let (changes, memory) = layer(&[(name, bytes)]);
    private_keys(&changes, &memory).expect("it can be read").into_iter().map(|(_, kind)| kind).collect()
}

fn kinds(text: &str) -> Vec<KeyKind> {
    kinds_in("some/file", text.as_bytes())
}

/// A text of each kind.
fn samples() -> Vec<(String, KeyKind)> {
    let proc_type = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n";
    let pgp = [&[0x95, 0x03], noise(500, 4).as_slice()].concat();
    let pgp = pem("PGP PRIVATE KEY BLOCK", "Version: GnuPG v2\nComment: a comment, with (marks)\n\n", &pgp);
    vec![
        (pem("RSA PRIVATE KEY", "", &pkcs1()), KeyKind::Pkcs1),
        (pem("DSA PRIVATE KEY", "", &dsa()), KeyKind::Dsa),
        (pem("EC PRIVATE KEY", "", &ec()), KeyKind::Ec),
        (pem("PRIVATE KEY", "", &pkcs8()), KeyKind::Pkcs8),
        (pem("ENCRYPTED PRIVATE KEY", "", &encrypted()), KeyKind::Encrypted),
        (pem("ENCRYPTED SIGSTORE PRIVATE KEY", "", &noise(400, 8)), KeyKind::Encrypted),
        (pem("RSA PRIVATE KEY", proc_type, &noise(600, 8)), KeyKind::Encrypted),
        (pem("OPENSSH PRIVATE KEY", "", &openssh("none")), KeyKind::OpenSsh),
        (pem("OPENSSH PRIVATE KEY", "", &openssh("aes256-ctr")), KeyKind::Encrypted),
        (pem("TSS2 PRIVATE KEY", "", &noise(100, 8)), KeyKind::Other),
        (pgp.replace("\n-----END", "\n=aB3d\n-----END"), KeyKind::Pgp),
    ]
}

#[test]
fn complete_keys_are_found_in_any_text() {
    for (text, kind) in samples() {
        assert_eq!(kinds(&text), [kind], "{text}");
        assert_eq!(kinds(&text.replace('\n', "\r\n")), [kind], "{text}");
        assert_eq!(kinds(&format!("key: |\n  {}", text.replace('\n', "\n  "))), [kind], "{text}");
        let json = serde_json::to_string(&[&text]).expect("a text");
        assert_eq!(kinds(&json), [kind], "{json}");
        assert_eq!(kinds(&serde_json::to_string(&[&json]).expect("a text")), [kind], "{json}");
        assert_eq!(kinds(&text.replace('\n', "\\n\"\n    \"")), [kind], "{text}");
        assert_eq!(kinds(text.trim_end()), [kind], "{text}");
    }
    let (all, expected): (Vec<String>, Vec<KeyKind>) = samples().into_iter().unzip();
    let expected: Vec<KeyKind> = expected.into_iter().collect::<std::collections::BTreeSet<_>>().into_iter().collect();
    assert_eq!(kinds(&all.concat()), expected, "each kind once");
    assert_eq!(kinds(&samples()[3].0.replace('\n', " ")), [KeyKind::Pkcs8], "in an environment variable");
}

#[test]
fn a_mention_is_no_key() {
    let (text, _) = &samples()[3];
    let lines: Vec<&str> = text.lines().collect();
    for mention in [
        "-----BEGIN PRIVATE KEY-----",
        "const BEGIN: &str = \"-----BEGIN PRIVATE KEY-----\"; const END: &str = \"-----END PRIVATE KEY-----\";",
        "-----BEGIN RSA PRIVATE KEY-----\n...\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA...\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nYOUR+KEY+HERE\n-----END PRIVATE KEY-----",
        "-----BEGIN ${TYPE} PRIVATE KEY-----",
        &pem("PRIVATE KEY", "", &noise(100, 1)),
        &pem("PRIVATE KEY", "", &certificate()),
        &pem("PUBLIC KEY", "", &pkcs8()),
        &pem("CERTIFICATE", "", &certificate()),
        &pem("OPENSSH PRIVATE KEY", "", &noise(100, 1)),
        &pem("PGP PRIVATE KEY BLOCK", "", &[0x99; 100]),
        &text.replace("-----END PRIVATE", "-----END RSA PRIVATE"),
        &lines[..lines.len() - 1].join("\n"),
        &text.replace("END", "BEGIN").repeat(3),
    ] {
        assert_eq!(kinds(mention), [], "{mention}");
    }
}

#[test]
fn keys_without_text_are_known_by_their_name() {
    let all = [
        (pkcs1(), KeyKind::Pkcs1),
        (dsa(), KeyKind::Dsa),
        (ec(), KeyKind::Ec),
        (pkcs8(), KeyKind::Pkcs8),
        (encrypted(), KeyKind::Encrypted),
    ];
    for (bytes, kind) in all {
        for name in ["a.der", "dir/A.KEY", "a.pk8", "a.p8"] {
            assert_eq!(kinds_in(name, &bytes), [kind], "{name}");
        }
        assert_eq!(kinds_in("a.bin", &bytes), []);
        assert_eq!(kinds_in("a.key", &[bytes.as_slice(), b"x"].concat()), []);
        assert_eq!(kinds_in("a.key", &bytes[..bytes.len() - 1]), []);
    }
    assert_eq!(kinds_in("a.der", &certificate()), []);
    assert_eq!(kinds_in("a.der", &numbers(&[0], 3)), []);
}

#[test]
fn putty_keys_are_found() {
    let key = |encryption: &str| {
        format!(
            "PuTTY-User-Key-File-3: ssh-ed25519\r\nEncryption: {encryption}\r\nComment: x\r\nPublic-Lines: 1\r\nAAAA\r\n\
             Private-Lines: 2\r\nAAAAIK0=\r\nAAAA\r\nPrivate-MAC: 00\r\n"
        )
    };
    assert_eq!(kinds(&key("none")), [KeyKind::Putty]);
    assert_eq!(kinds(&key("aes256-cbc")), [KeyKind::Encrypted]);
    assert_eq!(kinds(&key("none").replace("AAAAIK0=\r\n", "\r\n")), []);
    assert_eq!(kinds(&format!("It begins with {}", key("none"))), []);
    assert_eq!(kinds("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n"), []);
}

#[test]
fn a_key_behind_much_else_is_found() {
    let (text, kind) = &samples()[0];
    for before in (256 * 1024 - 2000..256 * 1024 + 100).step_by(97) {
        let bytes = [vec![b'\n'; before], text.clone().into_bytes(), vec![b'\n'; 1000]].concat();
        assert_eq!(kinds_in("file", &bytes), [*kind], "{before}");
    }
}

proptest! {
    #[test]
    fn any_bytes_do_no_harm(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        changes in prop::collection::vec((any::<usize>(), any::<u8>()), 0..5),
        sample in 0..11_usize,
        length in any::<usize>(),
    ) {
        kinds_in("a.der", &bytes);
        for mut changed in [samples()[sample].0.clone().into_bytes(), pkcs1(), pkcs8(), encrypted()] {
            for (at, value) in &changes {
                let at = at % changed.len();
                changed[at] = *value;
            }
            changed.truncate(length % (changed.len() + 1));
            kinds_in("a.key", &changed);
        }
    }
}
