//! A progress bar on standard error, where that is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
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
    pub(crate) fn new(what: &'static str, total: Option<usize>) -> Self {
        let bar = match total {
            Some(total) => ProgressBar::new(total as u64),
            None => ProgressBar::no_length(),
        };
        let template = match total {
            Some(_) => "{prefix} {bar:30} {pos}/{len}  objective {msg}  {eta} left",
            None => "{prefix} {spinner} {pos}  objective {msg}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
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

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
