//! A progress bar on standard error, where that is a terminal.

use std::fmt;
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, ProgressBar, ProgressState, ProgressStyle};
use logistic::dataset::Passes;
use logistic::solver::{Go, Step};

/// Moves a bar that somebody sees; the thread that does so is not worth its start where nobody looks.
fn tick(bar: &ProgressBar) {
    if !bar.is_hidden() {
        bar.enable_steady_tick(Duration::from_millis(200));
    }
}

/// Shows the bytes read, out of those of the files where they are known.
pub(crate) struct Reading(ProgressBar);

impl Reading {
    pub(crate) fn new(paths: &[String]) -> Self {
        let sizes: Option<u64> =
            paths.iter().map(|path| std::fs::metadata(path).ok().filter(|file| file.is_file()).map(|f| f.len())).sum();
        let (bar, template) = match sizes {
            Some(size) => (ProgressBar::new(size), "reading {bar:30} {bytes}/{total_bytes}  {bytes_per_sec}"),
            None => (ProgressBar::no_length(), "reading {spinner} {bytes}  {bytes_per_sec}"),
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        tick(&bar);
        Reading(bar)
    }

    /// For a reader to call with the bytes it has read.
    pub(crate) fn hear(&self, bytes: u64) {
        self.0.inc(bytes);
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Shows iterations, or epochs out of `total`, and the objective.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn new(what: &'static str, total: Option<usize>, passes: Option<Passes>) -> Self {
        let bar = match total {
            Some(total) => ProgressBar::new(total as u64),
            None => ProgressBar::no_length(),
        };
        let template = match total {
            Some(_) => "{prefix} {bar:30} {pos}/{len}  objective {msg}  {eta} left",
            None => "{prefix} {spinner} {pos}  objective {msg}",
        };
        let template = format!("{template}{}", if passes.is_some() { "  {passes}" } else { "" });
        if let Ok(style) = ProgressStyle::with_template(&template) {
            let begun = Instant::now();
            let words = move |_: &ProgressState, out: &mut dyn fmt::Write| {
                let words = passes.as_ref().map_or(String::new(), |passes| pass_words(passes, begun.elapsed()));
                // A bar that cannot be written is no reason to end.
                let _ = out.write_str(&words);
            };
            bar.set_style(style.with_key("passes", words));
        }
        bar.set_prefix(what);
        tick(&bar);
        Progress(bar)
    }

    /// For a solver to call after every step.
    pub(crate) fn hear(&self, iteration: usize, step: &Step) -> Go {
        self.0.set_position(iteration as u64 + 1);
        self.0.set_message(format!("{:.6}", step.value));
        Go::On
    }
}

/// The pass over the rows, its share, its speed, and when it ends.
fn pass_words(passes: &Passes, elapsed: Duration) -> String {
    let (whole, read) = (passes.bytes().max(1), passes.read());
    let speed = read as f64 / elapsed.as_secs_f64().max(1e-3);
    let left = (whole - read % whole) as f64 / speed.max(1.0);
    let share = 100 * (read % whole) / whole;
    format!("pass {} {share:2} %  {}/s  {left:.0} s left in it", read / whole + 1, HumanBytes(speed as u64))
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
