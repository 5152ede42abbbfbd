//! The coefficients as a table: CSV for machines, with all digits; LaTeX and Markdown for people, with five.

use crate::error::{Error, Result};
use crate::model::{Coefficient, Model};

const NAMES: [&str; 9] = ["class", "term", "estimate", "std_error", "z", "p_value", "ci_low", "ci_high", "odds_ratio"];

fn numbers(coefficient: &Coefficient) -> [Option<f64>; 7] {
    let inference = coefficient.inference.as_ref();
    [
        coefficient.estimate,
        inference.map(|i| i.std_error),
        inference.map(|i| i.z),
        inference.map(|i| i.p_value),
        inference.map(|i| i.ci_low),
        inference.map(|i| i.ci_high),
        coefficient.estimate.map(f64::exp),
    ]
}

/// CSV, every number with all its digits; empty where there is none.
pub(super) fn csv(model: &Model) -> Result<Vec<u8>> {
    let rows = model.coefficients.iter().map(|coefficient| {
        let mut row = vec![coefficient.class.clone().unwrap_or_default(), coefficient.term.clone()];
        row.extend(numbers(coefficient).map(|number| number.map_or(String::new(), |number| number.to_string())));
        row
    });
    csv_of(&NAMES.map(String::from), rows)
}

/// Rows of cells as CSV.
pub(super) fn csv_of(header: &[String], rows: impl Iterator<Item = Vec<String>>) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let io = |source: std::io::Error| Error::Io { path: "".into(), action: "write", source };
    writer.write_record(header).map_err(|error| io(error.into()))?;
    for row in rows {
        writer.write_record(row).map_err(|error| io(error.into()))?;
    }
    writer.into_inner().map_err(|error| io(error.into_error()))
}

/// Rows for people, under their names: a column of classes only where there are several.
fn cells(model: &Model, missing: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let several = model.coefficients.iter().any(|coefficient| coefficient.class.is_some());
    let skip = usize::from(!several);
    let short = |number: Option<f64>| number.map_or(missing.to_string(), five_digits);
    let row = |coefficient: &Coefficient| {
        let mut row = vec![coefficient.class.clone().unwrap_or_default(), coefficient.term.clone()];
        row.extend(numbers(coefficient).map(short));
        row.split_off(skip)
    };
    let names = ["class", "term", "estimate", "std. error", "z", "p", "95 % low", "95 % high", "odds ratio"];
    (names[skip..].iter().map(ToString::to_string).collect(), model.coefficients.iter().map(row).collect())
}

fn five_digits(number: f64) -> String {
    let magnitude = if number == 0.0 { 0 } else { number.abs().log10().floor() as i32 };
    match magnitude {
        -4..=9 => format!("{number:.*}", (4 - magnitude).max(0) as usize),
        _ => format!("{number:.4e}"),
    }
}

/// A table in Markdown.
pub(super) fn markdown(model: &Model) -> String {
    let (names, rows) = cells(model, "");
    let escaped = |cell: &String| cell.replace('\\', "\\\\").replace('|', "\\|").replace(['\n', '\r'], " ");
    let line = |row: &Vec<String>| format!("| {} |\n", row.iter().map(escaped).collect::<Vec<_>>().join(" | "));
    let text = names.iter().take_while(|name| *name != "estimate").count();
    let rule: Vec<&str> = (0..names.len()).map(|at| if at < text { "---" } else { "---:" }).collect();
    format!("{}|{}|\n{}", line(&names), rule.join("|"), rows.iter().map(line).collect::<String>())
}

/// A table in LaTeX, with the rules of the package booktabs.
pub(super) fn latex(model: &Model) -> String {
    let (names, rows) = cells(model, "");
    let text = names.iter().take_while(|name| *name != "estimate").count();
    let columns = "l".repeat(text) + &"r".repeat(names.len() - text);
    let cell = |cell: &String| cell.chars().map(latex_character).collect::<String>();
    let line = |row: &Vec<String>| format!("{} \\\\\n", row.iter().map(cell).collect::<Vec<_>>().join(" & "));
    format!(
        "% \\usepackage{{booktabs}}\n\\begin{{tabular}}{{{columns}}}\n\\toprule\n{}\\midrule\n{}\\bottomrule\n\\end{{tabular}}\n",
        line(&names),
        rows.iter().map(line).collect::<String>()
    )
}

fn latex_character(c: char) -> String {
    match c {
        '&' | '%' | '$' | '#' | '_' | '{' | '}' => format!("\\{c}"),
        '\\' => "\\textbackslash{}".to_string(),
        '~' => "\\textasciitilde{}".to_string(),
        '^' => "\\textasciicircum{}".to_string(),
        // A minus, not a hyphen, would be math; in tables of numbers a hyphen is read well enough.
        '\n' | '\r' => " ".to_string(),
        c => c.to_string(),
    }
}
