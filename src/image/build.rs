//! A plan as an image.

use serde_json::{Value, json};

use crate::base::ConfigDigest;
use crate::base::json::bytes_of;

use super::annotations::{ANNOTATION_BASE_IMAGE_DIGEST, ANNOTATION_BASE_IMAGE_NAME, annotations};
use super::{Blob, Image, LayerDescriptor, MediaType, Plan, config};

/// The image of one platform. Equal plans give equal bytes.
pub fn build(plan: &Plan<'_>) -> Image {
    let config = Blob::new(config::bytes(plan), MediaType::ImageConfig);
    let all: Vec<LayerDescriptor> = plan.all_layers().collect();
    let layers: Vec<Value> = all.iter().map(descriptor).collect();
    let mut annotations = annotations(plan.created, plan.name, plan.version, plan.annotations);
    if let Some((name, digest)) = plan.base.and_then(|base| base.origin) {
        for (key, value) in [(ANNOTATION_BASE_IMAGE_NAME, name), (ANNOTATION_BASE_IMAGE_DIGEST, digest)] {
            annotations.entry(key.to_owned()).or_insert_with(|| value.to_owned());
        }
    }
    let manifest = json!({
        "annotations": annotations,
        "config": config_descriptor(&config),
        "layers": layers,
        "mediaType": MediaType::ImageManifest.as_ref(),
        "schemaVersion": 2,
    });
    Image {
        platform: plan.platform.clone(),
        config,
        manifest: Blob::new(bytes_of(&manifest), MediaType::ImageManifest),
        layers: all,
    }
}

fn descriptor(layer: &LayerDescriptor) -> Value {
    json!({ "digest": layer.digest, "mediaType": layer.media_type.as_ref(), "size": layer.size_bytes })
}

fn config_descriptor(config: &Blob<ConfigDigest>) -> Value {
    json!({ "digest": config.digest, "mediaType": config.media_type.as_ref(), "size": config.bytes.len() })
}

/// A manifest for a config and layers that came without one (docker archives), without annotations.
pub fn bare_manifest(config: &[u8], layers: &[LayerDescriptor]) -> Vec<u8> {
    let config: Blob<ConfigDigest> = Blob::new(config.to_vec(), MediaType::ImageConfig);
    let layers: Vec<Value> = layers.iter().map(descriptor).collect();
    bytes_of(&json!({
        "config": config_descriptor(&config),
        "layers": layers,
        "mediaType": MediaType::ImageManifest.as_ref(),
        "schemaVersion": 2,
    }))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::testing::{image, plain_layer};
    use super::*;
    use crate::base::Epoch;
    use crate::template::{Config, Healthcheck};

    fn text(bytes: &[u8]) -> String {
        String::from_utf8(bytes.to_vec()).expect("JSON is UTF-8")
    }

    #[test]
    fn a_config_says_what_the_template_says_in_a_fixed_order() {
        let config = Config {
            entrypoint: Some(vec!["/serve".to_owned()]),
            cmd: Some(vec![]),
            env: [("B", "<2>"), ("A", "1")].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
            ports: vec!["8000/tcp".to_owned(), "53/udp".to_owned()],
            volumes: vec!["/data".to_owned()],
            stop_signal: Some("SIGQUIT".to_owned()),
            healthcheck: Some(Healthcheck {
                test: vec!["CMD".to_owned(), "ping".to_owned()],
                interval_ns: Some(30_000_000_000),
                timeout_ns: None,
                start_period_ns: None,
                retries: Some(3),
            }),
            ..Config::default()
        };
        let layer = plain_layer(b"a layer");
        let image = image("linux/arm/v7", &config, std::slice::from_ref(&layer));
        let expected = format!(
            concat!(
                r#"{{"architecture":"arm","config":{{"Entrypoint":["/serve"],"Env":["A=1","B=<2>"],"#,
                r#""ExposedPorts":{{"53/udp":{{}},"8000/tcp":{{}}}},"#,
                r#""Healthcheck":{{"Interval":30000000000,"Retries":3,"Test":["CMD","ping"]}},"#,
                r#""StopSignal":"SIGQUIT","Volumes":{{"/data":{{}}}}}},"created":"2026-01-01T00:00:00Z","#,
                r#""history":[{{"created":"2026-01-01T00:00:00Z","created_by":"kiln: layer 0"}}],"os":"linux","#,
                r#""rootfs":{{"diff_ids":["{}"],"type":"layers"}},"variant":"v7"}}"#
            ),
            layer.diff_id
        );
        assert_eq!(text(&image.config.bytes), expected);
    }

    #[test]
    fn a_manifest_names_config_and_layers() {
        let layer = plain_layer(b"a layer");
        let image = image("linux/amd64", &Config::default(), std::slice::from_ref(&layer));
        let expected = format!(
            concat!(
                r#"{{"annotations":{{"org.opencontainers.image.created":"2026-01-01T00:00:00Z","#,
                r#""org.opencontainers.image.title":"api","org.opencontainers.image.version":"1.8.2"}},"#,
                r#""config":{{"digest":"{}","mediaType":"application/vnd.oci.image.config.v1+json","size":{}}},"#,
                r#""layers":[{{"digest":"{}","mediaType":"application/vnd.oci.image.layer.v1.tar","size":7}}],"#,
                r#""mediaType":"application/vnd.oci.image.manifest.v1+json","schemaVersion":2}}"#
            ),
            image.config.digest,
            image.config.bytes.len(),
            layer.digest
        );
        assert_eq!(text(&image.manifest.bytes), expected);
        assert_eq!(image.manifest.digest, crate::base::hash::digest_of(expected.as_bytes()));
    }

    #[test]
    fn the_templates_annotations_win() {
        let created = Epoch::from_seconds(1_767_225_600).expect("a time");
        let given: BTreeMap<_, _> = [("org.opencontainers.image.title", "Shop"), ("a", "b")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        let all = annotations(created, Some("shop/api"), None, &given);
        let shown: Vec<_> = all.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let expected =
            ["a=b", "org.opencontainers.image.created=2026-01-01T00:00:00Z", "org.opencontainers.image.title=Shop"];
        assert_eq!(shown, expected);
    }
}
