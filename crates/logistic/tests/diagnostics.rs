//! Effects and diagnostics of a finished fit against R, statsmodels and an 80-bit reference, and their invariances.

use std::path::PathBuf;

use logistic::dataset::{Dataset, Feature, Rows};
use logistic::encode::{Encoder, Encoding, Missing};
use logistic::loss::{BceWithLogits, BinaryLoss};
use logistic::model::{ClassWeight, Fit, LogisticRegression, MarginalEffect, Model, Penalty};
use logistic::solver::Go;
use logistic::table::{Cells, ReadOptions, Table, read};
use serde_json::Value;

/// Effects and their standard errors, in standard errors and relative.
const EFFECT: f64 = 1e-8;
/// Against central differences of step 1e-5, and statsmodels' softmax, whose gradient is 1e-8 at its end.
const DIFFERENCE: f64 = 1e-6;
/// p-values, absolute.
const P_VALUE: f64 = 1e-8;
/// Inflation factors and condition numbers, relative.
const INFLATION: f64 = 1e-9;
/// Leverages, residuals and distances, relative.
const INFLUENCE: f64 = 1e-8;
/// Pseudo R², absolute.
const PSEUDO_R2: f64 = 1e-10;
/// Approximate leave-one-out against the same formula in 80 bits, absolute.
const LEFT_OUT: f64 = 1e-9;

fn testdata(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(name)
}

fn json(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(testdata(name)).unwrap()).unwrap()
}

fn golden(group: &str) -> Vec<Value> {
    let all = json("golden/inference.json");
    all.as_array().unwrap().iter().filter(|record| record["group"] == group).cloned().collect()
}

fn names(value: &Value) -> Vec<String> {
    value.as_array().map_or(Vec::new(), |names| names.iter().map(|n| n.as_str().unwrap().to_string()).collect())
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn load(case: &str, text: Vec<String>) -> Table {
    let path = testdata(&format!("{case}.csv")).to_str().unwrap().to_string();
    read(&[path], &ReadOptions { text, ..ReadOptions::default() }, &|_| ()).unwrap()
}

/// A table's rows as a golden record has them: all rows, and those it keeps.
struct Case {
    encoder: Encoder,
    data: Dataset,
    kept: Vec<usize>,
}

impl Case {
    fn of(record: &Value) -> Case {
        let spec = &record["spec"];
        let (numeric, categorical) = (names(&spec["numeric"]), names(&spec["categorical"]));
        let table = load(record["case"].as_str().unwrap(), categorical.clone());
        let encoding = Encoding {
            target: spec["target"].as_str().unwrap().to_string(),
            positive: spec["positive"].as_str().map(String::from),
            features: numeric.into_iter().chain(categorical.clone()).collect(),
            categorical,
            missing: Missing::Drop,
            ..Encoding::default()
        };
        let encoder = Encoder::fit(&table, &encoding).unwrap().encoder;
        let encoded = encoder.labelled(&table, None).unwrap();
        let mut kept: Vec<usize> = (0..encoded.dataset.len()).collect();
        if let Some((column, labels)) = spec["filter"].as_object().and_then(|filter| filter.iter().next()) {
            let column = table.column(column).unwrap();
            kept.retain(|&row| names(labels).contains(&column.text(encoded.rows.get(row).unwrap()).unwrap()));
        }
        let data = match spec["weight_formula"].as_str() {
            None => encoded.dataset,
            Some("1 + (i mod 3)") => {
                let weight = encoded.rows.iter().map(|row| (1 + row % 3) as f64).collect();
                encoded.dataset.weighted(weight).unwrap()
            }
            Some(other) => panic!("{other}"),
        };
        assert_eq!(kept.len() as u64, record["n"].as_u64().unwrap());
        Case { encoder, data, kept }
    }

    fn rows(&self) -> Rows<'_> {
        Rows::select(&self.data, self.kept.clone()).unwrap()
    }
}

fn fit(settings: &LogisticRegression, rows: &Rows<'_>) -> Fit {
    settings.fit(rows, &mut |_, _| Go::On).unwrap()
}

fn plain(rows: &Rows<'_>) -> Fit {
    fit(&LogisticRegression::default(), rows)
}

fn close(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!((found - expected).abs() <= tolerance, "{what}: {found} against {expected}");
}

fn relative(found: f64, expected: f64, tolerance: f64, what: &str) {
    close(found, expected, tolerance * expected.abs(), what);
}

fn compare(effect: &MarginalEffect, expected: f64, std_error: f64, tolerance: f64) {
    close(effect.effect, expected, tolerance * std_error, &effect.term);
    relative(effect.inference.unwrap().std_error, std_error, tolerance, &effect.term);
}

#[test]
fn marginal_effects() {
    for record in golden("effects") {
        let case = Case::of(&record);
        let rows = case.rows();
        let effects = plain(&rows).marginal_effects(&case.encoder, &rows, None).unwrap().unwrap();
        let expected = &record["reference"]["effects"];
        let terms: Vec<&str> = effects.iter().map(|effect| effect.term.as_str()).collect();
        assert_eq!(terms, names(&expected["names"]));
        let [ame, se, p, low] = ["ame", "se", "p_value", "ci_low"].map(|key| numbers(&expected[key]));
        for (at, effect) in effects.iter().enumerate() {
            compare(effect, ame[at], se[at], EFFECT);
            let inference = effect.inference.unwrap();
            close(inference.p_value, p[at], P_VALUE, &effect.term);
            close(inference.ci_low, low[at], EFFECT * se[at], &effect.term);
        }
    }
}

#[test]
fn effects_through_curves_and_products() {
    let golden = json("golden/effects.json");
    let table = load("saheart", Vec::new());
    let pair = |a: &str, b: &str| (a.to_string(), b.to_string());
    let chd = |features: &[&str]| Encoding {
        target: "chd".to_string(),
        features: features.iter().map(|name| (*name).to_string()).collect(),
        ..Encoding::default()
    };
    for (case, encoding) in [
        ("spline", Encoding { splines: vec![("age".to_string(), 5)], ..chd(&["age", "ldl"]) }),
        ("log", Encoding { logs: vec!["sbp".to_string()], ..chd(&["sbp", "age"]) }),
        (
            "interaction",
            Encoding {
                interactions: vec![pair("famhist", "ldl"), pair("age", "ldl")],
                ..chd(&["famhist", "ldl", "age"])
            },
        ),
    ] {
        let encoder = Encoder::fit(&table, &encoding).unwrap().encoder;
        let data = encoder.labelled(&table, None).unwrap().dataset;
        let effects = plain(&data.rows()).marginal_effects(&encoder, &data.rows(), None).unwrap().unwrap();
        let expected = golden["curves"]["cases"][case].as_object().unwrap();
        assert_eq!(effects.len(), expected.len());
        for effect in &effects {
            let [mean, std_error] = ["effect", "std_error"].map(|key| expected[&effect.term][key].as_f64().unwrap());
            compare(effect, mean, std_error, DIFFERENCE);
        }
    }
}

#[test]
fn effects_with_a_robust_covariance() {
    let golden = &json("golden/effects.json")["robust"];
    let record = golden_spector();
    let case = Case::of(&record);
    let fit = plain(&case.rows());
    let covariance = numbers(&golden["covariance"]);
    let effects = fit.marginal_effects(&case.encoder, &case.rows(), Some(&covariance)).unwrap().unwrap();
    for effect in &effects {
        let expected = &golden["terms"][&effect.term];
        compare(effect, expected["effect"].as_f64().unwrap(), expected["std_error"].as_f64().unwrap(), EFFECT);
    }
    assert!(fit.marginal_effects(&case.encoder, &case.rows(), Some(&covariance[1..])).is_err());
}

fn golden_spector() -> Value {
    golden("effects").into_iter().find(|record| record["id"] == "spector.main").unwrap()
}

#[test]
fn effects_on_every_class() {
    let golden = &json("golden/effects.json")["softmax"];
    let table = load("anes96", Vec::new());
    let features = ["logpopul", "selfLR", "age", "educ", "income"].map(String::from).to_vec();
    let encoding = Encoding { target: "vote".to_string(), features, ..Encoding::default() };
    let encoder = Encoder::fit(&table, &encoding).unwrap().encoder;
    let Cells::Number(classes) = &table.column("PID").unwrap().cells else { panic!() };
    let data = encoder.labelled(&table, None).unwrap().dataset.of_classes(classes.iter().collect(), 7).unwrap();
    let fit = plain(&data.rows());
    let effects = fit.marginal_effects(&encoder, &data.rows(), None).unwrap().unwrap();
    assert_eq!(effects.len(), 5 * 7);
    for effect in &effects {
        let expected = &golden["terms"][&effect.term];
        let at = |key: &str| numbers(&expected[key])[effect.class.unwrap()];
        compare(effect, at("effect"), at("std_error"), DIFFERENCE);
    }
    // What is of two classes alone is absent.
    assert_eq!(fit.influence(&data.rows()).unwrap(), None);
    assert_eq!(fit.approximate_loo_log_loss(&data.rows()).unwrap(), None);
    assert_eq!(fit.pseudo_r2_tjur(&data.rows()).unwrap(), None);
    assert!(fit.collinearity(&encoder.terms(), &data.rows()).unwrap().condition_number.is_some());
}

#[test]
fn collinearity() {
    for record in golden("collinearity") {
        let case = Case::of(&record);
        let (rows, id) = (case.rows(), record["id"].as_str().unwrap());
        let found = plain(&rows).collinearity(&case.encoder.terms(), &rows).unwrap();
        let expected = &record["reference"];
        for (found, expected) in found.vif.iter().zip(numbers(&expected["vif_design"])) {
            relative(found.unwrap(), expected, INFLATION, id);
        }
        let columns: Vec<&str> = found.columns.iter().map(|column| column.column.as_str()).collect();
        assert_eq!(columns, names(&expected["terms"]));
        let (gvif, root) = (numbers(&expected["gvif_design"]), numbers(&expected["gvif_design_root"]));
        for (at, column) in found.columns.iter().enumerate() {
            relative(column.gvif, gvif[at], INFLATION, id);
            relative(column.per_degree(), root[at], INFLATION, id);
            assert_eq!(column.df as u64, expected["df"][at].as_u64().unwrap());
        }
        relative(found.condition_number.unwrap(), expected["condition_number"].as_f64().unwrap(), INFLATION, id);
    }
}

#[test]
fn collinearity_without_an_intercept() {
    let golden = &json("golden/effects.json")["no_intercept"];
    let case = Case::of(&golden_spector());
    let rows = case.rows();
    let settings = LogisticRegression { intercept: false, ..LogisticRegression::default() };
    let found = fit(&settings, &rows).collinearity(&case.encoder.terms(), &rows).unwrap();
    for (found, expected) in found.vif.iter().zip(numbers(&golden["vif"])) {
        relative(found.unwrap(), expected, INFLATION, "VIF");
    }
    relative(found.condition_number.unwrap(), golden["condition_number"].as_f64().unwrap(), INFLATION, "condition");
}

/// Of a column of mean c and spread 1 beside the intercept, κ² = (1 + ρ)/(1 − ρ) with ρ = c/√(1 + c²), so that
/// κ = √(1 + c²) + c: not to be had from cross products, which 2³⁴ leaves without a digit of the spread.
#[test]
fn a_centre_far_from_zero_costs_the_condition_number_nothing() {
    for c in [0.0, 3.0, 2f64.powi(34)] {
        let x: Vec<f64> = (0..40).map(|row| if row % 2 == 0 { c + 1.0 } else { c - 1.0 }).collect();
        let data = Dataset::from_rows(&x, 1, (0..40).map(|row| f64::from(row % 5 < 2)).collect()).unwrap();
        let term = logistic::encode::Term { term: "x".to_string(), column: "x".to_string(), level: None };
        let found = plain(&data.rows()).collinearity(&[term], &data.rows()).unwrap();
        relative(found.condition_number.unwrap(), c.hypot(1.0) + c, 1e-14, "condition");
        assert_eq!(found.vif, [Some(1.0)]);
    }
}

#[test]
fn influence() {
    for record in golden("influence") {
        let case = Case::of(&record);
        let (rows, id) = (case.rows(), record["id"].as_str().unwrap());
        let fit = plain(&rows);
        let found = fit.influence(&rows).unwrap().unwrap();
        let (n, expected) = (rows.len(), &record["reference"]);
        let all = |f: &dyn Fn(usize) -> Option<f64>| (0..n).map(|row| f(row).unwrap()).collect::<Vec<f64>>();
        let (cook, pearson) = (all(&|row| found.cook(row)), all(&|row| found.standardised_pearson(row)));
        let deviance = all(&|row| found.standardised_deviance(row));
        let worst = found.worst(10);
        for (key, values) in [
            ("leverage", &found.leverage),
            ("pearson", &found.pearson),
            ("deviance", &found.deviance),
            ("pearson_std", &pearson),
            ("deviance_std", &deviance),
            ("cook", &cook),
        ] {
            let sum: f64 = values.iter().map(|value| value.abs()).sum();
            relative(sum, expected["sums_of_absolute_values"][key].as_f64().unwrap(), INFLUENCE, id);
            for (row, expected) in worst.iter().zip(numbers(&expected["top"][key])) {
                relative(values[row.row], expected, INFLUENCE, &format!("{id} {key} {}", row.row));
            }
        }
        // Rows alike in all columns have equal distances, and the last digit decides which comes first.
        let distances = numbers(&expected["top"]["cook"]);
        if distances.windows(2).all(|pair| pair[0] > pair[1] * (1.0 + INFLUENCE)) {
            let rows: Vec<usize> = worst.iter().map(|row| row.row).collect();
            assert_eq!(rows, numbers(&expected["top"]["rows"]).iter().map(|row| *row as usize).collect::<Vec<_>>());
        }
        // The leverages add up to the rank, the squares of the deviance residuals to the deviance.
        relative(found.leverage.iter().sum(), fit.facts.rank as f64, 1e-10, id);
        relative(found.deviance.iter().map(|d| d * d).sum(), fit.facts.deviance(), 1e-12, id);
    }
}

#[test]
fn pseudo_r2() {
    for record in golden("pseudo_r2") {
        let case = Case::of(&record);
        let (rows, id, expected) = (case.rows(), record["id"].as_str().unwrap(), &record["reference"]);
        let fit = plain(&rows);
        for (key, found) in [
            ("mcfadden", fit.facts.pseudo_r2_mcfadden()),
            ("cox_snell", fit.facts.pseudo_r2_cox_snell()),
            ("nagelkerke", fit.facts.pseudo_r2_nagelkerke()),
            ("tjur", fit.pseudo_r2_tjur(&rows).unwrap().unwrap()),
        ] {
            close(found, expected[key].as_f64().unwrap(), PSEUDO_R2, &format!("{id} {key}"));
        }
    }
}

/// How far the approximation is from refits, of their log loss: at most 3.3 % on 32 rows with l2 = 0.001, 0.4 % on 100
/// rows, 0.02 % on 462.
fn apart(case: &str) -> f64 {
    match case {
        "spector" => 0.033,
        "iris" => 0.004,
        _ => 2e-4,
    }
}

#[test]
fn leave_one_out() {
    for record in golden("leave_one_out") {
        let case = Case::of(&record);
        let (rows, id) = (case.rows(), record["id"].as_str().unwrap());
        for expected in record["reference"].as_array().unwrap() {
            let l2 = expected["l2"].as_f64().unwrap();
            let standardised = record["spec"]["scale"] == "zscore";
            let penalty = Penalty { standardised, ..Penalty::ridge(l2) };
            let fit = fit(&LogisticRegression { penalty, ..LogisticRegression::default() }, &rows);
            let loss = fit.approximate_loo_log_loss(&rows).unwrap().unwrap();
            close(loss, expected["alo_log_loss"].as_f64().unwrap(), LEFT_OUT, id);
            let logits = fit.approximate_loo_logits(&rows).unwrap().unwrap();
            for (found, expected) in logits.iter().zip(numbers(&expected["alo_logit_head"])) {
                close(*found, expected, 1e-7 * (1.0 + expected.abs()), id);
            }
            let exact = expected["loo_log_loss_sum_form"].as_f64().unwrap();
            relative(loss, exact, apart(record["case"].as_str().unwrap()), id);
            // Under a penalty the leverages add up to less than the rank.
            assert!(fit.influence(&rows).unwrap().unwrap().leverage.iter().sum::<f64>() < fit.facts.rank as f64);
        }
    }
}

/// A row's whole weight is left out with it: against refits without each row.
#[test]
fn leave_one_out_with_weights() {
    let record = golden("effects").into_iter().find(|record| record["id"] == "saheart.main").unwrap();
    let case = Case::of(&record);
    let weight: Vec<f64> = (0..case.data.len()).map(|row| (1 + row % 3) as f64).collect();
    let data = case.data.clone().weighted(weight.clone()).unwrap();
    let fit = plain(&data.rows());
    let logits = fit.approximate_loo_logits(&data.rows()).unwrap().unwrap();
    let (mut exact, mut sum) = (Vec::new(), 0.0);
    for left_out in (0..data.len()).step_by(17) {
        let mut without = weight.clone();
        without[left_out] = 0.0;
        let refit = plain(&data.clone().weighted(without).unwrap().rows());
        let (x, y) = data.get(left_out).unwrap();
        let z = refit.bias[0] + x.iter().zip(&refit.weight).map(|(x, w)| x * w.unwrap()).sum::<f64>();
        let loss = BceWithLogits::default().each(&[z, logits[left_out]], &[y, y], None).unwrap();
        exact.push(loss[0]);
        sum += loss[1];
    }
    // 28 rows of 462: their mean log loss is within 0.1 % of that of the refits.
    relative(sum, exact.iter().sum(), 1e-3, "weighted leave-one-out");
}

/// The numbers of saheart with every third row of weight 2.
fn saheart() -> (Encoder, Dataset) {
    let record = golden("effects").into_iter().find(|record| record["id"] == "saheart.main").unwrap();
    let Case { encoder, data, .. } = Case::of(&record);
    let weight = (0..data.len()).map(|row| 1.0 + f64::from(row % 3 == 0)).collect();
    (encoder, data.weighted(weight).unwrap())
}

fn map(data: &Dataset, order: &[usize], scale: impl Fn(usize) -> f64) -> Dataset {
    let feature = |(j, feature): (usize, &Feature)| match feature {
        Feature::Number(values) => {
            let values: Vec<f64> = values.iter().collect();
            Feature::Number(order.iter().map(|&row| values[row] * scale(j)).collect())
        }
        Feature::Codes { codes, levels } => {
            Feature::Codes { codes: order.iter().map(|&row| codes[row]).collect(), levels: *levels }
        }
        _ => panic!(),
    };
    let of = |values: &[f64]| order.iter().map(|&row| values[row]).collect::<Vec<f64>>();
    let features = data.features().iter().enumerate().map(feature).collect();
    Dataset::new(features, of(data.y()), data.weight().map(of)).unwrap()
}

#[test]
fn units_do_not_matter() {
    let (encoder, data) = saheart();
    let order: Vec<usize> = (0..data.len()).collect();
    let scale = |j: usize| [1e-9, 1e9, 1e-4, 1.0, 1e6, 1e-7, 10.0, 1e3, 1.0][j];
    let scaled = map(&data, &order, scale);
    let (a, b) = (plain(&data.rows()), plain(&scaled.rows()));
    let effects = |fit: &Fit, data: &Dataset| fit.marginal_effects(&encoder, &data.rows(), None).unwrap().unwrap();
    for (j, (a, b)) in effects(&a, &data).iter().zip(&effects(&b, &scaled)).enumerate() {
        let std_error = a.inference.unwrap().std_error;
        close(b.effect * scale(j), a.effect, EFFECT * std_error, &a.term);
        relative(b.inference.unwrap().z, a.inference.unwrap().z, EFFECT, &a.term);
    }
    let terms = encoder.terms();
    let (c, d) = (a.collinearity(&terms, &data.rows()).unwrap(), b.collinearity(&terms, &scaled.rows()).unwrap());
    relative(d.condition_number.unwrap(), c.condition_number.unwrap(), INFLATION, "condition");
    c.vif.iter().zip(&d.vif).for_each(|(c, d)| relative(d.unwrap(), c.unwrap(), INFLATION, "VIF"));
    let (c, d) = (a.influence(&data.rows()).unwrap().unwrap(), b.influence(&scaled.rows()).unwrap().unwrap());
    c.leverage.iter().zip(&d.leverage).for_each(|(c, d)| relative(*d, *c, INFLUENCE, "leverage"));
}

#[test]
fn the_order_of_rows_does_not_matter() {
    let (encoder, data) = saheart();
    let n = data.len();
    let order: Vec<usize> = (0..n).map(|row| row * 5 % n).collect();
    let rows = Rows::select(&data, order.clone()).unwrap();
    let (a, b) = (plain(&data.rows()), plain(&rows));
    let effects = |fit: &Fit, rows: &Rows<'_>| fit.marginal_effects(&encoder, rows, None).unwrap().unwrap();
    for (a, b) in effects(&a, &data.rows()).iter().zip(&effects(&b, &rows)) {
        relative(b.effect, a.effect, EFFECT, &a.term);
    }
    let (c, d) = (a.influence(&data.rows()).unwrap().unwrap(), b.influence(&rows).unwrap().unwrap());
    order.iter().zip(&d.leverage).for_each(|(&row, h)| relative(*h, c.leverage[row], INFLUENCE, "leverage"));
    let worst = |found: &logistic::model::Influence| found.worst(10).iter().map(|row| row.row).collect::<Vec<_>>();
    assert_eq!(worst(&c), worst(&d));
    let loss = |fit: &Fit, rows: &Rows<'_>| fit.approximate_loo_log_loss(rows).unwrap().unwrap();
    relative(loss(&b, &rows), loss(&a, &data.rows()), 1e-12, "leave-one-out");
}

#[test]
fn a_weight_of_two_is_the_row_twice() {
    let (encoder, data) = saheart();
    let twice: Vec<usize> = (0..data.len()).flat_map(|row| vec![row; 1 + usize::from(row % 3 == 0)]).collect();
    let plain_data = data.clone().weighted(vec![1.0; data.len()]).unwrap();
    let rows = Rows::select(&plain_data, twice.clone()).unwrap();
    let (a, b) = (plain(&data.rows()), plain(&rows));
    let effects = |fit: &Fit, rows: &Rows<'_>| fit.marginal_effects(&encoder, rows, None).unwrap().unwrap();
    for (a, b) in effects(&a, &data.rows()).iter().zip(&effects(&b, &rows)) {
        relative(b.effect, a.effect, EFFECT, &a.term);
        relative(b.inference.unwrap().z, a.inference.unwrap().z, EFFECT, &a.term);
    }
    let mut leverage = vec![0.0; data.len()];
    let found = b.influence(&rows).unwrap().unwrap();
    twice.iter().zip(&found.leverage).for_each(|(&row, h)| leverage[row] += h);
    let weighted = a.influence(&data.rows()).unwrap().unwrap();
    weighted.leverage.iter().zip(&leverage).for_each(|(a, b)| relative(*b, *a, INFLUENCE, "leverage"));
    let terms = encoder.terms();
    let number = |fit: &Fit, rows: &Rows<'_>| fit.collinearity(&terms, rows).unwrap().condition_number.unwrap();
    relative(number(&b, &rows), number(&a, &data.rows()), INFLATION, "condition");
    relative(
        b.pseudo_r2_tjur(&rows).unwrap().unwrap(),
        a.pseudo_r2_tjur(&data.rows()).unwrap().unwrap(),
        1e-10,
        "Tjur",
    );
}

#[test]
fn threads_do_not_change_a_bit() {
    let (encoder, data) = saheart();
    let order: Vec<usize> = (0..30_000).map(|row| row * 7919 % data.len()).collect();
    let data = map(&data, &order, |_| 1.0);
    let found = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let (fit, rows) = (plain(&data.rows()), data.rows());
            (
                fit.marginal_effects(&encoder, &rows, None).unwrap(),
                fit.collinearity(&encoder.terms(), &rows).unwrap(),
                fit.influence(&rows).unwrap(),
                fit.approximate_loo_log_loss(&rows).unwrap(),
                fit.pseudo_r2_tjur(&rows).unwrap(),
            )
        })
    };
    assert_eq!(found(1), found(3));
}

#[test]
fn class_weights_count() {
    let (encoder, data) = saheart();
    let given = ClassWeight::Given(vec![1.0, 2.5]);
    let weighted = fit(&LogisticRegression { class_weight: given, ..LogisticRegression::default() }, &data.rows());
    let own = data.weight().unwrap().iter().zip(data.y()).map(|(s, y)| s * if *y == 1.0 { 2.5 } else { 1.0 });
    let by_hand = data.clone().weighted(own.collect()).unwrap();
    let same = plain(&by_hand.rows());
    let (a, b) =
        (weighted.influence(&data.rows()).unwrap().unwrap(), same.influence(&by_hand.rows()).unwrap().unwrap());
    assert_eq!(a.leverage, b.leverage);
    let effect = |fit: &Fit, data: &Dataset| fit.marginal_effects(&encoder, &data.rows(), None).unwrap();
    let (a, b) = (effect(&weighted, &data).unwrap(), effect(&same, &by_hand).unwrap());
    for (a, b) in a.iter().zip(&b) {
        relative(a.effect, b.effect, EFFECT, &a.term);
        // The information of a likelihood that is none says nothing.
        assert!(a.inference.is_none() && b.inference.is_some());
    }
}

#[test]
fn what_does_not_exist_is_absent() {
    let (encoder, data) = saheart();
    let ridge =
        fit(&LogisticRegression { penalty: Penalty::ridge(0.1), ..LogisticRegression::default() }, &data.rows());
    assert_eq!(ridge.marginal_effects(&encoder, &data.rows(), None).unwrap(), None);
    let lasso = Penalty { l1: 0.01, ..Penalty::default() };
    let lasso = fit(&LogisticRegression { penalty: lasso, ..LogisticRegression::default() }, &data.rows());
    assert_eq!(lasso.influence(&data.rows()).unwrap(), None);
    assert_eq!(lasso.approximate_loo_log_loss(&data.rows()).unwrap(), None);
    // Rows of another number are refused.
    let fewer = Rows::select(&data, vec![0, 1, 2]).unwrap();
    assert!(ridge.influence(&fewer).is_err() && ridge.pseudo_r2_tjur(&fewer).is_err());
    assert!(ridge.collinearity(&encoder.terms()[1..], &data.rows()).is_err());
}

/// A table of a number, a category, a date and another category.
fn mixed(number: impl Fn(f64) -> f64, category: Option<&str>, month: Option<&str>) -> Table {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.csv");
    let mut csv = "a,g,d,h,y\n".to_string();
    for row in 0..400_u32 {
        let a = number(f64::from(row * 37 % 61) * 0.25 + 1.0);
        let g = category.unwrap_or(["p", "q", "r"][row as usize % 3]);
        let d = format!(
            "20{}-{}-{:02}",
            20 + row % 2,
            month.unwrap_or(["01", "02", "03"][row as usize / 5 % 3]),
            1 + row % 28
        );
        csv += &format!(
            "{a:?},{g},{d},{},{}\n",
            ["s", "t"][row as usize / 7 % 2],
            row.wrapping_mul(2_654_435_761) >> 13 & 1
        );
    }
    std::fs::write(&path, csv).unwrap();
    read(&[path.to_str().unwrap().to_string()], &ReadOptions::default(), &|_| ()).unwrap()
}

/// Moving the cells of the table and encoding it anew is another way to the effects.
#[test]
fn effects_agree_with_moving_the_table() {
    let pair = |a: &str, b: &str| (a.to_string(), b.to_string());
    let table = mixed(|a| a, None, None);
    let encoding = Encoding {
        target: "y".to_string(),
        splines: vec![("a".to_string(), 4)],
        interactions: vec![pair("a", "g"), pair("h", "g"), pair("h", "d")],
        date_parts: true,
        unseen: logistic::encode::Unseen::Baseline,
        ..Encoding::default()
    };
    let encoder = Encoder::fit(&table, &encoding).unwrap().encoder;
    let data = encoder.labelled(&table, None).unwrap().dataset;
    let fit = plain(&data.rows());
    let effects = fit.marginal_effects(&encoder, &data.rows(), None).unwrap().unwrap();
    let model = Model::new(encoder, fit, 0.5, Vec::new());
    let mean = |table: Table| {
        let probabilities = model.probabilities(&model.encoder.features(&table).unwrap());
        probabilities.iter().sum::<f64>() / probabilities.len() as f64
    };
    let effect = |term: &str| effects.iter().find(|effect| effect.term == term).unwrap().effect;
    let h = 1e-5;
    let slope = (mean(mixed(|a| a + h, None, None)) - mean(mixed(|a| a - h, None, None))) / (2.0 * h);
    close(effect("a"), slope, 1e-9, "a");
    let level = |level: &str| mean(mixed(|a| a, Some(level), None));
    close(effect("g[q]"), level("q") - level("p"), 1e-13, "g[q]");
    close(effect("g[r]"), level("r") - level("p"), 1e-13, "g[r]");
    let terms: Vec<&str> = effects.iter().map(|effect| effect.term.as_str()).collect();
    assert_eq!(terms[..5], ["a", "g[q]", "g[r]", "d.year", "d.month[02]"]);
    assert_eq!(terms.last(), Some(&"h[t]"));
}

/// A column that repeats others has no coefficient, and what moves it has no effect.
#[test]
fn columns_left_out_have_no_effect() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.csv");
    let mut csv = "a,b,g,h,y\n".to_string();
    for row in 0..90 {
        let g = ["p", "q", "r"][row % 3];
        let h = if g == "r" { "t" } else { ["s", "u"][row / 3 % 2] };
        csv += &format!("{0},{0},{g},{h},{1}\n", (row * 37 % 23) as f64 * 0.5, row * 7 % 5 % 2);
    }
    std::fs::write(&path, csv).unwrap();
    let table = read(&[path.to_str().unwrap().to_string()], &ReadOptions::default(), &|_| ()).unwrap();
    let encoding = Encoding { target: "y".to_string(), ..Encoding::default() };
    let encoder = Encoder::fit(&table, &encoding).unwrap().encoder;
    let data = encoder.labelled(&table, None).unwrap().dataset;
    let fit = plain(&data.rows());
    let effects = fit.marginal_effects(&encoder, &data.rows(), None).unwrap().unwrap();
    // `b` is `a`; h = t is g = r. Moving `h` alone would take rows of g = r to where no row is.
    let terms: Vec<&str> = effects.iter().map(|effect| effect.term.as_str()).collect();
    assert_eq!(terms, ["a", "g[q]", "g[r]"]);
    let collinearity = fit.collinearity(&encoder.terms(), &data.rows()).unwrap();
    assert_eq!(collinearity.vif.iter().filter(|vif| vif.is_none()).count(), 2);
    let mut model = Model::new(encoder, fit, 0.5, Vec::new());
    assert!(!model.to_json().unwrap().contains("diagnostics"));
    model.diagnostics.marginal_effects = effects;
    model.diagnostics.condition_number = collinearity.condition_number;
    assert_eq!(Model::from_json(&model.to_json().unwrap(), "model.json").unwrap(), model);
}
