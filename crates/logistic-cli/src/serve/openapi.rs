//! The interface in the words of OpenAPI 3.1, made of the model: which columns there are is no matter of types.

use logistic::model::Scorer;
use serde_json::{Map, Value, json};

/// Of more levels no list is written.
const MOST_LEVELS: usize = 1000;

/// The document.
pub(super) fn document(scorer: &Scorer, described: &Value) -> Value {
    let json_of =
        |schema: &str| json!({"application/json": {"schema": {"$ref": format!("#/components/schemas/{schema}")}}});
    let answer = |words: &str, schema: &str| json!({"description": words, "content": json_of(schema)});
    let get = |words: &str, answer: Value| json!({"get": {"summary": words, "responses": {"200": answer, "default": {"$ref": "#/components/responses/error"}}}});
    let switch = |name: &str, words: &str| json!({"name": name, "in": "query", "description": words, "schema": {"type": "boolean", "default": true}});
    let text =
        |kind: &str, words: &str| json!({"description": words, "content": {kind: {"schema": {"type": "string"}}}});
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": format!("The probability of {}", described["target"].as_str().unwrap_or_default()),
            "version": described["model"],
        },
        "paths": {
            "/predict": {"post": {
                "summary": "Score rows",
                "parameters": [
                    switch("contributions", "Whether each row has what every column adds to its logit"),
                    switch("interval", "Whether probabilities have intervals, where the model knows them"),
                ],
                "requestBody": {"required": true, "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/rows"}},
                    "text/csv": {"schema": {"type": "string"}},
                    "application/vnd.apache.arrow.stream": {"schema": {"type": "string", "format": "binary"}},
                }},
                "responses": {
                    "200": answer("A prediction for every row", "predictions"),
                    "default": {"$ref": "#/components/responses/error"},
                },
            }},
            "/model": get("What the model is, and which columns it needs", answer("The model", "model")),
            "/health": get("Whether the server answers", answer("It does", "health")),
            "/metrics": get("What was counted", text("application/openmetrics-text", "OpenMetrics text")),
            "/openapi.json": get("This document", answer("OpenAPI", "model")),
            "/": get("A page to move inputs on", text("text/html", "The page")),
        },
        "components": {
            "schemas": schemas(scorer, described),
            "responses": {"error": answer("Why there is no result", "error")},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        // The token, where the server asks for one.
        "security": [{}, {"token": []}],
    })
}

fn schemas(scorer: &Scorer, described: &Value) -> Value {
    let columns = described["columns"].as_array().map_or(&[][..], Vec::as_slice);
    let named = columns.iter().filter_map(|column| Some((column["name"].as_str()?.to_string(), cell(column))));
    let needed: Vec<&Value> =
        columns.iter().filter(|column| column["missing"] == "refused").map(|c| &c["name"]).collect();
    json!({
        "rows": {
            "type": "object",
            "required": ["rows"],
            "additionalProperties": false,
            "properties": {"rows": {
                "type": "array",
                "maxItems": described["most_rows"],
                "items": {"type": "object", "required": needed, "properties": named.collect::<Map<_, _>>()},
            }},
        },
        "predictions": {
            "type": "object",
            "required": ["model", "predictions"],
            "properties": {
                "model": {"type": "string", "description": "The first digits of the SHA-256 of the model file"},
                "predictions": {"type": "array", "items": prediction(scorer)},
            },
        },
        "error": {"type": "object", "required": ["error"], "properties": {"error": {
            "type": "object",
            "required": ["kind", "message"],
            "properties": {
                "kind": {"type": "string"},
                "message": {"type": "string"},
                "path": {"type": ["string", "null"]},
                "line": {"type": ["integer", "null"], "description": "The line of CSV; of other bodies the row, from 1"},
                "column": {"type": ["string", "null"]},
                "help": {"type": ["string", "null"]},
            },
        }}},
        "health": {"type": "object", "properties": {
            "status": {"enum": ["ok", "stopping"]},
            "model": {"type": "string"},
            "loaded": {"type": "integer", "description": "Seconds since 1970"},
            "problem": {"type": ["string", "null"], "description": "Why the model file as it is now is not served"},
        }},
        "model": {"type": "object"},
    })
}

/// What a cell of a column may be.
fn cell(column: &Value) -> Value {
    let null = column["missing"] != "refused";
    let or_null = |kind: &str| if null { json!([kind, "null"]) } else { json!(kind) };
    let mut schema = match (column["kind"].as_str(), column["levels"].as_array()) {
        (Some("category"), Some(levels)) if column["unseen"] == "refused" && levels.len() <= MOST_LEVELS => {
            let null = null.then_some(&Value::Null);
            json!({"enum": levels.iter().chain(null).collect::<Vec<_>>()})
        }
        (Some("category"), _) => json!({"type": or_null("string")}),
        (Some("date"), _) => json!({"type": or_null("string"), "examples": ["2024-01-31", "2024-01-31T12:30:00Z"]}),
        _ => json!({"type": or_null("number")}),
    };
    if column["above"] == 0 {
        schema["exclusiveMinimum"] = json!(0);
    }
    if let Some([low, high]) = column["range"].as_array().map(Vec::as_slice) {
        let bare = |end: &Value| end.to_string().trim_matches('"').to_string();
        schema["description"] = json!(format!("In training from {} to {}", bare(low), bare(high)));
    }
    schema
}

/// A prediction; numbers by class where there are more than two.
fn prediction(scorer: &Scorer) -> Value {
    let classes = &scorer.model().encoder.target.classes;
    let binary = classes.len() == 2;
    let each = |schema: Value| if binary { schema } else { json!({"type": "object", "additionalProperties": schema}) };
    let number = || json!({"type": "number"});
    let share = json!({"type": ["number", "null"], "minimum": 0, "maximum": 1});
    // Null where the probability is 0 or 1 to all its digits.
    let ends = json!({"type": ["array", "null"], "items": number(), "minItems": 2, "maxItems": 2});
    json!({
        "type": "object",
        "required": ["probability", "predicted", "flags"],
        "properties": {
            "probability": if binary { share } else { json!({"type": ["object", "null"], "additionalProperties": number()}) },
            "predicted": {"enum": classes.iter().map(|class| json!(class)).chain([Value::Null]).collect::<Vec<_>>()},
            "interval": each(ends),
            "logit": each(number()),
            "base": each(number()),
            "contributions": {"type": "array", "items": {"type": "object", "required": ["column", "logit"], "properties": {
                "column": {"type": "string"}, "logit": each(number()),
            }}},
            "flags": {"type": "array", "items": {"type": "object", "required": ["column", "kind", "message"], "properties": {
                "column": {"type": "string"},
                "kind": {"enum": ["missing", "unseen_level", "below_training_range", "above_training_range"]},
                "message": {"type": "string"},
            }}},
        },
    })
}
