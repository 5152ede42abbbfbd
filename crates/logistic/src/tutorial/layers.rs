//! Where the tutorial ends, it says that layers would do better than 0.86. Whether they can: the layer that the tutorial
//! trains, hidden layers, and the best rule there is, on the tutorial's blobs; and the first two on two moons.

use super::{BATCH_SIZE, EPOCHS, SEED, SPLIT, blobs, dataset, split, train};
use crate::dataset::{DataLoader, Dataset, Rows};
use crate::distribution::normal_two_sided;
use crate::error::Result;
use crate::loss::BceWithLogits;
use crate::objective::{Activation, EmpiricalRisk, Linear, Module, Network, NetworkRisk};
use crate::random::torch::Generator;
use crate::solver::{Adam, Solver};
use crate::table::{BlobData, Blobs, Centers, Moons, Samples, make_blobs, make_moons};

/// The hidden units.
pub const HIDDEN: usize = 16;
/// The length of Adam's steps.
pub const LAYERS_LEARNING_RATE: f64 = 0.01;
/// New points of the same blobs, to tell rules apart that 200 rows cannot.
pub const NEW_POINTS: usize = 100_000;
/// The noise of the moons.
pub const MOONS_NOISE: f64 = 0.15;
/// The seed of the moons.
pub const MOONS_SEED: u32 = 261;
/// The seed of the new points.
const NEW_SEED: u32 = 262;

/// How often a rule is right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    /// On the tutorial's 200 test rows.
    pub test: f64,
    /// On [`NEW_POINTS`] new points.
    pub new: f64,
}

/// What hidden layers add to a linear predictor, and what they cannot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layers {
    /// The tutorial's layer.
    pub linear: Rule,
    /// Hidden layers, trained on the same rows.
    pub network: Rule,
    /// The rule of Bayes, which knows the blobs.
    pub bayes: Rule,
    /// The tutorial's layer trained on two moons, on their 200 test rows.
    pub moons_linear: f64,
    /// Hidden layers trained on two moons, on the same.
    pub moons_network: f64,
}

/// The rule of Bayes, which knows the blobs: none is right more often in the long run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bayes {
    /// How often it is right on the tutorial's 200 test rows.
    pub test: f64,
    /// How often in the long run, by a formula: Φ(d/2σ).
    pub rate: f64,
    /// The distance d of the centres, over the standard deviation σ around either.
    pub distance: f64,
}

/// The rule of Bayes on the tutorial's test rows, and in the long run.
///
/// # Errors
/// None that these settings can cause.
pub fn bayes() -> Result<Bayes> {
    let blobs = blobs()?;
    let data = dataset(&blobs)?;
    let [_, test] = split(&data)?;
    let (rule, distance) = best_rule(&blobs);
    let rate = 1.0 - normal_two_sided(distance / 2.0) / 2.0;
    Ok(Bayes { test: linear_accuracy(&rule, &test)?, rate, distance })
}

/// Trains and compares.
///
/// # Errors
/// None that these settings can cause.
pub fn compare() -> Result<Layers> {
    let blobs = blobs()?;
    let (data, new) = (dataset(&blobs)?, new_points(&blobs)?);
    let [rows, test] = split(&data)?;
    let (linear, network) = (trained_layer(&rows)?, trained_network(&rows)?);
    let (bayes, _) = best_rule(&blobs);
    let rule = |of: &dyn Fn(&Rows<'_>) -> Result<f64>| Ok(Rule { test: of(&test)?, new: of(&new.rows())? });
    let moons = moons()?;
    let [moons_rows, moons_test] = split(&moons)?;
    Ok(Layers {
        linear: rule(&|rows| linear_accuracy(&linear, rows))?,
        network: rule(&|rows| network_accuracy(&network, rows))?,
        bayes: rule(&|rows| linear_accuracy(&bayes, rows))?,
        moons_linear: linear_accuracy(&trained_layer(&moons_rows)?, &moons_test)?,
        moons_network: network_accuracy(&trained_network(&moons_rows)?, &moons_test)?,
    })
}

/// Points around the same centres.
fn new_points(blobs: &BlobData) -> Result<Dataset> {
    dataset(&make_blobs(&Blobs {
        n_samples: Samples::Total(NEW_POINTS),
        centers: Centers::Given(blobs.centers.clone()),
        random_state: NEW_SEED,
        ..Blobs::default()
    })?)
}

/// As many points as the blobs have.
fn moons() -> Result<Dataset> {
    let n_samples = Samples::Total(SPLIT.iter().sum());
    let moons = make_moons(&Moons { n_samples, noise: MOONS_NOISE, random_state: MOONS_SEED, ..Moons::default() })?;
    let x: Vec<f64> = moons.x.iter().flatten().map(|&x| f64::from(x as f32)).collect();
    Dataset::from_rows(&x, 2, moons.y.iter().map(|&y| y as f64).collect())
}

/// The rule of Bayes for two Gaussians of standard deviation 1 that are as likely as each other (Bishop, *Pattern
/// Recognition and Machine Learning*, 2006, eq. 4.65 to 4.67): with the centres μ₀ and μ₁ the logit is
/// `(μ₁ − μ₀)·x + ½(‖μ₀‖² − ‖μ₁‖²)`, and linear, for the squares of x in the two densities are the same. And the distance of
/// the centres: half of it lies between either and the line, so that a point is on its own side with probability Φ(d/2).
fn best_rule(blobs: &BlobData) -> (Linear, f64) {
    let [zero, one] = [&blobs.centers[0], &blobs.centers[1]];
    let square = |centre: &[f64]| centre.iter().map(|x| x * x).sum::<f64>();
    let mut rule = Linear::zeros(zero.len(), 1);
    let towards: Vec<f64> = one.iter().zip(zero).map(|(one, zero)| one - zero).collect();
    let bias = 0.5 * (square(zero) - square(one));
    rule.parameters_mut().iter_mut().zip(towards.iter().chain([&bias])).for_each(|(to, of)| *to = *of);
    (rule, square(&towards).sqrt())
}

/// The tutorial's own training.
fn trained_layer(rows: &Rows<'_>) -> Result<Linear> {
    let (mut rng, mut model) = super::model();
    train(rows, &mut model, &mut rng)?;
    Ok(model)
}

/// The same loop, through hidden layers, with Adam.
fn trained_network(rows: &Rows<'_>) -> Result<Network> {
    let mut rng = Generator::manual_seed(SEED);
    let layers = crate::objective::Layers::new(2, &[HIDDEN], 1, Activation::Relu)?;
    let mut model = Network::init(layers.clone(), &mut rng);
    let loader = DataLoader::new(rows).batch_size(BATCH_SIZE).shuffle(true);
    let mut adam = Adam::new(LAYERS_LEARNING_RATE);
    for _ in 0..EPOCHS {
        for batch in loader.epoch(&mut rng) {
            adam.step(&NetworkRisk::new(batch, BceWithLogits::default(), &layers)?, &mut model)?;
        }
    }
    Ok(model)
}

fn linear_accuracy(model: &Linear, rows: &Rows<'_>) -> Result<f64> {
    let logits = EmpiricalRisk::new(rows.clone(), BceWithLogits::default()).logits(model.parameters())?;
    Ok(accuracy(&logits, rows))
}

fn network_accuracy(model: &Network, rows: &Rows<'_>) -> Result<f64> {
    Ok(accuracy(&model.logits(rows)?.concat(), rows))
}

/// The share of the rows on their own side of a probability of one half.
fn accuracy(logits: &[f64], rows: &Rows<'_>) -> f64 {
    let right = logits.iter().zip(rows.y()).filter(|&(&z, y)| (z >= 0.0) == (y == 1.0)).count();
    right as f64 / rows.len() as f64
}
