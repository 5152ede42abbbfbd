//! Rows scored one after the other, and the answer written as they are.

use logistic::encode::{Flag, Kind, Oddity, Seen};
use logistic::error::Place;
use logistic::model::{Scored, Scorer};
use logistic::table::Cell;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::describe::day;
use super::metrics::{Metrics, kind};
use super::refusal::Refusal;
use super::served::Served;

/// What an answer may grow to: a few bytes of a row become many of an answer.
const MOST_BYTES: usize = 64 << 20;

/// What was asked of each row besides its score.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) contributions: bool,
    pub(super) intervals: bool,
}

impl Asked {
    /// Reads the query of a request.
    ///
    /// # Errors
    /// What it says that is not known.
    pub(super) fn of(query: Option<&str>) -> Result<Self, String> {
        let mut asked = Asked { contributions: true, intervals: true };
        for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("contributions", truth @ ("true" | "false"))) => asked.contributions = truth == "true",
                Some(("interval", truth @ ("true" | "false"))) => asked.intervals = truth == "true",
                _ => return Err("expected `contributions` or `interval`, each `true` or `false`".to_string()),
            }
        }
        Ok(asked)
    }
}

/// The answer to a request, as it grows.
pub(super) struct Answer<'s> {
    served: &'s Served,
    asked: Asked,
    most_rows: usize,
    scored: Scored,
    contributions: Vec<Vec<f64>>,
    text: Vec<u8>,
    n_rows: usize,
    /// How often each column was odd in each way.
    odd: Vec<[u64; 4]>,
}

const ODDITIES: [Oddity; 4] = [Oddity::Missing, Oddity::UnseenLevel, Oddity::BelowRange, Oddity::AboveRange];

impl<'s> Answer<'s> {
    pub(super) fn new(served: &'s Served, asked: Asked, most_rows: usize) -> Self {
        let text = format!("{{\"model\":\"{}\",\"predictions\":[", served.version).into_bytes();
        let contributions = vec![Vec::new(); served.scorer.n_outputs()];
        let odd = vec![[0; 4]; served.scorer.columns().len()];
        Answer { served, asked, most_rows, scored: Scored::default(), contributions, text, n_rows: 0, odd }
    }

    /// The model's scorer.
    pub(super) fn scorer(&self) -> &'s Scorer {
        &self.served.scorer
    }

    /// Scores the next row, which stands at `place`.
    ///
    /// # Errors
    /// A refusal of the cells, of more rows than there may be, or of too long an answer.
    pub(super) fn row(&mut self, cells: &[Cell<'_>], place: &Place) -> Result<(), Refusal> {
        if self.n_rows == self.most_rows {
            let most = format!("{} rows", self.most_rows);
            return Err(Refusal::too_large("more", &most, "send them in parts, or start the server with `--max-rows`"));
        }
        let scorer = self.scorer();
        let refused = |error: logistic::Error| match (&place.path, place.line) {
            (Some(path), Some(line)) => Refusal::from(error.in_row(path, line)),
            _ => Refusal::from(error),
        };
        let is_scored = scorer.score(cells, &mut self.scored).map_err(refused)?;
        for flag in &self.scored.flags {
            self.odd[flag.column][ODDITIES.iter().position(|own| *own == flag.oddity).unwrap_or(0)] += 1;
        }
        if self.n_rows > 0 {
            self.text.push(b',');
        }
        self.n_rows += 1;
        let written = self.write(is_scored, cells);
        written.map_err(|error| Refusal::malformed(error.to_string()))?;
        if self.text.len() > MOST_BYTES {
            let most = format!("{} MB of an answer", MOST_BYTES >> 20);
            return Err(Refusal::too_large("more", &most, "send fewer rows, or ask with `?contributions=false`"));
        }
        Ok(())
    }

    fn write(&mut self, is_scored: bool, cells: &[Cell<'_>]) -> serde_json::Result<()> {
        let scorer = self.scorer();
        let flags: Vec<Told<'_>> = self.scored.flags.iter().map(|flag| Told::of(scorer, *flag, cells)).collect();
        let classes = &scorer.model().encoder.target.classes;
        if !is_scored {
            return serde_json::to_writer(&mut self.text, &Prediction { flags, ..Prediction::default() });
        }
        let shown = if classes.len() == 2 { 1 } else { 0 };
        let first = classes.len() - scorer.n_outputs();
        let intervals = (self.asked.intervals && scorer.has_intervals())
            .then(|| (shown..classes.len()).map(|class| scorer.interval(&mut self.scored, class)).collect::<Vec<_>>());
        let mut contributions = None;
        if self.asked.contributions {
            for (output, own) in self.contributions.iter_mut().enumerate() {
                scorer.contribute(&self.scored, output, own);
            }
            let own = &self.contributions;
            let of = |(at, column): (usize, &'s String)| Contribution {
                column,
                logit: Each { classes: &classes[first..], values: own.iter().map(|output| output[at]).collect() },
            };
            contributions = Some(scorer.contributors().iter().enumerate().map(of).collect());
        }
        let outputs = |values: Vec<f64>| Some(Each { classes: &classes[first..], values });
        let prediction = Prediction {
            probability: Some(Each { classes: &classes[shown..], values: self.scored.probabilities[shown..].to_vec() }),
            predicted: Some(&classes[self.scored.called]),
            interval: intervals.map(|values| Each { classes: &classes[shown..], values }),
            logit: outputs(self.scored.logits.clone()),
            base: contributions
                .as_ref()
                .and_then(|_| outputs((0..scorer.n_outputs()).map(|k| scorer.base(k)).collect())),
            contributions,
            flags,
        };
        serde_json::to_writer(&mut self.text, &prediction)
    }

    /// The whole answer; what was odd is counted.
    pub(super) fn finish(mut self, metrics: &Metrics) -> Vec<u8> {
        metrics.scored(self.n_rows);
        for (column, odd) in self.served.scorer.columns().iter().zip(&self.odd) {
            for (oddity, &times) in ODDITIES.into_iter().zip(odd).filter(|(_, times)| **times > 0) {
                metrics.odd(column, oddity, times);
            }
        }
        self.text.extend_from_slice(b"]}\n");
        self.text
    }
}

#[derive(Default, Serialize)]
struct Prediction<'a> {
    probability: Option<Each<'a, f64>>,
    predicted: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<Each<'a, Option<(f64, f64)>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logit: Option<Each<'a, f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base: Option<Each<'a, f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contributions: Option<Vec<Contribution<'a>>>,
    flags: Vec<Told<'a>>,
}

#[derive(Serialize)]
struct Contribution<'a> {
    column: &'a str,
    logit: Each<'a, f64>,
}

/// One value by itself, or one for each of several classes.
struct Each<'a, T> {
    classes: &'a [String],
    values: Vec<T>,
}

impl<T: Serialize> Serialize for Each<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let [value] = self.values.as_slice() {
            return value.serialize(serializer);
        }
        let mut map = serializer.serialize_map(Some(self.values.len()))?;
        self.classes.iter().zip(&self.values).try_for_each(|(class, value)| map.serialize_entry(class, value))?;
        map.end()
    }
}

/// A flag, in words.
#[derive(Serialize)]
struct Told<'a> {
    column: &'a str,
    kind: &'static str,
    message: String,
}

impl<'a> Told<'a> {
    fn of(scorer: &'a Scorer, flag: Flag, cells: &[Cell<'_>]) -> Self {
        let column = scorer.columns()[flag.column].as_str();
        let found = match cells[flag.column] {
            Cell::Missing => String::new(),
            Cell::Number(value) => value.to_string(),
            Cell::Date(days) => day(days),
            Cell::Text(word) => word.chars().take(60).collect(),
        };
        let message = match flag.oddity {
            Oddity::Missing => "the value is missing".to_string(),
            Oddity::UnseenLevel => format!("the level `{found}` was not seen in training"),
            Oddity::BelowRange => format!("{found} is below {}, the smallest in training", end(scorer, column, 0)),
            Oddity::AboveRange => format!("{found} is above {}, the largest in training", end(scorer, column, 1)),
        };
        Told { column, kind: kind(flag.oddity), message }
    }
}

/// An end of a column's range in training; of a date that was taken apart, its year.
fn end(scorer: &Scorer, column: &str, which: usize) -> String {
    let mut own = scorer.model().encoder.sources.iter().filter(|source| source.name == column);
    let found = own.find_map(|source| match source.seen {
        Some(Seen::Numbers { low, high, .. }) => Some((matches!(source.kind, Kind::Date { .. }), [low, high][which])),
        _ => None,
    });
    match found {
        Some((true, days)) => day(days),
        Some((false, value)) => value.to_string(),
        None => String::new(),
    }
}
