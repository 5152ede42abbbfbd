//! The commands of the README and of the guide print what stands there.

use std::path::PathBuf;
use std::process::Command;

use assert_cmd::cargo::cargo_bin;
use tempfile::TempDir;

/// The commands of the console blocks, each with the lines that follow it.
fn commands(readme: &str) -> Vec<(Vec<String>, Vec<String>)> {
    let mut commands = Vec::new();
    for block in readme.split("```console\n").skip(1) {
        let block = block.split("```").next().unwrap();
        for line in block.lines() {
            match line.strip_prefix("$ logistic ") {
                Some(typed) => commands.push((typed.split(' ').map(String::from).collect(), Vec::new())),
                None => commands.last_mut().unwrap().1.push(line.to_string()),
            }
        }
    }
    commands
}

#[test]
fn the_front_page_does_not_lie() {
    prints_what_it_says("README.md");
}

#[test]
fn the_guide_does_not_lie() {
    prints_what_it_says("docs/guide.md");
}

fn prints_what_it_says(page: &str) {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = TempDir::new().unwrap();
    let page = std::fs::read_to_string(root.join(page)).unwrap();
    let commands = commands(&page);
    assert!(commands.len() >= 3);
    for (typed, lines) in commands {
        let in_repository = |word: &String| match word.strip_prefix("testdata/") {
            Some(name) => root.join("testdata").join(name).to_str().unwrap().to_string(),
            None => word.clone(),
        };
        let args: Vec<String> = typed.iter().map(in_repository).collect();
        let output = Command::new(cargo_bin!("logistic")).args(&args).current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{typed:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        // `…` stands for lines left out.
        let mut rest = text.as_str();
        for part in lines.split(|line| line == "…") {
            let part = part.join("\n");
            let at = rest.find(&part).unwrap_or_else(|| panic!("{typed:?} does not print\n{part}\nbut\n{text}"));
            rest = &rest[at + part.len()..];
        }
        assert!(!lines.is_empty() || text.is_empty(), "{typed:?} prints\n{text}");
    }
}
