//! Times the tutorial's training loop inside one process, for `bench/run.py`: one JSON line.
#![allow(clippy::print_stdout)]

use std::time::Instant;

use logistic::tutorial;

fn main() -> logistic::Result<()> {
    let data = tutorial::data()?;
    let [train, _] = tutorial::split(&data)?;
    let mut seconds = Vec::new();
    let mut last = None;
    for _ in 0..21 {
        let (mut rng, mut model) = tutorial::model();
        let start = Instant::now();
        let losses = tutorial::train(&train, &mut model, &mut rng)?;
        seconds.push(start.elapsed().as_secs_f64());
        last = Some((model, losses));
    }
    if let Some((model, losses)) = last {
        let (weight, bias, loss) = (model.weight(), model.bias()[0], losses[losses.len() - 1]);
        println!(
            r#"{{"seconds": {seconds:?}, "final": {{"weight": {weight:?}, "bias": {bias}}}, "last_epoch_loss": {loss}}}"#
        );
    }
    Ok(())
}
