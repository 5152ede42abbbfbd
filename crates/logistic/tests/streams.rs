//! The random streams, against NumPy, scikit-learn and PyTorch.

use std::fmt::Write;
use std::path::Path;

use logistic::dataset::{DataLoader, Dataset, fractions, random_split};
use logistic::random::{numpy::RandomState, torch::Generator};
use logistic::table::{Blobs, Centers, Samples, make_blobs};
use serde_json::Value;
use sha2::{Digest, Sha256};

fn golden(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/golden/seed").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

/// The values under a key; none where a seed has no such stream.
fn stream(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn floats(value: &Value) -> Vec<f64> {
    list(value).iter().map(|v| v.as_f64().unwrap()).collect()
}

fn indices(value: &Value) -> Vec<usize> {
    list(value).iter().map(|v| v.as_u64().unwrap() as usize).collect()
}

fn number(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

fn sha256(bytes: impl Iterator<Item = u8>) -> String {
    let digest = Sha256::digest(bytes.collect::<Vec<u8>>());
    digest.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

#[test]
fn numpy_random_state() {
    for (seed, expected) in golden("numpy_streams.json").as_object().unwrap() {
        let fresh = || RandomState::new(seed.parse().unwrap());
        let draw = |n: usize, f: &dyn Fn(&mut RandomState) -> f64| {
            let mut state = fresh();
            (0..n).map(|_| f(&mut state)).collect::<Vec<f64>>()
        };
        assert_eq!(draw(10, &|s| s.random_sample()), floats(&expected["random_sample"]));
        assert_eq!(draw(11, &|s| s.standard_normal()), floats(&expected["standard_normal"]));
        assert_eq!(draw(5, &|s| s.normal(3.0, 2.0)), floats(&expected["normal_3_2"]));
        let uniform: Vec<f64> = list(&expected["uniform_m10_10"]).iter().flat_map(floats).collect();
        assert_eq!(draw(uniform.len(), &|s| s.uniform(-10.0, 10.0)), uniform);
        assert_eq!(fresh().permutation(20), indices(&expected["permutation_20"]));
        let mut shuffled: Vec<usize> = (0..15).collect();
        fresh().shuffle(&mut shuffled);
        assert_eq!(shuffled, indices(&expected["shuffle_arange_15"]));
        let mut state = fresh();
        let integers: Vec<usize> = (0..10).map(|_| state.interval(999) as usize).collect();
        assert_eq!(integers, indices(&expected["randint_0_1000"]));
    }
}

#[test]
fn torch_generator() {
    for (seed, expected) in golden("torch_streams.json").as_object().unwrap() {
        // Like PyTorch, a negative seed stands for 2⁶⁴ plus it.
        let fresh = || Generator::manual_seed(seed.parse::<i128>().unwrap() as u64);
        let mut rng = fresh();
        for value in stream(&expected["random_int64"]) {
            let value = value.as_i64().unwrap_or_else(|| value.as_str().unwrap().parse().unwrap());
            assert_eq!(rng.random_i64(), value, "seed {seed}");
        }
        let mut rng = fresh();
        for value in stream(&expected["rand_f32"]) {
            assert_eq!(f64::from(rng.uniform_f32(0.0, 1.0)), *value);
        }
        let mut rng = fresh();
        let bound = std::f32::consts::FRAC_1_SQRT_2;
        for value in stream(&expected["uniform_f32_pm_0_70710677"]) {
            assert_eq!(f64::from(rng.uniform_f32(-bound, bound)), *value);
        }
    }
}

/// The grid has lengths up to 2·10⁸; beyond this one they would only take time.
const LONGEST: usize = 1_000_000;

#[test]
fn torch_randperm() {
    let mut compared = 0;
    for case in list(&golden("torch_randperm.json")) {
        let n = number(&case["n"]);
        let Some(expected) = case["sha256_int64_le"].as_str().filter(|_| n <= LONGEST) else { continue };
        let mut rng = Generator::manual_seed(case["seed"].as_u64().unwrap());
        let order = rng.randperm(n);
        assert_eq!(sha256(order.iter().flat_map(|&i| (i as i64).to_le_bytes())), expected, "n = {n}");
        assert_eq!(rng.random_i64().to_string(), case["next_random_int64"].as_str().unwrap());
        compared += 1;
    }
    assert!(compared > 100);
}

#[test]
fn torch_linear_init() {
    for case in list(&golden("torch_linear_init.json")) {
        let Some(expected) = case["weight_sha256_f32_le"].as_str() else { continue };
        let mut rng = Generator::manual_seed(case["seed"].as_u64().unwrap());
        let (weight, bias) = rng.linear_init(number(&case["in_features"]), number(&case["out_features"]));
        if let Some(first) = case["weight"].as_array() {
            assert_eq!(weight.iter().map(|&w| f64::from(w)).collect::<Vec<_>>(), floats(&first.to_vec().into()));
        }
        assert_eq!(sha256(weight.iter().flat_map(|w| w.to_le_bytes())), expected, "{case}");
        assert_eq!(bias.iter().map(|&b| f64::from(b)).collect::<Vec<_>>(), floats(&case["bias"]));
        assert_eq!(rng.random_i64().to_string(), case["next_random_int64"].as_str().unwrap());
    }
}

fn zeros(n: usize) -> Dataset {
    Dataset::from_rows(&vec![0.0; n], 1, vec![0.0; n]).unwrap()
}

/// Counts as they are; fractions as PyTorch rounds them.
fn split_lengths(lengths: &Value, n: usize) -> Vec<usize> {
    match (list(lengths)[0].as_u64(), &floats(lengths)[..]) {
        (Some(_), _) => indices(lengths),
        (None, &[a, b]) => fractions(n, &[a, b]).unwrap().to_vec(),
        (None, &[a, b, c]) => fractions(n, &[a, b, c]).unwrap().to_vec(),
        (None, other) => panic!("a split into {}", other.len()),
    }
}

#[test]
fn torch_random_split() {
    for case in list(&golden("torch_random_split.json")) {
        let seed = if case["seed"].is_null() { &case["generator_seed"] } else { &case["seed"] };
        let mut rng = Generator::manual_seed(seed.as_u64().unwrap());
        let data = zeros(number(&case["n"]));
        let expected: Vec<Vec<usize>> = list(&case["indices"]).iter().map(indices).collect();
        let found: Vec<Vec<usize>> = match split_lengths(&case["lengths"], data.len())[..] {
            [a] => random_split(&data, &[a], &mut rng).unwrap().map(|rows| rows.indices().collect()).into(),
            [a, b] => random_split(&data, &[a, b], &mut rng).unwrap().map(|rows| rows.indices().collect()).into(),
            [a, b, c] => random_split(&data, &[a, b, c], &mut rng).unwrap().map(|rows| rows.indices().collect()).into(),
            ref lengths => panic!("a split into {}", lengths.len()),
        };
        assert_eq!(found, expected, "{}", case["lengths"]);
    }
}

#[test]
fn torch_data_loader() {
    for case in list(&golden("torch_dataloader.json")) {
        let Some(epochs) = case["epochs"].as_array() else { continue };
        let seed = if case["seed"].is_null() { &case["generator_seed"] } else { &case["seed"] };
        let mut rng = Generator::manual_seed(seed.as_u64().unwrap());
        let data = zeros(number(&case["n"]));
        let loader = DataLoader::new(&data.rows())
            .batch_size(number(&case["batch_size"]))
            .shuffle(true)
            .drop_last(case["drop_last"] == Value::Bool(true));
        for expected in epochs {
            let epoch = if case["seed"].is_null() { loader.epoch_from(&mut rng) } else { loader.epoch(&mut rng) };
            let batches: Vec<Vec<usize>> = epoch.map(|batch| batch.indices().collect()).collect();
            assert_eq!(batches, list(expected).iter().map(indices).collect::<Vec<_>>(), "{seed}");
        }
        if let Some(next) = case["next_random_int64"].as_str() {
            assert_eq!(rng.random_i64().to_string(), next);
        }
    }
}

fn blobs_of(params: &Value) -> Blobs {
    let n_samples = match &params["n_samples"] {
        Value::Array(_) => Samples::PerCenter(indices(&params["n_samples"])),
        total => Samples::Total(number(total)),
    };
    let centers = match &params["centers"] {
        Value::Array(given) => Centers::Given(given.iter().map(floats).collect()),
        Value::Null => Centers::Number(3),
        n => Centers::Number(number(n)),
    };
    let cluster_std = match &params["cluster_std"] {
        Value::Array(_) => floats(&params["cluster_std"]),
        std => vec![std.as_f64().unwrap_or(1.0)],
    };
    let center_box = match &params["center_box"] {
        Value::Null => (-10.0, 10.0),
        bounds => (floats(bounds)[0], floats(bounds)[1]),
    };
    Blobs {
        n_samples,
        n_features: number(&params["n_features"]),
        centers,
        cluster_std,
        center_box,
        shuffle: params["shuffle"] != Value::Bool(false),
        random_state: number(&params["random_state"]) as u32,
    }
}

#[test]
fn scikit_learn_make_blobs() {
    for case in list(&golden("make_blobs.json")) {
        let blobs = make_blobs(&blobs_of(&case["params"])).unwrap();
        assert_eq!(sha256(blobs.y.iter().flat_map(|&y| (y as i64).to_le_bytes())), case["y_sha256_i64_le"]);
        let head: Vec<f64> = list(&case["X_head"]).iter().flat_map(floats).collect();
        for (found, expected) in blobs.x.iter().zip(&head) {
            let units = (found.to_bits() as i64).abs_diff(expected.to_bits() as i64);
            assert!(units <= 1, "{found} is {units} units from {expected}");
        }
        assert_eq!(sha256(blobs.x.iter().flat_map(|x| x.to_le_bytes())), case["X_sha256_f64_le"], "{}", case["params"]);
    }
}
