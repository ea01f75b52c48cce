use super::*;
use crate::transport::testing::access::{Access, Tokens};
use crate::transport::testing::{Refusal, Right, Same, TagRule};

#[test]
fn manifests_stand_on_what_is_there() {
    let registry = Registry::start();
    let (manifest, config) = image("a");
    assert_eq!(put(&registry, "1", &manifest).refusal(), (400, "MANIFEST_BLOB_UNKNOWN".to_owned()));
    push_blob(&registry, "elsewhere", &config);
    assert_eq!(put(&registry, "1", &manifest).refusal(), (400, "MANIFEST_BLOB_UNKNOWN".to_owned()));
    push_blob(&registry, "r", &config);
    let seen = put(&registry, "1", &manifest);
    let digest = digest_of(&manifest);
    assert_eq!((seen.status, seen.location()), (201, format!("/v2/r/manifests/{digest}").as_str()));
    assert_eq!(seen.header("docker-content-digest"), digest);
    for name in ["1", &digest] {
        let read = ask(&registry, Method::Get, &format!("/v2/r/manifests/{name}"));
        assert_eq!((read.body.as_slice(), read.header("content-type")), (manifest.as_slice(), MANIFEST));
    }
    assert!(registry.store(|store| store.missing("r", "1")).is_empty());

    let index = |digest: &str, size: usize| {
        let entry = json!({ "mediaType": MANIFEST, "digest": digest, "size": size });
        json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [entry] }).to_string().into_bytes()
    };
    let unknown = index(&digest_of(b"other"), 3);
    assert_eq!(put_as(&registry, "2", INDEX, &unknown).refusal(), (400, "MANIFEST_UNKNOWN".to_owned()));
    let wrong = index(&digest, manifest.len() + 1);
    assert_eq!(put_as(&registry, "2", INDEX, &wrong).refusal(), (400, "MANIFEST_INVALID".to_owned()));
    assert_eq!(put_as(&registry, "2", INDEX, &index(&digest, manifest.len())).status, 201);
    registry.store(|store| store.blobs.clear());
    assert_eq!(registry.store(|store| store.missing("r", "2")).into_iter().collect::<Vec<_>>(), [digest_of(&config)]);
}

#[test]
fn manifests_are_what_they_say() {
    let registry = Registry::start();
    let (manifest, config) = image("a");
    push_blob(&registry, "r", &config);
    let invalid = (400, "MANIFEST_INVALID".to_owned());
    assert_eq!(put(&registry, "1", b"no JSON").refusal(), invalid);
    assert_eq!(put_as(&registry, "1", INDEX, &manifest).refusal(), invalid);
    assert_eq!(put(&registry, "1", &manifest_of(&config, &json!({ "mediaType": null }))).refusal(), invalid);
    assert_eq!(put(&registry, "1", &manifest_of(&config, &json!({ "schemaVersion": 1 }))).refusal(), invalid);
    let bare = format!(
        r#"{{"schemaVersion":2,"config":{{"digest":"{}","size":{}}},"layers":[]}}"#,
        digest_of(&config),
        config.len()
    );
    assert_eq!(put(&registry, "1", bare.as_bytes()).refusal(), invalid);
    registry.configure(|settings| settings.wants_media_type = false);
    assert_eq!(put(&registry, "bare", bare.as_bytes()).status, 201);
    let other = digest_of(b"other");
    assert_eq!(put(&registry, &other, &manifest).refusal(), (400, "DIGEST_INVALID".to_owned()));
    assert_eq!(put(&registry, "-1", &manifest).status, 400);
    registry.configure(|settings| settings.manifest_max_bytes = manifest.len() as u64 - 1);
    assert_eq!(put(&registry, "1", &manifest).status, 413);
    registry.configure(|settings| settings.manifest_max_bytes += 1);
    assert_eq!(put(&registry, &digest_of(&manifest), &manifest).status, 201);
    assert_eq!(ask(&registry, Method::Post, "/v2/Big/blobs/uploads/").refusal(), (400, "NAME_INVALID".to_owned()));
}

#[test]
fn immutable_tags_stay() {
    let refusals = [
        (Refusal::TagInvalid, (400, "TAG_INVALID")),
        (Refusal::Denied, (403, "DENIED")),
        (Refusal::Conflict, (409, "CONFLICT")),
        (Refusal::AlreadyExists, (409, "TAG_ALREADY_EXISTS")),
        (Refusal::PreconditionFailed, (412, "PRECONDITION")),
    ];
    for (refusal, expected) in refusals {
        let registry = Registry::start();
        registry.configure(|settings| settings.tag_rule = TagRule::immutable(refusal));
        assert_eq!(push_image(&registry, "1", "a").status, 201);
        assert_eq!(push_image(&registry, "1", "a").status, 201, "the same again");
        let (status, code) = push_image(&registry, "1", "b").refusal();
        assert_eq!((status, code.as_str()), expected);
        assert_eq!(registry.store(|store| store.tag("r", "1").map(str::to_owned)), Some(digest_of(&image("a").0)));
        assert_eq!(push_image(&registry, &digest_of(&image("b").0), "b").status, 201, "by digest");
        let rule = TagRule::Immutable { refusal, same: Same::Refused };
        registry.configure(|settings| settings.tag_rule = rule);
        assert_eq!(push_image(&registry, "1", "a").status, expected.0, "the same again");
        registry.configure(|settings| settings.movable = vec!["1".to_owned()]);
        assert_eq!(push_image(&registry, "1", "b").status, 201);
    }
}

#[test]
fn of_eight_that_create_a_tag_at_once_one_does() {
    let immutable = TagRule::Immutable { refusal: Refusal::Conflict, same: Same::Refused };
    for (honours_if_none_match, tag_rule) in [(true, TagRule::Movable), (false, immutable)] {
        let registry = Registry::start();
        registry.configure(|settings| {
            settings.honours_if_none_match = honours_if_none_match;
            settings.tag_rule = tag_rule;
        });
        let notes: Vec<String> = (0..8).map(|number| number.to_string()).collect();
        notes.iter().for_each(|note| assert_eq!(push_blob(&registry, "r", &image(note).1).status, 201));
        let headers = [("content-type", MANIFEST), ("if-none-match", "*")];
        let create =
            |note: &str| ask_with(&registry, (Method::Put, "/v2/r/manifests/1"), &headers, Some(&image(note).0)).status;
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let threads: Vec<_> = notes.iter().map(|note| scope.spawn(|| create(note))).collect();
            threads.into_iter().map(|thread| thread.join().expect("an answer")).collect()
        });
        let refused = if honours_if_none_match { 412 } else { 409 };
        assert_eq!(statuses.iter().filter(|status| **status == refused).count(), 7, "{statuses:?}");
        let winner = statuses.iter().position(|status| *status == 201).expect("one of them");
        let tag = registry.store(|store| store.tag("r", "1").map(str::to_owned));
        assert_eq!(tag, Some(digest_of(&image(&notes[winner]).0)));
    }
}

#[test]
fn referrers_are_listed_filtered_and_paged() {
    let registry = Registry::start();
    let subject = digest_of(b"may come later");
    push_blob(&registry, "r", b"{}");
    let refer = |more: Value| {
        let mut more = more;
        more["subject"] = json!({ "mediaType": MANIFEST, "digest": subject, "size": 14 });
        let bytes = manifest_of(b"{}", &more);
        let seen = put(&registry, &digest_of(&bytes), &bytes);
        assert_eq!((seen.status, seen.header("oci-subject")), (201, subject.as_str()));
        (digest_of(&bytes), bytes.len())
    };
    let (digest, size) = refer(json!({ "artifactType": "x/a+b", "annotations": { "k": "v" } }));
    refer(json!({ "annotations": { "number": "2" } }));
    refer(json!({ "artifactType": "x/a+b", "annotations": { "number": "3" } }));
    let target = format!("/v2/r/referrers/{subject}");
    let all = ask(&registry, Method::Get, &target);
    assert_eq!((all.status, all.header("content-type"), all.header("oci-filters-applied")), (200, INDEX, ""));
    let entries = all.json()["manifests"].as_array().cloned().expect("entries");
    let kinds: Vec<_> = entries.iter().filter(|entry| entry["artifactType"] == CONFIG).collect();
    assert_eq!((entries.len(), kinds.len()), (3, 1));
    let expected = json!({
        "mediaType": MANIFEST, "digest": digest, "size": size, "artifactType": "x/a+b", "annotations": { "k": "v" },
    });
    assert!(entries.contains(&expected), "{entries:?}");

    let filtered = format!("{target}?artifactType=x/a%2Bb");
    let some = ask(&registry, Method::Get, &filtered);
    assert_eq!(some.header("oci-filters-applied"), "artifactType");
    assert_eq!(some.json()["manifests"].as_array().map(Vec::len), Some(2));
    registry.configure(|settings| settings.referrers_page = Some(1));
    let first = ask(&registry, Method::Get, &filtered);
    let next = first.header("link").strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\""));
    let second = ask(&registry, Method::Get, next.expect("a next page"));
    assert_eq!((second.json()["manifests"].as_array().map(Vec::len), second.header("link")), (Some(1), ""));
    assert_ne!(first.json()["manifests"], second.json()["manifests"]);

    registry.configure(|settings| (settings.referrers_page, settings.filters_referrers) = (None, false));
    let all = ask(&registry, Method::Get, &filtered);
    assert_eq!((all.json()["manifests"].as_array().map(Vec::len), all.header("oci-filters-applied")), (Some(3), ""));
    let none = ask(&registry, Method::Get, &format!("/v2/r/referrers/{}", digest_of(b"nobody's")));
    assert_eq!((none.status, none.json()["manifests"].as_array().map(Vec::len)), (200, Some(0)));

    registry.configure(|settings| settings.has_referrers = false);
    let off = ask(&registry, Method::Get, &target);
    assert!(off.status == 404 && serde_json::from_slice::<Value>(&off.body).is_err());
    let bytes = manifest_of(b"{}", &json!({ "subject": { "digest": subject } }));
    assert_eq!(put(&registry, "x", &bytes).header("oci-subject"), "");
}

#[test]
fn tags_are_sorted_and_paged() {
    let registry = Registry::start();
    assert_eq!(ask(&registry, Method::Get, "/v2/r/tags/list").refusal(), (404, "NAME_UNKNOWN".to_owned()));
    for tag in ["b", "a", "1.10", "c", "B"] {
        assert_eq!(push_image(&registry, tag, "x").status, 201);
    }
    let listed = |target: &str| {
        let seen = ask(&registry, Method::Get, target);
        (seen.json()["tags"].clone(), seen.header("link").to_owned())
    };
    assert_eq!(listed("/v2/r/tags/list"), (json!(["1.10", "B", "a", "b", "c"]), String::new()));
    let next = "</v2/r/tags/list?n=2&last=B>; rel=\"next\"".to_owned();
    assert_eq!(listed("/v2/r/tags/list?n=2"), (json!(["1.10", "B"]), next));
    assert_eq!(listed("/v2/r/tags/list?n=3&last=B"), (json!(["a", "b", "c"]), String::new()));
    registry.configure(|settings| settings.tags_page = Some(1));
    assert_eq!(listed("/v2/r/tags/list?n=2&last=a").0, json!(["b"]));
}

#[test]
fn manifests_are_deleted_with_their_tags_or_not_at_all() {
    let registry = Registry::start();
    push_image(&registry, "1", "a");
    push_image(&registry, "2", "a");
    let digest = digest_of(&image("a").0);
    let delete = |name: &str| ask(&registry, Method::Delete, &format!("/v2/r/manifests/{name}")).status;
    registry.configure(|settings| settings.refuses_deletion = true);
    assert_eq!((delete(&digest), delete("1")), (405, 405));
    registry.configure(|settings| settings.refuses_deletion = false);
    assert_eq!((delete("1"), delete("1")), (202, 404));
    assert_eq!(ask(&registry, Method::Head, &format!("/v2/r/manifests/{digest}")).status, 200);
    assert_eq!((delete(&digest), delete(&digest)), (202, 404));
    assert_eq!(ask(&registry, Method::Head, "/v2/r/manifests/2").status, 404);
}

/// Asks with a token for these scopes.
fn authorized(registry: &Registry, method: Method, target: &str, scopes: &[&str]) -> Seen {
    let query: Vec<String> = scopes.iter().map(|scope| format!("scope={}", scope.replace(' ', "%20"))).collect();
    let token = ask(registry, Method::Get, &format!("/token?{}", query.join("&"))).json();
    let bearer = format!("Bearer {}", token["token"].as_str().expect("a token"));
    ask_with(registry, (method, target), &[("authorization", &bearer)], None)
}

#[test]
fn writing_needs_a_token_for_writing() {
    let registry = Registry::start();
    registry.require(Access::tokens());
    let start = |scopes: &[&str]| authorized(&registry, Method::Post, "/v2/r/blobs/uploads/", scopes);
    let refused = start(&["repository:r:pull"]);
    assert_eq!(refused.status, 401);
    assert!(refused.header("www-authenticate").ends_with("scope=\"repository:r:pull,push\""));
    assert_eq!(start(&["repository:other:pull,push"]).status, 401);
    assert_eq!(start(&["repository:r:pull,push"]).status, 202);
    assert_eq!(start(&["repository:other:pull repository:r:push,pull"]).status, 202);
    let reading = authorized(&registry, Method::Get, "/v2/r/manifests/1", &["repository:r:pull,push"]);
    assert_eq!(reading.status, 404);
    let reading = ask(&registry, Method::Get, "/v2/r/manifests/1");
    assert!(reading.header("www-authenticate").ends_with("scope=\"repository:r:pull\""));
    assert!(!ask(&registry, Method::Get, "/v2/").header("www-authenticate").contains("scope"));
}

#[test]
fn who_may_only_read_is_denied_and_mounts_what_may_be_read() {
    let registry = Registry::start();
    let digest = registry.store(|store| store.put_blob_in("public", b"blob"));
    registry.store(|store| store.put_blob_in("hidden", b"blob"));
    registry.require(Access::tokens());
    registry.configure(|settings| {
        settings.rights = [("public".to_owned(), Right::Read), ("hidden".to_owned(), Right::Nothing)].into();
    });
    let all = ["repository:public:pull,push", "repository:hidden:pull", "repository:r:pull,push"];
    let denied = authorized(&registry, Method::Post, "/v2/public/blobs/uploads/", &all);
    assert_eq!(denied.refusal(), (403, "DENIED".to_owned()));
    let denied = authorized(&registry, Method::Get, &format!("/v2/hidden/blobs/{digest}"), &all);
    assert_eq!(denied.refusal(), (403, "DENIED".to_owned()));

    let mount = |from: &str, scopes: &[&str]| {
        let target = format!("/v2/r/blobs/uploads/?mount={digest}&from={from}");
        authorized(&registry, Method::Post, &target, scopes)
    };
    let refused = mount("public", &["repository:r:pull,push"]);
    let scope = "scope=\"repository:r:pull,push repository:public:pull\"";
    assert!(refused.status == 401 && refused.header("www-authenticate").ends_with(scope));
    assert_eq!(mount("hidden", &all).status, 202, "as if it were not there");
    assert_eq!(mount("public", &all).status, 201);
}

#[test]
fn tokens_wear_out() {
    let registry = Registry::start();
    registry.require(Access::Token(Tokens { uses: Some(2), ..Tokens::default() }));
    let token = ask(&registry, Method::Get, "/token?scope=repository:r:pull,push").json();
    let bearer = format!("Bearer {}", token["token"].as_str().expect("a token"));
    let statuses: Vec<u16> = (0..3)
        .map(|_| {
            let headers = [("authorization", bearer.as_str())];
            ask_with(&registry, (Method::Post, "/v2/r/blobs/uploads/"), &headers, None).status
        })
        .collect();
    assert_eq!(statuses, [202, 202, 401]);
}
