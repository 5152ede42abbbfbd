//! The random streams and the blobs, held against numbers that NumPy, PyTorch and scikit-learn drew.
//!
//! Everything here is compared bit for bit: a stream that is almost right is another stream.

use logistic::random::numpy::RandomState;
use logistic::random::torch::Generator;
use logistic::table::{BlobData, Blobs, Centers, ClusterStd, Samples, make_blobs};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The golden file `name`, produced by NumPy 2.4, PyTorch 2.11 and scikit-learn 1.9.
fn golden(name: &str) -> Value {
    let path = format!("{}/../../testdata/golden/seed/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn entries(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn f64s(value: &Value) -> Vec<f64> {
    entries(value).iter().map(|x| x.as_f64().unwrap()).collect()
}

fn f32s(value: &Value) -> Vec<f32> {
    f64s(value).into_iter().map(|x| x as f32).collect()
}

fn i64s(value: &Value) -> Vec<i64> {
    entries(value).iter().map(|x| x.as_i64().unwrap()).collect()
}

fn usizes(value: &Value) -> Vec<usize> {
    entries(value).iter().map(|x| usize::try_from(x.as_u64().unwrap()).unwrap()).collect()
}

fn size(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

/// Integers of 64 bits stand in the golden files as text, lest a reader round them.
fn big(value: &Value) -> i64 {
    value.as_str().unwrap().parse().unwrap()
}

fn sha256<const N: usize>(words: impl IntoIterator<Item = [u8; N]>) -> String {
    let mut hash = Sha256::new();
    for word in words {
        hash.update(word);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sha256_of_i64s(values: &[usize]) -> String {
    sha256(values.iter().map(|&value| (value as i64).to_le_bytes()))
}

/// As many draws as `expected` has elements, each from the same generator.
fn drawn<T>(expected: &Value, draw: impl FnMut() -> T) -> Vec<T> {
    std::iter::repeat_with(draw).take(entries(expected).len()).collect()
}

#[test]
fn random_state_repeats_numpy() {
    let golden = golden("numpy_streams.json");
    assert_eq!(golden.as_object().unwrap().len(), 6);
    for (seed, streams) in golden.as_object().unwrap() {
        let fresh = || RandomState::new(seed.parse().unwrap());

        let expected = &streams["random_sample"];
        let mut random = fresh();
        assert_eq!(drawn(expected, || random.random_sample()), f64s(expected), "seed {seed}");

        let expected = &streams["standard_normal"];
        let mut random = fresh();
        assert_eq!(drawn(expected, || random.standard_normal()), f64s(expected), "seed {seed}");

        let expected = &streams["normal_3_2"];
        let mut random = fresh();
        assert_eq!(drawn(expected, || random.normal(3.0, 2.0)), f64s(expected), "seed {seed}");

        let mut random = fresh();
        for row in entries(&streams["uniform_m10_10"]) {
            assert_eq!(drawn(row, || random.uniform(-10.0, 10.0)), f64s(row), "seed {seed}");
        }

        let expected = &streams["randint_0_1000"];
        let mut random = fresh();
        assert_eq!(drawn(expected, || random.randint(0, 1000).unwrap()), i64s(expected), "seed {seed}");

        assert_eq!(fresh().permutation(20), usizes(&streams["permutation_20"]), "seed {seed}");

        let mut items: Vec<i64> = (0..15).collect();
        fresh().shuffle(&mut items);
        assert_eq!(items, i64s(&streams["shuffle_arange_15"]), "seed {seed}");
    }
}

#[test]
fn generator_repeats_torch() {
    /// √½ in decimals, as it was typed when the golden numbers were drawn.
    const BOUND: f32 = 0.707_106_77;
    let golden = golden("torch_streams.json");
    assert_eq!(golden.as_object().unwrap().len(), 14);
    for (seed, streams) in golden.as_object().unwrap() {
        let (negative, positive) = (seed.parse::<i64>().map(|seed| seed as u64), seed.parse::<u64>());
        let fresh = || Generator::manual_seed(positive.clone().or(negative.clone()).unwrap());

        let expected = &streams["rand_f32"];
        let mut rng = fresh();
        assert_eq!(drawn(expected, || rng.rand_f32()), f32s(expected), "seed {seed}");
        if seed.starts_with('-') {
            continue; // For a negative seed the golden file has this stream alone.
        }

        let expected = &streams["random_int64"];
        let mut rng = fresh();
        let expected_integers: Vec<i64> = entries(expected).iter().map(big).collect();
        assert_eq!(drawn(expected, || rng.random_i64()), expected_integers, "seed {seed}");

        let expected = &streams["rand_f64"];
        let mut rng = fresh();
        assert_eq!(drawn(expected, || rng.rand_f64()), f64s(expected), "seed {seed}");

        let expected = &streams["randint_0_1000"];
        let mut rng = fresh();
        assert_eq!(drawn(expected, || rng.randint(0, 1000).unwrap()), i64s(expected), "seed {seed}");

        let expected = &streams["uniform_f32_pm_0_70710677"];
        let mut rng = fresh();
        assert_eq!(drawn(expected, || rng.uniform_f32(-BOUND, BOUND)), f32s(expected), "seed {seed}");
    }
}

#[test]
fn randperm_repeats_torch() {
    let golden = golden("torch_randperm.json");
    // The two cases without a checksum have 2³² / 20 elements, 1.7 GB, which a test should not ask for.
    let (hashed, huge): (Vec<&Value>, Vec<&Value>) =
        entries(&golden).iter().partition(|case| case["sha256_int64_le"].is_string());
    assert_eq!((hashed.len(), huge.len()), (133, 2));
    for case in hashed {
        let mut rng = Generator::manual_seed(case["seed"].as_u64().unwrap());
        let order = rng.randperm(size(&case["n"]));
        let what = format!("seed {}, n {}", case["seed"], case["n"]);
        assert_eq!(sha256_of_i64s(&order), case["sha256_int64_le"], "{what}");
        assert_eq!(rng.random_i64(), big(&case["next_random_int64"]), "{what}");
    }
}

#[test]
fn linear_init_repeats_torch() {
    let golden = golden("torch_linear_init.json");
    // The last two cases are other layers: one without a bias, one of doubles. The tests below take them.
    let (cases, others) = entries(&golden).split_at(55);
    assert_eq!(others.len(), 2);
    for case in cases {
        let mut rng = Generator::manual_seed(case["seed"].as_u64().unwrap());
        let (weight, bias) = rng.linear_init(size(&case["in_features"]), size(&case["out_features"]));
        let what = format!("seed {}, {} to {}", case["seed"], case["in_features"], case["out_features"]);
        assert_eq!(sha256(weight.iter().map(|w| w.to_le_bytes())), case["weight_sha256_f32_le"], "{what}");
        let bias_bits: Vec<String> = bias.iter().map(|b| format!("{:08x}", b.to_bits())).collect();
        assert_eq!(Value::from(bias_bits), case["bias_bits"], "{what}");
        assert_eq!(rng.random_i64(), big(&case["next_random_int64"]), "{what}");
    }
}

/// PyTorch draws the weight first, so a layer without a bias begins the same.
#[test]
fn weight_does_not_depend_on_the_bias() {
    let case = &golden("torch_linear_init.json")[55];
    assert!(case["bias"].is_null());
    let (weight, _) = Generator::manual_seed(420).linear_init(2, 1);
    assert_eq!(weight, f32s(&case["weight"]));
}

/// A layer of doubles is not offered, but its numbers are a second proof of the stream of doubles.
#[test]
fn rand_f64_repeats_the_init_of_a_layer_of_doubles() {
    let case = &golden("torch_linear_init.json")[56];
    assert_eq!(case["dtype"], "float64");
    let mut rng = Generator::manual_seed(420);
    let mut draw = |bound: f64| rng.rand_f64().mul_add(2.0 * bound, -bound);
    // PyTorch computes the weight's 1/√2 in several steps, and its last bits with it.
    let weight_bound = 3_f64.sqrt() * ((2.0 / (1.0 + 5_f64.sqrt().powi(2))).sqrt() / 2_f64.sqrt());
    assert_eq!([draw(weight_bound), draw(weight_bound)], f64s(&case["weight"])[..]);
    assert_eq!([draw(1.0 / 2_f64.sqrt())], f64s(&case["bias"])[..]);
}

/// The numbers that the tutorial prints for its layer, to their four places.
#[test]
fn linear_init_is_that_of_the_tutorial() {
    let expected = &golden("expected.json")["state_dict_seed420_Linear_2_1"];
    let (weight, bias) = Generator::manual_seed(420).linear_init(2, 1);
    let printed = f64s(&expected["weight"]).into_iter().chain(expected["bias"].as_f64());
    for (ours, theirs) in weight.into_iter().chain(bias).zip(printed) {
        assert!((f64::from(ours) - theirs).abs() <= 0.5e-4, "{ours} is not {theirs}");
    }
}

/// The settings of a golden case; what the case leaves out keeps its default, as it did in scikit-learn.
fn settings(params: &Value) -> Blobs {
    let mut blobs = Blobs::default();
    for (name, value) in params.as_object().unwrap() {
        match name.as_str() {
            "n_samples" if value.is_array() => blobs.n_samples = Samples::PerCenter(usizes(value)),
            "n_samples" => blobs.n_samples = Samples::Total(size(value)),
            "n_features" => blobs.n_features = size(value),
            "centers" if value.is_array() => blobs.centers = Centers::Given(entries(value).iter().map(f64s).collect()),
            "centers" => blobs.centers = Centers::Number(size(value)),
            "cluster_std" if value.is_array() => blobs.cluster_std = ClusterStd::PerCenter(f64s(value)),
            "cluster_std" => blobs.cluster_std = ClusterStd::Common(value.as_f64().unwrap()),
            "center_box" => blobs.center_box = (f64s(value)[0], f64s(value)[1]),
            "shuffle" => blobs.shuffle = value.as_bool().unwrap(),
            "random_state" => blobs.random_state = u32::try_from(value.as_u64().unwrap()).unwrap(),
            other => panic!("unknown setting {other}"),
        }
    }
    blobs
}

fn golden_blobs() -> Vec<(Value, BlobData)> {
    let cases = entries(&golden("make_blobs.json")).to_vec();
    assert_eq!(cases.len(), 15);
    cases
        .into_iter()
        .map(|case| {
            let data = make_blobs(&settings(&case["params"])).unwrap();
            (case, data)
        })
        .collect()
}

#[test]
fn blobs_repeat_scikit_learn() {
    for (case, data) in golden_blobs() {
        let what = case["params"].to_string();
        let shape = usizes(&case["shape"]);
        assert_eq!((data.y.len(), data.n_features, data.x.len()), (shape[0], shape[1], shape[0] * shape[1]), "{what}");
        assert_eq!(data.centers, entries(&case["centers"]).iter().map(f64s).collect::<Vec<_>>(), "{what}");
        assert_eq!(sha256_of_i64s(&data.y), case["y_sha256_i64_le"], "{what}");
        if case["y"].is_array() {
            assert_eq!(data.y, usizes(&case["y"]), "{what}");
        }
        assert_eq!(sha256(data.x.iter().map(|x| x.to_le_bytes())), case["X_sha256_f64_le"], "{what}");
    }
}

/// Where the checksum fails on a platform with another logarithm, this says whether only last bits differ.
#[test]
fn blobs_begin_and_end_within_one_ulp_of_scikit_learn() {
    for (case, data) in golden_blobs() {
        let head: Vec<f64> = entries(&case["X_head"]).iter().flat_map(f64s).collect();
        let tail: Vec<f64> = entries(&case["X_tail"]).iter().flat_map(f64s).collect();
        let (first, last) = (&data.x[..head.len()], &data.x[data.x.len() - tail.len()..]);
        for (ours, theirs) in first.iter().chain(last).zip(head.iter().chain(&tail)) {
            let near = [theirs.next_down(), *theirs, theirs.next_up()].contains(ours);
            assert!(near, "{}: {ours} is not {theirs}", case["params"]);
        }
        assert_eq!(data.y[..8.min(data.y.len())], usizes(&case["y_head"]), "{}", case["params"]);
        assert_eq!(data.y[data.y.len() - 3..], usizes(&case["y_tail"]), "{}", case["params"]);
    }
}

#[test]
fn impossible_blobs_are_refused() {
    let refused = |blobs: Blobs| make_blobs(&blobs).unwrap_err().to_string();
    let total = |n| Samples::Total(n);
    let given = |centers: &[&[f64]]| Centers::Given(centers.iter().map(|center| center.to_vec()).collect());
    let cases = [
        (Blobs { n_samples: total(0), ..Blobs::default() }, "`n_samples` must be at least 1, found 0"),
        (
            Blobs { n_samples: Samples::PerCenter(vec![0, 0]), ..Blobs::default() },
            "`n_samples` must be at least 1, found 0",
        ),
        (Blobs { n_samples: Samples::PerCenter(vec![]), ..Blobs::default() }, "`centers` must be at least 1, found 0"),
        (
            Blobs { n_samples: total(usize::MAX), ..Blobs::default() },
            "`n_samples` must be small enough for the points to fit in memory, found more",
        ),
        (Blobs { n_features: 0, ..Blobs::default() }, "`n_features` must be at least 1, found 0"),
        (Blobs { centers: Centers::Number(0), ..Blobs::default() }, "`centers` must be at least 1, found 0"),
        (Blobs { centers: given(&[]), ..Blobs::default() }, "`centers` must be at least 1, found 0"),
        (Blobs { centers: given(&[&[]]), ..Blobs::default() }, "`n_features` must be at least 1, found 0"),
        (Blobs { centers: given(&[&[1.0], &[]]), ..Blobs::default() }, "length of center 1: expected 1, found 0"),
        (Blobs { centers: given(&[&[f64::NAN]]), ..Blobs::default() }, "`centers` must be finite, found NaN"),
        (
            Blobs { n_samples: Samples::PerCenter(vec![1, 2]), centers: Centers::Number(3), ..Blobs::default() },
            "length of n_samples: expected 3, found 2",
        ),
        (
            Blobs { cluster_std: ClusterStd::PerCenter(vec![1.0]), ..Blobs::default() },
            "length of cluster_std: expected 3, found 1",
        ),
        (
            Blobs { cluster_std: ClusterStd::Common(-1.0), ..Blobs::default() },
            "`cluster_std` must be finite and not negative, found -1",
        ),
        (
            Blobs { center_box: (1.0, -1.0), ..Blobs::default() },
            "`center_box` must be two finite numbers in rising order, found 1, -1",
        ),
        (
            Blobs { center_box: (0.0, f64::INFINITY), ..Blobs::default() },
            "`center_box` must be two finite numbers in rising order, found 0, inf",
        ),
    ];
    for (blobs, message) in cases {
        assert_eq!(refused(blobs), message);
    }
}

#[test]
fn empty_integer_ranges_are_refused() {
    let message = "`high` must be above 3, found 3";
    assert_eq!(RandomState::new(0).randint(3, 3).unwrap_err().to_string(), message);
    assert_eq!(Generator::manual_seed(0).randint(3, 3).unwrap_err().to_string(), message);
}
