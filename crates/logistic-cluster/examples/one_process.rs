//! The same passes in one process: what a cluster's are measured against. `one_process DATA TARGET` fits the table through
//! the seam that an engine has, answers from memory with all threads, and prints the seconds of every pass as JSON.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use logistic::dataset::{Dataset, Engine};
use logistic::encode::Survey;
use logistic::objective::answer;
use logistic::table::read;
use logistic_cli::{Host, Training};

#[derive(Debug)]
struct Memory {
    dataset: Dataset,
    seconds: Arc<Mutex<Vec<f64>>>,
}

impl Engine for Memory {
    fn ask(&self, question: &[u8]) -> logistic::Result<Vec<f64>> {
        let begun = Instant::now();
        let answer = answer(question, &self.dataset.rows());
        self.seconds.lock().unwrap_or_else(PoisonError::into_inner).push(begun.elapsed().as_secs_f64());
        answer
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [data, target] = &arguments[..] else { return Err("expected DATA TARGET".into()) };
    let given = [("target".to_string(), vec![target.clone()])];
    let training = Training::new(std::slice::from_ref(data), &given).map_err(|usage| format!("{usage:?}"))?;
    let table = read(std::slice::from_ref(data), &training.reading(), &|_| ())?;
    let seconds = Arc::new(Mutex::new(Vec::new()));
    let memory = |encoder: &logistic::encode::Encoder, weights: Option<&str>| -> Arc<dyn Engine> {
        // The survey has been made of these very rows, so that they are encoded without an error.
        let dataset = encoder.labelled(&table, weights).map(|encoded| encoded.dataset);
        let dataset = dataset.unwrap_or_else(|error| panic!("{error}"));
        Arc::new(Memory { dataset, seconds: Arc::clone(&seconds) })
    };
    training.run_elsewhere(Host::TERMINAL, &Survey::of(&table), &memory)?;
    println!("{:?}", seconds.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(())
}
