//! Results to standard output, warnings to standard error.

use std::io::Write;
use std::path::Path;

use logistic::Error;
use logistic::error::Warning;
use serde_json::Value;

use crate::Outcome;

/// Writes text to standard output.
pub(crate) fn print(text: &str) -> Outcome {
    write(text.as_bytes())
}

/// Writes bytes to standard output.
pub(crate) fn write(bytes: &[u8]) -> Outcome {
    let mut stdout = std::io::stdout().lock();
    let written = stdout.write_all(bytes).and_then(|()| stdout.flush());
    written.map_err(|source| Error::Io { path: "-".into(), action: "write", source })
}

/// Writes JSON to standard output.
pub(crate) fn print_json(value: &Value) -> Outcome {
    print(&format!("{value:#}\n"))
}

/// Writes warnings to standard error; if that is closed, nobody is there to be warned.
pub(crate) fn warn(warnings: &[Warning]) {
    for warning in warnings {
        let _ = writeln!(std::io::stderr(), "warning: {warning}");
    }
}

/// Refuses an output that is one of the inputs, which would be lost; `name` is the output's flag.
pub(crate) fn refuse_itself<'p>(
    name: &'static str,
    output: &Path,
    inputs: impl IntoIterator<Item = &'p Path>,
) -> Outcome {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    let Some(own) = real(output) else { return Ok(()) };
    match inputs.into_iter().any(|input| real(input).as_ref() == Some(&own)) {
        true => Err(Error::Setting {
            name,
            expected: "another file than the input".to_string(),
            found: format!("`{}`", output.display()),
        }),
        false => Ok(()),
    }
}

/// A number for people: six significant digits.
pub(crate) fn short(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let magnitude = value.abs().log10().floor() as i32;
    if (-5..15).contains(&magnitude) {
        let text = format!("{value:.*}", (5 - magnitude).max(0) as usize);
        return if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_string() } else { text };
    }
    format!("{value:.5e}")
}

/// A table of cells under a header, with a line between.
pub(crate) fn table(header: Vec<String>) -> comfy_table::Table {
    let line = comfy_table::LineStyle::none().fill('─').junction('─');
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING.header_separator(line)).set_header(header);
    table
}
