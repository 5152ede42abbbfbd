//! What a task of the engine is told, and what it gives back.

use std::io::Cursor;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::record_batch::RecordBatchIterator;
use datafusion::error::DataFusionError;
use logistic::dataset::Dataset;
use logistic::encode::{Encoder, Survey};
use logistic::objective;
use logistic::table::{ReadOptions, Table, from_batches};
use logistic::{Error, Result};
use serde::{Deserialize, Serialize};

/// What a table in an engine is called, which is no file.
pub(crate) const NAME: &str = "<engine>";

/// What goes before an error of ours in the words of an engine, so that its client can tell it from one of the engine's.
const OURS: &str = "logistic refuses: ";

/// What does not change from one pass to the next.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Setup {
    /// The columns, in the order of the function's arguments.
    pub(crate) columns: Vec<String>,
    pub(crate) work: Work,
}

/// What is to be done with rows.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Work {
    /// To say what they are like.
    Survey { text: Vec<String>, missing_markers: Vec<String> },
    /// To encode them, and to answer a question.
    Answer { encoder: Box<Encoder>, weights: Option<String> },
}

/// A setup, and the question of a pass.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) setup: Setup,
    /// The setup as it came: what rows are kept under.
    pub(crate) written: Vec<u8>,
    pub(crate) question: Vec<u8>,
}

/// Some rows, ready for questions.
#[derive(Debug)]
pub(crate) enum Block {
    Surveyed(Survey),
    Encoded(Box<Dataset>),
}

impl Block {
    /// About the memory it takes.
    pub(crate) fn n_bytes(&self) -> usize {
        match self {
            Block::Surveyed(_) => 0,
            Block::Encoded(dataset) => dataset.n_bytes(),
        }
    }
}

/// The answer of some rows.
#[derive(Debug)]
pub(crate) enum Answer {
    Survey(Survey),
    Numbers(Vec<f64>),
}

impl Asked {
    /// As it travels: the length of the setup, the setup, the question.
    pub(crate) fn bytes(setup: &Setup, question: &[u8]) -> Vec<u8> {
        // Names, lists and numbers: JSON has words for all of them.
        let setup = serde_json::to_vec(setup).unwrap_or_default();
        [&(setup.len() as u64).to_le_bytes()[..], &setup, question].concat()
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self> {
        let wrong = || other_version("its task cannot be read");
        let (len, rest) = bytes.split_first_chunk::<8>().ok_or_else(wrong)?;
        let (setup, question) = rest.split_at_checked(u64::from_le_bytes(*len) as usize).ok_or_else(wrong)?;
        let read = serde_json::from_reader(Cursor::new(setup)).map_err(|error| other_version(&error.to_string()))?;
        Ok(Asked { setup: read, written: setup.to_vec(), question: question.to_vec() })
    }

    /// Makes a block of rows: batches of the columns that the setup names.
    pub(crate) fn block(&self, batches: Vec<RecordBatch>) -> Result<Block> {
        let Some(schema) = batches.first().map(RecordBatch::schema) else { return Err(other_version("no rows")) };
        let reader = RecordBatchIterator::new(batches.into_iter().map(Ok), schema);
        Ok(match &self.setup.work {
            Work::Survey { text, missing_markers } => {
                let (text, missing_markers) = (text.clone(), missing_markers.clone());
                let options = ReadOptions { text, missing_markers, ..ReadOptions::default() };
                Block::Surveyed(Survey::of(&from_batches(NAME, reader, &options)?))
            }
            Work::Answer { encoder, weights } => {
                let options = ReadOptions { text: encoder.text_columns(), ..ReadOptions::default() };
                let table: Table = from_batches(NAME, reader, &options)?;
                Block::Encoded(Box::new(encoder.labelled(&table, weights.as_deref())?.dataset))
            }
        })
    }

    /// The answer of no rows.
    pub(crate) fn nothing(&self) -> Answer {
        match self.setup.work {
            Work::Survey { .. } => Answer::Survey(Survey::default()),
            Work::Answer { .. } => Answer::Numbers(Vec::new()),
        }
    }

    /// The answer of a block.
    pub(crate) fn answer(&self, block: &Block) -> Result<Answer> {
        Ok(match block {
            Block::Surveyed(survey) => Answer::Survey(survey.clone()),
            Block::Encoded(dataset) => Answer::Numbers(objective::answer(&self.question, &dataset.rows())?),
        })
    }

    /// Adds the answer of other rows.
    pub(crate) fn merge(&self, into: &mut Answer, other: Answer) -> Result<()> {
        match (into, other) {
            (Answer::Survey(own), Answer::Survey(other)) => own.merge(other),
            (Answer::Numbers(own), Answer::Numbers(other)) => objective::merge(&self.question, own, &other),
            _ => Err(other_version("answers of two kinds")),
        }
    }

    /// The answer of some rows as it travels.
    pub(crate) fn answer_of_bytes(&self, bytes: &[u8]) -> Result<Answer> {
        Ok(match self.setup.work {
            Work::Survey { .. } => {
                Answer::Survey(serde_json::from_slice(bytes).map_err(|error| other_version(&error.to_string()))?)
            }
            Work::Answer { .. } => {
                Answer::Numbers(bytes.as_chunks::<8>().0.iter().map(|number| f64::from_le_bytes(*number)).collect())
            }
        })
    }
}

impl Answer {
    /// As it travels: a survey as JSON, numbers as 64 bits each.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match self {
            Answer::Survey(survey) => serde_json::to_vec(survey).unwrap_or_default(),
            Answer::Numbers(numbers) => numbers.iter().flat_map(|number| number.to_le_bytes()).collect(),
        }
    }
}

fn other_version(problem: &str) -> Error {
    refused(
        &format!("a task is not of this version: {problem}"),
        "run the same version of logistic-cluster as scheduler, executors and client",
    )
}

fn refused(problem: &str, help: &str) -> Error {
    Error::Engine { engine: NAME.to_string(), problem: problem.to_string(), help: help.to_string() }
}

/// An error of ours in the words of the engine, which carries nothing but words.
pub(crate) fn in_words(error: &Error) -> DataFusionError {
    let told = serde_json::json!({"problem": error.to_string(), "help": error.help()});
    DataFusionError::Execution(format!("{OURS}{told}"))
}

/// The error of ours in what an engine said, if there is one.
pub(crate) fn of_words(words: &str) -> Option<Error> {
    let told = &words[words.find(OURS)? + OURS.len()..];
    // The engine may go on behind it.
    let told = serde_json::Deserializer::from_str(told).into_iter::<serde_json::Value>().next()?.ok()?;
    let text = |key: &str| told[key].as_str().unwrap_or_default().to_string();
    Some(refused(text("problem").trim_start_matches(&format!("{NAME}: ")), &text("help")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_comes_back_out_of_the_words_of_an_engine() {
        let error = Error::Setting { name: "l2", expected: "\"finite\"".to_string(), found: "NaN".to_string() };
        let DataFusionError::Execution(words) = in_words(&error) else { panic!("an error of execution") };
        let found = of_words(&format!("Job 7 failed: task 3: {words} (and more)")).unwrap();
        assert_eq!(found.to_string(), format!("{NAME}: {error}"));
        assert!(of_words("connection refused").is_none());
    }

    #[test]
    fn a_task_is_read_as_it_was_written_and_not_otherwise() {
        let work = Work::Survey { text: vec!["a".to_string()], missing_markers: Vec::new() };
        let bytes = Asked::bytes(&Setup { columns: vec!["a".to_string()], work }, b"why");
        let asked = Asked::read(&bytes).unwrap();
        assert_eq!((asked.setup.columns, asked.question), (vec!["a".to_string()], b"why".to_vec()));
        for cut in 0..bytes.len() - b"why".len() {
            assert!(Asked::read(&bytes[..cut]).is_err(), "{cut}");
        }
    }
}
