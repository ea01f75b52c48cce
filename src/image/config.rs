//! The config: how to run the image, and which layers it is made of.

use serde_json::{Map, Value, json};

use crate::base::json::bytes_of;
use crate::template::{Config, Healthcheck};

use super::{Plan, base};

/// The bytes of the config. `history` has one entry a layer, so that every reader can match the two.
pub fn bytes(plan: &Plan<'_>) -> Vec<u8> {
    let created = plan.created.to_string();
    let own = |(name, _): &(String, _)| json!({ "created": created, "created_by": format!("kiln: {name}") });
    let history: Vec<Value> = plan.base.iter().flat_map(base::history).chain(plan.layers.iter().map(own)).collect();
    let diff_ids: Vec<String> = plan.all_layers().map(|layer| layer.diff_id.to_string()).collect();
    let runtime = runtime(plan.base.as_ref().map(|base| base.config), plan.config);
    let mut config = json!({
        "architecture": plan.platform.architecture,
        "config": runtime,
        "created": created,
        "history": history,
        "os": plan.platform.os,
        "rootfs": { "diff_ids": diff_ids, "type": "layers" },
    });
    if let Some(variant) = &plan.platform.variant {
        config["variant"] = json!(variant);
    }
    for (key, value) in plan.base.iter().flat_map(base::platform_details) {
        config[key] = value;
    }
    bytes_of(&config)
}

/// `config.config` of an image on a base with the config `base`.
pub fn runtime(base: Option<&Value>, config: &Config) -> Map<String, Value> {
    let own = own(config);
    match base {
        Some(base) => base::runtime(base, own, config),
        None => own,
    }
}

/// What the template says of it. What is not given has no key, so that an engine's default holds.
fn own(config: &Config) -> Map<String, Value> {
    let mut keys = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            keys.insert(key.to_owned(), value);
        }
    };
    let list = |list: &Option<Vec<String>>| list.as_ref().filter(|list| !list.is_empty()).map(|list| json!(list));
    let text = |text: &Option<String>| text.as_ref().map(|text| json!(text));
    let env: Vec<String> = config.env.iter().map(|(key, value)| format!("{key}={value}")).collect();
    put("Cmd", list(&config.cmd));
    put("Entrypoint", list(&config.entrypoint));
    put("Env", list(&Some(env)));
    put("ExposedPorts", set(&config.ports));
    put("Healthcheck", config.healthcheck.as_ref().map(healthcheck));
    put("Labels", (!config.labels.is_empty()).then(|| json!(config.labels)));
    put("StopSignal", text(&config.stop_signal));
    put("User", text(&config.user));
    put("Volumes", set(&config.volumes));
    put("WorkingDir", text(&config.workdir));
    keys
}

/// What Go writes for a set: an object with an empty object for each member.
fn set(members: &[String]) -> Option<Value> {
    let members: Map<String, Value> = members.iter().map(|member| (member.clone(), json!({}))).collect();
    (!members.is_empty()).then_some(Value::Object(members))
}

/// Docker's extension of the config, which image-spec reserves the name for; times in nanoseconds.
fn healthcheck(check: &Healthcheck) -> Value {
    let mut keys = Map::new();
    keys.insert("Test".to_owned(), json!(check.test));
    let numbers = [
        ("Interval", check.interval_ns),
        ("Timeout", check.timeout_ns),
        ("StartPeriod", check.start_period_ns),
        ("Retries", check.retries.map(u64::from)),
    ];
    for (key, number) in numbers {
        if let Some(number) = number {
            keys.insert(key.to_owned(), json!(number));
        }
    }
    Value::Object(keys)
}
