//! What a client is told of a model: which columns a row must have, and what each may hold.

use logistic::encode::{Curve, Encoder, Kind, Missing, Seen, Source, Unseen};
use logistic::model::Scorer;
use logistic::table::{Cells, Column, Oddities};
use serde_json::{Map, Value, json};

use crate::summary;

/// The answer to `GET /model`.
pub(super) fn model(scorer: &Scorer, version: &str, most_rows: usize) -> Value {
    let model = scorer.model();
    let target = &model.encoder.target;
    let binary = target.classes.len() == 2;
    let columns: Vec<Value> = scorer.columns().iter().map(|name| column(&model.encoder, name)).collect();
    let known = model.encoder.sources.iter().all(|source| source.seen.is_some());
    json!({
        "model": version,
        "target": target.column,
        "classes": target.classes,
        "positive": binary.then(|| target.positive()),
        "threshold": binary.then_some(model.threshold),
        "columns": columns,
        "contributors": scorer.contributors(),
        "contributions_against": if known { "a typical row" } else { "zeros and reference levels" },
        "intervals": scorer.has_intervals(),
        "most_rows": most_rows,
        "summary": summary::keys(model),
    })
}

/// One column: its kind, what training has seen in it, and what becomes of what it has not.
fn column(encoder: &Encoder, name: &str) -> Value {
    let own: Vec<&Source> = encoder.sources.iter().filter(|source| source.name == name).collect();
    let mut told = Map::new();
    told.insert("name".to_string(), json!(name));
    match own.as_slice() {
        [] => offset(&mut told),
        [source] if source.part.is_none() => plain(encoder, source, &mut told),
        parts => date_in_parts(parts, &mut told),
    }
    if !own.is_empty() {
        let missing = match encoder.missing {
            Missing::Error => "refused",
            Missing::Drop => "unscored",
            Missing::Impute => "imputed",
        };
        told.insert("missing".to_string(), json!(missing));
    }
    Value::Object(told)
}

fn offset(told: &mut Map<String, Value>) {
    told.insert("kind".to_string(), json!("number"));
    told.insert("offset".to_string(), json!(true));
    told.insert("missing".to_string(), json!("refused"));
    told.insert("typical".to_string(), json!(0));
}

fn plain(encoder: &Encoder, source: &Source, told: &mut Map<String, Value>) {
    match (&source.kind, &source.seen) {
        (Kind::Numeric { curve, .. }, seen) => {
            told.insert("kind".to_string(), json!("number"));
            if *curve == Curve::Log {
                told.insert("above".to_string(), json!(0));
            }
            if let Some(Seen::Numbers { low, high, mean }) = seen {
                told.insert("range".to_string(), json!([low, high]));
                told.insert("typical".to_string(), json!(mean));
            }
        }
        (Kind::Date { .. }, seen) => {
            told.insert("kind".to_string(), json!("date"));
            if let Some(Seen::Numbers { low, high, mean }) = seen {
                told.insert("range".to_string(), json!([day(*low), day(*high)]));
                told.insert("typical".to_string(), json!(day(mean.round())));
            }
        }
        (Kind::Categorical { levels, .. }, seen) => {
            told.insert("kind".to_string(), json!("category"));
            told.insert("levels".to_string(), json!(levels));
            told.insert(
                "unseen".to_string(),
                json!(if encoder.unseen == Unseen::Error { "refused" } else { "replaced" }),
            );
            let typical = match seen {
                Some(Seen::Level { most_frequent }) => Some(most_frequent),
                _ => levels.first(),
            };
            told.insert("typical".to_string(), json!(typical));
        }
    }
}

/// Of a date that was taken apart training knows the years.
fn date_in_parts(parts: &[&Source], told: &mut Map<String, Value>) {
    told.insert("kind".to_string(), json!("date"));
    let years = parts.iter().find_map(|part| match part.seen {
        Some(Seen::Numbers { low, high, mean }) => Some([low, high, mean.round()].map(|year| format!("{year:04}"))),
        _ => None,
    });
    if let Some([low, high, middle]) = years {
        told.insert("range".to_string(), json!([format!("{low}-01-01"), format!("{high}-12-31")]));
        told.insert("typical".to_string(), json!(format!("{middle}-07-01")));
    }
}

/// Days since 1970 as a date.
pub(super) fn day(days: f64) -> String {
    let cells = Cells::Date(vec![days].into());
    Column { name: String::new(), cells, oddities: Oddities::default() }.text(0).unwrap_or_default()
}
