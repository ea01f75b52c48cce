//! How an image is run.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// What an engine reads in `config.config` before it starts a container (image-spec, config.md, "Properties").
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Execution {
    /// The entrypoint.
    pub entrypoint: Vec<String>,
    /// The entrypoint and the command, in this order.
    pub argv: Vec<String>,
    /// Environment variables.
    pub env: BTreeMap<String, String>,
    /// `user[:group]`, each a name or a number; `None`: root.
    pub user: Option<String>,
    /// Where it starts; `None`: in the root.
    pub workdir: Option<String>,
    /// Paths that an engine puts storage at, and makes if they are not there.
    pub volumes: Vec<String>,
    /// The signal that it is stopped with, as it was written.
    pub stop_signal: Option<String>,
}

impl Execution {
    /// Reads it. What is not of the form that the specification says is as if it were not there.
    pub fn of(runtime: &Map<String, Value>) -> Self {
        let text = |key: &str| runtime.get(key)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let list = |key: &str| {
            let items = runtime.get(key).and_then(Value::as_array).into_iter().flatten();
            items.filter_map(Value::as_str).map(str::to_owned)
        };
        let variable = |entry: String| entry.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        let volumes = runtime.get("Volumes").and_then(Value::as_object).into_iter().flatten();
        Self {
            entrypoint: list("Entrypoint").collect(),
            argv: list("Entrypoint").chain(list("Cmd")).collect(),
            env: list("Env").filter_map(variable).collect(),
            user: text("User"),
            workdir: text("WorkingDir"),
            volumes: volumes.map(|(path, _)| path.clone()).collect(),
            stop_signal: text("StopSignal"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::config::runtime;
    use crate::template::Config;
    use serde_json::json;

    #[test]
    fn it_is_the_bases_under_the_templates() {
        let base = json!({ "config": {
            "Entrypoint": ["/serve"], "Cmd": ["--port", "80"], "Env": ["PATH=/bin", "A=1=2", "odd"], "User": "",
            "WorkingDir": "/srv", "Volumes": { "/data": {} }, "StopSignal": 3
        }});
        let config = Config { user: Some("app".to_owned()), ..Config::default() };
        let execution = Execution::of(&runtime(Some(&base), &config));
        assert_eq!(execution.argv, ["/serve", "--port", "80"]);
        let env: Vec<String> = execution.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(env, ["A=1=2", "PATH=/bin"]);
        assert_eq!((execution.user.as_deref(), execution.workdir.as_deref()), (Some("app"), Some("/srv")));
        assert_eq!((execution.volumes, execution.stop_signal), (vec!["/data".to_owned()], None));
        let alone = Execution::of(&runtime(None, &config));
        assert_eq!(alone, Execution { user: Some("app".to_owned()), ..Execution::default() });
    }
}
