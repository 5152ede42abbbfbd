//! The metrics: equal to scikit-learn's and statsmodels', and indifferent to what must not matter.

use std::path::Path;

use logistic::evaluate::{
    Averages, Calibration, CalibrationBin, Comparison, ConfusionMatrix, DeLong, Evaluation, Interval, Intervals,
    MultiConfusionMatrix, MultiEvaluation, PrCurve, RocCurve, brier, calibration_bins, calibration_line, log_loss,
    log_loss_from_logits,
};
use proptest::prelude::*;
use serde_json::Value;

/// Distance from scikit-learn, relative for numbers above 1.
const METRIC: f64 = 1e-12;
/// Distance of the recalibrating regression from statsmodels', relative for numbers above 1.
const REGRESSION: f64 = 1e-9;
/// Distance between two ways of adding up the same numbers, relative for numbers above 1.
const ROUNDING: f64 = 1e-13;

#[track_caller]
fn assert_close(found: f64, expected: f64, tolerance: f64, what: &str) {
    let apart = (found - expected).abs();
    assert!(apart <= tolerance * expected.abs().max(1.0), "{what}: expected {expected}, found {found}");
}

#[track_caller]
fn assert_all_close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    found.iter().zip(expected).for_each(|(&found, &expected)| assert_close(found, expected, tolerance, what));
}

#[track_caller]
fn assert_same(found: Option<f64>, expected: &Value, tolerance: f64, what: &str) {
    match (found, expected.as_f64()) {
        (Some(found), Some(expected)) => assert_close(found, expected, tolerance, what),
        (found, expected) => assert_eq!(found, expected, "{what}"),
    }
}

#[track_caller]
fn assert_same_ends(found: Option<Interval>, expected: &Value, what: &str) {
    assert_eq!(found.is_some(), !expected.is_null(), "{what}");
    if let Some(Interval { low, high }) = found {
        assert_all_close(&[low, high], &numbers(expected), METRIC, what);
    }
}

fn golden() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/golden/metrics.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

/// A case of the golden file.
struct Case {
    name: String,
    threshold: f64,
    probability: Vec<f64>,
    y: Vec<f64>,
    weight: Option<Vec<f64>>,
    logit: Option<Vec<f64>>,
    expected: Value,
}

impl Case {
    fn all() -> Vec<Case> {
        let optional = |value: &Value| (!value.is_null()).then(|| numbers(value));
        let case = |case: &Value| Case {
            name: case["name"].as_str().unwrap().to_string(),
            threshold: case["threshold"].as_f64().unwrap(),
            probability: numbers(&case["probability"]),
            y: numbers(&case["y"]),
            weight: optional(&case["weight"]),
            logit: optional(&case["logit"]),
            expected: case["expected"].clone(),
        };
        golden()["cases"].as_array().unwrap().iter().map(case).collect()
    }

    fn named(name: &str) -> Case {
        Case::all().into_iter().find(|case| case.name == name).unwrap()
    }

    fn evaluation(&self) -> Evaluation {
        Evaluation::new(&self.probability, &self.y, self.weight.as_deref(), self.threshold).unwrap()
    }
}

#[test]
fn rates_are_those_of_scikit_learn() {
    for case in Case::all() {
        let Evaluation { confusion, .. } = case.evaluation();
        let Case { name, expected, .. } = case;
        let rows: Vec<Vec<f64>> = expected["confusion_matrix"].as_array().unwrap().iter().map(numbers).collect();
        assert_all_close(confusion.as_rows().as_flattened(), &rows.concat(), METRIC, &name);
        assert_same(confusion.accuracy(), &expected["accuracy"], METRIC, &name);
        assert_same(confusion.balanced_accuracy(), &expected["balanced_accuracy"], METRIC, &name);
        assert_same(confusion.precision(), &expected["precision"], METRIC, &name);
        assert_same(confusion.recall(), &expected["recall"], METRIC, &name);
        assert_same(confusion.specificity(), &expected["specificity"], METRIC, &name);
        let negative = &expected["negative_predictive_value"];
        assert_same(confusion.negative_predictive_value(), negative, METRIC, &name);
        assert_same(confusion.f1(), &expected["f1"], METRIC, &name);
        assert_same(confusion.mcc(), &expected["mcc"], METRIC, &name);
    }
}

#[test]
fn curves_are_those_of_scikit_learn() {
    for case in Case::all() {
        let (evaluation, Case { name, expected, .. }) = (case.evaluation(), &case);
        assert_same(evaluation.roc_auc(), &expected["roc_auc"], METRIC, name);
        assert_same(evaluation.average_precision(), &expected["average_precision"], METRIC, name);
        if let Some(roc) = expected["roc"].as_object() {
            let found = evaluation.roc.unwrap();
            assert_eq!(found.threshold[0], f64::INFINITY, "{name}");
            assert_eq!(found.threshold[1..], numbers(&roc["threshold"]), "{name}");
            assert_all_close(&found.false_positive_rate, &numbers(&roc["fpr"]), METRIC, name);
            assert_all_close(&found.true_positive_rate, &numbers(&roc["tpr"]), METRIC, name);
        }
        if let Some(pr) = expected["pr"].as_object() {
            let found = evaluation.pr.unwrap();
            assert_eq!(found.threshold, numbers(&pr["threshold"]), "{name}");
            assert_all_close(&found.precision, &numbers(&pr["precision"]), METRIC, name);
            assert_all_close(&found.recall, &numbers(&pr["recall"]), METRIC, name);
        }
    }
}

#[test]
fn scores_are_those_of_scikit_learn() {
    for case in Case::all() {
        let (evaluation, Case { name, expected, .. }) = (case.evaluation(), &case);
        assert_same(Some(evaluation.log_loss), &expected["log_loss"], METRIC, name);
        assert_same(Some(evaluation.brier), &expected["brier"], METRIC, name);
        if let Some(logit) = &case.logit {
            let found = log_loss_from_logits(logit, &case.y, case.weight.as_deref()).unwrap();
            assert_same(Some(found), &expected["log_loss"], METRIC, name);
        }
    }
}

#[test]
fn calibration_is_that_of_scikit_learn_and_statsmodels() {
    for case in Case::all() {
        let (evaluation, Case { name, expected, .. }) = (case.evaluation(), &case);
        let Calibration { bins, intercept, slope } = evaluation.calibration;
        assert_same(intercept, &expected["line"]["intercept"], REGRESSION, name);
        assert_same(slope, &expected["line"]["slope"], REGRESSION, name);
        if let Some(logit) = &case.logit {
            let line = calibration_line(logit, &case.y, case.weight.as_deref()).unwrap();
            assert_same(line.map(|line| line.0), &expected["line"]["intercept"], REGRESSION, name);
            assert_same(line.map(|line| line.1), &expected["line"]["slope"], REGRESSION, name);
        }
        if let Some(expected) = expected["bins"].as_object() {
            let (predicted, observed): (Vec<_>, Vec<_>) = bins.iter().map(|bin| (bin.predicted, bin.observed)).unzip();
            assert_all_close(&predicted, &numbers(&expected["predicted"]), METRIC, name);
            assert_all_close(&observed, &numbers(&expected["observed"]), METRIC, name);
        }
    }
}

/// With weights the number of rows is the effective one.
#[test]
fn intervals_of_rates_are_those_of_statsmodels() {
    for Case { name, threshold, probability, y, weight, expected, .. } in Case::all() {
        let found = Intervals::new(&probability, &y, weight.as_deref(), threshold, 0, 0).unwrap();
        let expected = &expected["wilson"];
        for (found, rate) in [
            (found.accuracy, "accuracy"),
            (found.precision, "precision"),
            (found.recall, "recall"),
            (found.false_positive_rate, "false_positive_rate"),
            (found.specificity, "specificity"),
            (found.negative_predictive_value, "negative_predictive_value"),
        ] {
            assert_same_ends(found, &expected[rate], &format!("{name}: {rate}"));
        }
        assert_eq!((found.f1, found.log_loss, found.calibration_slope), (None, None, None));
    }
}

#[test]
fn intervals_of_the_roc_area_are_those_of_proc() {
    for case in Case::all() {
        let (found, Case { name, expected, .. }) = (case.evaluation().delong, &case);
        assert_same(found.map(|found| found.std_error), &expected["delong"]["std_error"], METRIC, name);
        assert_same_ends(found.map(|found| found.interval), &expected["delong"]["interval"], name);
        if let Some(DeLong { area, .. }) = found {
            assert_same(Some(area), &expected["roc_auc"], METRIC, name);
        }
    }
}

#[test]
fn comparisons_are_those_of_proc_and_scipy() {
    for case in golden()["comparisons"].as_array().unwrap() {
        let (name, expected) = (case["name"].as_str().unwrap(), &case["expected"]);
        let (p, other, y) = (numbers(&case["probability"]), numbers(&case["other"]), numbers(&case["y"]));
        let found = Comparison::new([&p, &other], &y, None).unwrap();
        assert_all_close(&found.roc_auc.unwrap(), &numbers(&expected["roc_auc"]), METRIC, name);
        assert_all_close(&found.log_loss, &numbers(&expected["log_loss"]), METRIC, name);
        let area = found.roc_auc_difference.unwrap();
        assert_same(Some(area.z), &expected["z"], METRIC, name);
        assert_same(Some(area.p_value), &expected["p_value"], METRIC, name);
        assert_same_ends(Some(area.interval), &expected["interval"], name);
        let loss = found.log_loss_difference.unwrap();
        assert_close(loss.value, found.log_loss[0] - found.log_loss[1], METRIC, name);
        assert_same(Some(loss.std_error), &expected["log_loss_std_error"], METRIC, name);
        let back = Comparison::new([&other, &p], &y, None).unwrap();
        assert_close(back.roc_auc_difference.unwrap().z, -area.z, METRIC, name);
        // Weights that are all the same change nothing, and one that differs takes DeLong away.
        let mut weight = vec![0.3; y.len()];
        let weighted = Comparison::new([&p, &other], &y, Some(&weight)).unwrap();
        assert_close(weighted.roc_auc_difference.unwrap().std_error, area.std_error, METRIC, name);
        assert_close(weighted.log_loss_difference.unwrap().std_error, loss.std_error, METRIC, name);
        weight[0] = 0.2;
        assert_eq!(Comparison::new([&p, &other], &y, Some(&weight)).unwrap().roc_auc_difference, None);
    }
    let (p, y) = ([0.1, 0.4, 0.6, 0.8], [0.0, 1.0, 0.0, 1.0]);
    let same = Comparison::new([&p, &p], &y, None).unwrap();
    assert_eq!((same.roc_auc, same.roc_auc_difference, same.log_loss_difference), (Some([0.75; 2]), None, None));
    let error = Comparison::new([&p, &p[..3]], &y, None).unwrap_err().to_string();
    assert_eq!(error, "length of the second probabilities: expected 4, found 3");
}

#[test]
fn several_classes_are_evaluated_as_by_scikit_learn() {
    for case in golden()["several"].as_array().unwrap() {
        let (name, expected) = (case["name"].as_str().unwrap(), &case["expected"]);
        let (p, y) = (numbers(&case["probability"]), numbers(&case["y"]));
        let weight = (!case["weight"].is_null()).then(|| numbers(&case["weight"]));
        let n = case["n_classes"].as_u64().unwrap() as usize;
        let found = MultiEvaluation::new(&p, n, &y, weight.as_deref()).unwrap();
        let matrix = &found.confusion;
        assert_all_close(matrix.counts(), &numbers(&expected["confusion_matrix"]), METRIC, name);
        assert_same(Some(matrix.accuracy()), &expected["accuracy"], METRIC, name);
        assert_same(Some(matrix.balanced_accuracy()), &expected["balanced_accuracy"], METRIC, name);
        assert_same(matrix.kappa(), &expected["kappa"], METRIC, name);
        assert_same(Some(found.log_loss), &expected["log_loss"], METRIC, name);
        assert_same(Some(found.brier), &expected["brier"], METRIC, name);
        for class in 0..n {
            let one = matrix.one_vs_rest(class).unwrap();
            assert_same(one.precision(), &expected["precision"][class], METRIC, name);
            assert_same(one.recall(), &expected["recall"][class], METRIC, name);
            assert_same(one.f1(), &expected["f1"][class], METRIC, name);
            assert_same(found.roc_auc[class], &expected["roc_auc"][class], METRIC, name);
        }
        assert_eq!(matrix.one_vs_rest(n), None);
        for (Averages { precision, recall, f1, roc_auc }, expected) in
            [(found.macro_average(), &expected["macro"]), (found.weighted_average(), &expected["weighted"])]
        {
            assert_same(precision, &expected["precision"], METRIC, name);
            assert_same(recall, &expected["recall"], METRIC, name);
            assert_same(f1, &expected["f1"], METRIC, name);
            assert_same(roc_auc, &expected["roc_auc"], METRIC, name);
        }
    }
}

#[test]
fn unsound_classes_are_refused_in_words() {
    let says = |p: &[f64], n, y: &[f64]| MultiEvaluation::new(p, n, y, None).unwrap_err().to_string();
    let row_1 = "in row 1 (the first row is row 0)";
    assert_eq!(says(&[0.5; 3], 2, &[0.0, 1.0]), "length of probability: expected 4, found 3");
    assert_eq!(says(&[], 2, &[]), "expected at least one row, found none");
    assert_eq!(says(&[0.5; 4], 2, &[0.0, 2.0]), format!("expected a class from 0 to 1, found 2 {row_1}"));
    assert_eq!(says(&[0.5; 4], 2, &[0.0, 0.5]), format!("expected a class from 0 to 1, found 0.5 {row_1}"));
    assert_eq!(says(&[1.0], 1, &[0.0]), "`n_classes` must be from 2 to 1000, found 1");
    assert_eq!(says(&[], 0, &[0.0]), "`n_classes` must be from 2 to 1000, found 0");
    assert_eq!(
        says(&[0.5, 0.5, 0.5, 0.25], 2, &[0.0, 1.0]),
        format!("expected probabilities of a row whose sum is 1, found a sum of 0.75 {row_1}")
    );
    let nan = says(&[0.5, 0.5, f64::NAN, 0.25], 2, &[0.0, 1.0]);
    assert!(nan.starts_with("expected a probability from 0 to 1, found NaN in row 2"), "{nan}");
    let one_class = MultiConfusionMatrix::of_calls(&[1.0, 1.0], &[1.0, 1.0], 3, None).unwrap();
    assert_eq!((one_class.accuracy(), one_class.balanced_accuracy(), one_class.kappa()), (1.0, 1.0, None));
}

/// The tutorial prints a precision of 0.25 and a recall of 0.0673 for this very matrix.
#[test]
fn the_tutorials_rates_come_from_the_right_cells() {
    let Evaluation { confusion, .. } = Case::named("tutorial").evaluation();
    assert_eq!(confusion.as_rows(), [[75.0, 21.0], [7.0, 97.0]]);
    assert_eq!(confusion.precision(), Some(97.0 / 118.0));
    assert_eq!(confusion.recall(), Some(97.0 / 104.0));
    assert_eq!(confusion.false_positive_rate(), Some(21.0 / 96.0));
    assert_eq!(confusion.accuracy(), Some(0.86));
    assert_eq!((confusion.positives(), confusion.negatives(), confusion.total()), (104.0, 96.0, 200.0));
}

#[test]
fn a_matrix_without_rows_has_no_rates() {
    let empty = ConfusionMatrix::default();
    let rates = [
        empty.accuracy(),
        empty.balanced_accuracy(),
        empty.precision(),
        empty.recall(),
        empty.false_positive_rate(),
        empty.specificity(),
        empty.negative_predictive_value(),
        empty.f1(),
        empty.mcc(),
    ];
    assert_eq!(rates, [None; 9]);
}

#[test]
fn the_single_functions_give_what_the_evaluation_gives() {
    let case = Case::named("weights");
    let (p, y, weight) = (&case.probability[..], &case.y[..], case.weight.as_deref());
    let whole = case.evaluation();
    assert_eq!(ConfusionMatrix::at(case.threshold, p, y, weight).unwrap(), whole.confusion);
    assert_eq!(RocCurve::new(p, y, weight).ok(), whole.roc);
    assert_eq!(PrCurve::new(p, y, weight).ok(), whole.pr);
    assert_eq!(log_loss(p, y, weight).unwrap(), whole.log_loss);
    assert_eq!(brier(p, y, weight).unwrap(), whole.brier);
    assert_eq!(Calibration::new(p, y, weight).unwrap(), whole.calibration);
    assert_eq!(calibration_bins(p, y, weight, 10).unwrap(), whole.calibration.bins);
}

#[test]
fn a_bin_holds_its_upper_edge() {
    let bins = calibration_bins(&[0.0, 0.5, 0.75, 1.0], &[0.0, 1.0, 1.0, 1.0], None, 2).unwrap();
    let bin = |predicted, observed| CalibrationBin { predicted, observed, weight: 2.0 };
    assert_eq!(bins, [bin(0.25, 0.5), bin(0.875, 1.0)]);
}

#[test]
fn logits_far_out_have_a_finite_loss_and_line() {
    let logit = [-800.0, 800.0, -800.0, 800.0, 1.0];
    let y = [0.0, 1.0, 1.0, 0.0, 1.0];
    assert_close(
        log_loss_from_logits(&logit, &y, None).unwrap(),
        (1600.0 + (-1.0_f64).exp().ln_1p()) / 5.0,
        METRIC,
        "",
    );
    assert!(calibration_line(&logit, &y, None).unwrap().is_some());
    assert_eq!(calibration_line(&[-1e308, 1e308, -1e308, 1e308], &y[..4], None).unwrap(), None);
}

#[test]
fn unsound_input_is_refused_in_words() {
    let says = |p: &[f64], y: &[f64], weight: Option<&[f64]>, threshold| {
        Evaluation::new(p, y, weight, threshold).unwrap_err().to_string()
    };
    let (p, y) = (&[0.2, 0.7][..], &[0.0, 1.0][..]);
    assert_eq!(says(&[], &[], None, 0.5), "expected at least one row, found none");
    assert_eq!(says(p, &[1.0], None, 0.5), "length of y: expected 2, found 1");
    assert_eq!(says(p, y, Some(&[1.0]), 0.5), "length of the weights: expected 2, found 1");
    let row_1 = "in row 1 (the first row is row 0)";
    assert_eq!(says(&[0.2, 1.5], y, None, 0.5), format!("expected a probability from 0 to 1, found 1.5 {row_1}"));
    assert_eq!(says(&[0.2, f64::NAN], y, None, 0.5), format!("expected a probability from 0 to 1, found NaN {row_1}"));
    assert_eq!(says(p, &[0.0, 2.0], None, 0.5), format!("expected an outcome of 0 or 1, found 2 {row_1}"));
    let weighted = |weight: [f64; 2]| says(p, y, Some(&weight), 0.5);
    assert_eq!(weighted([1.0, -1.0]), format!("expected a finite weight of at least 0, found -1 {row_1}"));
    assert_eq!(weighted([0.0, 0.0]), "expected weights whose sum is from 1e-150 to 1e150, found a sum of 0e0");
    assert_eq!(weighted([1e308, 1e308]), "expected weights whose sum is from 1e-150 to 1e150, found a sum of inf");
    assert_eq!(says(p, y, None, f64::NAN), "`threshold` must be from 0 to 1, found NaN");
    let bins = |n_bins| calibration_bins(p, y, None, n_bins).unwrap_err().to_string();
    assert_eq!(bins(0), "`n_bins` must be from 1 to 1000, found 0");
    assert_eq!(
        calibration_line(&[0.2, f64::INFINITY], y, None).unwrap_err().to_string(),
        format!("expected a finite logit, found inf {row_1}")
    );
    assert_eq!(RocCurve::new(p, &[1.0, 1.0], None).unwrap_err().to_string(), "a ROC curve needs rows of both classes");
    assert_eq!(
        PrCurve::new(p, &[0.0, 0.0], None).unwrap_err().to_string(),
        "a precision-recall curve needs positive rows"
    );
}

/// Every number of an evaluation but the curves' points.
fn summary(evaluation: &Evaluation) -> Vec<f64> {
    let Evaluation { confusion, calibration, log_loss, brier, .. } = evaluation;
    let bins = calibration.bins.iter().flat_map(|bin| [bin.predicted, bin.observed, bin.weight]);
    let optional = [evaluation.roc_auc(), evaluation.average_precision(), confusion.mcc()];
    // A number that is absent must stay absent; −9 stands for it, which no metric can be.
    let optional = optional.into_iter().map(|number| number.unwrap_or(-9.0));
    let counts = confusion.as_rows().as_flattened().to_vec();
    counts.into_iter().chain(bins).chain(optional).chain([*log_loss, *brier]).collect()
}

#[track_caller]
fn assert_equivalent(a: &Evaluation, b: &Evaluation) {
    assert_all_close(&summary(a), &summary(b), ROUNDING, "summary");
    let line = |of: &Evaluation| [of.calibration.intercept, of.calibration.slope];
    for (a, b) in line(a).into_iter().zip(line(b)) {
        assert_eq!(a.is_some(), b.is_some());
        assert_close(a.unwrap_or(0.0), b.unwrap_or(0.0), REGRESSION, "recalibrating regression");
    }
}

/// Long enough to be summed in many blocks.
#[test]
fn long_data_have_the_metrics_of_the_pattern_they_repeat_for_any_number_of_threads() {
    let mut case = Case::named("random");
    let pattern = case.evaluation();
    (case.probability, case.y) = (case.probability.repeat(128), case.y.repeat(128));
    let on_threads = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| case.evaluation())
    };
    let long = on_threads(1);
    assert_eq!(long, on_threads(3));
    let weight = vec![1.0 / 128.0; case.y.len()];
    assert_equivalent(&pattern, &Evaluation::new(&case.probability, &case.y, Some(&weight), case.threshold).unwrap());
    assert_close(long.roc_auc().unwrap(), pattern.roc_auc().unwrap(), METRIC, "ROC area");
}

/// One row in a million million on the wrong side is all that keeps the slope finite.
#[test]
fn a_sliver_of_overlap_is_enough_for_a_line() {
    let (logit, y) = ([-1.0, 0.5, 1.0], [0.0, 1.0, 0.0]);
    let (a, b) = calibration_line(&logit, &y, Some(&[1.0, 1.0, 1e-12])).unwrap().unwrap();
    let p = |z: f64| 1.0 / (1.0 + (-(a + b * z)).exp());
    let (low, middle, wrong) = (-p(-1.0), 1.0 - p(0.5), -1e-12 * p(1.0));
    assert_close(low + middle + wrong, 0.0, 1e-16, "sum of the residuals");
    assert_close(-low + 0.5 * middle + wrong, 0.0, 1e-16, "their product with the logit");
}

/// A row: probability (with ties, 0 and 1 among them), outcome, weight.
fn rows() -> impl Strategy<Value = Vec<(f64, f64, f64)>> {
    let probability = (0..=20_u32).prop_map(|twentieths| f64::from(twentieths) / 20.0);
    let outcome = any::<bool>().prop_map(|positive| f64::from(u8::from(positive)));
    let weight = (1..=3_u8).prop_map(f64::from);
    prop::collection::vec((probability, outcome, weight), 1..60)
}

fn evaluated(rows: &[(f64, f64, f64)]) -> Evaluation {
    let (p, (y, weight)): (Vec<_>, (Vec<_>, Vec<_>)) = rows.iter().map(|&(p, y, weight)| (p, (y, weight))).unzip();
    Evaluation::new(&p, &y, Some(&weight), 0.5).unwrap()
}

proptest! {
    #[test]
    fn weight_2_is_the_row_twice(rows in rows()) {
        let twice: Vec<_> = rows.iter().flat_map(|&(p, y, s)| vec![(p, y, 1.0); s as usize]).collect();
        let (weighted, repeated) = (evaluated(&rows), evaluated(&twice));
        assert_equivalent(&weighted, &repeated);
        prop_assert_eq!(weighted.roc, repeated.roc);
        prop_assert_eq!(weighted.pr, repeated.pr);
    }

    #[test]
    fn weight_0_is_no_row(rows in rows(), ghosts in rows()) {
        let haunted: Vec<_> = ghosts.iter().map(|&(p, y, _)| (p, y, 0.0)).chain(rows.iter().copied()).collect();
        let (plain, haunted) = (evaluated(&rows), evaluated(&haunted));
        assert_equivalent(&plain, &haunted);
        prop_assert_eq!(plain.roc, haunted.roc);
        prop_assert_eq!(plain.pr, haunted.pr);
    }

    #[test]
    fn the_order_of_the_rows_does_not_matter(
        (rows, shuffled) in rows().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
        scale in 0.1..10.0_f64,
    ) {
        let scaled = |rows: &[(f64, f64, f64)]| rows.iter().map(|&(p, y, s)| (p, y, s * scale)).collect::<Vec<_>>();
        let (one, other) = (evaluated(&scaled(&rows)), evaluated(&scaled(&shuffled)));
        assert_equivalent(&one, &other);
        prop_assert_eq!(one.roc, other.roc);
        prop_assert_eq!(one.pr, other.pr);
    }

    #[test]
    fn the_counts_of_chunks_add_up(rows in rows(), chunk in 1..9_usize) {
        let mut sum = ConfusionMatrix::default();
        rows.chunks(chunk).for_each(|chunk| sum.merge(&evaluated(chunk).confusion));
        prop_assert_eq!(sum, evaluated(&rows).confusion);
    }

    #[test]
    fn swapping_the_classes_mirrors_the_numbers(rows in rows()) {
        let swapped: Vec<_> = rows.iter().map(|&(p, y, s)| (1.0 - p, 1.0 - y, s)).collect();
        let (one, other) = (evaluated(&rows), evaluated(&swapped));
        assert_close(one.log_loss, other.log_loss, ROUNDING, "log loss");
        assert_close(one.brier, other.brier, ROUNDING, "brier");
        assert_close(one.roc_auc().unwrap_or(0.0), other.roc_auc().unwrap_or(0.0), ROUNDING, "ROC area");
    }

    /// Among the rows, the pairs of a positive and a negative one that are in the right order.
    #[test]
    fn the_roc_area_counts_pairs(rows in rows()) {
        let class = |class: f64| rows.iter().filter(move |row| row.1 == class);
        let (mut right, mut pairs) = (0.0, 0.0);
        for (positive, negative) in class(1.0).flat_map(|row| class(0.0).map(move |other| (row, other))) {
            let weight = positive.2 * negative.2;
            pairs += weight;
            right += weight * if positive.0 > negative.0 { 1.0 } else if positive.0 == negative.0 { 0.5 } else { 0.0 };
        }
        match evaluated(&rows).roc_auc() {
            Some(area) => assert_close(area, right / pairs, ROUNDING, "ROC area"),
            None => prop_assert_eq!(pairs, 0.0),
        }
    }

    /// At the optimum the residuals have no mean and do not go with the logit.
    #[test]
    fn the_recalibrating_regression_is_at_its_optimum(rows in rows()) {
        let logit: Vec<f64> = rows.iter().map(|row| 8.0 * row.0 - 4.0).collect();
        let y: Vec<f64> = rows.iter().map(|row| row.1).collect();
        if let Some((a, b)) = calibration_line(&logit, &y, None).unwrap() {
            let residual = |z: f64, y: f64| y - 1.0 / (1.0 + (-(a + b * z)).exp());
            let residuals = || logit.iter().zip(&y).map(|(&z, &y)| (z, residual(z, y)));
            assert_close(residuals().map(|(_, residual)| residual).sum(), 0.0, METRIC, "sum of the residuals");
            assert_close(residuals().map(|(z, residual)| z * residual).sum(), 0.0, METRIC, "their product with z");
        }
    }
}
