//! JavaScript: a function of a row, an object with the columns by name.

use serde_json::json;

use super::code::{DATES, Language};
use super::computation::{Computation, Holds, Variable};
use super::document::Document;

const JAVASCRIPT: Language = Language {
    number: "const",
    whole: "const",
    list: |name, numbers| format!("const {name} = [{numbers}];"),
    is_nan: "Number.isNaN",
    abs: "Math.abs",
    log: "Math.log",
    max: "Math.max",
    exp: "Math.exp",
    refuse: "return refused;",
};

/// What every file begins with: a missing number is NaN, and what is no number is infinite, which refuses the row.
const HELPERS: &str = "function logistic_number(value) {
  if (value === null || value === undefined) return NaN;
  if (value instanceof Date) return value.getTime() / 864e5;
  return typeof value === \"number\" || typeof value === \"bigint\" ? Number(value) : Infinity;
}

function logistic_is_missing(value) {
  return value === null || value === undefined || value === \"\" || Number.isNaN(value);
}

function logistic_level(words, word, unseen) {
  const level = words.get(String(word));
  return level === undefined ? unseen : level;
}

function logistic_cube(x) {
  const beyond = Math.max(x, 0);
  return beyond * beyond * beyond;
}
";

/// The text of the file.
pub(super) fn write(document: &Document<'_, '_>) -> String {
    let computation = document.computation;
    let mut text: String = document.lines().iter().map(|line| format!("// {}\n", one_line(line))).collect();
    text.push_str("\n\"use strict\";\n\n");
    text.push_str(HELPERS);
    text.push_str(&dates(computation));
    text.push('\n');
    for line in words(computation).into_iter().chain(JAVASCRIPT.tables(computation)) {
        text.push_str(&line);
        text.push('\n');
    }
    text.push_str(
        "\n// A row is an object with the columns by name; null, undefined, NaN and the empty string are missing, dates are\n\
         // days since 1970-01-01 or Date objects.\nfunction logistic(row) {\n",
    );
    for line in body(computation) {
        text.push_str(&format!("  {line}\n"));
    }
    text.push_str("}\n\nif (typeof module !== \"undefined\") module.exports = { logistic };\n");
    text
}

/// Line ends of JavaScript that JSON leaves in its strings.
fn one_line(line: &str) -> String {
    line.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

fn dates(computation: &Computation<'_>) -> String {
    if computation.inputs.iter().all(|input| input.holds != Holds::Date) {
        return String::new();
    }
    let body = DATES.replace("NUMBER", "const").replace("FLOOR", "Math.floor").replace("ABS", "Math.abs");
    let body = body.replace("NAN", "NaN");
    format!(
        "\nfunction logistic_part(days, part) {{\n{body}\n}}\n\nfunction logistic_date_level(levels, days, part) {{\n  \
         const at = logistic_part(days, part);\n  return Number.isNaN(at) ? -1 : levels[at];\n}}\n"
    )
}

fn words(computation: &Computation<'_>) -> Vec<String> {
    let of = |(at, variable): (usize, &Variable)| match variable {
        Variable::Number(_) => None,
        Variable::Category(category) => Some(match category.part {
            None => format!("const w{at} = new Map({});", json!(category.known)),
            Some(part) => {
                let levels = category.calendar(part).into_iter().map(|level| level.map_or(-1, |level| level as i64));
                format!("const w{at} = {};", json!(levels.collect::<Vec<i64>>()))
            }
        }),
    };
    computation.variables.iter().enumerate().filter_map(of).collect()
}

fn body(computation: &Computation<'_>) -> Vec<String> {
    let (model, classes) = (computation.model, computation.classes());
    let none = match computation.is_softmax() {
        false => json!("NaN"),
        true => json!(classes.iter().map(|class| (class.clone(), json!("NaN"))).collect::<serde_json::Map<_, _>>()),
    };
    let none = none.to_string().replace("\"NaN\"", "NaN");
    let mut lines = vec![format!("const refused = {{ probability: {none}, label: null }};")];
    for (at, input) in computation.inputs.iter().enumerate() {
        let cell = format!("row[{}]", json!(input.name));
        match JAVASCRIPT.is_missing(computation, at) {
            Some(missing) => {
                lines.push(format!("const x{at} = logistic_number({cell});"));
                lines.push(format!("const m{at} = {missing};"));
            }
            None => {
                lines.push(format!("const x{at} = {cell};"));
                lines.push(format!("const m{at} = logistic_is_missing(x{at});"));
            }
        }
    }
    lines.extend(JAVASCRIPT.variables(computation));
    lines.extend(JAVASCRIPT.logits(computation).into_iter().map(|line| line.replacen("const z", "let z", 1)));
    lines.extend(JAVASCRIPT.softmax(computation));
    let probabilities = JAVASCRIPT.probabilities(computation);
    let labels = json!(classes);
    if !computation.is_softmax() {
        lines.push(format!("const probability = {};", probabilities[0]));
        let threshold = model.threshold;
        lines.push(format!("return {{ probability, label: {labels}[probability >= {threshold:e} ? 1 : 0] }};"));
        return lines;
    }
    let weight = |k: usize| model.class_weight.get(k).copied().unwrap_or(1.0);
    lines.push(format!("const p = [{}];", probabilities.join(", ")));
    lines.push(format!("const weight = {};", json!((0..classes.len()).map(weight).collect::<Vec<f64>>())));
    lines.push("let called = 0;".to_string());
    lines.push(
        "for (let k = 1; k < p.length; k++) if (p[k] * weight[k] > p[called] * weight[called]) called = k;".to_string(),
    );
    lines.push(format!("const labels = {labels};"));
    lines.push(
        "return { probability: Object.fromEntries(p.map((p, k) => [labels[k], p])), label: labels[called] };"
            .to_string(),
    );
    lines
}
