//! What an image takes over from its base.

use serde_json::{Map, Value, json};

use crate::template::Config;

use super::{Base, MediaType};

/// The name of a layer's kind in OCI's words.
pub(super) fn media_type(found: &MediaType) -> MediaType {
    match found.as_ref() {
        "application/vnd.docker.image.rootfs.diff.tar" => MediaType::ImageLayer,
        "application/vnd.docker.image.rootfs.diff.tar.gzip" => MediaType::ImageLayerGzip,
        "application/vnd.docker.image.rootfs.diff.tar.zstd" => MediaType::ImageLayerZstd,
        _ => found.clone(),
    }
}

/// The base's history. One that does not say as much as there are layers says nothing that can be matched to them: then
/// there is one plain entry a layer.
pub(super) fn history(base: &Base<'_>) -> Vec<Value> {
    let entries = base.config["history"].as_array().cloned().unwrap_or_default();
    let layers = entries.iter().filter(|entry| entry["empty_layer"] != Value::Bool(true)).count();
    if layers == base.layers.len() {
        return entries;
    }
    base.layers.iter().map(|_| json!({ "created_by": "base image" })).collect()
}

/// Fields of the config that say more about the platform (image-spec, config.md, "Properties").
pub(super) fn platform_details(base: &Base<'_>) -> impl Iterator<Item = (&'static str, Value)> {
    ["os.version", "os.features"].into_iter().filter_map(|key| Some((key, base.config.get(key)?.clone())))
}

/// The base's runtime config under that of the template, `own`: maps and sets merge by key, every other key replaces. An
/// entrypoint without a command clears the base's command, which was made for another program.
pub(super) fn runtime(base: &Value, own: Map<String, Value>, config: &Config) -> Map<String, Value> {
    let mut merged = base["config"].as_object().cloned().unwrap_or_default();
    // Some builders write every key, with nothing in it.
    merged.retain(|_, value| !value.is_null());
    if config.entrypoint.is_some() {
        merged.remove("Entrypoint");
        merged.remove("Cmd");
    }
    if config.cmd.is_some() {
        merged.remove("Cmd");
    }
    for (key, value) in own {
        let old = merged.remove(&key);
        let value = match (key.as_str(), old, value) {
            ("Env", Some(Value::Array(old)), Value::Array(new)) => Value::Array(environment(old, new)),
            ("ExposedPorts" | "Labels" | "Volumes", Some(Value::Object(mut old)), Value::Object(new)) => {
                old.extend(new);
                Value::Object(old)
            }
            (_, _, value) => value,
        };
        merged.insert(key, value);
    }
    merged
}

/// The base's variables in their places, with new values where the template has some; then those that are new.
fn environment(old: Vec<Value>, new: Vec<Value>) -> Vec<Value> {
    let name = |value: &Value| value.as_str().map(|text| text.split('=').next().unwrap_or(text).to_owned());
    let replaced = |value: Value| new.iter().find(|other| name(other) == name(&value)).cloned().unwrap_or(value);
    let merged: Vec<Value> = old.iter().cloned().map(replaced).collect();
    let added = new.iter().filter(|value| !old.iter().any(|other| name(other) == name(value)));
    merged.iter().chain(added).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::plain_layer;
    use super::*;

    fn merge(base: Value, own: Value, config: &Config) -> Value {
        let base = json!({ "config": base });
        let own = own.as_object().cloned().expect("an object");
        Value::Object(runtime(&base, own, config))
    }

    #[test]
    fn variables_labels_ports_and_volumes_merge_and_the_rest_replaces() {
        let base = json!({
            "Env": ["PATH=/bin", "A=1"], "Labels": {"a": "1", "b": "2"}, "User": "root", "WorkingDir": "/", "Cmd": ["sh"],
            "ExposedPorts": {"80/tcp": {}}, "OnBuild": null
        });
        let own = json!({"Env": ["A=2", "B=3"], "Labels": {"b": "3"}, "User": "app", "ExposedPorts": {"81/tcp": {}}});
        let expected = json!({
            "Env": ["PATH=/bin", "A=2", "B=3"], "Labels": {"a": "1", "b": "3"}, "User": "app", "WorkingDir": "/",
            "Cmd": ["sh"], "ExposedPorts": {"80/tcp": {}, "81/tcp": {}}
        });
        assert_eq!(merge(base, own, &Config::default()), expected);
    }

    #[test]
    fn an_entrypoint_clears_the_command_of_the_base() {
        let base = json!({ "Entrypoint": ["/old"], "Cmd": ["--old"] });
        let entrypoint = Config { entrypoint: Some(vec!["/new".to_owned()]), ..Config::default() };
        assert_eq!(
            merge(base.clone(), json!({ "Entrypoint": ["/new"] }), &entrypoint),
            json!({ "Entrypoint": ["/new"] })
        );
        let cmd = Config { cmd: Some(Vec::new()), ..Config::default() };
        assert_eq!(merge(base.clone(), json!({}), &cmd), json!({ "Entrypoint": ["/old"] }));
        assert_eq!(merge(base.clone(), json!({}), &Config::default()), base);
    }

    #[test]
    fn a_history_that_does_not_fit_is_replaced() {
        let layers = [plain_layer(b"one"), plain_layer(b"two")];
        let entry = json!({ "created_by": "x" });
        let empty = json!({ "created_by": "y", "empty_layer": true });
        let config = json!({ "history": [entry, empty, entry] });
        let base = Base { config: &config, layers: &layers, origin: None };
        assert_eq!(history(&base), [entry.clone(), empty, entry]);
        let none = json!({});
        let plain = json!({ "created_by": "base image" });
        assert_eq!(history(&Base { config: &none, ..base }), [plain.clone(), plain]);
    }

    #[test]
    fn media_types_of_docker_become_those_of_oci() {
        let docker: MediaType = "application/vnd.docker.image.rootfs.diff.tar.gzip".into();
        assert_eq!(media_type(&docker), MediaType::ImageLayerGzip);
        assert_eq!(media_type(&MediaType::ImageLayerZstd), MediaType::ImageLayerZstd);
    }
}
