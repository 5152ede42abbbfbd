//! `logistic report` and `train --report`: what is on the page, and what is not.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;
use tempfile::TempDir;

fn logistic(folder: &TempDir, words: &[&str]) -> Output {
    Command::new(cargo_bin!("logistic")).args(words).current_dir(folder.path()).output().unwrap()
}

fn done(folder: &TempDir, words: &[&str]) -> String {
    let output = logistic(folder, words);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn testdata(name: &str) -> String {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../../testdata", name].iter().collect();
    path.to_str().unwrap().to_string()
}

fn page(folder: &TempDir, name: &str) -> String {
    std::fs::read_to_string(folder.path().join(name)).unwrap()
}

/// What the slider counts with.
fn counts(page: &str) -> Value {
    let start = page.find("id=\"counts\"").unwrap();
    let start = start + page[start..].find('>').unwrap() + 1;
    serde_json::from_str(&page[start..start + page[start..].find("</script>").unwrap()]).unwrap()
}

#[test]
fn a_page_says_which_rows_its_numbers_are_of() {
    let folder = TempDir::new().unwrap();
    let data = testdata("saheart.csv");
    let fit = ["train", &data, "--target", "chd", "--json"];
    let held_out = ["--test-fraction", "0.3", "--seed", "1", "--report", "held-out.html"];
    let answer = done(&folder, &[&fit[..], &held_out, &["-o", "model.json"]].concat());
    let test = &serde_json::from_str::<Value>(&answer).unwrap()["test"];
    let text = page(&folder, "held-out.html");
    assert!(text.contains(&format!("the {} rows of {data} that were held out of the fit", test["n_rows"])));
    let counts = counts(&text);
    let own = counts["own"].as_u64().unwrap() as usize;
    let [[_, fp], [r#fn, tp]] = serde_json::from_value::<[[f64; 2]; 2]>(test["confusion_matrix"].clone()).unwrap();
    assert_eq!(counts["threshold"][own], 0.5);
    assert_eq!((counts["tp"][own].as_f64(), counts["fp"][own].as_f64()), (Some(tp), Some(fp)));
    assert_eq!(counts["positives"].as_f64(), Some(tp + r#fn));
    assert!(text.contains(&format!("logistic train {data} --target chd --json --test-fraction 0.3")));
    done(&folder, &[&fit[..], &["--report", "fitted.html"]].concat());
    assert!(
        page(&folder, "fitted.html").contains("the 462 rows of")
            && page(&folder, "fitted.html").contains("which the model was fitted to")
    );
    done(&folder, &[&fit[..], &["--test-data", &data, "--report", "apart.html"]].concat());
    assert!(page(&folder, "apart.html").contains(&format!("measured on the 462 rows of {data}.")));
    assert_eq!(done(&folder, &["report", "model.json", &data]), "");
    assert!(page(&folder, "report.html").contains(&format!("logistic report model.json {data}")));
    let twice = page(&folder, "report.html");
    done(&folder, &["report", "model.json", &data]);
    assert_eq!(page(&folder, "report.html"), twice, "the same bytes");
}

#[test]
fn a_page_of_the_model_alone_says_what_is_missing() {
    let folder = TempDir::new().unwrap();
    done(&folder, &["train", &testdata("saheart.csv"), "--target", "chd", "-o", "model.json"]);
    done(&folder, &["report", "model.json", "-o", "alone.html"]);
    let text = page(&folder, "alone.html");
    for there in ["Coefficients", "Odds ratios", "Training curve", "made from the model alone", "McFadden"] {
        assert!(text.contains(there), "{there}");
    }
    assert!(!text.contains("id=\"threshold\"") && !text.contains("Worst residuals"));
}

#[test]
fn words_of_the_data_cannot_become_part_of_the_page() {
    let folder = TempDir::new().unwrap();
    let mut csv = "<script>alert(1)</script>,\"a\"\"b & <i>\",y\n".to_string();
    for i in 0..60 {
        let (level, y) = (["<b>x</b>", "</title>", "'&amp;"][i % 3], i * 7 % 10 < 4 + i % 3);
        csv.push_str(&format!("{},{level},{}\n", i * 13 % 17, if y { "</script><img src=x>" } else { "no" }));
    }
    std::fs::write(folder.path().join("data.csv"), csv).unwrap();
    let positive = ["--positive", "</script><img src=x>"];
    done(&folder, &[&["train", "data.csv", "--target", "y", "--report", "page.html"][..], &positive].concat());
    let text = page(&folder, "page.html");
    for raw in ["<script>alert", "<img", "<b>", "<i>"] {
        assert!(!text.contains(raw), "{raw}");
    }
    assert_eq!(text.matches("</title>").count(), text.matches("<title>").count());
    assert_eq!(text.matches("<script").count(), 2);
    assert_eq!(counts(&text)["classes"][1], "</script><img src=x>");
}

#[test]
fn what_does_not_exist_is_left_out_and_said() {
    let folder = TempDir::new().unwrap();
    let cases: [(&str, &[&str], &str); 6] = [
        ("sex2.csv", &["--target", "case"], "the classes are separated, and what is shown is a ridge fit"),
        ("saheart.csv", &["--target", "chd", "--l2", "0.1"], "not for coefficients that a penalty draws towards 0"),
        ("saheart.csv", &["--target", "chd", "--bound", "age>=0.1"], "not within bounds"),
        ("saheart.csv", &["--target", "chd", "--solver", "sgd", "--epochs", "2"], "did not reach the optimum"),
        ("iris.csv", &["--target", "species", "--l2", "0.1"], "no intervals for more than two classes"),
        ("anes96.csv", &["--target", "PID"], "Left out: the curves"),
    ];
    for (data, words, told) in cases {
        let data = testdata(data);
        let fit = [&["train", &data][..], words, &["--report", "page.html"]].concat();
        if told == "Left out: the curves" {
            // Seven classes are few enough for curves of each.
            done(&folder, &fit);
            assert!(!page(&folder, "page.html").contains(told));
            continue;
        }
        done(&folder, &fit);
        let text = page(&folder, "page.html");
        assert!(text.contains(told), "{words:?}");
        assert!(!text.contains("class=\"band") || data.contains("anes"), "{words:?} has no band");
        assert!(text.len() < 1_000_000);
    }
    // Rows of one class have no curve.
    let rows = std::fs::read_to_string(testdata("saheart.csv")).unwrap();
    let negative: Vec<&str> =
        rows.lines().enumerate().filter(|(i, l)| *i == 0 || l.ends_with(",0")).map(|(_, l)| l).collect();
    std::fs::write(folder.path().join("negative.csv"), negative.join("\n")).unwrap();
    done(&folder, &["train", &testdata("saheart.csv"), "--target", "chd", "-o", "model.json"]);
    done(&folder, &["report", "model.json", "negative.csv"]);
    let text = page(&folder, "report.html");
    for told in ["All rows are of one class", "There is no ROC curve", "There is no lift"] {
        assert!(text.contains(told), "{told}");
    }
}

#[test]
fn every_kind_of_column_has_its_effect() {
    let folder = TempDir::new().unwrap();
    let fit = ["train", &testdata("formats/table.csv"), "--target", "species", "--positive", "Adelie", "--l2", "0.01"];
    let columns = ["--missing", "impute", "--spline", "bill_length_mm:4", "--log", "body_mass_g"];
    let words = [&fit[..], &columns, &["--interaction", "sex:bill_depth_mm", "--report", "page.html"]].concat();
    done(&folder, &words);
    let text = page(&folder, "page.html");
    for column in ["bill_length_mm", "body_mass_g", "flipper_length_mm"] {
        assert!(text.contains(&format!("Probability against {column}")), "{column}");
    }
    assert!(text.contains("Probability by sex") && text.contains("Probability by island"));
}

#[test]
fn a_page_that_cannot_be_written_stops_the_work_before_it_starts() {
    let folder = TempDir::new().unwrap();
    let data = testdata("saheart.csv");
    let nowhere =
        logistic(&folder, &["train", &data, "--target", "chd", "--report", "nowhere/page.html", "-o", "m.json"]);
    assert_eq!(nowhere.status.code(), Some(1));
    assert!(!folder.path().join("m.json").exists());
    std::fs::copy(&data, folder.path().join("own.csv")).unwrap();
    done(&folder, &["train", "own.csv", "--target", "chd", "-o", "model.json"]);
    for words in [
        &["train", "own.csv", "--target", "chd", "--report", "own.csv"][..],
        &["train", "own.csv", "--target", "chd", "--report", "same", "-o", "same"],
        &["report", "model.json", "own.csv", "-o", "own.csv"],
        &["report", "model.json", "own.csv", "-o", "model.json"],
    ] {
        assert_eq!(logistic(&folder, words).status.code(), Some(1), "{words:?}");
    }
    assert_eq!(std::fs::read(folder.path().join("own.csv")).unwrap(), std::fs::read(Path::new(&data)).unwrap());
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn a_model_keeps_the_covariance_behind_its_standard_errors() {
    let folder = TempDir::new().unwrap();
    let two =
        ["train", &testdata("saheart.csv"), "--target", "chd", "--class-weight", "balanced", "--covariance", "hc1"];
    let more = ["train", &testdata("anes96.csv"), "--target", "PID", "--exclude", "vote"];
    for words in [&two[..], &more] {
        done(&folder, &[words, &["-o", "model.json"]].concat());
        let file: Value = serde_json::from_str(&page(&folder, "model.json")).unwrap();
        let model = &file["model"];
        let covariance: Vec<f64> = serde_json::from_value(model["covariance"].clone()).unwrap();
        let estimated: Vec<&Value> =
            model["coefficients"].as_array().unwrap().iter().filter(|own| !own["estimate"].is_null()).collect();
        assert_eq!(covariance.len(), estimated.len() * (estimated.len() + 1) / 2);
        for (i, coefficient) in estimated.iter().enumerate() {
            let std_error = coefficient["inference"]["std_error"].as_f64().unwrap();
            let variance = covariance[i * (i + 1) / 2 + i];
            assert!((variance.sqrt() / std_error - 1.0).abs() < 1e-12, "{}", coefficient["term"]);
        }
    }
    // Where there are no standard errors there is no covariance.
    done(&folder, &["train", &testdata("saheart.csv"), "--target", "chd", "--l2", "0.1", "-o", "model.json"]);
    assert!(!page(&folder, "model.json").contains("\"covariance\": ["));
}

#[test]
fn a_column_without_a_cell_is_described_as_empty() {
    let folder = TempDir::new().unwrap();
    done(&folder, &["train", &testdata("saheart.csv"), "--target", "chd", "--missing", "impute", "-o", "model.json"]);
    let rows = std::fs::read_to_string(testdata("saheart.csv")).unwrap();
    // The ninth column is `age`.
    let blank = |line: &str| {
        let mut cells: Vec<&str> = line.split(',').collect();
        cells[8] = "";
        cells.join(",")
    };
    let lines: Vec<String> =
        rows.lines().enumerate().map(|(at, line)| if at == 0 { line.to_string() } else { blank(line) }).collect();
    std::fs::write(folder.path().join("blank.csv"), lines.join("\n")).unwrap();
    done(&folder, &["report", "model.json", "blank.csv"]);
    let text = page(&folder, "report.html");
    assert!(text.contains("<td>empty</td><td>462 (100.0 %)</td>"));
    assert!(!text.contains("Probability against age"));
}
