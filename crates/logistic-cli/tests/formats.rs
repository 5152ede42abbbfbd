//! One table in every format, and models of every version.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use tempfile::TempDir;

const FORMATS: [&str; 9] = [
    "table.csv",
    "table.tsv",
    "table-gzip.csv",
    "table.csv.zst",
    "table.jsonl",
    "table.parquet",
    "table.arrow",
    "table.arrows",
    "parts",
];

fn testdata(name: &str) -> String {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(name).to_str().unwrap().to_string()
}

fn logistic(args: &[&str], stdin: Stdio) -> Output {
    Command::new(cargo_bin!("logistic")).args(args).stdin(stdin).output().unwrap()
}

/// The model file that `train` writes.
fn model(folder: &TempDir, data: &[&str], stdin: Stdio, more: &[&str]) -> Vec<u8> {
    let path = folder.path().join("model.json");
    let settings = [
        "--target",
        "sex",
        "--positive",
        "male",
        "--spline",
        "bill_length_mm:4",
        "--interaction",
        "species:body_mass_g",
        "--log",
        "flipper_length_mm",
        "--min-level-count",
        "60",
        "--missing",
        "drop",
        "-o",
        path.to_str().unwrap(),
    ];
    let output = logistic(&[&["train"], data, &settings, more].concat(), stdin);
    assert!(output.status.success(), "{data:?}: {}", String::from_utf8_lossy(&output.stderr));
    std::fs::read(path).unwrap()
}

#[test]
fn every_format_gives_the_same_bytes() {
    let folder = TempDir::new().unwrap();
    let expected = model(&folder, &[&testdata("formats/table.csv")], Stdio::null(), &[]);
    for format in FORMATS {
        let path = testdata(&format!("formats/{format}"));
        assert!(model(&folder, &[&path], Stdio::null(), &[]) == expected, "{format} gives another model");
        let on_disk = model(&folder, &[&path], Stdio::null(), &["--memory", "1B"]);
        assert!(on_disk == expected, "{format} gives another model on disk");
        if format != "parts" {
            let file = std::fs::File::open(&path).unwrap();
            let on_disk = model(&folder, &["-"], file.into(), &["--memory", "1B"]);
            assert!(on_disk == expected, "{format} from standard input, on disk");
            let file = std::fs::File::open(&path).unwrap();
            assert!(model(&folder, &["-"], file.into(), &[]) == expected, "{format} from standard input");
        }
    }
    let comma = testdata("formats/table-comma.csv");
    assert!(model(&folder, &[&comma], Stdio::null(), &["--decimal-comma"]) == expected);
    let parts = ["part-0.csv", "part-1.csv", "part-2.parquet"].map(|part| testdata(&format!("formats/parts/{part}")));
    for memory in ["1GB", "1B"] {
        let all = model(&folder, &[&parts[0], &parts[1], &parts[2]], Stdio::null(), &["--memory", memory]);
        assert!(all == expected, "parts in {memory}");
    }
}

#[test]
fn every_format_is_scored_the_same() {
    let folder = TempDir::new().unwrap();
    model(&folder, &[&testdata("formats/table.csv")], Stdio::null(), &["--unseen", "other"]);
    let model = folder.path().join("model.json").to_str().unwrap().to_string();
    // Parts of several formats cannot be written as one.
    for format in FORMATS.iter().filter(|format| **format != "parts") {
        let output = logistic(&["predict", &model, &testdata(&format!("formats/{format}"))], Stdio::null());
        assert!(output.status.success(), "{format}: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let scores: Vec<(String, String)> = match format.ends_with(".jsonl") {
            true => text
                .lines()
                .map(|line| {
                    let row: serde_json::Value = serde_json::from_str(line).unwrap();
                    let probability = row["probability"].as_f64().map_or(String::new(), |p| p.to_string());
                    (probability, row["predicted"].as_str().unwrap_or("").to_string())
                })
                .collect(),
            false => text
                .lines()
                .skip(1)
                .map(|line| {
                    let mut cells = line.rsplit([',', '\t']);
                    let class = cells.next().unwrap().to_string();
                    (cells.next().unwrap().to_string(), class)
                })
                .collect(),
        };
        assert_eq!(scores.len(), 344, "{format}");
        assert_eq!(scores.iter().filter(|(probability, _)| probability.is_empty()).count(), 2, "{format}");
        let sum: f64 = scores.iter().filter_map(|(probability, _)| probability.parse::<f64>().ok()).sum();
        assert_eq!(sum.to_bits(), first_sum(&model).to_bits(), "{format}");
    }
}

/// Rows of other columns must not come to stand under the first file's header.
#[test]
fn files_of_other_columns_are_not_scored_under_one_header() {
    let files = [testdata("formats/table.parquet"), testdata("adversarial/good.parquet")];
    let output = logistic(&["predict", &testdata("models/v2.json"), &files[0], &files[1]], Stdio::null());
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("good.parquet: expected the columns of the first file, in its order"), "{told}");
}

/// The sum of the probabilities of the CSV file.
fn first_sum(model: &str) -> f64 {
    let output = logistic(&["predict", model, &testdata("formats/table.csv")], Stdio::null());
    let text = String::from_utf8(output.stdout).unwrap();
    let probability = |line: &str| line.rsplit(',').nth(1).unwrap().parse::<f64>().ok();
    text.lines().skip(1).filter_map(probability).sum()
}

/// What exponential functions of the processor's own libraries, with which the first files were scored, differ by.
const ROUNDING: f64 = 2.0 * f64::EPSILON;

/// Whether two scored lines end in the same class, and the same probability but for rounding.
fn scores_alike(found: &str, expected: &str) -> bool {
    let last_two = |line: &str| {
        let mut cells = line.rsplitn(3, ',').map(String::from);
        (cells.next().unwrap(), cells.next().unwrap())
    };
    let ((class, p), (expected_class, expected_p)) = (last_two(found), last_two(expected));
    let same = match (p.parse::<f64>(), expected_p.parse::<f64>()) {
        (Ok(p), Ok(expected)) => (p - expected).abs() <= ROUNDING * expected,
        _ => p == expected_p,
    };
    same && class == expected_class
}

#[test]
fn models_of_every_version_load_and_score_as_they_did() {
    let mut n_models = 0;
    for entry in std::fs::read_dir(testdata("models")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let scored = std::fs::read_to_string(path.with_extension("csv")).unwrap();
        let data = if path.file_stem().unwrap() == "v1" { "saheart.csv" } else { "formats/table.csv" };
        let output = logistic(&["predict", path.to_str().unwrap(), &testdata(data)], Stdio::null());
        let found = String::from_utf8(output.stdout).unwrap();
        assert_eq!(found.lines().count(), scored.lines().count(), "{}", path.display());
        for (found, expected) in found.lines().zip(scored.lines()) {
            assert!(scores_alike(found, expected), "{} scores otherwise: {found} and {expected}", path.display());
        }
        assert!(logistic(&["summary", path.to_str().unwrap()], Stdio::null()).status.success());
        n_models += 1;
    }
    assert!(n_models >= 2);
}

/// Killed at any moment, a run leaves the old output or the new one.
#[test]
fn a_kill_leaves_a_whole_file() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let mut csv = "a,b,y\n".to_string();
    for row in 0..200_000_u64 {
        csv += &format!("{},{},{}\n", row * 7919 % 1013, row * 104_729 % 997, row * 31 % 7 % 2);
    }
    std::fs::write(path("data.csv"), &csv).unwrap();
    let train = ["train", &path("data.csv"), "--target", "y", "-o", &path("model.json")];
    let predict = ["predict", &path("model.json"), &path("data.csv"), "-o", &path("scored.csv")];
    for args in [&train[..], &predict[..]] {
        let output = args.last().unwrap();
        let begun = Instant::now();
        let first = logistic(args, Stdio::null());
        assert!(first.status.success(), "{:?} {}", first.status, String::from_utf8_lossy(&first.stderr));
        let whole = begun.elapsed();
        let new = std::fs::read(output).unwrap();
        for step in 0..20 {
            std::fs::write(output, "old").unwrap();
            let mut child = Command::new(cargo_bin!("logistic")).args(args).stdout(Stdio::null()).spawn().unwrap();
            std::thread::sleep(whole.mul_f64(f64::from(step) / 16.0).min(Duration::from_secs(2)));
            child.kill().unwrap();
            child.wait().unwrap();
            let left = std::fs::read(output).unwrap();
            assert!(left == b"old" || left == new, "{} bytes after step {step}", left.len());
        }
        // On a busy machine even the last run may have been killed.
        std::fs::write(output, &new).unwrap();
    }
}
