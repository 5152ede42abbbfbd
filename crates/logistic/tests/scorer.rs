//! Rows scored one by one: the bits that tables have, contributions that sum to the logit, intervals, flags, and the same
//! refusals.

use std::fmt::Write;

use logistic::encode::{Encoded, Encoder, Encoding, Flag, Learnt, Missing, Oddity, Seen, Unseen};
use logistic::loss::sigmoid;
use logistic::model::{LogisticRegression, Model, Penalty, Scored, Scorer};
use logistic::solver::Go;
use logistic::table::{Cell, Column, ReadOptions, Table, read};

/// Of sums of some thirty numbers below a hundred, each rounded.
const ROUNDING: f64 = 1e-12;

/// A table from CSV text, read as a model wants it where there is one.
fn table(csv: &str, options: ReadOptions) -> Table {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    std::fs::write(&path, csv).unwrap();
    read(&[path.to_str().unwrap().to_string()], &options, &|_| ()).unwrap()
}

fn fitted(csv: &str, encoding: &Encoding, penalty: Penalty) -> Model {
    let text = encoding.categorical.clone();
    let table = table(csv, ReadOptions { text, ..ReadOptions::default() });
    let Learnt { encoder, warnings } = Encoder::fit(&table, encoding).unwrap();
    let encoded = encoder.labelled(&table, None).unwrap();
    let settings = LogisticRegression { penalty, ..LogisticRegression::default() };
    let fit = settings.fit(&encoded.dataset.rows(), &mut |_, _| Go::On).unwrap();
    Model::new(encoder, fit, 0.4, warnings)
}

/// Rows of every kind of column, some cells missing. Those that are not for training have values that it has not seen.
fn rows(n: usize, holes: bool, training: bool) -> String {
    let mut csv = "a,b,s,g,h,truth,zip,when,o,y\n".to_string();
    for i in 0..n {
        let draw = |k: usize| (i * (7919 + 2 * k) + k * 104_729) % 1009;
        let hole = |k: usize, cell: String| if holes && draw(k + 20) % 11 == 0 { String::new() } else { cell };
        let far = if training { 1.0 } else { 1.5 };
        let g = ["p", "q", "r", if training { "q" } else { "new" }][draw(1) % 4];
        let h = ["u", "v", "w", "x"][if draw(2) < 30 { 3 } else { draw(2) % 3 }];
        let truth = if training { ["true", "false"][draw(3) % 2] } else { ["TRUE", "False"][draw(3) % 2] };
        let cells = [
            hole(0, format!("{:.3}", far * (draw(4) as f64 / 100.0 - 5.0))),
            hole(1, format!("{:e}", 1.0 + far * draw(5) as f64)),
            hole(2, format!("{}", far * draw(6) as f64 / 37.0)),
            hole(3, g.to_string()),
            hole(4, h.to_string()),
            hole(5, truth.to_string()),
            hole(6, format!("{:05}", draw(7) % 5)),
            hole(7, format!("20{:02}-{:02}-{:02}", 10 + draw(8) % 9, 1 + draw(9) % 12, 1 + draw(10) % 28)),
            format!("{}", draw(11) as f64 / 2000.0),
        ];
        writeln!(csv, "{},{}", cells.join(","), ["no", "yes", "maybe"][(draw(4) + draw(12)) / 400 % 3]).unwrap();
    }
    csv
}

fn pair(a: &str, b: &str) -> (String, String) {
    (a.to_string(), b.to_string())
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

fn everything() -> Encoding {
    Encoding {
        target: "y".to_string(),
        exclude: names(&["o"]),
        categorical: names(&["zip"]),
        missing: Missing::Impute,
        min_level_count: 40,
        unseen: Unseen::Baseline,
        interactions: vec![pair("a", "s"), pair("g", "a"), pair("s", "h"), pair("g", "truth"), pair("b", "when")],
        splines: vec![("s".to_string(), 5)],
        logs: names(&["b"]),
        ..Encoding::default()
    }
}

/// Scores every row of a table both ways, and gives the rows that have a score.
fn agree(model: &Model, csv: &str) -> usize {
    let table = table(csv, model.scoring(ReadOptions::default()));
    let expected = model.score_table(&table).unwrap();
    let scorer = Scorer::new(model.clone()).unwrap();
    let columns: Vec<&Column> = scorer.columns().iter().map(|name| table.column(name).unwrap()).collect();
    let header: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    let n_classes = model.encoder.target.classes.len();
    let (options, mut row, mut words) = (ReadOptions::default(), Scored::default(), Scored::default());
    let mut scored = Vec::new();
    for (at, line) in csv.lines().skip(1).enumerate() {
        let cells: Vec<Cell<'_>> = columns.iter().map(|column| column.cell(at)).collect();
        if !scorer.score(&cells, &mut row).unwrap() {
            continue;
        }
        let k = scored.len();
        scored.push(at);
        let bits = |probabilities: &[f64]| probabilities.iter().map(|p| p.to_bits()).collect::<Vec<u64>>();
        let own = &expected.probabilities[k * n_classes..(k + 1) * n_classes];
        assert_eq!(bits(&row.probabilities), bits(own), "row {at}: {:?} and {own:?}", row.probabilities);
        assert_eq!(row.called, expected.called[k]);
        contributions_sum(&scorer, &row);
        // The same row as it was written.
        let texts: Vec<&str> = line.split(',').collect();
        let place = |name: &String| header.iter().position(|own| own == name).unwrap();
        let cells: Vec<Cell<'_>> =
            scorer.columns().iter().map(|name| Cell::read(texts[place(name)], &options)).collect();
        assert!(scorer.score(&cells, &mut words).unwrap());
        assert_eq!((bits(&words.probabilities), &words.flags), (bits(&row.probabilities), &row.flags), "row {at}");
    }
    assert_eq!(scored, expected.rows);
    scored.len()
}

fn contributions_sum(scorer: &Scorer, row: &Scored) {
    let mut contributions = Vec::new();
    for (output, logit) in row.logits.iter().enumerate() {
        scorer.contribute(row, output, &mut contributions);
        assert_eq!(contributions.len(), scorer.contributors().len());
        let sum = scorer.base(output) + contributions.iter().sum::<f64>();
        let size = scorer.base(output).abs() + contributions.iter().map(|own| own.abs()).sum::<f64>();
        assert!((sum - logit).abs() <= ROUNDING * size.max(1.0), "{sum} and {logit}");
    }
}

#[test]
fn single_rows_have_the_bits_of_tables() {
    let (training, new) = (rows(900, true, true), rows(300, true, false));
    let softmax = || everything();
    let binary = || Encoding { positive: Some("yes".to_string()), ..everything() };
    let offset = || Encoding { offset: Some("o".to_string()), exclude: Vec::new(), ..binary() };
    let parts = || Encoding { date_parts: true, interactions: vec![pair("when", "a")], ..binary() };
    let pooled = || Encoding {
        unseen: Unseen::Other,
        features: names(&["a", "h"]),
        interactions: vec![],
        splines: vec![],
        logs: vec![],
        ..binary()
    };
    for (kind, encoding, penalty) in [
        ("softmax", softmax(), Penalty::default()),
        ("softmax of all classes", softmax(), Penalty::ridge(0.01)),
        ("two classes", binary(), Penalty::default()),
        ("offset", offset(), Penalty::ridge(0.001)),
        ("parts of dates", parts(), Penalty::ridge(0.001)),
        ("pooled levels", pooled(), Penalty::default()),
    ] {
        let model = fitted(&training, &encoding, penalty);
        assert_eq!(agree(&model, &training), 900, "{kind}");
        assert_eq!(agree(&model, &new), 300, "{kind}");
        // What is written is what is read.
        let again = Model::from_json(&model.to_json().unwrap(), "model.json").unwrap();
        assert_eq!(agree(&again, &new), 300, "{kind}");
    }
    let dropping = Encoding { missing: Missing::Drop, ..binary() };
    let model = fitted(&training, &dropping, Penalty::ridge(0.01));
    assert!((100..250).contains(&agree(&model, &new)));
    let strict = Encoding { missing: Missing::Error, ..binary() };
    let model = fitted(&rows(900, false, true), &strict, Penalty::default());
    assert_eq!(agree(&model, &rows(300, false, false)), 300);
}

/// What a model cannot score it refuses in the words that a table hears.
#[test]
fn single_rows_are_refused_as_tables_are() {
    let encoding =
        Encoding { missing: Missing::Error, unseen: Unseen::Error, positive: Some("yes".to_string()), ..everything() };
    let encoding = Encoding { offset: Some("o".to_string()), exclude: Vec::new(), ..encoding };
    let model = fitted(&rows(900, false, true), &encoding, Penalty::ridge(0.01));
    let scorer = Scorer::new(model.clone()).unwrap();
    let header = "a,b,s,g,h,truth,zip,when,o";
    let good = ["1.5", "20", "3", "p", "u", "true", "00001", "2015-06-07", "0.1"];
    let wrong = [
        ("a", "word"),
        ("a", ""),
        ("a", "2020-01-01"),
        ("a", "1e71"),
        ("b", "0"),
        ("b", "-3"),
        ("s", "true"),
        ("g", "new"),
        ("g", ""),
        ("truth", "perhaps"),
        ("zip", "7"),
        ("when", "12"),
        ("when", "soon"),
        ("o", ""),
        ("o", "x"),
        ("o", "2020-01-01"),
    ];
    for (column, cell) in wrong {
        let mut cells = good;
        cells[header.split(',').position(|name| name == column).unwrap()] = cell;
        let options = model.scoring(ReadOptions::default());
        let table = table(&format!("{header}\n{}\n", cells.join(",")), options.clone());
        let expected = model.score_table(&table).unwrap_err();
        let place = |name: &String| header.split(',').position(|own| own == name).unwrap();
        let own: Vec<Cell<'_>> = scorer.columns().iter().map(|name| Cell::read(cells[place(name)], &options)).collect();
        let error = scorer.score(&own, &mut Scored::default()).unwrap_err();
        let error = error.in_row(table.path(), 2);
        assert_eq!((error.to_string(), error.help()), (expected.to_string(), expected.help()), "{column}: {cell}");
        assert_eq!(error.place().column.as_deref(), Some(column));
    }
    assert!(scorer.score(&[], &mut Scored::default()).is_err());
}

/// Two columns, so that everything can be told by hand.
fn small() -> Model {
    let mut csv = "x,g,y\n".to_string();
    for i in 0..60 {
        writeln!(csv, "{},{},{}", i % 10, ["p", "q", "q"][i % 3], usize::from(i * 7 % 11 + i % 10 > 9)).unwrap();
    }
    fitted(
        &csv,
        &Encoding { target: "y".to_string(), unseen: Unseen::Baseline, ..Encoding::default() },
        Penalty::default(),
    )
}

#[test]
fn contributions_are_against_a_typical_row() {
    let model = small();
    // 0 to 9 six times each; `q` twice as often as `p`.
    assert_eq!(model.encoder.sources[0].seen, Some(Seen::Numbers { low: 0.0, high: 9.0, mean: 4.5 }));
    assert_eq!(model.encoder.sources[1].seen, Some(Seen::Level { most_frequent: "q".to_string() }));
    let [x, q] = model.weight()[..] else { panic!("two design columns") };
    let base = model.intercept() + 4.5 * x + q;
    let (scorer, mut row, mut contributions) = (Scorer::new(model.clone()).unwrap(), Scored::default(), Vec::new());
    assert_eq!((scorer.columns(), scorer.contributors()), (&names(&["x", "g"])[..], &names(&["x", "g"])[..]));
    assert!((scorer.base(0) - base).abs() < ROUNDING);
    assert!(scorer.score(&[Cell::Number(7.0), Cell::Text("p")], &mut row).unwrap());
    scorer.contribute(&row, 0, &mut contributions);
    assert!((contributions[0] - 2.5 * x).abs() < ROUNDING && (contributions[1] + q).abs() < ROUNDING);
    // An older file knows of no typical row.
    let mut old = model;
    old.encoder.sources.iter_mut().for_each(|source| source.seen = None);
    let text = old.to_json().unwrap();
    assert!(!text.contains("\"seen\""));
    let old = Scorer::new(Model::from_json(&text, "model.json").unwrap()).unwrap();
    assert!(old.score(&[Cell::Number(17.0), Cell::Text("p")], &mut row).unwrap());
    assert!(row.flags.is_empty());
    old.contribute(&row, 0, &mut contributions);
    assert_eq!(contributions, [17.0 * x, 0.0]);
    assert_eq!(old.base(0), old.model().intercept());
}

#[test]
fn what_training_has_not_seen_is_flagged() {
    let (scorer, mut row) = (Scorer::new(small()).unwrap(), Scored::default());
    let mut flags = |cells: [Cell<'_>; 2]| {
        assert!(scorer.score(&cells, &mut row).unwrap());
        row.flags.clone()
    };
    let flag = |column, oddity| Flag { column, oddity };
    assert_eq!(flags([Cell::Number(0.0), Cell::Text("p")]), []);
    assert_eq!(flags([Cell::Number(9.0), Cell::Text("q")]), []);
    assert_eq!(flags([Cell::Number(9.1), Cell::Text("q")]), [flag(0, Oddity::AboveRange)]);
    assert_eq!(flags([Cell::Text("-1"), Cell::Text("z")]), [flag(0, Oddity::BelowRange), flag(1, Oddity::UnseenLevel)]);
    let imputing = Encoding { target: "y".to_string(), missing: Missing::Impute, ..Encoding::default() };
    let imputing = Scorer::new(fitted("x,y\n1,0\n2,1\n,1\n3,0\n4,1\n9,0\n", &imputing, Penalty::ridge(0.1))).unwrap();
    assert!(imputing.score(&[Cell::Number(f64::NAN)], &mut row).unwrap());
    assert_eq!(row.flags, [flag(0, Oddity::Missing)]);
}

/// The delta method by hand: of the logit b + w·x the variance is V₀₀ + 2x·V₀₁ + x²·V₁₁.
#[test]
fn intervals_are_those_of_the_covariance() {
    let mut csv = "x,y\n".to_string();
    (0..40).for_each(|i| writeln!(csv, "{},{}", i % 9, usize::from(i * 7 % 11 + i % 9 > 9)).unwrap());
    let model = fitted(&csv, &Encoding { target: "y".to_string(), ..Encoding::default() }, Penalty::default());
    let [v00, v01, v11] = model.covariance[..] else { panic!("two coefficients") };
    let (scorer, mut row) = (Scorer::new(model).unwrap(), Scored::default());
    assert!(scorer.has_intervals());
    // At the last the probability is 1 to all its digits, and its interval is not.
    for x in [0.0, 3.5, 20.0, 400.0] {
        assert!(scorer.score(&[Cell::Number(x)], &mut row).unwrap());
        let half = 1.959_963_984_540_054 * (v00 + 2.0 * x * v01 + x * x * v11).sqrt();
        let middle = row.logits[0];
        let (low, high) = scorer.interval(&mut row, 1).unwrap();
        assert!((low - sigmoid(middle - half)).abs() < ROUNDING && (high - sigmoid(middle + half)).abs() < ROUNDING);
        let (other_low, other_high) = scorer.interval(&mut row, 0).unwrap();
        assert!((1.0 - high - other_low).abs() < ROUNDING && (1.0 - low - other_high).abs() < ROUNDING);
    }
}

#[test]
fn a_model_that_remembers_what_cannot_be_is_refused() {
    let seen = |low: f64, mean: f64, high: f64| Some(Seen::Numbers { low, high, mean });
    let level = |name: &str| Some(Seen::Level { most_frequent: name.to_string() });
    for (at, wrong) in [(0, seen(3.0, 1.0, 2.0)), (0, level("q")), (1, level("z")), (1, seen(0.0, 1.0, 2.0))] {
        let mut model = small();
        model.encoder.sources[at].seen = wrong;
        let error = Model::from_json(&model.to_json().unwrap(), "model.json").unwrap_err();
        assert!(error.to_string().contains("cannot have been seen"), "{error}");
    }
}

/// Days since 1970 are no numbers of a column that was trained on numbers.
#[test]
fn dates_are_no_numbers() {
    let model = small();
    let dates = table("x,g\n2024-01-01,p\n2024-01-02,q\n", model.scoring(ReadOptions::default()));
    let error = model.score_table(&dates).unwrap_err();
    assert!(error.to_string().ends_with("rows.csv:2: column `x`: expected a number, found `2024-01-01`"), "{error}");
    // A column that is all missing is of no kind.
    let encoder: &Encoder = &model.encoder;
    let encoded: logistic::Result<Encoded> =
        encoder.features(&table("x,g\nNA,p\n", model.scoring(ReadOptions::default())));
    assert_eq!(encoded.unwrap_err().kind(), "missing_value");
}
