//! The golden cases as our settings see them, and what tests share.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use logistic::dataset::{Dataset, Feature};
use logistic::encode::{Encoder, Encoding, Missing};
use logistic::model::{Fit, Inference, LogisticRegression, WeightKind};
use logistic::solver::Go;
use logistic::table::{ReadOptions, Selected, Table, read};
use serde_json::Value;

pub(crate) fn testdata() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata")
}

pub(crate) fn json(path: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(testdata().join(path)).unwrap()).unwrap()
}

/// The cases of a group of `inference.json`.
pub(crate) fn group(name: &str) -> Vec<Value> {
    let all = json("golden/inference.json");
    all.as_array().unwrap().iter().filter(|case| case["group"] == name).cloned().collect()
}

/// The golden fits of a kind, with the name of their table.
pub(crate) fn fits(kind: &str) -> Vec<Value> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(testdata().join("golden/fits")).unwrap() {
        let all: Value = serde_json::from_str(&std::fs::read_to_string(entry.unwrap().path()).unwrap()).unwrap();
        for fit in all["fits"].as_array().unwrap().iter().filter(|fit| fit["kind"] == kind) {
            let mut fit = fit.clone();
            fit["case"] = all["case"].clone();
            found.push(fit);
        }
    }
    found
}

pub(crate) fn names(value: &Value) -> Vec<String> {
    value.as_array().map_or(Vec::new(), |names| names.iter().map(|n| n.as_str().unwrap().to_string()).collect())
}

/// A golden case as our settings see it.
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) data: Dataset,
    pub(crate) settings: LogisticRegression,
    /// The terms, `(Intercept)` first where there is one.
    pub(crate) terms: Vec<String>,
    /// The design columns of each column.
    pub(crate) columns: Vec<(String, Vec<usize>)>,
}

impl Case {
    pub(crate) fn read(case: &Value) -> Self {
        let spec = &case["spec"];
        let (numeric, categorical) = (names(&spec["numeric"]), names(&spec["categorical"]));
        let path = testdata().join(format!("{}.csv", case["case"].as_str().unwrap()));
        let text = categorical.clone();
        let table =
            read(&[path.to_str().unwrap().to_string()], &ReadOptions { text, ..ReadOptions::default() }, &|_| ())
                .unwrap();
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
        let rows = kept(spec, &table, &encoded.rows);
        let mut data = filtered(&encoded.dataset, &rows);
        let n = data.len();
        match spec["weight_formula"].as_str() {
            Some("1 + (i mod 3)") => data = data.weighted((0..n).map(|i| 1.0 + (i % 3) as f64).collect()).unwrap(),
            Some("0.5 + (i mod 4)*0.75") => {
                data = data.weighted((0..n).map(|i| 0.5 + (i % 4) as f64 * 0.75).collect()).unwrap();
            }
            other => assert_eq!(other, None),
        }
        let intercept = spec["intercept"] == Value::Bool(true);
        let weight_kind = if spec["weight_kind"] == "sampling" { WeightKind::Sampling } else { WeightKind::Frequency };
        let settings = LogisticRegression { intercept, weight_kind, ..LogisticRegression::default() };
        let mut columns: Vec<(String, Vec<usize>)> = Vec::new();
        for (at, term) in encoder.terms().iter().enumerate() {
            match columns.last_mut() {
                Some((name, group)) if *name == term.column => group.push(at),
                _ => columns.push((term.column.clone(), vec![at])),
            }
        }
        let terms = encoder.terms().into_iter().map(|term| term.term);
        let terms = intercept.then(|| "(Intercept)".to_string()).into_iter().chain(terms).collect();
        let id = format!("{} {}", case["group"].as_str().unwrap_or("fit"), case["id"].as_str().unwrap());
        Case { id, data, settings, terms, columns }
    }

    pub(crate) fn fit(&self) -> Fit {
        let fit = self.settings.fit(&self.data.rows(), &mut |_, _| Go::On).unwrap();
        assert!(fit.facts.converged(), "{}: {}", self.id, fit.facts.termination);
        fit
    }
}

/// The positions, among the encoded rows, of those that the filter keeps.
pub(crate) fn kept(spec: &Value, table: &Table, encoded: &Selected) -> Vec<usize> {
    let Some((column, labels)) = spec["filter"].as_object().and_then(|filter| filter.iter().next()) else {
        return (0..encoded.len()).collect();
    };
    let (labels, column) = (names(labels), table.column(column).unwrap());
    (0..encoded.len()).filter(|&at| labels.contains(&column.text(encoded.get(at).unwrap()).unwrap())).collect()
}

/// These rows, with the levels that they have.
pub(crate) fn filtered(data: &Dataset, rows: &[usize]) -> Dataset {
    if rows.iter().copied().eq(0..data.len()) {
        return data.clone();
    }
    let feature = |feature: &Feature| match feature {
        Feature::Number(values) => {
            let values: Vec<f64> = values.iter().collect();
            Feature::Number(rows.iter().map(|&i| values[i]).collect())
        }
        Feature::Codes { codes, .. } => {
            let mut levels: Vec<u32> = rows.iter().map(|&i| codes[i]).collect();
            levels.sort_unstable();
            levels.dedup();
            let code = |&i: &usize| levels.binary_search(&codes[i]).unwrap() as u32;
            Feature::Codes { codes: rows.iter().map(code).collect(), levels: levels.len() }
        }
        _ => panic!(),
    };
    let y = rows.iter().map(|&i| data.y()[i]).collect();
    Dataset::new(data.features().iter().map(feature).collect(), y, None).unwrap()
}

/// The numbers of the cluster column's labels.
pub(crate) fn clusters(case: &Value, data: &Dataset) -> Arc<[u32]> {
    let path = testdata().join(format!("{}.csv", case["case"].as_str().unwrap()));
    let column = case["spec"]["cluster"].as_str().unwrap();
    let options = ReadOptions { text: vec![column.to_string()], ..ReadOptions::default() };
    let table = read(&[path.to_str().unwrap().to_string()], &options, &|_| ()).unwrap();
    let column = table.column(column).unwrap();
    assert_eq!(table.n_rows(), data.len(), "no case with clusters has missing values");
    let mut known = HashMap::new();
    (0..data.len())
        .map(|row| {
            let next = known.len() as u32;
            *known.entry(column.text(row).unwrap()).or_insert(next)
        })
        .collect()
}

/// The estimates and their inference, the intercept first.
pub(crate) fn all(fit: &Fit) -> Vec<(Option<f64>, Option<Inference>)> {
    let bias = fit.bias.iter().map(|&b| Some(b)).zip(fit.bias_inference.iter().copied());
    bias.chain(fit.weight.iter().copied().zip(fit.inference.iter().copied())).collect()
}

pub(crate) fn close(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!((found - expected).abs() <= tolerance, "{what}: {found} against {expected}");
}

pub(crate) fn heart() -> Case {
    let fits = fits("mle");
    Case::read(fits.iter().find(|fit| fit["id"] == "saheart.main").unwrap())
}
