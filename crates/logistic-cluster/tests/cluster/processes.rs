//! Schedulers, executors and fits as processes of this machine, which end with the test.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Sums are taken partition by partition, in another order than in one process.
const AGREEMENT: f64 = 1e-12;
/// No fit of these tests takes so long; one that does waits for what will not happen.
const LONGEST: Duration = Duration::from_secs(150);

pub(crate) fn binary() -> Command {
    Command::new(env!("CARGO_BIN_EXE_logistic-cluster"))
}

/// A process that ends with the test.
pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        Running(command.spawn().unwrap())
    }

    /// The most memory that it held, in bytes, where the system tells.
    pub(crate) fn most_memory(&self) -> Option<u64> {
        let told = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).ok()?;
        let line = told.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        Some(1024 * line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A scheduler with these settings, and where it listens.
pub(crate) fn scheduler(args: &[&str]) -> (Running, String) {
    listening(binary().arg("scheduler").args(args))
}

/// A process that says where it listens.
pub(crate) fn listening(command: &mut Command) -> (Running, String) {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (Running(child), line.trim().strip_prefix("listening on ").unwrap().to_string())
}

pub(crate) fn executor(scheduler: &str, memory: &str) -> Running {
    let args = ["executor", "--scheduler", scheduler, "--cores", "1", "--memory", memory];
    Running::start(binary().args(args))
}

/// A generator of numbers between 0 and 1 (Knuth's MMIX).
pub(crate) fn uniform(mut state: u64) -> impl FnMut() -> f64 {
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Four files of numbers, a category and weights.
pub(crate) fn rows(dir: &Path) -> String {
    let mut uniform = uniform(1);
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

/// Starts a fit.
pub(crate) fn train(args: &[&str], model: &Path) -> Child {
    spawned(binary().arg("train").args(args).args(["--json", "-o"]).arg(model))
}

pub(crate) fn spawned(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// The columns of [`rows`].
pub(crate) fn of<'a>(data: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&[data, "--target", "y", "--weights", "weight"], more].concat()
}

pub(crate) fn finished(child: Child) -> Output {
    let (mut running, begun) = (Running(child), Instant::now());
    while running.0.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < LONGEST, "the fit does not end");
        sleep(Duration::from_millis(20));
    }
    let mut output = Output { status: running.0.wait().unwrap(), stdout: Vec::new(), stderr: Vec::new() };
    running.0.stdout.take().unwrap().read_to_end(&mut output.stdout).unwrap();
    running.0.stderr.take().unwrap().read_to_end(&mut output.stderr).unwrap();
    output
}

/// What a fit that failed said.
pub(crate) fn complaint(child: Child) -> String {
    let output = finished(child);
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What a fit that succeeded printed.
pub(crate) fn answered(child: Child) -> Value {
    let output = finished(child);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(&said).unwrap()
}

/// Estimates and standard errors of the model that a fit wrote.
pub(crate) fn estimates(child: Child, model: &PathBuf) -> Vec<[f64; 2]> {
    answered(child);
    let file: Value = serde_json::from_str(&std::fs::read_to_string(model).unwrap()).unwrap();
    let terms = file["model"]["coefficients"].as_array().unwrap().iter();
    terms.map(|term| [&term["estimate"], &term["inference"]["std_error"]].map(|x| x.as_f64().unwrap())).collect()
}

/// What is near zero is so by its standard error.
pub(crate) fn assert_agree(found: &[[f64; 2]], expected: &[[f64; 2]]) {
    assert_eq!(found.len(), expected.len());
    for ([estimate, error], [expected, expected_error]) in found.iter().zip(expected) {
        let scale = expected.abs().max(*expected_error);
        assert!((estimate - expected).abs() <= AGREEMENT * scale, "{estimate} for {expected}");
        assert!((error - expected_error).abs() <= AGREEMENT * expected_error, "{error} for {expected_error}");
    }
}
