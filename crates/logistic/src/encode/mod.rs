//! From a table to numbers: fitted once, saved in the model, and the only way there, so that training and scoring
//! cannot drift apart.

mod anatomy;
mod curve;
mod design;
mod known;
mod learn;
mod levels;
mod row;
mod seen;
mod survey;
mod suspicion;
mod target;

pub(crate) use anatomy::{Anatomy, Group, Product};
pub use curve::Curve;
pub use design::Encoded;
pub(crate) use design::LARGEST;
pub(crate) use row::{Entry, RowEncoder};
pub use row::{Flag, Oddity};
pub use seen::Seen;
pub use survey::Survey;
pub use target::Target;

use serde::{Deserialize, Serialize};

use crate::error::Warning;
use crate::table::{Cells, Column, DateParts, Oddities, Table, date_parts};

/// What to do with a missing value in a feature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// Refuse it.
    #[default]
    Error,
    /// Leave the row out.
    Drop,
    /// Put the median or the most frequent level in its place, and mark the row in an indicator column.
    Impute,
}

/// What to do with a level that training has not seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unseen {
    /// Refuse it.
    #[default]
    Error,
    /// Take it for the reference level.
    Baseline,
    /// Take it for `(other)`, the pool of rare levels; refuse it in a column that has none.
    Other,
}

/// What to encode, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoding {
    /// The target column.
    pub target: String,
    /// The class to predict; needed where the two classes do not say it.
    pub positive: Option<String>,
    /// The feature columns; all but target and weights when empty.
    pub features: Vec<String>,
    /// Columns to leave out.
    pub exclude: Vec<String>,
    /// Columns that are categories even where they look like numbers; the table must have been read with them as text.
    pub categorical: Vec<String>,
    /// The column of row weights.
    pub weights: Option<String>,
    /// The column that is added to the logits as it is.
    pub offset: Option<String>,
    /// What to do with missing values.
    pub missing: Missing,
    /// Reference levels, as (column, level); for the target, its base class.
    pub reference: Vec<(String, String)>,
    /// Levels of fewer rows are pooled into `(other)`; 0 and 1 pool none.
    pub min_level_count: usize,
    /// What to do with a level that training has not seen.
    pub unseen: Unseen,
    /// Pairs of columns whose products become columns as well.
    pub interactions: Vec<(String, String)>,
    /// Numeric columns that bend, as (column, number of knots).
    pub splines: Vec<(String, usize)>,
    /// Numeric columns of which the natural logarithm is taken.
    pub logs: Vec<String>,
    /// Whether a date becomes its year, month, day of the week (and hour, where there are times), instead of a number
    /// of days.
    pub date_parts: bool,
}

/// A part of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The year, a number.
    Year,
    /// The month, `01` to `12`.
    Month,
    /// The day of the week, `1 Mon` to `7 Sun`.
    Weekday,
    /// The hour, `00` to `23`.
    Hour,
}

/// A feature column as it was at training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// The column's name.
    pub name: String,
    /// The part of the date, where the column is taken apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// Its kind.
    pub kind: Kind,
    /// Whether a column that marks missing values follows it.
    pub indicator: bool,
    /// What training has seen in it; absent in models of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
}

/// The kind of a feature column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Kind {
    /// A number.
    Numeric {
        /// What stands for a missing value: the training median.
        fill: Option<f64>,
        /// What is done with the number.
        #[serde(default, skip_serializing_if = "Curve::is_linear")]
        curve: Curve,
    },
    /// A category.
    Categorical {
        /// The levels, the reference first, the others sorted by code point; `(other)` last, where levels were pooled.
        levels: Vec<String>,
        /// The rare levels that are pooled.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pooled: Vec<String>,
        /// What stands for a missing value: the most frequent level in training.
        fill: Option<String>,
    },
    /// A date, as days since 1970-01-01.
    Date {
        /// What stands for a missing value: the training median.
        fill: Option<f64>,
    },
}

/// A column of the design matrix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// `age`, `sex[male]`, `age[missing]`, `age:sex[male]`.
    pub term: String,
    /// The table's column; `a:b` for a product.
    pub column: String,
    /// The level, for a category.
    pub level: Option<String>,
}

/// The way from a table to numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Encoder {
    /// The feature columns, in the order of the design matrix.
    pub sources: Vec<Source>,
    /// The pairs of columns whose products follow them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interactions: Vec<(String, String)>,
    /// The column that is added to the logits as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<String>,
    /// The target.
    pub target: Target,
    /// The policy for missing values.
    pub missing: Missing,
    /// The policy for levels that training has not seen.
    #[serde(default)]
    pub unseen: Unseen,
}

/// The level that stands for all rare ones.
pub const OTHER: &str = "(other)";

impl Source {
    /// `age`, or `signup.month` for a part of a date.
    fn label(&self) -> String {
        match self.part {
            None => self.name.clone(),
            Some(Part::Year) => format!("{}.year", self.name),
            Some(Part::Month) => format!("{}.month", self.name),
            Some(Part::Weekday) => format!("{}.weekday", self.name),
            Some(Part::Hour) => format!("{}.hour", self.name),
        }
    }

    /// The name of the indicator of missing values, which must not be that of a level `missing`.
    fn indicator_term(&self) -> String {
        match &self.kind {
            Kind::Categorical { levels, .. } if levels.iter().any(|level| level == "missing") => {
                format!("{}[(missing)]", self.label())
            }
            _ => format!("{}[missing]", self.label()),
        }
    }

    /// The design columns, the indicator of missing values aside.
    fn terms(&self) -> Vec<Term> {
        let of = |term: String, level: Option<&String>| Term { term, column: self.name.clone(), level: level.cloned() };
        let label = self.label();
        match &self.kind {
            Kind::Numeric { curve, .. } => curve.labels(&label).into_iter().map(|term| of(term, None)).collect(),
            Kind::Date { .. } => vec![of(label, None)],
            Kind::Categorical { levels, .. } => {
                levels.iter().skip(1).map(|level| of(format!("{label}[{level}]"), Some(level))).collect()
            }
        }
    }
}

impl Encoder {
    /// The columns of the design matrix, in order.
    pub fn terms(&self) -> Vec<Term> {
        let mut terms = Vec::new();
        for source in &self.sources {
            terms.extend(source.terms());
            if source.indicator {
                terms.push(Term { term: source.indicator_term(), column: source.name.clone(), level: None });
            }
        }
        for (a, b) in &self.interactions {
            let rights = self.features_of(b);
            for left in self.features_of(a) {
                for right in &rights {
                    for (left, right) in left.iter().flat_map(|left| right.iter().map(move |right| (left, right))) {
                        let term = format!("{}:{}", left.term, right.term);
                        terms.push(Term { term, column: format!("{a}:{b}"), level: None });
                    }
                }
            }
        }
        terms
    }

    /// The terms of a column, feature by feature: a category is one, and every column of a curve is another.
    fn features_of(&self, column: &str) -> Vec<Vec<Term>> {
        let sources = self.sources.iter().filter(|source| source.name == column);
        sources
            .flat_map(|source| match source.kind {
                Kind::Categorical { .. } => vec![source.terms()],
                _ => source.terms().into_iter().map(|term| vec![term]).collect(),
            })
            .collect()
    }

    fn terms_of(&self, column: &str) -> Vec<Term> {
        self.sources.iter().filter(|source| source.name == column).flat_map(Source::terms).collect()
    }

    /// The first source whose curve cannot be drawn: one from a file that nobody wrote for a model.
    pub(crate) fn unsound(&self) -> Option<&Source> {
        let unsound = |source: &&Source| matches!(&source.kind, Kind::Numeric { curve, .. } if !curve.is_sound());
        self.sources.iter().find(unsound)
    }

    /// The first source in which training cannot have seen what the file says.
    pub(crate) fn misremembered(&self) -> Option<&Source> {
        self.sources.iter().find(|source| source.seen.as_ref().is_some_and(|seen| !seen.fits(&source.kind)))
    }

    /// The columns that must be read as text: the categories, and the target unless its classes are numbers.
    pub fn text_columns(&self) -> Vec<String> {
        let categorical = self
            .sources
            .iter()
            .filter(|source| source.part.is_none() && matches!(source.kind, Kind::Categorical { .. }));
        let target = (!self.target.numeric).then_some(&self.target.column);
        categorical.map(|source| &source.name).chain(target).cloned().collect()
    }

    /// The columns that a table must have: the features, and the offset.
    pub fn columns(&self) -> Vec<String> {
        let mut names: Vec<String> = self.sources.iter().map(|source| source.name.clone()).collect();
        // The parts of a date stand beside each other.
        names.dedup();
        names.extend(self.offset.clone());
        names
    }

    /// The same encoder without the columns of which no term is in `terms`: what a model does not use, scoring need
    /// not have.
    #[must_use]
    pub(crate) fn without_unused(mut self, used: impl Fn(&str) -> bool) -> Self {
        let encoder = self.clone();
        let any = |terms: &[Term]| terms.iter().any(|term| used(&term.term));
        self.interactions.retain(|(a, b)| {
            let rights = encoder.terms_of(b);
            let product = |left: &Term| rights.iter().any(|right| used(&format!("{}:{}", left.term, right.term)));
            encoder.terms_of(a).iter().any(product)
        });
        let interactions = self.interactions.clone();
        self.sources.retain(|source| {
            let multiplied = interactions.iter().any(|(a, b)| [a, b].contains(&&source.name));
            let missing = source.indicator && used(&source.indicator_term());
            multiplied || missing || any(&source.terms())
        });
        self
    }
}

/// The cells of a source's column, taken apart where the source is a part of a date.
fn column_of(source: &Source, column: &Column) -> Column {
    let (Some(part), Cells::Date(days)) = (source.part, &column.cells) else { return column.clone() };
    part_of(part, days.iter(), &source.label())
}

impl Part {
    /// The words of a part that is a category, in the order of the calendar; none for the year, which is a number.
    fn words(self) -> Vec<String> {
        let names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        match self {
            Part::Year => Vec::new(),
            Part::Month => (1..=12).map(|month| format!("{month:02}")).collect(),
            Part::Weekday => (1..).zip(names).map(|(at, name)| format!("{at} {name}")).collect(),
            Part::Hour => (0..24).map(|hour| format!("{hour:02}")).collect(),
        }
    }

    /// The place of a date's part among its words.
    fn of(self, parts: DateParts) -> u32 {
        match self {
            Part::Year => 0,
            Part::Month => parts.month,
            Part::Weekday => parts.weekday,
            Part::Hour => parts.hour,
        }
    }
}

fn part_of(part: Part, days: impl Iterator<Item = f64>, name: &str) -> Column {
    let parts = days.map(|days| if days.is_nan() { None } else { date_parts(days) });
    let cells = if part == Part::Year {
        let year = |parts: Option<DateParts>| parts.map_or(f64::NAN, |parts| f64::from(parts.year));
        Cells::Number(parts.map(year).collect::<Vec<_>>().into())
    } else {
        let codes: Vec<u32> = parts.map(|parts| parts.map_or(Cells::MISSING, |parts| part.of(parts))).collect();
        Cells::Text { codes: codes.into(), levels: part.words() }
    };
    Column { name: name.to_string(), cells, oddities: Oddities::default() }
}

/// An encoder, and what is worth knowing about the columns it was fitted on.
#[derive(Clone, Debug)]
pub struct Learnt {
    /// The encoder.
    pub encoder: Encoder,
    /// Dates that became numbers, columns that hold numbers and words, rare levels that were pooled, ….
    pub warnings: Vec<Warning>,
}

impl Encoder {
    /// Learns columns, levels, fill values and classes from a table.
    ///
    /// # Errors
    /// [`UnknownColumn`](crate::Error::UnknownColumn) for a column that does not exist;
    /// [`Target`](crate::Error::Target) for a target that has not two classes or does not say which of them is the
    /// positive one; [`Malformed`](crate::Error::Malformed) for a stray word among numbers, a column that looks like
    /// an identifier, a reference that is no level, or a logarithm of what has none.
    pub fn fit(table: &Table, encoding: &Encoding) -> crate::Result<Learnt> {
        learn::learn(table, encoding)
    }
}
