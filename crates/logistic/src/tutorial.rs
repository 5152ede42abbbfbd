//! The tutorial this project grew from, "Classification with Logistic Regression using PyTorch", step by step in
//! the same order of random draws, so that it ends in the same digits.

mod layers;

pub use layers::{
    Bayes, HIDDEN, LAYERS_LEARNING_RATE, Layers, MOONS_NOISE, MOONS_SEED, NEW_POINTS, Rule, bayes, compare,
};

use crate::dataset::{DataLoader, Dataset, Rows, random_split};
use crate::error::Result;
use crate::evaluate::Evaluation;
use crate::loss::BceWithLogits;
use crate::objective::{EmpiricalRisk, Linear};
use crate::random::torch::Generator;
use crate::solver::{Sgd, Solver};
use crate::table::{BlobData, Blobs, Centers, Samples, make_blobs};

/// The seed of the blobs.
pub const BLOBS_SEED: u32 = 261;
/// The seed of PyTorch's generator.
pub const SEED: u64 = 420;
/// The rows for training and for testing.
pub const SPLIT: [usize; 2] = [800, 200];
/// Rows in a mini-batch.
pub const BATCH_SIZE: usize = 16;
/// Passes over the training rows.
pub const EPOCHS: usize = 100;
/// The length of a gradient step.
pub const LEARNING_RATE: f64 = 0.1;
/// Rows with at least this probability are called positive.
pub const THRESHOLD: f64 = 0.5;

/// The two blobs of 500 points each, rounded to float32 as the notebook's tensors are.
///
/// # Errors
/// None that these settings can cause.
pub fn data() -> Result<Dataset> {
    dataset(&blobs()?)
}

fn blobs() -> Result<BlobData> {
    make_blobs(&Blobs {
        n_samples: Samples::Total(1000),
        centers: Centers::Number(2),
        random_state: BLOBS_SEED,
        ..Blobs::default()
    })
}

/// The points, rounded to float32 as the notebook's tensors are.
fn dataset(blobs: &BlobData) -> Result<Dataset> {
    let x: Vec<f64> = blobs.x.iter().map(|&x| f64::from(x as f32)).collect();
    Dataset::from_rows(&x, blobs.n_features, blobs.y.iter().map(|&y| y as f64).collect())
}

/// The split into training and test rows. The notebook looks at a fresh layer before it splits, which draws the
/// layer's three numbers first.
///
/// # Errors
/// None that 1000 rows can cause.
pub fn split(data: &Dataset) -> Result<[Rows<'_>; 2]> {
    let mut rng = Generator::manual_seed(SEED);
    Linear::init(2, 1, &mut rng);
    random_split(data, &SPLIT, &mut rng)
}

/// The generator after its second seeding, and the layer drawn from it.
pub fn model() -> (Generator, Linear) {
    let mut rng = Generator::manual_seed(SEED);
    let model = Linear::init(2, 1, &mut rng);
    (rng, model)
}

/// The training loop: moves `model` and gives the mean loss of every epoch.
///
/// # Errors
/// None that a layer of two inputs can cause.
pub fn train(rows: &Rows<'_>, model: &mut Linear, rng: &mut Generator) -> Result<Vec<f64>> {
    let loader = DataLoader::new(rows).batch_size(BATCH_SIZE).shuffle(true);
    let mut sgd = Sgd::new(LEARNING_RATE);
    let mut losses = Vec::with_capacity(EPOCHS);
    for _ in 0..EPOCHS {
        let mut sum = 0.0;
        for batch in loader.epoch(rng) {
            sum += sgd.step(&EmpiricalRisk::new(batch, BceWithLogits::default()), model)?.value;
        }
        losses.push(sum / loader.n_batches() as f64);
    }
    Ok(losses)
}

/// The model on the test rows, at a threshold of 0.5.
///
/// # Errors
/// None that finite parameters can cause.
pub fn evaluate(rows: &Rows<'_>, model: &Linear) -> Result<Evaluation> {
    let logits = EmpiricalRisk::new(rows.clone(), BceWithLogits::default())
        .logits(crate::objective::Module::parameters(model))?;
    let probability: Vec<f64> = logits.into_iter().map(crate::loss::sigmoid).collect();
    Evaluation::new(&probability, &rows.y(), None, THRESHOLD)
}
