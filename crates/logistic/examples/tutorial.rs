//! The tutorial's training loop, written out.
#![allow(clippy::print_stdout)]

use logistic::dataset::{DataLoader, random_split};
use logistic::loss::BceWithLogits;
use logistic::objective::{EmpiricalRisk, Linear};
use logistic::random::torch::Generator;
use logistic::solver::{Sgd, Solver};

fn main() -> logistic::Result<()> {
    let data = logistic::tutorial::data()?;
    let mut rng = Generator::manual_seed(420);
    // The notebook looks at a layer before it splits, which draws three numbers.
    Linear::init(2, 1, &mut rng);
    let [train, test] = random_split(&data, &[800, 200], &mut rng)?;
    let mut rng = Generator::manual_seed(420);
    let mut model = Linear::init(2, 1, &mut rng);
    let loader = DataLoader::new(&train).batch_size(16).shuffle(true);
    let mut sgd = Sgd::new(0.1);
    for _epoch in 0..100 {
        for batch in loader.epoch(&mut rng) {
            sgd.step(&EmpiricalRisk::new(batch, BceWithLogits::default()), &mut model)?;
        }
    }
    let evaluation = logistic::tutorial::evaluate(&test, &model)?;
    println!("weight {:.4?} bias {:.4?}", model.weight(), model.bias());
    println!("accuracy {:?} on {} rows", evaluation.confusion.accuracy(), evaluation.n_rows);
    Ok(())
}
