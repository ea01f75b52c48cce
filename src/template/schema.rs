//! The JSON schema of templates, for editors (Taplo, Even Better TOML), made from the table of keys.

use serde_json::{Map, Value, json};

use super::grammar::{Key, Need, Place, Shape, State, TABLE, Word};

/// The schema (draft-07, which every editor's TOML support reads).
pub fn schema() -> Value {
    let definitions: Map<String, Value> =
        TABLE.iter().map(|(place, _)| (place.id().to_owned(), object(*place))).collect();
    let mut schema = object(Place::Top);
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!("kiln template");
    schema["definitions"] = Value::Object(definitions);
    schema
}

fn object(place: Place) -> Value {
    let properties: Map<String, Value> = place.keys().map(|key| (key.name.to_owned(), property(key))).collect();
    // What an include may bring cannot be required of one file.
    let merged = matches!(place, Place::Image | Place::Healthcheck);
    let required: Vec<&str> =
        place.own_keys().iter().filter(|key| key.need == Need::Required && !merged).map(|key| key.name).collect();
    let mut object = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    object
}

fn property(key: &Key) -> Value {
    let mut value = shape(&key.shape);
    let doc = match key.state {
        State::Now => key.doc.to_owned(),
        State::Later => format!("Not built yet. {}", key.doc),
    };
    // Beside a `$ref`, draft-07 ignores everything else.
    if let Some(reference) = value.get("$ref").cloned() {
        value = json!({ "allOf": [{ "$ref": reference }] });
    }
    value["description"] = json!(format!("{doc}\n\nExample: `{} = {}`", key.name, key.example));
    value
}

fn shape(of: &Shape) -> Value {
    match of {
        Shape::Text => json!({ "type": "string" }),
        Shape::Word(word) => self::word(*word),
        // A variable may stand for the word.
        Shape::Choice(words) => json!({ "anyOf": [{ "enum": words }, { "type": "string", "pattern": "\\$\\{" }] }),
        Shape::Bool => json!({ "type": "boolean" }),
        Shape::Integer(from, to) => json!({ "type": "integer", "minimum": from, "maximum": to }),
        Shape::List(inner) => json!({ "type": "array", "items": shape(inner) }),
        Shape::Either(shapes) => json!({ "anyOf": shapes.iter().map(shape).collect::<Vec<_>>() }),
        Shape::Map(inner) => json!({ "type": "object", "additionalProperties": shape(inner) }),
        Shape::ByPlatform => json!({ "anyOf": [
            { "type": "string" },
            { "type": "object", "additionalProperties": { "type": "string" } },
        ] }),
        Shape::Table(place) => reference(*place),
        Shape::Named(place) => json!({ "type": "object", "additionalProperties": reference(*place) }),
        Shape::Tables(place) => json!({ "type": "array", "items": reference(*place) }),
    }
}

fn word(word: Word) -> Value {
    match word {
        Word::Mtime => json!({ "anyOf": [{ "enum": ["epoch", "content"] }, { "type": "string" }] }),
        Word::Mode => json!({ "type": "string", "pattern": "^[0-7]{3,4}$|\\$\\{" }),
        Word::ImagePath => json!({ "type": "string", "pattern": "^/|\\$\\{" }),
        _ => json!({ "type": "string" }),
    }
}

fn reference(place: Place) -> Value {
    json!({ "$ref": format!("#/definitions/{}", place.id()) })
}
