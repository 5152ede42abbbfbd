//! Bad and odd inputs, each through the real binary: `testdata/adversarial/cases.json` says what must come of it.
//!
//! Every case has two checks. What `cases.json` demands is written by hand. The whole of what was said stands in
//! `expected/NAME.txt`, so that a change of words is seen; `UPDATE_EXPECTED=1` writes it anew, but only for cases that
//! meet the demands.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use assert_cmd::Command;
use assert_cmd::cargo::cargo_bin;
use serde_json::Value;
use tempfile::TempDir;

/// Nobody waits longer than this for an answer about a small file.
const TIME_LIMIT: Duration = Duration::from_secs(5);
const THREADS: usize = 2;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/adversarial").canonicalize().unwrap()
}

/// A line of `cases.json`.
struct Case {
    name: String,
    args: Vec<String>,
    stdin: Option<String>,
    exit: i64,
    stderr: Vec<String>,
    stdout: Vec<String>,
    makes: Vec<String>,
}

fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(folder().join("cases.json")).unwrap();
    let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
    cases.iter().map(Case::read).collect()
}

impl Case {
    fn read(value: &Value) -> Case {
        const KEYS: [&str; 8] = ["name", "about", "args", "stdin", "exit", "stderr", "stdout", "makes"];
        let strange = value.as_object().unwrap().keys().find(|key| !KEYS.contains(&key.as_str()));
        assert!(strange.is_none(), "{value}: what is {strange:?}?");
        let word = |key: &str| value[key].as_str().map(String::from);
        let words = |key: &str| -> Vec<String> {
            let list = value[key].as_array().map(Vec::as_slice).unwrap_or_default();
            list.iter().map(|word| word.as_str().unwrap().to_string()).collect()
        };
        assert!(word("about").is_some_and(|about| !about.is_empty()), "{value} says nothing about itself");
        Case {
            name: word("name").unwrap(),
            args: words("args"),
            stdin: word("stdin"),
            exit: value["exit"].as_i64().unwrap(),
            stderr: words("stderr"),
            stdout: words("stdout"),
            makes: words("makes"),
        }
    }

    fn json(&self) -> bool {
        self.args.iter().any(|arg| arg == "--json")
    }

    /// The entries of the folder that the case reads.
    fn inputs(&self) -> impl Iterator<Item = &str> {
        let named = self.args.iter().filter_map(|arg| arg.strip_prefix("{dir}/"));
        named.map(|path| path.split('/').next().unwrap_or(path)).chain(self.stdin.as_deref())
    }

    /// Runs the case, and says everything that is not as it should be.
    fn complaints(&self) -> Vec<String> {
        let said = self.run();
        let mut complaints = said.breaches(self);
        let path = folder().join("expected").join(&self.name).with_extension("txt");
        let (snapshot, expected) = (said.snapshot(), std::fs::read_to_string(&path).unwrap_or_default());
        if snapshot != expected {
            if std::env::var_os("UPDATE_EXPECTED").is_none() {
                complaints.push(format!("is not as {}", path.display()));
                complaints.extend(difference(&expected, &snapshot));
            } else if complaints.is_empty() {
                std::fs::write(path, &snapshot).unwrap();
            }
        }
        if !complaints.is_empty() {
            complaints.push(format!("it said\n{}", said.indented()));
        }
        complaints
    }

    fn run(&self) -> Said {
        let (dir, tmp) = (folder(), TempDir::new().unwrap());
        let tmp_path = tmp.path().canonicalize().unwrap();
        let testdata = dir.parent().unwrap();
        let places = [("{dir}", dir.as_path()), ("{tmp}", tmp_path.as_path()), ("{testdata}", testdata)];
        let filled = |arg: &String| {
            places.iter().fold(arg.clone(), |arg, (name, path)| arg.replace(name, path.to_str().unwrap()))
        };
        let stdin = self.stdin.as_ref().map(|name| std::fs::read(dir.join(name)).unwrap()).unwrap_or_default();
        let mut command = Command::new(cargo_bin!("logistic"));
        // Neither the width of a terminal nor a wish for colours may shape the words.
        command.env_remove("COLUMNS").env_remove("CLICOLOR_FORCE").env("NO_COLOR", "1").current_dir(&tmp_path);
        let start = Instant::now();
        let output =
            command.args(self.args.iter().map(filled)).write_stdin(stdin).timeout(TIME_LIMIT).output().unwrap();
        let took = start.elapsed();
        let plain = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            places.iter().fold(text, |text, (name, path)| text.replace(path.to_str().unwrap(), name))
        };
        Said {
            exit: output.status.code().map(i64::from),
            stdout: plain(&output.stdout),
            stderr: plain(&output.stderr),
            made: names_in(tmp.path()),
            took,
        }
    }
}

/// What came of a run.
struct Said {
    exit: Option<i64>,
    stdout: String,
    stderr: String,
    made: BTreeSet<String>,
    took: Duration,
}

impl Said {
    /// What the hand-written demands, and those on every run, find wrong.
    fn breaches(&self, case: &Case) -> Vec<String> {
        let mut breaches = Vec::new();
        let mut check = |holds: bool, breach: String| {
            if !holds {
                breaches.push(breach);
            }
        };
        check(self.took < TIME_LIMIT, format!("took {:?}", self.took));
        check(self.exit == Some(case.exit), format!("ends with {:?}, not {}", self.exit, case.exit));
        for words in &case.stderr {
            check(self.stderr.contains(words), format!("stderr lacks `{words}`"));
        }
        for words in &case.stdout {
            check(self.stdout.contains(words), format!("stdout lacks `{words}`"));
        }
        check(!self.stderr.contains("panicked"), "it panicked".to_string());
        check(!self.stderr.contains(".tmp"), "stderr names a temporary file nobody asked for".to_string());
        // Bytes of a strange file must not give orders to the terminal.
        check(
            !self.stderr.contains(|c: char| c.is_control() && c != '\n'),
            "stderr has control characters".to_string(),
        );
        if self.exit == Some(1) {
            let known = |line: &str| ["error: ", "help: ", "warning: "].iter().any(|start| line.starts_with(start));
            check(self.stderr.lines().all(known), "an error and its help are one line each".to_string());
            check(self.stderr.lines().all(|line| line.len() < 1000), "nobody reads a line so long".to_string());
        }
        if case.exit != 0 {
            check(case.json() || self.stdout.is_empty(), "stdout is not empty".to_string());
            check(self.made.is_empty(), format!("left {:?} behind", self.made));
        }
        for name in &case.makes {
            check(self.made.contains(name), format!("did not make {name}"));
        }
        breaches
    }

    /// The whole answer; of a success without its tables of numbers, which other tests compare.
    fn snapshot(&self) -> String {
        let exit = self.exit.map_or("none".to_string(), |code| code.to_string());
        let stdout = if self.exit == Some(0) { "" } else { &self.stdout };
        format!("exit {exit}\n--- stdout\n{stdout}--- stderr\n{}", self.stderr)
    }

    fn indented(&self) -> String {
        let snapshot = self.snapshot();
        let cut = if snapshot.chars().count() > 2000 { "…" } else { "" };
        let text: String = snapshot.chars().take(2000).chain(cut.chars()).collect();
        text.lines().map(|line| format!("       | {}\n", line.replace(char::is_control, "\u{fffd}"))).collect()
    }
}

fn names_in(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// The first line that differs, both ways.
fn difference(expected: &str, found: &str) -> Option<String> {
    let (mut expected, mut found) = (expected.lines(), found.lines());
    loop {
        match (expected.next(), found.next()) {
            (None, None) => return Some("the lines are the same, their ends are not".to_string()),
            (a, b) if a == b => {}
            (a, b) => {
                let shown = |line: Option<&str>| line.unwrap_or("(nothing)").to_string();
                return Some(format!("expected: {}\n       found:    {}", shown(a), shown(b)));
            }
        }
    }
}

#[test]
fn every_bad_input_gets_its_answer() {
    let cases = cases();
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let complaints = case.complaints();
                    if !complaints.is_empty() {
                        let text = format!("{}:\n     - {}", case.name, complaints.join("\n     - "));
                        failures.lock().unwrap().push(text);
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    assert!(failures.is_empty(), "{} of {} cases fail\n\n{}", failures.len(), cases.len(), failures.join("\n\n"));
}

#[test]
fn cases_and_files_belong_together() {
    let cases = cases();
    assert!(cases.len() >= 60, "only {} cases", cases.len());
    let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), cases.len(), "two cases of one name");

    // What is in the folder to make or to describe the cases; files whose names begin with a dot are the tools'.
    let others = ["cases.json", "make.py", "expected", "README.md"];
    let used: BTreeSet<&str> = cases.iter().flat_map(Case::inputs).collect();
    let present = names_in(&folder());
    let unused: Vec<&String> = present
        .iter()
        .filter(|name| !name.starts_with('.') && !others.contains(&name.as_str()) && !used.contains(name.as_str()))
        .collect();
    assert!(unused.is_empty(), "no case uses {unused:?}");

    let snapshots = names_in(&folder().join("expected"));
    let stale: Vec<&String> =
        snapshots.iter().filter(|name| !name.strip_suffix(".txt").is_some_and(|name| names.contains(name))).collect();
    assert!(stale.is_empty(), "no case makes expected/{stale:?}");
}
