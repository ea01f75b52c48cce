//! The part of an error's body that helps a person.

use serde_json::Value;

use super::secret::Secret;

/// Characters of it that are shown.
const SHOWN: usize = 300;

/// The error of a registry's JSON (distribution-spec, "Error Codes"), of a token server's (RFC 6749, section 5.2), or the
/// first line of a text. Pages for browsers say nothing. What the request held as a secret is replaced.
pub(super) fn readable(bytes: &[u8], media_type: &str, secrets: &[Secret]) -> Option<String> {
    let text = match serde_json::from_slice::<Value>(bytes) {
        Ok(json) => of_json(&json)?,
        Err(_) => {
            let text = String::from_utf8_lossy(bytes);
            let text = text.trim_start();
            if media_type.contains("html") || text.starts_with('<') {
                return None;
            }
            text.lines().next()?.to_owned()
        }
    };
    let mut text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    for secret in secrets.iter().filter(|secret| !secret.reveal().is_empty()) {
        text = text.replace(secret.reveal(), "***");
    }
    let text = text.trim();
    if text.chars().count() > SHOWN {
        return Some(text.chars().take(SHOWN).chain("..".chars()).collect());
    }
    (!text.is_empty()).then(|| text.to_owned())
}

fn of_json(json: &Value) -> Option<String> {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let first = json.get("errors").and_then(|errors| errors.get(0));
    let from = first.unwrap_or(json);
    let code = text(from, "code").or_else(|| text(from, "error"));
    let message = ["message", "error_description", "details", "detail"].iter().find_map(|name| text(from, name));
    match (code, message) {
        (Some(code), Some(message)) if code != message => Some(format!("{code}: {message}")),
        (code, message) => message.or(code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(body: &str, media_type: &str) -> Option<String> {
        readable(body.as_bytes(), media_type, &[Secret::new("hunter2")])
    }

    #[test]
    fn errors_of_registries_and_token_servers_are_read() {
        let oci = r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":{"Tag":"x"}}]}"#;
        assert_eq!(said(oci, "application/json").as_deref(), Some("MANIFEST_UNKNOWN: manifest unknown"));
        let token = r#"{"error":"invalid_grant","error_description":"expired: hunter2"}"#;
        assert_eq!(said(token, "").as_deref(), Some("invalid_grant: expired: ***"));
        assert_eq!(
            said(r#"{"details":"incorrect username or password"}"#, "").as_deref(),
            Some("incorrect username or password")
        );
        assert_eq!(said("[]", ""), None);
    }

    #[test]
    fn texts_are_cut_and_pages_left_out() {
        assert_eq!(said("no\x1b[31m\nmore", "text/plain").as_deref(), Some("no [31m"));
        assert_eq!(said("<html>", ""), None);
        assert_eq!(said("hello", "text/html"), None);
        assert_eq!(said("", "text/plain"), None);
        assert_eq!(said(&"x".repeat(1000), "text/plain").map(|text| text.len()), Some(SHOWN + 2));
    }
}
