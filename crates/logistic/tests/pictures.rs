//! Pictures are well-formed, say what they show, and refuse what cannot be drawn.
#![cfg(feature = "plot")]

use logistic::dataset::{Dataset, Folds};
use logistic::evaluate::{ConfusionMatrix, Evaluation, Gains, Interval};
use logistic::model::{ELASTIC_NET_RATIOS, LogisticRegression, Path, Penalty, Rule};
use logistic::plot::{self, Boundary, Picture};

fn rows() -> (Vec<f64>, Vec<f64>) {
    let p: Vec<f64> = (0..400).map(|i| f64::from((i * 37) % 101) / 101.0).collect();
    let y = p.iter().enumerate().map(|(i, p)| f64::from(*p > ((i * 13) % 17) as f64 / 17.0)).collect();
    (p, y)
}

fn evaluation() -> Evaluation {
    let (p, y) = rows();
    Evaluation::new(&p, &y, None, 0.5).unwrap()
}

fn check(picture: &Picture, words: &[&str]) {
    let svg = picture.svg().unwrap();
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    assert!(svg.contains("DejaVu Sans, Verdana, sans-serif"));
    for word in words {
        assert!(svg.contains(word), "`{word}` is not in the picture");
    }
    assert_eq!(svg, picture.svg().unwrap(), "the same picture twice");
    let png = picture.png().unwrap();
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
    assert_eq!((reader.info().width, reader.info().height), (1280, 1040));
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    assert!(pixels.iter().any(|&p| p < 128), "something is drawn");
}

#[test]
fn each_picture_shows_what_it_is_of() {
    let evaluation = evaluation();
    check(&plot::log_probability(), &["log p", "probability p"]);
    check(&plot::training_loss(&[0.7, 0.5, 0.4], "epoch").unwrap(), &["Training loss", "epoch"]);
    let roc = evaluation.roc.as_ref().unwrap();
    check(&plot::roc(roc, None).unwrap(), &["chance", "area 0."]);
    let interval = Some(Interval { low: 0.75, high: 0.875 });
    check(&plot::roc(roc, interval).unwrap(), &["(95 %: 0.750 to 0.875)"]);
    let (p, y) = rows();
    let gains = Gains::new(&p, &y, None).unwrap();
    check(&plot::gains(&gains).unwrap(), &["chance", "perfect", "lift 1.", "Cumulative gains"]);
    let pr = evaluation.pr.as_ref().unwrap();
    check(&plot::precision_recall(pr, 0.5).unwrap(), &["average precision 0.", "base rate 0.500"]);
    check(&plot::calibration(&evaluation.calibration).unwrap(), &["perfect", "slope"]);
    let matrix =
        ConfusionMatrix { true_negative: 75.0, false_positive: 21.0, false_negative: 7.0, true_positive: 97.0 };
    check(
        &plot::confusion_matrix(&matrix, ["no", "yes"]).unwrap(),
        &["75", "21", "97", "78.1 %", "predicted", "actual"],
    );
}

#[test]
fn boundaries_of_every_direction() {
    let points: Vec<[f64; 2]> = (0..50).map(|i| [f64::from(i % 7), f64::from(i % 5)]).collect();
    let positive: Vec<bool> = (0..50).map(|i| i % 3 == 0).collect();
    let names = (["width", "height"], ["Tännchen & <co>", "yes"]);
    for (weight, line) in
        [([1.0, 0.0], true), ([0.0, 1.0], true), ([1.0, -1.0], true), ([0.0, 0.0], false), ([0.001, 0.0], false)]
    {
        let boundary = Boundary {
            weight,
            bias: -2.0 * weight[0] - 2.0 * weight[1] - f64::from(weight[0] == 0.001),
            threshold: 0.5,
        };
        let picture = plot::scatter(&points, &positive, names.0, names.1, Some(boundary)).unwrap();
        check(&picture, &["width", "height", "yes", "&lt;co&gt;"]);
        assert_eq!(picture.svg().unwrap().contains("probability 0.5"), line, "{weight:?}");
    }
    check(&plot::scatter(&[[1.0, 1.0]], &[true], names.0, names.1, None).unwrap(), &["Data by class"]);
    let many = vec![[0.5, 0.25]; 200_000];
    let svg = plot::scatter(&many, &vec![false; 200_000], names.0, names.1, None).unwrap().svg().unwrap();
    assert!(svg.len() < 1_000_000);
    let alternating: Vec<bool> = (0..20_000).map(|i| i % 2 == 0).collect();
    let svg = plot::scatter(&many[..20_000], &alternating, names.0, names.1, None).unwrap().svg().unwrap();
    for colour in ["#0072B2", "#D55E00"] {
        assert!(svg.matches(colour).count() > 1000, "both classes are drawn");
    }
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    let names = (["a", "b"], ["no", "yes"]);
    assert!(plot::scatter(&[], &[], names.0, names.1, None).is_err());
    assert!(plot::scatter(&[[f64::NAN, 0.0]], &[true], names.0, names.1, None).is_err());
    assert!(plot::scatter(&[[1.7e308, 0.0], [-1.7e308, 1.0]], &[true, false], names.0, names.1, None).is_err());
    assert!(plot::scatter(&[[0.0, 0.0]], &[], names.0, names.1, None).is_err());
    assert!(plot::training_loss(&[], "epoch").is_err());
    let evaluation = evaluation();
    let mut roc = evaluation.roc.clone().unwrap();
    assert!(plot::roc(&roc, Some(Interval { low: f64::NAN, high: 1.0 })).is_err());
    roc.true_positive_rate[3] = f64::NAN;
    assert!(plot::roc(&roc, None).is_err());
    let mut pr = evaluation.pr.clone().unwrap();
    pr.precision[3] = f64::INFINITY;
    assert!(plot::precision_recall(&pr, 0.5).is_err());
    let mut calibration = evaluation.calibration.clone();
    calibration.bins[0].observed = f64::NAN;
    assert!(plot::calibration(&calibration).is_err());
    let (p, y) = rows();
    let mut gains = Gains::new(&p, &y, None).unwrap();
    gains.gain[1] = f64::NAN;
    assert!(plot::gains(&gains).is_err());
    assert!(plot::training_loss(&[f64::NAN], "epoch").is_err());
    check(&plot::training_loss(&[0.5, f64::INFINITY], "epoch").unwrap(), &["Training loss"]);
}

#[test]
fn penalties() {
    let n = 200;
    let x: Vec<f64> = (0..8 * n).map(|i| f64::from((i * i * 31 + 7 * i) as u32 % 1009) / 500.0 - 1.0).collect();
    let noise = |i: usize| f64::from((i * 7919) as u32 % 101) / 50.0 - 1.0;
    let y = x.chunks_exact(8).enumerate();
    let y = y.map(|(i, x)| f64::from(2.0 * x[0] - x[1] + 0.5 * x[2] + 2.0 * noise(i) > 0.0)).collect();
    let data = Dataset::from_rows(&x, 8, y).unwrap();
    let settings = LogisticRegression {
        penalty: Penalty { standardised: true, ..Penalty::default() },
        ..LogisticRegression::default()
    };
    let folds = Folds::stratified(&data.rows(), 5, 0).unwrap();
    let names: Vec<String> = (1..=8).map(|j| format!("column <{j}>")).collect();
    for (ratios, rule) in
        [(&[1.0][..], Rule::OneStandardError), (&ELASTIC_NET_RATIOS, Rule::Minimum), (&[0.0], Rule::Minimum)]
    {
        let (found, path) = settings.cross_validate(&data.rows(), &folds, ratios, rule).unwrap();
        let chosen = found.chosen();
        let lines = plot::path(&path, &names, Some(chosen.l1 + chosen.l2)).unwrap();
        check(&lines, &["Regularisation path", "column &lt;1&gt;", "chosen"]);
        let losses = plot::cross_validation(&found).unwrap();
        check(&losses, &["Cross-validation", if ratios.len() > 1 { "l1 ratio 0.50" } else { "one standard error" }]);
        if let Ok(dir) = std::env::var("PICTURES") {
            lines
                .save(std::path::Path::new(&dir), &format!("path-{}", ratios.len() * 10 + ratios[0] as usize))
                .unwrap();
            losses.save(std::path::Path::new(&dir), &format!("cv-{}", ratios.len() * 10 + ratios[0] as usize)).unwrap();
        }
        assert!(plot::path(&path, &names[1..], None).is_err());
        assert!(plot::path(&Path { points: Vec::new(), ..path }, &names, None).is_err());
    }
}
