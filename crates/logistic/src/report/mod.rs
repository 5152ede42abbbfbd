//! One HTML page about a model and its rows: no network, no file beside it, light and dark, on paper and on a telephone.
//!
//! Pictures are SVG with text, and each has its numbers beside it in words or a table. What does not exist is left out,
//! and the page says so.

mod chart;
mod classes;
mod coefficients;
mod columns;
mod curves;
mod decision;
mod effects;
mod fit;
mod layers;
mod numbers;
mod residuals;
mod scored;
mod spread;
mod strip;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::encode::Encoded;
use crate::error::Result;
use crate::model::Model;
use crate::table::Table;

use columns::Columns;
use numbers::{aligned, count};
use scored::{Measures, Scored};

/// The style of the page, for others that are to look like it.
pub const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("decision.js");

/// Rows of a table, as a model's encoder encoded them.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// What they are, in words: `the 92 rows held out of heart.csv`.
    pub name: &'a str,
    /// Their cells; lines and columns are told from it.
    pub table: &'a Table,
    /// Their numbers, by the model's encoder.
    pub encoded: &'a Encoded,
    /// Which of them are meant, by their places in `encoded`; all where absent.
    pub rows: Option<&'a [usize]>,
}

/// What a page is made of.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// The model.
    pub model: &'a Model,
    /// The rows that the columns are described by; the effects of columns run over their range.
    pub data: Option<Sample<'a>>,
    /// The rows that the model is measured on; `data` where absent.
    pub measured: Option<Sample<'a>>,
    /// The command or call that makes this page again.
    pub command: Option<&'a str>,
    /// Resamples behind the intervals that have no formula; as many as are worth their time where absent.
    pub resamples: Option<usize>,
    /// The seed of the resamples.
    pub seed: u64,
}

/// A part of the page.
struct Section {
    id: &'static str,
    title: &'static str,
    content: Markup,
}

impl<'a> Report<'a> {
    /// A page of what the model alone tells.
    pub fn new(model: &'a Model) -> Self {
        Report { model, data: None, measured: None, command: None, resamples: None, seed: 0 }
    }

    /// The page.
    ///
    /// # Errors
    /// Those of [`Evaluation::new`](crate::evaluate::Evaluation::new), [`Intervals::new`](crate::evaluate::Intervals::new)
    /// and [`Encoder::features`](crate::encode::Encoder::features).
    pub fn html(&self) -> Result<String> {
        let columns = self.data.as_ref().map(|sample| Columns::of(self.model, sample));
        let scored = self.measured.or(self.data).map(|sample| Scored::of(self.model, &sample));
        let measures = scored.as_ref().map(|scored| scored.measures(self)).transpose()?;
        let mut sections = self.of_the_model(columns.as_ref());
        if let Some(training) = &self.model.training {
            let samples = [self.data.as_ref(), self.measured.as_ref().or(self.data.as_ref())];
            let content = layers::added(self.model, training, samples, columns.as_ref(), scored.as_ref())?;
            sections.push(Section { id: "layers", title: "What the layers add", content });
        }
        if let (Some(scored), Some(measures)) = (&scored, &measures) {
            sections.extend(of_the_rows(self.model, scored, measures));
        }
        if let (Some(sample), Some(columns)) = (&self.data, &columns) {
            sections.push(Section {
                id: "effects",
                title: "Effects",
                content: effects::section(self.model, sample, columns)?,
            });
        }
        if let Some(scored) = &scored {
            let content = residuals::section(self.model, scored);
            sections.push(Section { id: "residuals", title: "Worst residuals", content });
        } else {
            sections.push(Section { id: "rows", title: "What is not here", content: without_rows() });
        }
        sections.push(Section { id: "again", title: "Make this page again", content: self.again() });
        let figures = fit::figures(self.model, measures.as_ref());
        let heading = self.heading(scored.as_ref(), &figures);
        Ok(page(&fit::title(self.model), &heading, &sections).into_string())
    }

    fn of_the_model(&self, columns: Option<&Columns<'_>>) -> Vec<Section> {
        let mut sections = vec![Section {
            id: "fit",
            title: "What was fitted",
            content: fit::section(self.model, self.data.map(|data| data.name)),
        }];
        if let Some(columns) = columns {
            sections.push(Section { id: "data", title: "The data", content: columns.section(self.model) });
        }
        let (id, title, content) = match &self.model.network {
            Some(network) => ("network", "Layers", layers::section(network)),
            None => ("coefficients", "Coefficients", coefficients::section(self.model)),
        };
        sections.push(Section { id, title, content });
        let training = match &self.model.training {
            Some(training) => layers::training(self.model, training),
            None => fit::training(self.model),
        };
        sections.push(Section { id: "training", title: "Training", content: training });
        sections
    }

    fn heading(&self, scored: Option<&Scored<'_>>, figures: &[(&str, String)]) -> Markup {
        html! {
            p.kicker { @if self.model.is_network() { "Network with hidden layers" } @else { "Logistic regression" } }
            h1 { (fit::title(self.model)) }
            p.lead {
                (fit::against(self.model))
                @if self.model.facts.is_imported() {
                    " Imported from another program"
                } @else {
                    " Fitted to " (count(self.model.facts.n_rows)) " rows"
                }
                @match scored {
                    Some(scored) => { "; measured on " (scored.name) "." }
                    None => { "." }
                }
            }
            dl.figures {
                @for (name, value) in figures {
                    div { dt { (name) } dd { (value) } }
                }
            }
        }
    }

    fn again(&self) -> Markup {
        html! {
            @match self.command {
                Some(command) => {
                    p { "This page has no chance in it: the same command on the same data writes the same bytes." }
                    pre tabindex="0" { code { (command) } }
                }
                None => p { "The page was made by a program that did not say how." }
            }
            p.note { "Made by logistic " (env!("CARGO_PKG_VERSION")) "." }
        }
    }
}

/// What measures rows: of two classes, or of more.
fn of_the_rows(model: &Model, scored: &Scored<'_>, measures: &Measures) -> Vec<Section> {
    let about = html! { p.about { "On " (scored.name) "." } };
    let section = |id, title, content: Markup| Section { id, title, content: html! { (about) (content) } };
    match measures {
        Measures::Two(two) => vec![
            section("decision", "Threshold and cost", decision::section(model, two)),
            section("curves", "ROC and precision-recall", curves::ranking(two)),
            section("calibration", "Calibration", curves::calibration(scored, two)),
            section("lift", "Lift", curves::lift(two)),
        ],
        Measures::More(more) => vec![
            section("decision", "Confusion matrix", classes::matrix(model, more)),
            section("curves", "One class against the others", classes::curves(model, scored, more)),
        ],
    }
}

fn without_rows() -> Markup {
    html! {
        p {
            "This page was made from the model alone. With rows whose outcome is known it also describes the columns, \
             measures the predictions (confusion matrix, curves, calibration, lift), and shows effects and residuals."
        }
    }
}

fn page(title: &str, heading: &Markup, sections: &[Section]) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                // An icon of nothing, so that no browser asks a server for one.
                link rel="icon" href="data:,";
                title { (title) " – logistic" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#content" { "Skip to the content" }
                header { (heading) }
                nav aria-label="Sections" {
                    ul { @for section in sections { li { a href={ "#" (section.id) } { (section.title) } } } }
                }
                main #content tabindex="-1" {
                    @for Section { id, title, content } in sections {
                        section id=(id) aria-labelledby={ (id) "-title" } {
                            h2 id={ (id) "-title" } { (title) }
                            (content)
                        }
                    }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

/// A table that scrolls by itself where it is wider than the page; the first cell of every row is its name.
fn table(caption: &str, header: &[&str], rows: &[Vec<Markup>]) -> Markup {
    html! {
        div.wide role="region" aria-label=(caption) tabindex="0" {
            table {
                caption { (caption) }
                thead { tr { @for name in header { th scope="col" { (name) } } } }
                tbody {
                    @for row in rows {
                        tr {
                            @for (at, cell) in row.iter().enumerate() {
                                @if at == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A number in a cell, or a dash.
fn cell(value: Option<f64>) -> Markup {
    html! { (value.map_or("–".to_string(), aligned)) }
}

/// A name that may be broken where its parts end.
fn name(text: &str) -> Markup {
    let mut parts = vec![String::new()];
    for letter in text.chars() {
        if letter == '[' {
            parts.push(String::new());
        }
        parts.last_mut().into_iter().for_each(|part| part.push(letter));
        if "_:./".contains(letter) {
            parts.push(String::new());
        }
    }
    html! { @for (at, part) in parts.iter().enumerate() { @if at > 0 { wbr; } (part) } }
}

/// Words in which names stand between backticks.
fn words(text: &str) -> Markup {
    html! {
        @for (at, part) in text.split('`').enumerate() {
            @if at % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}
