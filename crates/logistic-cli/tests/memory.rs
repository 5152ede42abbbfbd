//! A table that is kept on disk gives the bytes of one in memory.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use tempfile::TempDir;

fn data(name: &str) -> String {
    format!("{}/../../testdata/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn train(folder: &Path, name: &str, arguments: &[&str]) -> (String, Vec<u8>) {
    let model = folder.join(name);
    let output =
        Command::cargo_bin("logistic").unwrap().arg("train").args(arguments).arg("-o").arg(&model).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (told, std::fs::read(model).unwrap_or_default())
}

/// The same on disk, and in memory.
fn agree(arguments: &[&str]) {
    let folder = TempDir::new().unwrap();
    let held = train(folder.path(), "held.json", &[arguments, &["--memory", "1GB"]].concat());
    let on_disk = train(folder.path(), "on-disk.json", &[arguments, &["--memory", "1B"]].concat());
    assert_eq!(held.0, on_disk.0);
    assert!(!held.1.is_empty() && held.1 == on_disk.1, "{arguments:?}\n{}", held.0);
}

fn table() -> String {
    let mut text = "id,x,small,word,mixed,day,w,empty,y\n".to_string();
    for i in 0..4000_u32 {
        let x = f64::from(i.wrapping_mul(2_654_435_761) >> 8) / f64::from(1 << 24);
        let missing = i % 11 == 3;
        let number = if missing { String::new() } else { format!("{x:.17}") };
        // Numbers in the first block, and then a word.
        let mixed = if i % 13 == 0 { "00A".to_string() } else { format!("00{}", i % 3) };
        let day = format!("2024-{:02}-{:02}", i % 12 + 1, i % 28 + 1);
        let y = u8::from(x + f64::from(i % 7) / 7.0 + f64::from(i * 37 % 101) / 101.0 > 1.5);
        let word = ["blue", "red", "green", "NA"][(i * 7 % 4) as usize];
        text += &format!("r{i},{number},{},{word},{mixed},{day},{},,{y}\n", i % 5, i % 3 + 1);
    }
    text
}

fn written(folder: &TempDir) -> PathBuf {
    let path = folder.path().join("table.csv");
    std::fs::write(&path, table()).unwrap();
    path
}

#[test]
fn on_disk_the_same_model() {
    let folder = TempDir::new().unwrap();
    let path = written(&folder);
    let path = path.to_str().unwrap();
    let base = ["--target", "y", "--exclude", "id", "--categorical", "mixed"];
    for more in [
        &["--missing", "drop", "--weights", "w"][..],
        &["--missing", "impute", "--date-parts", "--interaction", "x:word", "--spline", "x:4"],
        &["--missing", "impute", "--l1", "0.001", "--test-fraction", "0.25", "--offset", "small"],
        &["--missing", "drop", "--log", "w", "--l2", "auto", "--unseen", "baseline"],
        &["--missing", "drop", "--firth"],
        &["--missing", "impute", "--diagnostics", "--effects", "--cluster", "small"],
    ] {
        agree(&[&[path], &base[..], more].concat());
    }
    agree(&[&data("iris.csv"), "--target", "species"]);
    agree(&[&data("iris.csv"), "--target", "species", "--positive", "setosa"]);
}

#[test]
fn what_is_wrong_is_said_alike() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("wrong.csv");
    for wrong in ["x,y\n1,0\n2,1\nthree,0\n4,1\n5,0\n6,1\n7,1\n8,0\n9,1\n10,0\n11,1\n", "x,y\n1e999,0\n2,1\n", "x,y\n"]
    {
        std::fs::write(&path, wrong).unwrap();
        let told =
            |memory| train(folder.path(), "m.json", &[path.to_str().unwrap(), "--target", "y", "--memory", memory]);
        let (held, on_disk) = (told("1GB"), told("1B"));
        assert_eq!(held, on_disk);
        assert!(held.0.contains("error"), "{}", held.0);
    }
}

/// A run that is killed again and again ends as one that is not.
#[test]
#[cfg(unix)]
fn a_killed_run_goes_on_where_it_was() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("rows.csv");
    let mut text = "a,b,c,d,y\n".to_string();
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 24) - 0.5
    };
    for _ in 0..60_000 {
        let (a, b, c, d) = (next(), next(), next(), next());
        let y = u8::from(2.0 * a - b + 0.5 * c + 2.0 * next() > 0.1);
        text += &format!("{a},{b},{c},{d},{y}\n");
    }
    std::fs::write(&path, text).unwrap();
    let arguments = [path.to_str().unwrap(), "--target", "y", "--solver", "lbfgs", "--l2", "0.01", "--memory", "1B"];
    let (_, whole) = train(folder.path(), "whole.json", &arguments);
    let checkpoint = folder.path().join("run.checkpoint");
    let checkpointed = [&arguments[..], &["--checkpoint", checkpoint.to_str().unwrap()]].concat();
    let begun = std::time::Instant::now();
    let (_, at_once) = train(folder.path(), "at-once.json", &checkpointed);
    let length = begun.elapsed();
    assert!(at_once == whole && !checkpoint.exists());
    let model = folder.path().join("killed.json");
    let (mut kills, mut grown) = (0, 0);
    while kills < 20 {
        let mut run = std::process::Command::new(assert_cmd::cargo::cargo_bin!("logistic"));
        let run = run.arg("train").args(&checkpointed).arg("-o").arg(&model);
        let mut run = run.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
        std::thread::sleep(length.mul_f64((next() + 0.5).min(0.9)));
        kills += 1;
        run.kill().unwrap();
        if run.wait().unwrap().success() {
            assert!(std::fs::read(&model).unwrap() == whole);
            std::fs::remove_file(&model).unwrap();
            grown = 0;
            continue;
        }
        let size = std::fs::metadata(&checkpoint).map_or(0, |file| file.len());
        assert!(size >= grown, "a checkpoint lost what it held");
        grown = size;
    }
    let (_, resumed) = train(folder.path(), "resumed.json", &checkpointed);
    assert!(resumed == whole);
    assert!(!checkpoint.exists());
}

/// What is removed at the end must not be what the run was for.
#[test]
fn a_checkpoint_is_no_output() {
    let folder = TempDir::new().unwrap();
    let path = written(&folder);
    let model = folder.path().join("model.json");
    let arguments =
        [path.to_str().unwrap(), "--target", "y", "--features", "small", "--checkpoint", model.to_str().unwrap()];
    let (told, bytes) = train(folder.path(), "model.json", &arguments);
    assert!(told.contains("`checkpoint` must be another file") && bytes.is_empty(), "{told}");
}
