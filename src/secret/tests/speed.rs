//! How fast a layer is searched. Run it by itself, optimised:
//! `cargo test --release --lib secret::tests::speed -- --ignored --nocapture`.

use std::time::Instant;

use super::*;

const FILE_BYTES: usize = 1 << 26;

fn measure(what: &str, work: impl Fn() -> usize) {
    let start = Instant::now();
    let rounds = 4;
    let found: usize = (0..rounds).map(|_| work()).sum();
    let rate = (rounds * FILE_BYTES) as f64 / start.elapsed().as_secs_f64() / 1e9;
    println!("{what}: {rate:.2} GB/s, {found} found");
}

#[test]
#[ignore = "a measurement"]
fn speed() {
    let random = noise(FILE_BYTES, 1);
    let text: Vec<u8> = crate::base::digest::hex(&random[..1 << 16]).into_bytes();
    let source = include_str!("../unpack.rs").as_bytes();
    let contents = [
        ("random", random),
        ("hexadecimal", text.repeat(FILE_BYTES / text.len())),
        ("source", source.repeat(FILE_BYTES / source.len() + 1)[..FILE_BYTES].to_vec()),
    ];
    let values: Vec<Vec<u8>> =
        (0..8).map(|seed| crate::base::digest::hex(&noise(16, seed * 99 + 1000)).into_bytes()).collect();
    let ids = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let pairs: Vec<(&str, &[u8])> = ids.iter().copied().zip(values.iter().map(Vec::as_slice)).collect();
    for (what, bytes) in &contents {
        let (changes, memory) = layer(&[("file", bytes)]);
        measure(&format!("{what}, private keys"), || private_keys(&changes, &memory).expect("it is there").len());
        for count in [1, 3, 8] {
            let needles = needles(&pairs[..count]);
            measure(&format!("{what}, {count} secrets"), || {
                search(&changes, &memory, &needles).expect("it is there").len()
            });
        }
        let needle = needles(&[("pass", b"correct horse battery staple")]);
        measure(&format!("{what}, words"), || search(&changes, &memory, &needle).expect("it is there").len());
    }
    let many: Vec<(String, Vec<u8>)> = (0..20_000).map(|n| (format!("f{n}"), noise(3000, n))).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let (changes, memory) = layer(&many);
    measure("small files (of 67 MB)", || search(&changes, &memory, &needles(&pairs[..1])).expect("it is there").len());
    measure("small files, keys", || private_keys(&changes, &memory).expect("it is there").len());
}
