//! The registry of the tests refuses what registries refuse: a client that these tests let pass is a good one.

mod mischief;
mod rules;
mod uploads;

use serde_json::{Value, json};

use super::{MANIFEST, transport};
use crate::transport::testing::Registry;
use crate::transport::testing::store::digest_of;
use crate::transport::{Method, Request, Url};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// An answer that was read.
struct Seen {
    status: u16,
    headers: crate::transport::Headers,
    body: Vec<u8>,
}

impl Seen {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_default()
    }

    /// Where an upload goes on.
    fn location(&self) -> &str {
        self.header("location")
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// Status and code of an error.
    fn refusal(&self) -> (u16, String) {
        (self.status, self.json()["errors"][0]["code"].as_str().unwrap_or_default().to_owned())
    }
}

fn ask_with(
    registry: &Registry,
    (method, target): (Method, &str),
    headers: &[(&str, &str)],
    body: Option<&[u8]>,
) -> Seen {
    let mut request = Request::new(method, Url::parse(&registry.url(target)).expect("an address"));
    if let Some(body) = body {
        request = request.with_body("application/octet-stream", body.to_vec());
    }
    for (name, value) in headers {
        request = request.with(name, *value);
    }
    let answer = transport().send_once(&request).expect("an answer");
    let (status, headers) = (answer.status, answer.headers);
    Seen { status, headers, body: answer.body.rest(1 << 20).expect("a short body") }
}

fn ask(registry: &Registry, method: Method, target: &str) -> Seen {
    ask_with(registry, (method, target), &[], None)
}

/// Pushes a blob in one go.
fn push_blob(registry: &Registry, repository: &str, bytes: &[u8]) -> Seen {
    let start = ask(registry, Method::Post, &format!("/v2/{repository}/blobs/uploads/"));
    assert_eq!(start.status, 202);
    let target = format!("{}&digest={}", start.location(), digest_of(bytes));
    ask_with(registry, (Method::Put, &target), &[], Some(bytes))
}

/// An image without layers, and its config; `note` makes it another one.
fn image(note: &str) -> (Vec<u8>, Vec<u8>) {
    let config = format!("{{\"note\":\"{note}\"}}").into_bytes();
    (manifest_of(&config, &json!({ "annotations": { "note": note } })), config)
}

/// A manifest with that config and more fields.
fn manifest_of(config: &[u8], more: &Value) -> Vec<u8> {
    let mut manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": { "mediaType": CONFIG, "digest": digest_of(config), "size": config.len() },
        "layers": [],
    });
    for (name, value) in more.as_object().expect("fields") {
        manifest[name] = value.clone();
    }
    manifest.to_string().into_bytes()
}

fn put_as(registry: &Registry, name: &str, media_type: &str, bytes: &[u8]) -> Seen {
    let headers = [("content-type", media_type)];
    ask_with(registry, (Method::Put, &format!("/v2/r/manifests/{name}")), &headers, Some(bytes))
}

fn put(registry: &Registry, name: &str, bytes: &[u8]) -> Seen {
    put_as(registry, name, MANIFEST, bytes)
}

/// Pushes an image to `r`; gives the answer to its manifest.
fn push_image(registry: &Registry, tag: &str, note: &str) -> Seen {
    let (manifest, config) = image(note);
    assert_eq!(push_blob(registry, "r", &config).status, 201);
    put(registry, tag, &manifest)
}
