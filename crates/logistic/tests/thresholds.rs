//! Thresholds are the best there are, and gains count what they say.

use logistic::evaluate::{ConfusionMatrix, Decile, Gains, Threshold};
use proptest::prelude::*;

const ROUNDING: f64 = 1e-13;

#[test]
fn a_rule_is_read_as_it_is_written() {
    let cost = Threshold::Cost { false_positive: 1.0, false_negative: 5.5 };
    for (text, rule) in [
        ("0.5", Threshold::Fixed(0.5)),
        ("f1", Threshold::F1),
        ("youden", Threshold::Youden),
        ("cost:1,5.5", cost),
        ("precision:0.9", Threshold::Precision(0.9)),
        ("recall:0.95", Threshold::Recall(0.95)),
    ] {
        assert_eq!(text.parse::<Threshold>().unwrap(), rule);
        assert_eq!(rule.to_string(), text);
    }
    for text in ["", "F1", "f2", "cost", "cost:", "cost:1", "cost:1,2,3", "precision", "precision:", "recall:x", "nan"]
    {
        let error = text.parse::<Threshold>().unwrap_err().to_string();
        let expected = "`threshold` must be a number, f1, youden, cost:FP,FN, precision:X or recall:X, found ";
        assert_eq!(error, format!("{expected}`{text}`"));
    }
}

#[test]
fn rules_that_cannot_be_met_are_refused_in_words() {
    let (p, y) = ([0.1, 0.4, 0.6, 0.8], [0.0, 1.0, 1.0, 0.0]);
    let says = |rule: &str| rule.parse::<Threshold>().unwrap().choose(&p, &y, None).unwrap_err().to_string();
    assert_eq!(says("1.5"), "`threshold` must be from 0 to 1, found 1.5");
    let costs = "`cost` must be two finite numbers, neither negative nor both 0";
    assert_eq!(says("cost:-1,2"), format!("{costs}, found -1,2"));
    assert_eq!(says("cost:0,0"), format!("{costs}, found 0,0"));
    assert_eq!(says("cost:1,inf"), format!("{costs}, found 1,inf"));
    assert_eq!(says("precision:0"), "`precision` must be above 0 and up to 1, found 0");
    assert_eq!(says("recall:2"), "`recall` must be above 0 and up to 1, found 2");
    let reached = "the highest that any threshold reaches";
    assert_eq!(says("precision:0.9"), format!("`precision` must be at most {}, {reached}, found 0.9", 2.0 / 3.0));
    let one_class = |rule: Threshold, y: f64| rule.choose(&p, &[y; 4], None).map_err(|error| error.kind());
    for rule in [Threshold::F1, Threshold::Youden, Threshold::Precision(0.1), Threshold::Recall(0.1)] {
        assert_eq!(one_class(rule, 0.0), Err("target"));
    }
    assert_eq!(one_class(Threshold::Youden, 1.0), Err("target"));
    assert_eq!(one_class(Threshold::F1, 1.0), Ok(0.05));
    assert_eq!(one_class(Threshold::Cost { false_positive: 1.0, false_negative: 1.0 }, 0.0), Ok(0.9));
}

#[test]
fn ties_and_ends() {
    let chosen = |rule: Threshold, p: &[f64], y: &[f64]| rule.choose(p, y, None).unwrap();
    let equal = Threshold::Cost { false_positive: 1.0, false_negative: 1.0 };
    // Calling the upper one, or all three, or none costs one or two: the upper one.
    assert_eq!(chosen(equal, &[0.25, 0.5, 0.75], &[1.0, 0.0, 1.0]), 0.625);
    // Nothing is below a probability of 0, and nothing above 1.
    assert_eq!(chosen(Threshold::Recall(1.0), &[0.0, 1.0], &[1.0, 0.0]), 0.0);
    assert_eq!(chosen(equal, &[0.0, 1.0], &[0.0, 0.0]), 0.5);
    // Between neighbours there is no middle.
    let (low, high) = (0.5, 0.5_f64.next_up());
    assert_eq!(chosen(Threshold::F1, &[low, high], &[0.0, 1.0]), high);
    // Two thresholds of full precision: the one that finds more. Two of full recall: the more precise.
    assert_eq!(chosen(Threshold::Precision(1.0), &[0.2, 0.4, 0.6], &[0.0, 1.0, 1.0]), 0.30000000000000004);
    assert_eq!(chosen(Threshold::Recall(1.0), &[0.2, 0.4, 0.6], &[0.0, 1.0, 1.0]), 0.30000000000000004);
}

fn rows() -> impl Strategy<Value = Vec<(f64, f64, f64)>> {
    let probability = (0..=20_u32).prop_map(|twentieths| f64::from(twentieths) / 20.0);
    let outcome = any::<bool>().prop_map(|positive| f64::from(u8::from(positive)));
    let weight = (0..=3_u8).prop_map(f64::from);
    let sound = |rows: &Vec<(f64, f64, f64)>| rows.iter().any(|row| row.1 == 1.0 && row.2 > 0.0);
    prop::collection::vec((probability, outcome, weight), 1..40).prop_filter("has positive rows", sound)
}

type Columns = (Vec<f64>, Vec<f64>, Vec<f64>);

fn columns(rows: &[(f64, f64, f64)]) -> Columns {
    let (p, (y, weight)) = rows.iter().map(|&(p, y, weight)| (p, (y, weight))).unzip();
    (p, y, weight)
}

proptest! {
    /// Against every threshold that calls rows differently.
    #[test]
    fn no_threshold_is_better(rows in rows(), floor in 0.05..=1.0_f64, costs in (0.0..5.0_f64, 0.1..5.0_f64)) {
        let (p, y, weight) = columns(&rows);
        let at = |threshold| ConfusionMatrix::at(threshold, &p, &y, Some(&weight)).unwrap();
        let every = || (0..=41).map(|fortieths| at(f64::from(fortieths.min(40)) / 40.0));
        let cost = |m: &ConfusionMatrix| costs.0 * m.false_positive + costs.1 * m.false_negative;
        let (false_positive, false_negative) = costs;
        let chosen = |rule: Threshold| rule.choose(&p, &y, Some(&weight)).map(at);
        let best = |of: &dyn Fn(&ConfusionMatrix) -> Option<f64>| every().filter_map(|m| of(&m)).fold(f64::MIN, f64::max);

        let found = chosen(Threshold::F1).unwrap();
        prop_assert!((found.f1().unwrap() - best(&ConfusionMatrix::f1)).abs() < ROUNDING);
        let found = chosen(Threshold::Cost { false_positive, false_negative }).unwrap();
        prop_assert!((-cost(&found) - best(&|m| Some(-cost(m)))).abs() < 100.0 * ROUNDING);
        let youden = |m: &ConfusionMatrix| Some(m.recall()? - m.false_positive_rate()?);
        if let Ok(found) = chosen(Threshold::Youden) {
            prop_assert!((youden(&found).unwrap() - best(&youden)).abs() < ROUNDING);
        }
        let found = chosen(Threshold::Recall(floor)).unwrap();
        prop_assert!(found.recall().unwrap() >= floor);
        let allowed = best(&|m| m.precision().filter(|_| m.recall() >= Some(floor)));
        prop_assert!((found.precision().unwrap() - allowed).abs() < ROUNDING);
        match chosen(Threshold::Precision(floor)) {
            Ok(found) => {
                prop_assert!(found.precision().unwrap() >= floor);
                let allowed = best(&|m| m.recall().filter(|_| m.precision() >= Some(floor)));
                prop_assert!((found.recall().unwrap() - allowed).abs() < ROUNDING);
            }
            Err(_) => prop_assert!(best(&ConfusionMatrix::precision) < floor),
        }
    }

    #[test]
    fn the_order_of_the_rows_does_not_move_the_threshold(
        (rows, shuffled) in rows().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
    ) {
        for rule in ["f1", "cost:1,3", "recall:0.8"] {
            let rule: Threshold = rule.parse().unwrap();
            let chosen = |rows: &[(f64, f64, f64)]| {
                let (p, y, weight) = columns(rows);
                rule.choose(&p, &y, Some(&weight)).unwrap()
            };
            prop_assert_eq!(chosen(&rows), chosen(&shuffled));
        }
    }

    /// The tenths share out what there is.
    #[test]
    fn tenths_add_up(rows in rows()) {
        let (p, y, weight) = columns(&rows);
        let gains = Gains::new(&p, &y, Some(&weight)).unwrap();
        let mean = |of: fn(&Decile) -> f64| gains.deciles.iter().map(of).sum::<f64>() / 10.0;
        prop_assert!((mean(|decile| decile.lift) - 1.0).abs() < ROUNDING);
        prop_assert!((mean(|decile| decile.positive_rate) - gains.base_rate).abs() < ROUNDING);
        prop_assert_eq!(gains.deciles.len(), 10);
        prop_assert!(gains.deciles.windows(2).all(|pair| pair[0].gain <= pair[1].gain + ROUNDING));
        let twice: Vec<_> = rows.iter().flat_map(|&(p, y, s)| vec![(p, y, 1.0); s as usize]).collect();
        let (p, y, _) = columns(&twice);
        let repeated = Gains::new(&p, &y, None).unwrap();
        prop_assert_eq!(gains.share, repeated.share);
        prop_assert_eq!(gains.gain, repeated.gain);
    }
}

/// Twenty rows: both of the first tenth are positive, one of the second, none of the third, one of the rest.
#[test]
fn gains_of_rows_that_can_be_counted() {
    let p: Vec<f64> = (0..20).map(|i| 1.0 - f64::from(i) / 20.0).collect();
    let y: Vec<f64> = (0..20).map(|i| f64::from(u8::from([0, 1, 3, 19].contains(&i)))).collect();
    let gains = Gains::new(&p, &y, None).unwrap();
    assert_eq!(gains.base_rate, 0.2);
    let near = |found: Vec<f64>, expected: [f64; 3]| {
        assert!(found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < ROUNDING), "{found:?}");
    };
    let first = |of: fn(&Decile) -> f64| gains.deciles[..3].iter().map(of).collect();
    near(first(|decile| decile.share), [0.1, 0.2, 0.3]);
    near(first(|decile| decile.gain), [0.5, 0.75, 0.75]);
    near(first(|decile| decile.positive_rate), [1.0, 0.5, 0.0]);
    near(first(|decile| decile.lift), [5.0, 2.5, 0.0]);
    near(first(|decile| decile.cumulative_lift), [5.0, 3.75, 2.5]);
    assert_eq!(gains.deciles[9].gain, 1.0);
    // Rows that cannot be told apart share their positives out.
    let flat = Gains::new(&[0.3; 7], &[1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0], None).unwrap();
    assert!(flat.deciles.iter().all(|decile| (decile.lift - 1.0).abs() < ROUNDING));
    assert_eq!(Gains::new(&p, &[0.0; 20], None).unwrap_err().to_string(), "gains need positive rows");
}
