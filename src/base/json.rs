//! Canonical JSON: compact, keys sorted, nothing escaped that need not be.

use serde::Serialize;

/// The canonical bytes of `value`.
///
/// The detour through [`serde_json::Value`] sorts the keys: oci-spec keeps its maps in hash maps, and the same descriptor
/// serialised twice gives different bytes. A unit test notices if a dependency switches `preserve_order` on.
pub fn canonical<T: Serialize>(value: &T) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&serde_json::to_value(value)?)
}

/// The canonical bytes of a value that is JSON already, which cannot fail.
pub fn bytes_of(value: &serde_json::Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_and_html_is_left_alone() -> serde_json::Result<()> {
        let value: serde_json::Value = serde_json::from_str(r#"{"b": 1, "a": "<&>", "C": {"z": [], "y": null}}"#)?;
        assert_eq!(canonical(&value)?, bytes_of(&value));
        assert_eq!(canonical(&value)?, br#"{"C":{"y":null,"z":[]},"a":"<&>","b":1}"#);
        Ok(())
    }
}
