//! Where a Python package was installed from (PyPA specification "Recording the Direct URL Origin", PEP 610).

use serde_json::Value;

/// Whether the file names a directory or file of the machine, or a repository on it. Addresses on a network stay: with
/// them goes what was installed, a commit or a digest.
pub(super) fn is_local(bytes: &[u8]) -> bool {
    let origin: Option<Value> = serde_json::from_slice(bytes).ok();
    let url = origin.as_ref().and_then(|origin| origin.get("url")).and_then(Value::as_str);
    url.is_some_and(|url| url.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("file:")))
}
