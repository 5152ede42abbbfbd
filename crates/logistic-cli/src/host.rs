//! What a command asks of whoever runs it.

use logistic::Error;
use logistic::dataset::{Dataset, Passes};
use logistic::solver::{Go, Step};
use logistic::table::{ReadOptions, Table};

use crate::Outcome;
use crate::args::TrainArgs;
use crate::data::load;
use crate::progress::Progress;

/// Makes the table that some names stand for.
pub type Reader<'a> = dyn Fn(&[String], &ReadOptions) -> Result<Table, Error> + Sync + 'a;

/// Hears the steps of a fit, and says whether it goes on.
pub type Hear<'a> = Box<dyn FnMut(usize, &Step) -> Go + 'a>;

/// Who runs a command: where its tables come from, and who hears of its fit.
#[derive(Clone, Copy)]
pub struct Host<'a> {
    /// Reads the tables.
    pub read: &'a Reader<'a>,
    /// Called when a fit begins, with the number of its epochs where that is known, and its passes where rows are on
    /// disk; what it gives lives as long as the fit.
    pub hear: &'a dyn Fn(Option<usize>, Option<Passes>) -> Hear<'a>,
    /// Asked between the parts of the work whether to go on.
    pub go: &'a dyn Fn() -> Go,
}

impl Host<'static> {
    /// Files, and a bar on the terminal.
    pub const TERMINAL: Host<'static> = Host { read: &load, hear: &bar, go: &|| Go::On };
}

fn bar(epochs: Option<usize>, passes: Option<Passes>) -> Hear<'static> {
    let bar = Progress::new(if epochs.is_some() { "epoch" } else { "iteration" }, epochs, passes);
    Box::new(move |iteration, step| bar.hear(iteration, step))
}

impl Host<'_> {
    /// Ends work that nobody waits for any more, before a file has its result.
    pub(crate) fn go_on(&self, args: &TrainArgs) -> Outcome {
        match (self.go)() {
            Go::On => Ok(()),
            Go::Stop => {
                let source = std::io::ErrorKind::Interrupted.into();
                Err(Error::Io { path: args.data[0].clone().into(), action: "train on", source })
            }
        }
    }

    /// Who hears of the fit that these arguments ask for.
    pub(crate) fn hear(&self, args: &TrainArgs, data: &Dataset) -> Hear<'_> {
        let epochs = args.in_epochs().then_some(args.epochs);
        (self.hear)(epochs, data.passes())
    }
}
