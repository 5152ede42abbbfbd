//! Gradients against finite differences, and a network without hidden layers against the linear predictor.

use super::*;
use crate::dataset::{Dataset, Feature};
use crate::loss::{BceWithLogits, CrossEntropy, Loss};
use crate::objective::{EmpiricalRisk, Objective, Order, ParameterPenalty};

/// The step of a central difference, whose error is about its square.
const STEP: f64 = 1e-5;
/// Rounding of a value over the step, and the square of the step.
const DIFFERENCE: f64 = 1e-9;
/// Sums in another order.
const ROUNDING: f64 = 1e-13;

/// Numbers that no sum of a few makes 0, so that no unit stands at its kink.
fn number(at: usize) -> f64 {
    (at as f64 * 0.754_877_666_246_692_8).fract() * 2.0 - 1.0
}

/// Numbers, a category as codes and sparse numbers, with weights and offsets.
fn data(n: usize) -> Dataset {
    let codes: Vec<u32> = (0..n).map(|i| (i * 5 % 3) as u32).collect();
    let (rows, values): (Vec<u32>, Vec<f64>) = (0..n).step_by(4).map(|i| (i as u32, number(3 * i + 1))).unzip();
    let features = vec![
        Feature::Number((0..n).map(|i| 3.0 + 2.0 * number(i)).collect()),
        Feature::Codes { codes: codes.into(), levels: 3 },
        Feature::Sparse { rows, values, len: n },
    ];
    let y = (0..n).map(|i| f64::from(i * 7 % 5 < 2)).collect();
    let weight = (0..n).map(|i| (i % 4) as f64 / 2.0).collect();
    let data = Dataset::new(features, y, Some(weight)).unwrap();
    data.offset_by((0..n).map(|i| number(2 * i) / 3.0).collect()).unwrap()
}

fn three_classes(data: &Dataset) -> Dataset {
    let y = (0..data.len()).map(|i| (i * 7 % 5 % 3) as f64).collect();
    data.without_offset().of_classes(y, 3).unwrap()
}

fn network(layers: Layers) -> Network {
    let mut network = Network::init(layers, &mut Generator::manual_seed(5));
    network.parameters_mut().iter_mut().enumerate().for_each(|(at, w)| *w += 0.3 * number(7 * at + 2));
    network
}

fn ridge(layers: &Layers) -> ParameterPenalty {
    let l2 = layers.weights().into_iter().map(|weight| 0.03 * weight).collect();
    ParameterPenalty { l2, ..ParameterPenalty::none(layers.n_parameters()) }
}

/// Every entry of the gradient is the slope of the value.
fn check_gradient<L: Loss + Copy>(data: &Dataset, loss: L, hidden: &[usize], activation: Activation) {
    let standard = Standardisation::of(&data.rows(), true);
    let layers = Layers::new(standard.columns.len(), hidden, loss.n_outputs(), activation).unwrap();
    let risk = NetworkRisk::standardised(data.rows(), loss, &layers, standard).unwrap();
    let risk = risk.penalised(ridge(&layers)).unwrap();
    let at = network(layers).parameters().to_vec();
    let gradient = risk.sums(&at, Order::Gradient).gradient;
    assert!(gradient.iter().any(|g| g.abs() > 0.01));
    for j in 0..at.len() {
        let value = |by: f64| {
            let mut moved = at.clone();
            moved[j] += by;
            risk.sums(&moved, Order::Value).value
        };
        let slope = (value(STEP) - value(-STEP)) / (2.0 * STEP);
        let (found, what) = (gradient[j], format!("{activation:?} {hidden:?}, parameter {j}"));
        assert!((found - slope).abs() < DIFFERENCE, "{what}: {found} against {slope}");
    }
}

#[test]
fn gradients_are_the_slopes_of_values() {
    let data = data(300);
    let classes = three_classes(&data);
    for activation in [Activation::Relu, Activation::Tanh] {
        for hidden in [&[5][..], &[4, 3], &[9, 1, 8]] {
            check_gradient(&data, BceWithLogits::default(), hidden, activation);
            check_gradient(&classes, CrossEntropy { n_classes: 3, base: false }, hidden, activation);
        }
    }
}

#[test]
fn without_hidden_layers_it_is_the_linear_predictor() {
    let data = data(5000);
    let classes = three_classes(&data);
    fn compare<L: Loss + Copy>(data: &Dataset, loss: L) {
        let standard = Standardisation::of(&data.rows(), true);
        let layers = Layers::new(standard.columns.len(), &[], loss.n_outputs(), Activation::Relu).unwrap();
        let at = network(layers.clone()).parameters().to_vec();
        let risk = NetworkRisk::standardised(data.rows(), loss, &layers, standard.clone()).unwrap();
        let linear = EmpiricalRisk::new(data.rows(), loss).standardised(standard);
        let (found, expected) = (risk.sums(&at, Order::Gradient), linear.sums(&at, Order::Gradient));
        assert!((found.value - expected.value).abs() < ROUNDING);
        for (found, expected) in found.gradient.iter().zip(&expected.gradient) {
            assert!((found - expected).abs() < ROUNDING, "{found} against {expected}");
        }
    }
    compare(&data, BceWithLogits::default());
    compare(&classes, CrossEntropy { n_classes: 3, base: false });
}

/// More rows than a chunk holds: parts, lists of rows and numbers of threads.
#[test]
fn sums_merge_and_do_not_depend_on_threads() {
    let data = data(9001);
    let layers = Layers::new(data.n_columns(), &[7, 5], 1, Activation::Tanh).unwrap();
    let network = network(layers.clone());
    let risk = NetworkRisk::new(data.rows(), BceWithLogits::default(), &layers).unwrap();
    let whole = risk.sums(network.parameters(), Order::Gradient);
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(alone.install(|| risk.sums(network.parameters(), Order::Gradient)), whole);
    let share = |range: Range<usize>| {
        let part = risk.of_rows(Rows::select(&data, range.collect::<Vec<_>>()).unwrap());
        let mut sums = part.sums(network.parameters(), Order::Gradient);
        sums.scale(part.total_weight() / risk.total_weight());
        sums
    };
    let mut merged = share(0..4000);
    merged.merge(&share(4000..9001));
    assert!((merged.value - whole.value).abs() < ROUNDING);
    for (found, expected) in merged.gradient.iter().zip(&whole.gradient) {
        assert!((found - expected).abs() < ROUNDING, "{found} against {expected}");
    }
}

/// Logits have the same bits whatever the rows around, and those of columns in their own units are the same function.
#[test]
fn a_row_has_its_logit_wherever_it_stands() {
    let data = data(9001).without_offset();
    let standard = Standardisation::of(&data.rows(), true);
    let layers = Layers::new(standard.columns.len(), &[6], 1, Activation::Relu).unwrap();
    let trained = network(layers.clone());
    let own = trained.in_units_of(&standard, data.n_columns());
    let all = own.logits(&data.rows()).unwrap();
    let some: Vec<usize> = (0..data.len()).step_by(61).collect();
    let few = own.logits(&Rows::select(&data, some.clone()).unwrap()).unwrap();
    for (z, &i) in few[0].iter().zip(&some) {
        assert_eq!(z.to_bits(), all[0][i].to_bits());
    }
    let loss = |rows, logits: &[f64]| {
        let each = crate::loss::BinaryLoss::each(&BceWithLogits::default(), logits, data.y(), data.weight()).unwrap();
        each.iter().sum::<f64>() / Rows::total_weight(rows)
    };
    let risk = NetworkRisk::standardised(data.rows(), BceWithLogits::default(), &layers, standard).unwrap();
    let expected = risk.sums(trained.parameters(), Order::Value).value;
    assert!((loss(&data.rows(), &all[0]) - expected).abs() < ROUNDING);
    let wider = Layers::new(3, &[2], 1, Activation::Relu).unwrap();
    assert!(NetworkRisk::new(data.rows(), BceWithLogits::default(), &wider).is_err());
}

#[test]
fn layers_that_cannot_be_are_refused() {
    for (hidden, outputs) in [(&[3, 0][..], 1), (&[4], 0), (&[usize::MAX], 1), (&[100_000, 100_000], 1)] {
        assert_eq!(Layers::new(2, hidden, outputs, Activation::Relu).unwrap_err().kind(), "setting");
    }
}

#[test]
fn a_network_is_stored_layer_by_layer() {
    let network = network(Layers::new(2, &[3, 2], 1, Activation::Tanh).unwrap());
    let text = serde_json::to_string(&network).unwrap();
    assert!(text.starts_with(r#"{"activation":"tanh","layers":[{"weight":["#), "{text}");
    assert_eq!(serde_json::from_str::<Network>(&text).unwrap(), network);
    for wrong in [
        r#"{"activation":"tanh","layers":[]}"#,
        r#"{"activation":"relu","layers":[{"weight":[1],"bias":[]}]}"#,
        r#"{"activation":"relu","layers":[{"weight":[1,2,3],"bias":[0,1]},{"weight":[1,2],"bias":[1]}]}"#,
        r#"{"activation":"relu","layers":[{"weight":[1,2],"bias":[0,1]},{"weight":[1],"bias":[1]}]}"#,
        r#"{"activation":"step","layers":[{"weight":[1,2],"bias":[0]}]}"#,
    ] {
        assert!(serde_json::from_str::<Network>(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn state_dicts_have_the_names_of_a_sequential() {
    let layers = Layers::new(2, &[3], 1, Activation::Relu).unwrap();
    let trained = network(layers.clone());
    let state = trained.state_dict("model");
    let names: Vec<&str> = state.iter().map(|tensor| tensor.name.as_str()).collect();
    assert_eq!(names, ["model.0.weight", "model.0.bias", "model.2.weight", "model.2.bias"]);
    assert_eq!(state[2].shape, [1, 3]);
    let mut other = Network::init(layers, &mut Generator::manual_seed(1));
    other.load_state_dict("model", &state).unwrap();
    assert_eq!(other, trained);
}
