//! Large blobs whose upload is cut in the middle.

use super::{REPOSITORY, TEMPLATE, clean, contents, start};
use crate::place::Place;
use crate::registry::{Broken, Mischief, Registry, Rule};

const LARGE_BYTES: usize = 24 << 20;

/// After so many bytes of each request it is cut.
const CUT_BYTES: u64 = 5 << 20;

/// A layer that nothing makes smaller.
fn large() -> Place {
    let place = Place::new();
    let template = TEMPLATE.replace(", 'linux/arm64'", "").replace("epoch =", "compression = 'none'\nepoch =");
    let data = "[sources.data]\npath = 'data'\n[[layer]]\nname = 'data'\ncopy = 'data'\nto = '/'\n";
    std::fs::write(place.path("kiln.toml"), template + data).expect("our own directory");
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let words = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    });
    let bytes: Vec<u8> = words.take(LARGE_BYTES / 8).flat_map(u64::to_le_bytes).collect();
    std::fs::write(place.path("data/large"), bytes).expect("our own directory");
    place
}

/// Everything but the large blob is there already.
fn prepare(place: &Place, registry: &Registry) {
    for file in walkdir::WalkDir::new(place.path("clean/blobs")).into_iter().filter_map(Result::ok) {
        if file.metadata().is_ok_and(|meta| meta.is_file() && meta.len() < 1 << 20) {
            let bytes = std::fs::read(file.path()).expect("a blob");
            registry.store(|store| store.put_blob(&bytes));
        }
    }
}

/// The bytes of all uploads.
fn sent(registry: &Registry) -> u64 {
    registry.calls_of("/blobs/uploads/").iter().map(|call| call.length).sum()
}

fn registry(broken: Broken, ignores_content_range: bool) -> Registry {
    let registry = Registry::start();
    registry.configure(|settings| {
        settings.broken = broken;
        settings.ignores_content_range = ignores_content_range;
    });
    registry
}

#[test]
fn what_the_registry_kept_is_not_sent_again() {
    let place = large();
    let (clean, _) = clean(&place, |_| {});
    for ignores_content_range in [false, true] {
        let registry = registry(Broken::Keep, ignores_content_range);
        // Each attempt gets on, so no number of failures is too large.
        registry.misbehave(Rule::to("PUT", "/blobs/uploads/", Mischief::CutRequest { after: CUT_BYTES }).times(4));
        let ended = start(&place, &registry, "clean", &[]).finish();
        assert_eq!(ended.code, Some(0), "{} {:#?}", ended.stderr, registry.lines());
        assert!(ended.stderr.contains("up to byte"), "{}", ended.stderr);
        assert_eq!(contents(&registry), clean);
        assert!(sent(&registry) < 2 * LARGE_BYTES as u64, "{} {:#?}", sent(&registry), registry.lines());
        assert_eq!(registry.offences(), Vec::<String>::new());
    }
}

/// docker-registry 2.8: the upload is gone, and whatever is sent again is appended.
#[test]
fn what_the_registry_forgot_begins_again_and_is_said() {
    let place = large();
    let (clean, _) = clean(&place, |_| {});
    let cut = || Rule::to("PUT", "/blobs/uploads/", Mischief::CutRequest { after: CUT_BYTES });
    let registry = registry(Broken::Forget, true);
    prepare(&place, &registry);
    registry.misbehave(cut().times(1));
    let ended = start(&place, &registry, "clean", &[]).finish();
    assert_eq!(ended.code, Some(0), "{} {:#?}", ended.stderr, registry.lines());
    assert!(
        ended.stderr.contains("does not know the upload") && ended.stderr.contains("begins again"),
        "{}",
        ended.stderr
    );
    assert_eq!(contents(&registry).tags, clean.tags);
    // One that never lets it through is given up.
    let registry = self::registry(Broken::Forget, true);
    prepare(&place, &registry);
    registry.misbehave(cut());
    let ended = start(&place, &registry, "clean", &[("KILN_ATTEMPTS", "3")]).finish();
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    let begun = registry.calls_of(&format!("/v2/{REPOSITORY}/blobs/uploads/upload-")).len();
    assert!(contents(&registry).tags.is_empty() && begun <= 6, "{begun} {:#?}", registry.lines());
}

/// Cut while the answer is awaited: the blob is there, and nobody sends it again.
#[test]
fn what_arrived_without_an_answer_is_not_sent_again() {
    let place = large();
    let registry = Registry::start();
    assert!(!place.digest("clean").is_empty());
    prepare(&place, &registry);
    registry.misbehave(Rule::to("PUT", "/blobs/uploads/", Mischief::ActThenVanish).times(1));
    let ended = start(&place, &registry, "clean", &[]).finish();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(sent(&registry) < 3 * LARGE_BYTES as u64 / 2, "{:#?}", registry.lines());
}
