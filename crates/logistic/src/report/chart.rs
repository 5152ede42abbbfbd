//! A picture with two axes, in SVG.

use std::fmt::Write;

use maud::{Markup, PreEscaped, html};

use super::numbers::{rounded, ticks};

/// Points closer than this on the page are one.
const PIXEL: f64 = 0.75;

/// An axis: its range, what it measures, and where it is labelled.
pub(super) struct Axis {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) label: String,
    pub(super) ticks: Vec<(f64, String)>,
}

impl Axis {
    /// Round numbers over this range.
    pub(super) fn over(low: f64, high: f64, label: &str) -> Self {
        // A range of one number still needs a width.
        let (low, high) = if high > low { (low, high) } else { (low - 0.5, high + 0.5) };
        Axis { low, high, label: label.to_string(), ticks: ticks(low, high) }
    }

    /// From 0 to 1.
    pub(super) fn unit(label: &str) -> Self {
        Axis::over(0.0, 1.0, label)
    }
}

/// Where axes and marks stand.
pub(super) struct Chart {
    /// What it is called.
    pub(super) title: String,
    /// What it shows, for those who do not see it.
    pub(super) description: String,
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) width: f64,
    pub(super) height: f64,
}

const RIGHT: f64 = 14.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 44.0;

impl Chart {
    /// A square one.
    pub(super) fn square(title: &str, description: String, x: Axis, y: Axis) -> Self {
        Chart { title: title.to_string(), description, x, y, width: 400.0, height: 372.0 }
    }

    /// A lower one.
    pub(super) fn low(title: &str, description: String, x: Axis, y: Axis) -> Self {
        Chart { height: 236.0, ..Chart::square(title, description, x, y) }
    }

    fn left(&self) -> f64 {
        let longest = self.y.ticks.iter().map(|(_, text)| text.chars().count()).max().unwrap_or(1);
        30.0 + 7.0 * longest as f64
    }

    /// From a number to the page.
    pub(super) fn px(&self, x: f64) -> f64 {
        let part = (x - self.x.low) / (self.x.high - self.x.low);
        self.left() + part.clamp(-0.01, 1.01) * (self.width - self.left() - RIGHT)
    }

    /// From a number to the page.
    pub(super) fn py(&self, y: f64) -> f64 {
        let part = (y - self.y.low) / (self.y.high - self.y.low);
        self.height - BOTTOM - part.clamp(-0.01, 1.01) * (self.height - TOP - BOTTOM)
    }

    /// What carries from numbers to the page, for the script: the place of 0 and the length of 1.
    pub(super) fn scale(&self) -> [f64; 4] {
        [self.px(0.0), self.px(1.0) - self.px(0.0), self.py(0.0), self.py(1.0) - self.py(0.0)]
    }

    /// A line through points, thinned to what can be seen.
    pub(super) fn line(&self, points: impl IntoIterator<Item = (f64, f64)>, class: &str) -> Markup {
        html! { path class=(class) d=(self.path(points)) {} }
    }

    /// The area between two lines.
    pub(super) fn band(&self, points: &[(f64, f64, f64)], class: &str) -> Markup {
        let above = points.iter().map(|&(x, _, high)| (x, high));
        let back = points.iter().rev().map(|&(x, low, _)| (x, low));
        html! { path class=(class) d={ (self.path(above.chain(back))) "Z" } {} }
    }

    fn path(&self, points: impl IntoIterator<Item = (f64, f64)>) -> String {
        let mut text = String::new();
        let mut put = |letter: char, (x, y): (f64, f64)| {
            let _ = write!(text, "{letter}{:.1} {:.1}", x, y);
        };
        let (mut kept, mut skipped) = (None, None);
        for point in points.into_iter().map(|(x, y)| (self.px(x), self.py(y))) {
            match kept {
                None => put('M', point),
                Some((x, y)) if f64::abs(point.0 - x).max(f64::abs(point.1 - y)) < PIXEL => {
                    skipped = Some(point);
                    continue;
                }
                Some(_) => put('L', point),
            }
            (kept, skipped) = (Some(point), None);
        }
        // A line ends where it ends.
        if let Some(point) = skipped {
            put('L', point);
        }
        text
    }

    /// A dot.
    pub(super) fn dot(&self, (x, y): (f64, f64), class: &str) -> Markup {
        html! { circle class=(class) cx=(tenth(self.px(x))) cy=(tenth(self.py(y))) r="4" {} }
    }

    /// A line straight up.
    pub(super) fn whisker(&self, x: f64, (low, high): (f64, f64), class: &str) -> Markup {
        let x = tenth(self.px(x));
        html! { line class=(class) x1=(x) x2=(x) y1=(tenth(self.py(low))) y2=(tenth(self.py(high))) {} }
    }

    /// A bar between two numbers on the first axis, from one height to another.
    pub(super) fn bar(&self, (left, right): (f64, f64), (low, high): (f64, f64), class: &str) -> Markup {
        let (x, y) = (self.px(left) + 0.5, self.py(high));
        let (width, height) = (self.px(right) - 0.5 - x, self.py(low) - y);
        html! { rect class=(class) x=(tenth(x)) y=(tenth(y)) width=(tenth(width.max(0.5))) height=(tenth(height.max(0.0))) {} }
    }

    /// A patch of the plane, with no gap to the next.
    pub(super) fn tile(&self, (left, right): (f64, f64), (low, high): (f64, f64), class: &str, opacity: f64) -> Markup {
        // Rounded where it ends, as where the next begins.
        let on_page = |place: f64| (10.0 * place).round() / 10.0;
        let (x, y) = (on_page(self.px(left)), on_page(self.py(high)));
        let (width, height) = (on_page(self.px(right)) - x, on_page(self.py(low)) - y);
        html! {
            rect class=(class) x=(tenth(x)) y=(tenth(y)) width=(tenth(width)) height=(tenth(height)) fill-opacity={ (rounded(opacity)) } {}
        }
    }

    /// The picture: axes, then marks.
    pub(super) fn draw(&self, marks: &Markup) -> Markup {
        let (left, right, floor) = (self.left(), self.width - RIGHT, self.height - BOTTOM);
        let middle = [(left + right) / 2.0, (TOP + floor) / 2.0];
        html! {
            svg.chart role="img" viewBox={ "0 0 " (self.width) " " (self.height) } {
                title { (self.title) }
                desc { (self.description) }
                g.grid {
                    @for (value, _) in &self.y.ticks {
                        line x1=(tenth(left)) x2=(tenth(right)) y1=(tenth(self.py(*value))) y2=(tenth(self.py(*value))) {}
                    }
                }
                (marks)
                line.axis x1=(tenth(left)) x2=(tenth(right)) y1=(tenth(floor)) y2=(tenth(floor)) {}
                @for (value, text) in &self.x.ticks {
                    line.axis x1=(tenth(self.px(*value))) x2=(tenth(self.px(*value))) y1=(tenth(floor)) y2=(tenth(floor + 4.0)) {}
                    text x=(tenth(self.px(*value))) y=(tenth(floor + 17.0)) text-anchor=(self.anchor(*value, text)) { (text) }
                }
                @for (value, text) in &self.y.ticks {
                    text x=(tenth(left - 7.0)) y=(tenth(self.py(*value) + 4.0)) text-anchor="end" { (text) }
                }
                text.label x=(tenth(middle[0])) y=(tenth(self.height - 7.0)) text-anchor="middle" { (self.x.label) }
                text.label transform={ "translate(12 " (tenth(middle[1])) ") rotate(-90)" } text-anchor="middle" { (self.y.label) }
            }
        }
    }

    /// Long texts at the ends of the axis stay on the page.
    fn anchor(&self, value: f64, text: &str) -> &'static str {
        let half = 3.4 * text.chars().count() as f64;
        if self.px(value) + half > self.width { "end" } else { "middle" }
    }
}

/// One decimal is a tenth of a pixel.
fn tenth(value: f64) -> PreEscaped<String> {
    PreEscaped(format!("{value:.1}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_many_points_is_thinned_and_keeps_its_ends() {
        let chart = Chart::square("t", String::new(), Axis::unit("x"), Axis::unit("y"));
        let many = (0..=100_000).map(|i| (f64::from(i) / 1e5, f64::from(i) / 1e5));
        let path = chart.path(many);
        assert!(path.len() < 10_000, "{} bytes", path.len());
        let end = format!("L{:.1} {:.1}", chart.px(1.0), chart.py(1.0));
        assert!(path.starts_with(&format!("M{:.1} {:.1}", chart.px(0.0), chart.py(0.0))) && path.ends_with(&end));
    }

    #[test]
    fn words_are_escaped() {
        let x = Axis { label: "<b>&".to_string(), ..Axis::unit("") };
        let text = Chart::square("a<b", String::new(), x, Axis::unit("y")).draw(&html! {}).into_string();
        assert!(text.contains("a&lt;b") && text.contains("&lt;b&gt;&amp;") && !text.contains("<b>"));
    }
}
