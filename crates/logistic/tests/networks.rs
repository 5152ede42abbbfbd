//! Hidden layers against PyTorch's, two moons and circles against scikit-learn's, and what layers add to a line.

use logistic::dataset::{DataLoader, Dataset};
use logistic::loss::{BceWithLogits, CrossEntropy, Loss};
use logistic::model::{EarlyStopping, LogisticRegression, Method, NetworkFit, NetworkTraining, Penalty};
use logistic::objective::{Activation, Layers, Module, Network, NetworkRisk, ParameterPenalty};
use logistic::random::torch::Generator;
use logistic::solver::{Adam, Go, Sgd, Solver};
use logistic::table::{
    Blobs, Centers, Circles, ClusterStd, Moons, Points, Samples, make_blobs, make_circles, make_moons,
};
use logistic::tutorial;
use serde_json::Value;

/// PyTorch in float64, from the same float32 initialisation, sums in another order.
const DOUBLE: f64 = 1e-12;
/// PyTorch in float32.
const SINGLE: f64 = 1e-5;
/// The last bit of sines, cosines and logarithms.
const POINT: f64 = 1e-14;

fn golden(part: &str) -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/golden/networks.json");
    let all: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    all[part].as_array().unwrap().clone()
}

fn floats(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn whole(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

fn samples(value: &Value) -> Samples {
    match value.as_array() {
        Some(counts) => Samples::PerCenter(counts.iter().map(whole).collect()),
        None => Samples::Total(whole(value)),
    }
}

/// The shape that scikit-learn drew with these settings.
fn shape(record: &Value) -> Points {
    let params = &record["params"];
    let (n_samples, random_state) = (samples(&params["n_samples"]), whole(&params["random_state"]) as u32);
    let noise = params["noise"].as_f64().unwrap_or(0.0);
    let shuffle = params["shuffle"].as_bool().unwrap_or(true);
    if record["shape"] == "moons" {
        return make_moons(&Moons { n_samples, shuffle, noise, random_state }).unwrap();
    }
    let factor = params["factor"].as_f64().unwrap_or(0.8);
    make_circles(&Circles { n_samples, shuffle, noise, factor, random_state }).unwrap()
}

#[test]
fn moons_and_circles_are_scikit_learns() {
    let records = golden("shapes");
    assert_eq!(records.len(), 8);
    for record in records {
        let points = shape(&record);
        let expected = floats(&record["x"]);
        assert_eq!(points.x.len() * 2, expected.len());
        for (found, expected) in points.x.as_flattened().iter().zip(expected) {
            assert!((found - expected).abs() < POINT, "{}: {found} against {expected}", record["params"]);
        }
        assert_eq!(points.y.iter().map(|&y| y as f64).collect::<Vec<_>>(), floats(&record["y"]));
    }
}

#[test]
fn shapes_that_cannot_be_are_refused() {
    let moons = Moons::default();
    for wrong in [
        Moons { n_samples: Samples::Total(0), ..moons.clone() },
        Moons { n_samples: Samples::PerCenter(vec![1, 2, 3]), ..moons.clone() },
        Moons { noise: -1.0, ..moons.clone() },
        Moons { noise: f64::NAN, ..moons.clone() },
        Moons { n_samples: Samples::PerCenter(vec![usize::MAX, 1]), ..moons },
    ] {
        assert!(make_moons(&wrong).is_err(), "{wrong:?}");
    }
    assert!(make_circles(&Circles { factor: 1.0, ..Circles::default() }).is_err());
}

/// The rows that PyTorch was given: rounded to float32, every third of another weight where there are weights.
fn data(run: &Value) -> Dataset {
    let (x, y) = if run["data"] == "moons" {
        let moons = Moons { n_samples: Samples::Total(200), noise: 0.2, random_state: 3, ..Moons::default() };
        let points = make_moons(&moons).unwrap();
        (points.x.into_flattened(), points.y)
    } else {
        let blobs = make_blobs(&Blobs {
            n_samples: Samples::Total(150),
            centers: Centers::Number(3),
            cluster_std: ClusterStd::Common(3.0),
            random_state: 5,
            ..Blobs::default()
        });
        let blobs = blobs.unwrap();
        (blobs.x, blobs.y)
    };
    let x: Vec<f64> = x.iter().map(|&x| f64::from(x as f32)).collect();
    let (n, y) = (y.len(), y.iter().map(|&y| y as f64).collect::<Vec<_>>());
    let two = run["data"] == "moons";
    let data = Dataset::from_rows(&x, 2, if two { y.clone() } else { vec![0.0; n] }).unwrap();
    let data = if two { data } else { data.of_classes(y, 3).unwrap() };
    match run["weighted"].as_bool().unwrap() {
        true => data.weighted((0..n).map(|i| (i % 3 + 1) as f64 / 2.0).collect()).unwrap(),
        false => data,
    }
}

/// The loss of every epoch, and the parameters after the last.
fn train<L: Loss + Copy>(run: &Value, loss: L) -> (Vec<f64>, Vec<f64>) {
    let data = data(run);
    let activation = if run["activation"] == "relu" { Activation::Relu } else { Activation::Tanh };
    let hidden: Vec<usize> = run["hidden"].as_array().unwrap().iter().map(whole).collect();
    let layers = Layers::new(2, &hidden, loss.n_outputs(), activation).unwrap();
    let l2 = run["l2"].as_f64().unwrap();
    let penalty = ParameterPenalty {
        l2: layers.weights().into_iter().map(|weight| l2 * weight).collect(),
        ..ParameterPenalty::none(layers.n_parameters())
    };
    let rate = run["learning_rate"].as_f64().unwrap();
    let mut solver: Box<dyn Solver> = if run["solver"] == "adam" {
        Box::new(Adam::new(rate))
    } else {
        Box::new(Sgd::new(rate).momentum(run["momentum"].as_f64().unwrap()))
    };
    let mut rng = Generator::manual_seed(run["seed"].as_u64().unwrap());
    let mut model = Network::init(layers.clone(), &mut rng);
    let rows = data.rows();
    let loader = DataLoader::new(&rows).batch_size(whole(&run["batch_size"])).shuffle(true);
    let mut losses = Vec::new();
    for _ in 0..run["float64"].as_array().unwrap().len() {
        let mut sum = 0.0;
        for batch in loader.epoch(&mut rng) {
            let risk = NetworkRisk::new(batch, loss, &layers).unwrap().penalised(penalty.clone()).unwrap();
            sum += solver.step(&risk, &mut model).unwrap().value;
        }
        losses.push(sum / loader.n_batches() as f64);
    }
    (losses, model.parameters().to_vec())
}

#[test]
fn losses_and_parameters_are_pytorchs() {
    let runs = golden("runs");
    assert_eq!(runs.len(), 4);
    for run in runs {
        let (losses, parameters) = match run["data"] == "moons" {
            true => train(&run, BceWithLogits::default()),
            false => train(&run, CrossEntropy { n_classes: 3, base: false }),
        };
        assert_eq!(losses.len(), 20);
        for (name, tolerance) in [("float64", DOUBLE), ("float32", SINGLE)] {
            for (epoch, (found, expected)) in losses.iter().zip(floats(&run[name])).enumerate() {
                let what = format!("{}, epoch {epoch}", run["name"]);
                assert!((found - expected).abs() < tolerance, "{what}: {found} against {expected} in {name}");
            }
        }
        let n = parameters.len();
        let ends = parameters[..4].iter().chain(&parameters[n - 4..]);
        for (found, expected) in ends.zip(floats(&run["ends"])) {
            assert!((found - expected).abs() < 100.0 * DOUBLE, "{}: {found} against {expected}", run["name"]);
        }
    }
}

/// What decides about the tutorial's last sentence: on its blobs no rule beats a line, on two moons layers do.
#[test]
fn layers_help_on_moons_and_not_on_two_gaussians() {
    let layers = tutorial::compare().unwrap();
    let rate = tutorial::bayes().unwrap().rate;
    assert!(layers.moons_linear < 0.90 && layers.moons_network > 0.97, "{layers:?}");
    // Φ(d/2σ) within four standard errors of 100,000 new points, and no rule above it by more.
    let std_error = (rate * (1.0 - rate) / tutorial::NEW_POINTS as f64).sqrt();
    assert!((layers.bayes.new - rate).abs() < 4.0 * std_error, "{layers:?}");
    for rule in [layers.linear, layers.network] {
        assert!(rule.new < rate + 4.0 * std_error, "{layers:?}");
    }
    assert!((layers.linear.test - 0.86).abs() < 0.01);
}

fn moons(n: usize) -> Dataset {
    let moons = Moons { n_samples: Samples::Total(n), noise: 0.2, random_state: 8, ..Moons::default() };
    let points = make_moons(&moons).unwrap();
    Dataset::from_rows(points.x.as_flattened(), 2, points.y.iter().map(|&y| y as f64).collect()).unwrap()
}

fn settings(epochs: usize, early_stopping: Option<EarlyStopping>) -> NetworkTraining {
    let method = Method::Adam { learning_rate: 0.05, epochs, batch_size: 16, seed: 4 };
    NetworkTraining {
        hidden: vec![12, 6],
        activation: Activation::Tanh,
        early_stopping,
        regression: LogisticRegression { method, ..LogisticRegression::default() },
    }
}

fn fit(settings: &NetworkTraining, data: &Dataset) -> NetworkFit {
    settings.fit(&data.rows(), &mut |_, _| Go::On).unwrap()
}

/// As many epochs as were best, and no more, end at the parameters that were kept.
#[test]
fn early_stopping_keeps_the_epoch_of_the_least_loss() {
    let data = moons(300);
    let early = Some(EarlyStopping { fraction: 0.3, patience: 8 });
    let stopped = fit(&settings(500, early), &data);
    let validation = stopped.training.validation.clone().unwrap();
    let (best, losses) = (validation.best_epoch, &validation.losses);
    assert_eq!(stopped.facts.termination, "early_stopped");
    assert_eq!((validation.n_rows, stopped.facts.n_rows), (90, 210));
    assert_eq!((losses.len(), stopped.trace.len()), (best + 8, best + 8));
    assert!(losses.iter().all(|loss| *loss >= losses[best - 1]) && best < losses.len());
    let short = fit(&settings(best, early), &data);
    assert_eq!(short.network, stopped.network);
    assert_eq!(short.facts.termination, "max_iterations");
    // Without rows kept apart the seed draws other parameters, and all epochs are run.
    let all = fit(&settings(5, None), &data);
    assert!(all.training.validation.is_none() && all.trace.len() == 5 && all.facts.n_rows == 300);
}

#[test]
fn units_of_columns_and_threads_change_nothing_that_counts() {
    let data = moons(300);
    let early = Some(EarlyStopping { fraction: 0.2, patience: 5 });
    let plain = fit(&settings(30, early), &data);
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(alone.install(|| fit(&settings(30, early), &data)), plain);
    let of = |scale: [f64; 2], shift: [f64; 2]| {
        let x: Vec<f64> = (0..300)
            .flat_map(|row| {
                data.get(row)
                    .unwrap()
                    .0
                    .into_iter()
                    .zip(scale)
                    .zip(shift)
                    .map(|((x, s), b)| s * x + b)
                    .collect::<Vec<_>>()
            })
            .collect();
        Dataset::from_rows(&x, 2, data.y().to_vec()).unwrap()
    };
    let moved = of([4096.0, 0.25], [0.0, 0.0]);
    let other = fit(&settings(30, early), &moved);
    // Powers of two only move exponents.
    assert_eq!(other.trace, plain.trace);
    let logits = |fit: &NetworkFit, data: &Dataset| fit.network.logits(&data.rows()).unwrap().concat();
    for (found, expected) in logits(&other, &moved).iter().zip(logits(&plain, &data)) {
        assert!((found - expected).abs() < 1e-9 * expected.abs().max(1.0), "{found} against {expected}");
    }
}

#[test]
fn what_layers_do_not_know_is_refused() {
    let data = moons(60);
    let plain = settings(3, None);
    let regression = |regression: LogisticRegression| NetworkTraining {
        regression: LogisticRegression { method: plain.regression.method, ..regression },
        ..plain.clone()
    };
    let early = |fraction, patience| NetworkTraining {
        early_stopping: Some(EarlyStopping { fraction, patience }),
        ..plain.clone()
    };
    let method = |method| NetworkTraining {
        regression: LogisticRegression { method, ..LogisticRegression::default() },
        ..plain.clone()
    };
    let none = LogisticRegression::default;
    let cases = [
        regression(LogisticRegression { penalty: Penalty { l1: 0.1, ..Penalty::default() }, ..none() }),
        regression(LogisticRegression { penalty: Penalty { l2: -0.1, ..Penalty::default() }, ..none() }),
        regression(LogisticRegression { bounds: vec![(0.0, 1.0); 2], ..none() }),
        regression(LogisticRegression { intercept: false, ..none() }),
        regression(LogisticRegression { firth: true, ..none() }),
        method(Method::Newton),
        method(Method::Auto),
        method(Method::Adam { learning_rate: 0.0, epochs: 5, batch_size: 4, seed: 0 }),
        method(Method::Sgd { learning_rate: 0.1, epochs: 0, batch_size: 4, seed: 0 }),
        early(0.0, 5),
        early(1.0, 5),
        early(f64::NAN, 5),
        early(0.2, 0),
        early(0.001, 5),
        NetworkTraining {
            activation: Activation::Relu,
            ..method(Method::Sgd { learning_rate: 1e200, epochs: 5, batch_size: 4, seed: 0 })
        },
        NetworkTraining { hidden: Vec::new(), ..plain.clone() },
        NetworkTraining { hidden: vec![4, 0], ..plain.clone() },
    ];
    for wrong in cases {
        let error = wrong.fit(&data.rows(), &mut |_, _| Go::On).unwrap_err();
        assert_eq!(error.kind(), "setting", "{wrong:?}: {error}");
    }
    let one = Dataset::from_rows(&[1.0, 2.0, 3.0], 1, vec![1.0; 3]).unwrap();
    assert_eq!(plain.fit(&one.rows(), &mut |_, _| Go::On).unwrap_err().kind(), "target");
}

/// Layers can be stopped from outside, and say what a regression of the same columns reaches.
#[test]
fn a_regression_of_the_same_columns_stands_beside_it() {
    let data = moons(400);
    let found = fit(&settings(60, Some(EarlyStopping { fraction: 0.25, patience: 60 })), &data);
    let without = found.training.without_layers.unwrap();
    let own = -found.facts.log_likelihood / found.facts.total_weight;
    // The regression's is 0.27 or so on any rows of these moons.
    assert!(own < 0.15 && without.fitted > 0.2 && without.apart.unwrap() > 0.2, "{own} {without:?}");
    let stopped = settings(60, None).fit(&data.rows(), &mut |epoch, _| if epoch == 2 { Go::Stop } else { Go::On });
    let stopped = stopped.unwrap();
    assert_eq!((stopped.trace.len(), stopped.facts.termination.as_str()), (3, "interrupted"));
}
