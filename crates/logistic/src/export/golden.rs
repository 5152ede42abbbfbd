//! A few rows with the model's own probabilities, by which a reader of an export can tell that it works.

use serde_json::{Map, Value, json};

use super::bound::Bound;
use super::computation::{Cell, Computation, Holds, Variable};
use crate::error::Result;
use crate::table::{Cells, Table};

/// How many rows an export carries.
const ROWS: usize = 5;

/// A row, and what the model says of it.
pub(super) struct Golden {
    pub(super) cells: Vec<Cell>,
    /// The probability of every class, and how far the export's may lie from it; none where the model refuses the row.
    pub(super) scored: Option<Vec<(f64, f64)>>,
}

/// Rows of the levels and about the numbers that the model knows, missing values and an unseen level among them.
pub(super) fn golden_rows(computation: &Computation<'_>) -> Result<Vec<Golden>> {
    let bound = Bound::of(computation);
    (0..ROWS)
        .map(|at| {
            let cells: Vec<Cell> = (0..computation.inputs.len()).map(|input| cell(computation, input, at)).collect();
            let table = table(computation, &cells)?;
            // An error is the model's refusal of this row.
            let scores = computation.model.score_table(&table).ok().filter(|scores| !scores.rows.is_empty());
            let sums = computation.evaluate(&cells);
            let scored = scores
                .zip(sums)
                .map(|(scores, sums)| scores.probabilities.into_iter().map(|p| (p, bound.at(&sums, p))).collect());
            Ok(Golden { cells, scored })
        })
        .collect()
}

/// The cell of a column in the golden row `at`.
fn cell(computation: &Computation<'_>, input: usize, at: usize) -> Cell {
    let own = computation.variables.iter().enumerate().filter(|(variable, _)| computation.input_of(*variable) == input);
    let own: Vec<&Variable> = own.map(|(_, variable)| variable).collect();
    match computation.inputs[input].holds {
        Holds::Text => text_cell(&own, at),
        // A leap day, the end of a year, and times of the day.
        Holds::Date => match at {
            4 => Cell::Missing,
            at => Cell::Number([19_782.25, 20_088.0, 0.0, -0.5][at]),
        },
        Holds::Number => {
            let numbers = own.iter().find_map(|variable| match variable {
                Variable::Number(number) => number.fill.or_else(|| number.bends.first().map(|bend| bend.knots[1])),
                Variable::Category(_) => None,
            });
            let base = numbers.unwrap_or(1.0);
            match at {
                4 => Cell::Missing,
                at => Cell::Number([base, 1.5 * base, 0.25 * base, 3.0 * base][at]),
            }
        }
    }
}

fn text_cell(variables: &[&Variable], at: usize) -> Cell {
    let known = variables.iter().find_map(|variable| match variable {
        Variable::Category(category) => Some(&category.known),
        Variable::Number(_) => None,
    });
    let known = known.map_or(&[][..], Vec::as_slice);
    match (at, known) {
        (3, _) | (_, []) => Cell::Text("a level that nobody has seen".to_string()),
        (4, _) => Cell::Missing,
        (at, known) => Cell::Text(known[[0, known.len() - 1, known.len() / 2][at]].0.clone()),
    }
}

/// A table of one row.
fn table(computation: &Computation<'_>, cells: &[Cell]) -> Result<Table> {
    let mut table = Table::from_columns("golden", 1, Vec::new())?;
    for (input, cell) in computation.inputs.iter().zip(cells) {
        let number = |cell: &Cell| match cell {
            Cell::Number(number) => vec![*number].into(),
            _ => vec![f64::NAN].into(),
        };
        let own = match (input.holds, cell) {
            (Holds::Number, cell) => Cells::Number(number(cell)),
            (Holds::Date, cell) => Cells::Date(number(cell)),
            (Holds::Text, Cell::Text(text)) => Cells::Text { codes: vec![0].into(), levels: vec![text.clone()] },
            (Holds::Text, _) => Cells::Text { codes: vec![Cells::MISSING].into(), levels: Vec::new() },
        };
        table = table.with_column(input.name, own)?;
    }
    Ok(table)
}

/// The rows as JSON: `inputs` by name, null where a cell is missing; `probability` and `error_bound`, numbers of two classes
/// and objects by class of more; both null where the model refuses the row.
pub(super) fn as_json(computation: &Computation<'_>, rows: &[Golden]) -> Vec<Value> {
    let row = |row: &Golden| {
        let cell = |cell: &Cell| match cell {
            Cell::Missing => Value::Null,
            Cell::Number(number) => json!(number),
            Cell::Text(text) => json!(text),
        };
        let names = computation.inputs.iter().map(|input| input.name.to_string());
        let inputs: Map<String, Value> = names.zip(row.cells.iter().map(cell)).collect();
        let of = |which: fn(&(f64, f64)) -> f64| match &row.scored {
            None => Value::Null,
            Some(scored) if !computation.is_softmax() => json!(which(&scored[1])),
            Some(scored) => {
                let values = scored.iter().map(|of| json!(which(of)));
                Value::Object(computation.classes().iter().cloned().zip(values).collect())
            }
        };
        json!({"inputs": inputs, "probability": of(|of| of.0), "error_bound": of(|of| of.1)})
    };
    rows.iter().map(row).collect()
}
