//! The bound on the error of exports, against the model itself. Other programs run the exports in the Python package's tests.

use logistic::encode::{Encoder, Encoding, Missing, Unseen};
use logistic::export::{Format, error_bound, export};
use logistic::model::{LogisticRegression, Model};
use logistic::solver::Go;
use logistic::table::{ReadOptions, Table, read};

fn heart() -> Table {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/saheart.csv");
    read(&[path.to_string()], &ReadOptions::default(), &|_| ()).unwrap()
}

fn model(table: &Table, encoding: Encoding) -> Model {
    let encoding = Encoding { target: "chd".to_string(), unseen: Unseen::Baseline, ..encoding };
    let encoder = Encoder::fit(table, &encoding).unwrap().encoder;
    let encoded = encoder.labelled(table, None).unwrap();
    let fit = LogisticRegression::default().fit(&encoded.dataset.rows(), &mut |_, _| Go::On).unwrap();
    Model::new(encoder, fit, 0.5, Vec::new())
}

#[test]
fn bounds_are_tight_for_rows_of_the_table() {
    let table = heart();
    let pair = |a: &str, b: &str| (a.to_string(), b.to_string());
    let model = model(
        &table,
        Encoding {
            missing: Missing::Impute,
            splines: vec![("age".to_string(), 4)],
            logs: vec!["ldl".to_string()],
            interactions: vec![pair("tobacco", "famhist"), pair("sbp", "age")],
            ..Encoding::default()
        },
    );
    let scores = model.score_table(&table).unwrap();
    let bounds = error_bound(&model, &table).unwrap();
    for (bound, probability) in bounds.iter().zip(&scores.probabilities) {
        // A sum of some fifteen terms of magnitude 100 at most, at 1.1e-16 each.
        assert!(*bound > 1e-17 && *bound < 1e-11 * probability, "{bound} of {probability}");
    }
}

#[test]
fn golden_rows_stand_in_every_scorer() {
    let table = heart();
    let model = model(&table, Encoding::default());
    for format in [("sql", Some("postgres")), ("c", None), ("javascript", None)] {
        let text = export(&model, Format::named(format.0, format.1).unwrap()).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert!(text.matches("\"error_bound\"").count() >= 5, "{format:?}");
        assert!(text.contains("famhist: text; a missing value is refused"), "{format:?}");
    }
}
