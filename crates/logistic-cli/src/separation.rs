//! What is infinite where the classes are separated, in words and keys.

use logistic::model::{Model, Runaway, Toward};
use serde_json::{Value, json};

use crate::output::{short, table};

/// So many terms are listed for people; JSON has them all.
const MOST_TERMS: usize = 20;

/// Adds what is infinite to a model's `--json` keys.
pub(crate) fn add_keys(model: &Model, keys: &mut Value) {
    let Some(separation) = &model.separation else { return };
    let terms: Vec<Value> = separation.terms.iter().map(term_keys).collect();
    keys["separation"] = json!({"complete": separation.complete, "terms": terms});
}

fn term_keys(runaway: &Runaway) -> Value {
    let limit = runaway.toward.map(|toward| match toward {
        Toward::PlusInfinity => "+inf",
        Toward::MinusInfinity => "-inf",
    });
    let mut keys = json!({"term": runaway.term, "limit": limit, "bound": runaway.bound});
    if let Some(class) = &runaway.class {
        keys["class"] = json!(class);
    }
    keys
}

/// What is infinite, for people.
pub(crate) fn words(model: &Model) -> String {
    let Some(separation) = &model.separation else { return String::new() };
    let classes = separation.terms.iter().any(|runaway| runaway.class.is_some());
    // Absent everywhere: nobody looked for bounds, or there are none.
    let bounded = separation.terms.iter().any(|runaway| runaway.bound.is_some());
    let mut header = vec!["term", "maximum likelihood"];
    if classes {
        header.insert(1, "class");
    }
    if bounded {
        header.push("95 % profile interval");
    }
    let mut table = table(header.into_iter().map(String::from).collect());
    for runaway in separation.terms.iter().take(MOST_TERMS) {
        let limit = runaway.toward.map_or("±∞", Toward::symbol).to_string();
        let mut row = vec![runaway.term.clone(), limit];
        if classes {
            row.insert(1, runaway.class.clone().unwrap_or_default());
        }
        if bounded {
            row.push(match (runaway.toward, runaway.bound) {
                (Some(Toward::PlusInfinity), Some(bound)) => format!("above {}", short(bound)),
                (Some(Toward::MinusInfinity), Some(bound)) => format!("below {}", short(bound)),
                _ => "no bound".to_string(),
            });
        }
        table.add_row(row);
    }
    let kind = if separation.complete { "completely" } else { "quasi-completely" };
    let more = match separation.terms.len().saturating_sub(MOST_TERMS) {
        0 => String::new(),
        more => format!(" … and {more} more\n"),
    };
    format!(
        "\nThe classes are {kind} separated. Without a penalty these coefficients have no finite value:\n\n{}\n{more}",
        table.trim_fmt()
    )
}
