//! A scheduler and two executors on this machine: the same fit as in one process, whoever is killed meanwhile.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Sums are taken partition by partition, in another order than in one process.
const AGREEMENT: f64 = 1e-12;
/// No fit of these tests takes so long; one that does waits for what will not happen.
const LONGEST: Duration = Duration::from_secs(150);

fn binary() -> Command {
    Command::new(env!("CARGO_BIN_EXE_logistic-cluster"))
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn scheduler(port: &str) -> (Running, String) {
    let mut child = binary().args(["scheduler", "--port", port]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (Running(child), line.trim().strip_prefix("listening on ").unwrap().to_string())
}

fn executor(scheduler: &str) -> Running {
    let args = ["executor", "--scheduler", scheduler, "--cores", "1", "--memory", "500MB"];
    Running(binary().args(args).spawn().unwrap())
}

/// Four files of numbers, a category and weights.
fn rows(dir: &Path) -> String {
    let mut state = 1_u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    for file in 0..4 {
        let mut text = "a,b,Colour,weight,y\n".to_string();
        for _ in 0..5_000 {
            let (a, b, colour) =
                (uniform() - 0.5, 1_000.0 * uniform(), ["red", "green", "blue"][(3.0 * uniform()) as usize]);
            let logit = 2.0 * a + 0.003 * b - 1.5 + f64::from(colour == "red");
            let y = u8::from(uniform() < 1.0 / (1.0 + (-logit).exp()));
            writeln!(text, "{a},{b},{colour},{},{y}", 1 + (3.0 * uniform()) as u8).unwrap();
        }
        std::fs::write(dir.join(format!("part{file}.csv")), text).unwrap();
    }
    dir.join("*.csv").display().to_string()
}

fn train(data: &str, engine: &[&str], model: &Path) -> Child {
    let mut command = binary();
    command.args(["train", data, "--target", "y", "--weights", "weight", "--json", "-o"]).arg(model).args(engine);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn finished(child: Child) -> Output {
    let (mut running, begun) = (Running(child), Instant::now());
    while running.0.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < LONGEST, "the fit does not end");
        sleep(Duration::from_millis(20));
    }
    let mut output = Output { status: running.0.wait().unwrap(), stdout: Vec::new(), stderr: Vec::new() };
    std::io::Read::read_to_end(&mut running.0.stdout.take().unwrap(), &mut output.stdout).unwrap();
    std::io::Read::read_to_end(&mut running.0.stderr.take().unwrap(), &mut output.stderr).unwrap();
    output
}

/// Estimates and standard errors of the model that a fit wrote.
fn estimates(child: Child, model: &PathBuf) -> Vec<f64> {
    let output = finished(child);
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let file: Value = serde_json::from_str(&std::fs::read_to_string(model).unwrap()).unwrap();
    let numbers = file["model"]["coefficients"].as_array().unwrap().iter();
    numbers.flat_map(|of| [&of["estimate"], &of["inference"]["std_error"]].map(|x| x.as_f64().unwrap())).collect()
}

fn assert_agree(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= AGREEMENT * expected.abs(), "{found} for {expected}");
    }
}

#[test]
fn a_cluster_fits_as_one_process_does_whoever_is_killed_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let (data, model) = (rows(dir.path()), dir.path().join("model.json"));
    let expected = estimates(train(&data, &[], &model), &model);
    assert_eq!(expected.len(), 10, "the intercept, two numbers and two levels");

    let (head, address) = scheduler("0");
    let executors = [executor(&address), executor(&address)];
    let engine = format!("df://{address}");
    for partitions in ["1", "2", "8"] {
        let fit = train(&data, &["--engine", &engine, "--partitions", partitions], &model);
        assert_agree(&estimates(fit, &model), &expected);
    }

    let engine = ["--engine", engine.as_str(), "--partitions", "4"];
    let [first, second] = executors;
    let fit = train(&data, &engine, &model);
    sleep(Duration::from_millis(600));
    drop(first);
    assert_agree(&estimates(fit, &model), &expected);

    let third = executor(&address);
    let fit = train(&data, &engine, &model);
    sleep(Duration::from_millis(600));
    drop(head);
    let (again, _) = scheduler(address.rsplit_once(':').unwrap().1);
    assert_agree(&estimates(fit, &model), &expected);
    drop((again, second, third));
}

#[test]
fn what_cannot_be_is_said_in_words() {
    let dir = tempfile::tempdir().unwrap();
    let (data, model) = (rows(dir.path()), dir.path().join("model.json"));
    let said = |child: Child| {
        let output = finished(child);
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    // Nobody listens there, and nobody will.
    let words = said(train(&data, &["--engine", "df://127.0.0.1:1", "--patience", "1"], &model));
    assert!(words.contains("\"kind\": \"engine\"") && words.contains("df://127.0.0.1:1"), "{words}");
    let words = said(train(&data, &["--sql", "select * from t"], &model));
    assert!(words.contains("each table has a name"), "{words}");
    assert!(!model.exists());
    let open = binary().args(["scheduler", "--bind", "0.0.0.0", "--port", "0"]).output().unwrap();
    let words = String::from_utf8_lossy(&open.stderr).into_owned();
    assert!(!open.status.success() && words.contains("--insecure-bind"), "{words}");
}
