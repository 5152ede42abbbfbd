//! The encoder: golden fits through its curves and products, and its policies.

use std::collections::HashMap;
use std::path::PathBuf;

use logistic::Error;
use logistic::dataset::Feature;
use logistic::encode::{Curve, Encoded, Encoder, Encoding, Kind, Learnt, Missing, Unseen};
use logistic::error::Warning;
use logistic::model::{LogisticRegression, Model, Penalty};
use logistic::solver::Go;
use logistic::table::{ReadOptions, Table, read};
use serde_json::Value;

/// Estimates and standard errors, relative; log-likelihoods, relative.
const AGREEMENT: f64 = 1e-8;

fn testdata(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(name)
}

fn load(path: &std::path::Path, text: &[&str]) -> Table {
    let text = text.iter().map(|name| (*name).to_string()).collect();
    read(&[path.to_str().unwrap().to_string()], &ReadOptions { text, ..ReadOptions::default() }, &|_| ()).unwrap()
}

/// A table from CSV text.
fn table(csv: &str) -> Table {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.csv");
    std::fs::write(&path, csv).unwrap();
    load(&path, &[])
}

fn encoding(features: &[&str]) -> Encoding {
    let features = features.iter().map(|name| (*name).to_string()).collect();
    Encoding { target: "y".to_string(), features, ..Encoding::default() }
}

fn learnt(table: &Table, encoding: &Encoding) -> (Learnt, Encoded) {
    let learnt = Encoder::fit(table, encoding).unwrap();
    let encoded = learnt.encoder.labelled(table, None).unwrap();
    (learnt, encoded)
}

fn fitted(table: &Table, encoding: &Encoding) -> Model {
    let (learnt, encoded) = learnt(table, encoding);
    let fit = LogisticRegression::default().fit(&encoded.dataset.rows(), &mut |_, _| Go::On).unwrap();
    Model::new(learnt.encoder, fit, 0.5, learnt.warnings)
}

/// The design matrix by the names of its terms.
fn design(encoder: &Encoder, encoded: &Encoded) -> HashMap<String, Vec<f64>> {
    let terms = encoder.terms();
    let rows: Vec<Vec<f64>> = (0..encoded.dataset.len()).map(|row| encoded.dataset.get(row).unwrap().0).collect();
    assert_eq!(encoded.dataset.n_columns(), terms.len());
    terms.into_iter().enumerate().map(|(j, term)| (term.term, rows.iter().map(|row| row[j]).collect())).collect()
}

#[test]
fn curves_and_products_agree_with_statsmodels() {
    let golden: Value =
        serde_json::from_str(&std::fs::read_to_string(testdata("golden/curves.json")).unwrap()).unwrap();
    let table = load(&testdata("saheart.csv"), &[]);
    let chd = |features: &[&str]| Encoding { target: "chd".to_string(), ..encoding(features) };
    let pair = |a: &str, b: &str| (a.to_string(), b.to_string());
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
        let model = fitted(&table, &encoding);
        let case = &golden["cases"][case];
        for expected in [&case["log_likelihood"], &case["patsy_cr_log_likelihood"]] {
            let Some(expected) = expected.as_f64() else { continue };
            assert!((model.facts.log_likelihood / expected - 1.0).abs() < AGREEMENT);
        }
        let terms = case["terms"].as_object().unwrap();
        assert_eq!(model.coefficients.len(), terms.len());
        for coefficient in &model.coefficients {
            let expected = &terms[&coefficient.term];
            let std_error = expected["std_error"].as_f64().unwrap();
            let found = coefficient.estimate.unwrap() - expected["estimate"].as_f64().unwrap();
            assert!(found.abs() < AGREEMENT * std_error, "{}: {found}", coefficient.term);
            assert!((coefficient.inference.unwrap().std_error / std_error - 1.0).abs() < AGREEMENT);
        }
        let again = Model::from_json(&model.to_json().unwrap(), "model.json").unwrap();
        assert_eq!(again, model);
    }
}

#[test]
fn products_are_the_products_of_their_columns() {
    let mut csv = "a,b,g,h,y\n".to_string();
    for row in 0..60 {
        let (g, h) = (["p", "q", "r"][row % 3], ["s", "t"][row / 7 % 2]);
        csv += &format!("{},{},{g},{h},{}\n", row as f64 * 0.5, (row * 13 % 17) as f64, row * 7 % 5 % 2);
    }
    let table = table(&csv);
    let pair = |a: &str, b: &str| (a.to_string(), b.to_string());
    let interactions = vec![pair("a", "b"), pair("g", "a"), pair("b", "h"), pair("g", "h")];
    let (learnt, encoded) = learnt(&table, &Encoding { interactions, ..encoding(&["a", "b", "g", "h"]) });
    let design = design(&learnt.encoder, &encoded);
    let mut products = 0;
    for (name, values) in &design {
        let Some((left, right)) = name.split_once(':') else { continue };
        let product = design[left].iter().zip(&design[right]).map(|(a, b)| a * b).collect::<Vec<_>>();
        assert_eq!(values, &product, "{name}");
        products += 1;
    }
    assert_eq!(products, 1 + 2 + 1 + 2);
}

#[test]
fn rare_levels_are_pooled_and_unseen_ones_follow_the_policy() {
    let rows =
        |level: &str, n: usize| (0..n).map(|at| format!("{level},{}\n", (at + level.len()) % 2)).collect::<String>();
    let csv = format!("g,y\n{}{}{}{}", rows("a", 9), rows("bb", 8), rows("c", 2), rows("dd", 1));
    let table = table(&csv);
    let new = self::table("g,y\nbb,1\nc,0\ne,1\n");
    let of = |unseen: Unseen, min_level_count: usize| Encoding { unseen, min_level_count, ..encoding(&["g"]) };
    let (learnt, encoded) = learnt(&table, &of(Unseen::Other, 3));
    assert_eq!(learnt.encoder.terms().iter().map(|t| t.term.as_str()).collect::<Vec<_>>(), ["g[bb]", "g[(other)]"]);
    assert!(matches!(&learnt.warnings[..], [Warning::LevelsPooled { levels: 2, rows: 3, .. }]));
    assert_eq!(design(&learnt.encoder, &encoded)["g[(other)]"].iter().sum::<f64>(), 3.0);
    // `c` was pooled, `e` was never seen: one warning, for the row of `e`.
    let scored = learnt.encoder.features(&new).unwrap();
    let codes = |encoded: &Encoded| match &encoded.dataset.features()[0] {
        Feature::Codes { codes, .. } => codes.to_vec(),
        other => panic!("{other:?}"),
    };
    assert_eq!(codes(&scored), [1, 2, 2]);
    assert!(matches!(&scored.warnings[..], [Warning::LevelsUnseen { rows: 1, level, .. }] if level == "e"));
    let (baseline, _) = self::learnt(&table, &of(Unseen::Baseline, 3));
    assert_eq!(codes(&baseline.encoder.features(&new).unwrap()), [1, 2, 0]);
    for encoding in [of(Unseen::Error, 3), of(Unseen::Other, 1)] {
        // Without a pool there is nothing that `other` could stand for.
        let (strict, _) = self::learnt(&table, &encoding);
        let error = strict.encoder.features(&new).unwrap_err();
        assert!(matches!(&error, Error::UnseenLevel { level, .. } if level == "e"), "{error}");
    }
}

#[test]
fn dates_become_days_or_parts() {
    let mut csv = "at,y\n".to_string();
    for row in 0..48 {
        csv += &format!("2024-{:02}-{:02}T{:02}:00:00Z,{}\n", 1 + row % 12, 1 + row % 28, row % 24, row * 5 % 3 % 2);
    }
    let table = table(&csv);
    let (days, encoded) = learnt(&table, &encoding(&["at"]));
    assert!(matches!(&days.warnings[..], [Warning::DatesAsDays { columns }] if columns == &["at"]));
    assert_eq!(encoded.dataset.get(1).unwrap().0, [19755.0 + 1.0 / 24.0]);
    let (parts, encoded) = learnt(&table, &Encoding { date_parts: true, ..encoding(&["at"]) });
    let design = design(&parts.encoder, &encoded);
    assert_eq!(design["at.year"], vec![2024.0; 48]);
    assert_eq!(design["at.month[02]"][1], 1.0);
    assert_eq!(design["at.weekday[5 Fri]"][1], 1.0, "2024-02-02 was a Friday");
    assert_eq!(design["at.hour[01]"][1], 1.0);
    assert_eq!(design.len(), 1 + 11 + 6 + 23);
    assert_eq!(parts.encoder.columns(), ["at"]);
}

#[test]
fn imputation_fills_in_and_marks() {
    let table = table("a,g,d,y\n1,p,2024-01-01,0\n,q,2024-01-03,1\n4,,,1\n9,q,2024-01-09,0\n");
    let (learnt, encoded) = learnt(&table, &Encoding { missing: Missing::Impute, ..encoding(&["a", "g", "d"]) });
    let design = design(&learnt.encoder, &encoded);
    assert_eq!(design["a"], [1.0, 4.0, 4.0, 9.0]);
    assert_eq!(design["a[missing]"], [0.0, 1.0, 0.0, 0.0]);
    assert_eq!(design["g[q]"], [0.0, 1.0, 1.0, 1.0]);
    assert_eq!(design["d"], [19723.0, 19725.0, 19725.0, 19731.0]);
    assert_eq!(design["d[missing]"], [0.0, 0.0, 1.0, 0.0]);
}

#[test]
fn what_a_model_left_out_scoring_need_not_have() {
    let mut csv = "a,same,constant,y\n".to_string();
    for row in 0..40 {
        csv += &format!("{0},{0},1,{1}\n", row * 7 % 11, row * 5 % 3 % 2);
    }
    let table = table(&csv);
    let model = fitted(&table, &encoding(&[]));
    let left_out = model.coefficients.iter().filter(|c| c.estimate.is_none()).map(|c| c.term.as_str());
    assert_eq!(left_out.collect::<Vec<_>>(), ["same", "constant"]);
    let lean = model.clone().without_unused_columns();
    assert_eq!(lean.encoder.columns(), ["a"]);
    let lean_probabilities = lean.probabilities(&lean.encoder.features(&self::table("a\n3\n5\n")).unwrap());
    let whole_probabilities =
        model.probabilities(&model.encoder.features(&self::table("a,same,constant\n3,3,1\n5,5,1\n")).unwrap());
    assert_eq!(lean_probabilities, whole_probabilities);
    assert_eq!(Model::from_json(&lean.to_json().unwrap(), "model.json").unwrap(), lean);
}

/// What a fit that has converged leaves of rounding.
const ROUNDING: f64 = 1e-10;

/// Half of a coefficient each costs half of its penalty.
#[test]
fn a_ridge_fit_shares_a_coefficient_between_columns_that_are_one() {
    let mut csv = "a,b,twin,y\n".to_string();
    for row in 0..40 {
        csv += &format!("{0},{1},{0},{2}\n", row * 7 % 11, row * 3 % 13, row * 5 % 3 % 2);
    }
    let table = table(&csv);
    let ridge = |features: &[&str], factors: Vec<f64>| {
        let (learnt, encoded) = learnt(&table, &encoding(features));
        let penalty = Penalty { factors, ..Penalty::ridge(0.1) };
        let settings = LogisticRegression { penalty, ..LogisticRegression::default() };
        let fit = settings.fit(&encoded.dataset.rows(), &mut |_, _| Go::On).unwrap();
        Model::new(learnt.encoder, fit, 0.5, Vec::new())
    };
    let (twins, one) = (ridge(&["a", "b", "twin"], Vec::new()), ridge(&["a", "b"], vec![0.5, 1.0]));
    let estimate = |model: &Model, at: usize| model.coefficients[at].estimate.unwrap();
    for (found, expected) in [
        (estimate(&twins, 1), 0.5 * estimate(&one, 1)),
        (estimate(&twins, 3), 0.5 * estimate(&one, 1)),
        (estimate(&twins, 2), estimate(&one, 2)),
    ] {
        assert!((found - expected).abs() < ROUNDING, "{found} and {expected}");
    }
    assert!((twins.facts.objective - one.facts.objective).abs() < ROUNDING);
    assert_eq!(twins.warnings, []);
}

#[test]
fn a_sparse_table_fits_as_a_dense_one() {
    let folder = tempfile::tempdir().unwrap();
    let (sparse, dense) = (folder.path().join("table.svm"), folder.path().join("table.csv"));
    let (mut svm, mut csv) = (String::new(), "label,1,2,3\n".to_string());
    for row in 0..200_usize {
        let x = [(row * 37 % 11).saturating_sub(6), (row * 53 % 13).saturating_sub(9), row * 17 % 5];
        let y = usize::from((row * 7919 + x[0] * 3) % 10 < 4 + x[2]);
        csv += &format!("{y},{},{},{}\n", x[0], x[1], x[2]);
        svm += &y.to_string();
        (1..).zip(x).filter(|(_, x)| *x != 0).for_each(|(at, x)| svm += &format!(" {at}:{x}"));
        svm += "\n";
    }
    std::fs::write(&sparse, svm).unwrap();
    std::fs::write(&dense, csv).unwrap();
    let encoding = Encoding { target: "label".to_string(), ..Encoding::default() };
    let (a, b) = (fitted(&load(&sparse, &[]), &encoding), fitted(&load(&dense, &[]), &encoding));
    assert_eq!(a, b);
}

/// A category of three levels times a curve of two columns: the order of the terms is that of the columns.
#[test]
fn a_category_times_a_spline_keeps_its_names() {
    let rows: Vec<String> =
        (0..30).map(|row| format!("{},{},{}", row % 2, ["r", "s", "t"][row % 3], row * row)).collect();
    let table = table(&format!("y,g,a\n{}\n", rows.join("\n")));
    let pair = ("g".to_string(), "a".to_string());
    let splines = vec![("a".to_string(), 3)];
    let (learnt, encoded) = learnt(&table, &Encoding { interactions: vec![pair], splines, ..encoding(&["g", "a"]) });
    let design = design(&learnt.encoder, &encoded);
    for level in ["g[s]", "g[t]"] {
        for curve in ["a", "a[bend 1]"] {
            let expected: Vec<f64> = design[level].iter().zip(&design[curve]).map(|(g, a)| g * a).collect();
            assert_eq!(design[&format!("{level}:{curve}")], expected, "{level}:{curve}");
        }
    }
}

#[test]
fn a_model_whose_knots_do_not_rise_is_refused() {
    let rows: Vec<String> = (0..30).map(|row| format!("{},{}", row % 2, row * row)).collect();
    let table = table(&format!("y,a\n{}\n", rows.join("\n")));
    let model = fitted(&table, &Encoding { splines: vec![("a".to_string(), 3)], ..encoding(&["a"]) });
    for wrong in [vec![], vec![1.0], vec![1.0, 2.0], vec![1.0, 1.0, 2.0]] {
        let mut model = model.clone();
        model.encoder.sources[0].kind = Kind::Numeric { fill: None, curve: Curve::Spline { knots: wrong } };
        let error = Model::from_json(&model.to_json().unwrap(), "model.json").unwrap_err();
        assert!(matches!(error, Error::ModelFile { .. }), "{error}");
    }
}

#[test]
fn coefficients_have_one_name_each() {
    let mut csv = "g,a,a:z,z,y\n".to_string();
    for row in 0..40 {
        let g = ["a", "missing", "", "q"][row * 3 % 4];
        csv += &format!("{g},{},{},{},{}\n", row * 7 % 11, row * 3 % 13, row * 5 % 17, row * 5 % 3 % 2);
    }
    let table = table(&csv);
    // A level may be called `missing`.
    let (learnt, encoded) = learnt(&table, &Encoding { missing: Missing::Impute, ..encoding(&["g"]) });
    let design = design(&learnt.encoder, &encoded);
    assert_eq!(design["g[missing]"].iter().sum::<f64>(), 10.0);
    assert_eq!(design["g[(missing)]"].iter().sum::<f64>(), 10.0);
    // A product may not be called as a column, nor be there twice.
    let az = || ("a".to_string(), "z".to_string());
    for (features, interactions) in [(vec!["a", "z", "a:z"], vec![az()]), (vec!["a", "z"], vec![az(), az()])] {
        let error = Encoder::fit(&table, &Encoding { interactions, ..encoding(&features) }).unwrap_err();
        assert!(error.to_string().contains("expected one coefficient of each name, found `a:z`"), "{error}");
    }
}
