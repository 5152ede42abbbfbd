//! Estimates with their intervals, one below the other: a picture in every row of a table.

use maud::{Markup, PreEscaped, html};

use super::numbers::{rounded, ticks};

const WIDTH: f64 = 240.0;
const EDGE: f64 = 10.0;

/// The line that all rows share.
pub(super) struct Strip {
    low: f64,
    high: f64,
    /// The value that means nothing moves.
    neutral: Option<f64>,
    ticks: Vec<(f64, String)>,
}

impl Strip {
    /// Odds ratios, by their logarithms; the range is that of most ends.
    pub(super) fn odds(logs: &[f64]) -> Self {
        let finite = logs.iter().copied().filter(|log| log.is_finite());
        let (low, high) = finite.fold((0.0, 0.0), |(low, high), log| (f64::min(low, log), f64::max(high, log)));
        // A thousandfold either way; what lies beyond is cut, and has an arrow.
        let most = 1000_f64.ln();
        let pad = 0.04 * (high - low).max(0.2);
        let (low, high) = ((low - pad).max(-most), (high + pad).min(most));
        Strip { low, high, neutral: Some(0.0), ticks: odds_ticks(low, high) }
    }

    /// Probabilities from 0 to this.
    pub(super) fn probabilities(high: f64) -> Self {
        Strip { low: 0.0, high, neutral: None, ticks: ticks(0.0, high) }
    }

    fn x(&self, value: f64) -> f64 {
        EDGE + (value - self.low) / (self.high - self.low) * (WIDTH - 2.0 * EDGE)
    }

    /// A row's picture; the numbers stand beside it, so that a reader of screens needs none.
    pub(super) fn row(&self, estimate: Option<f64>, interval: Option<(f64, f64)>) -> Markup {
        let within = |value: f64| value.clamp(self.low, self.high);
        html! {
            svg.strip viewBox={ "0 0 " (WIDTH) " 22" } aria-hidden="true" {
                @for (value, _) in &self.ticks { (stem(self.x(*value), "grid")) }
                @if let Some(neutral) = self.neutral { (stem(self.x(neutral), "neutral")) }
                @if let Some((low, high)) = interval {
                    line.whisker x1=(tenth(self.x(within(low)))) x2=(tenth(self.x(within(high)))) y1="11" y2="11" {}
                    @if low < self.low { (arrow(self.x(self.low), 1.0)) }
                    @if high > self.high { (arrow(self.x(self.high), -1.0)) }
                }
                @if let Some(estimate) = estimate {
                    @if estimate < self.low { (arrow(self.x(self.low), 1.0)) }
                    @else if estimate > self.high { (arrow(self.x(self.high), -1.0)) }
                    @else { circle.dot cx=(tenth(self.x(estimate))) cy="11" r="4" {} }
                }
            }
        }
    }

    /// The scale below the rows.
    pub(super) fn scale(&self) -> Markup {
        html! {
            svg.strip viewBox={ "0 0 " (WIDTH) " 20" } aria-hidden="true" {
                line.axis x1=(tenth(EDGE)) x2=(tenth(WIDTH - EDGE)) y1="1" y2="1" {}
                @for (value, text) in &self.ticks {
                    line.axis x1=(tenth(self.x(*value))) x2=(tenth(self.x(*value))) y1="1" y2="5" {}
                    text x=(tenth(self.x(*value))) y="17" text-anchor="middle" { (text) }
                }
            }
        }
    }
}

/// Powers of ten, with their halves and doubles where there is room.
fn odds_ticks(low: f64, high: f64) -> Vec<(f64, String)> {
    let decades = (high - low) / std::f64::consts::LN_10;
    let steps: &[f64] = match decades {
        d if d < 0.5 => &[1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0],
        d if d < 1.0 => &[1.0, 1.5, 2.0, 3.0, 5.0, 7.0],
        d if d < 1.8 => &[1.0, 2.0, 5.0],
        d if d < 3.2 => &[1.0, 3.0],
        _ => &[1.0],
    };
    let ratios = (-4..=3).flat_map(|power| steps.iter().map(move |step| step * 10_f64.powi(power)));
    let at = ratios.map(|ratio| (ratio.ln(), rounded(ratio))).filter(|(log, _)| (low..=high).contains(log));
    let all: Vec<(f64, String)> = at.collect();
    if decades < 0.15 || all.len() < 2 {
        return ticks(low.exp(), high.exp()).into_iter().map(|(ratio, text)| (ratio.ln(), text)).collect();
    }
    all
}

fn stem(x: f64, class: &str) -> Markup {
    html! { line class=(class) x1=(tenth(x)) x2=(tenth(x)) y1="0" y2="22" {} }
}

/// An arrow head that points away from the middle.
fn arrow(x: f64, inward: f64) -> Markup {
    let back = x + 7.0 * inward;
    html! { path.dot d={ "M" (tenth(x)) " 11L" (tenth(back)) " 7L" (tenth(back)) " 15Z" } {} }
}

fn tenth(value: f64) -> PreEscaped<String> {
    PreEscaped(format!("{value:.1}"))
}
