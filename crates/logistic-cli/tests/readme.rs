//! The commands of the README, of the guide and of the tutorial print what stands there.

use std::path::{Path, PathBuf};
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

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(page: &str) -> String {
    std::fs::read_to_string(root().join(page)).unwrap()
}

#[test]
fn the_front_page_does_not_lie() {
    prints_what_it_says("README.md");
}

#[test]
fn the_guide_does_not_lie() {
    prints_what_it_says("docs/guide.md");
}

#[test]
fn the_tutorial_does_not_lie() {
    let folder = prints_what_it_says("docs/tutorial.md");
    let page = read("docs/tutorial.md");
    let shown: Vec<&str> = page.split("](tutorial/").skip(1).map(|after| after.split(')').next().unwrap()).collect();
    assert!(shown.len() >= 5, "{shown:?}");
    for name in &shown {
        let drawn = std::fs::read(folder.path().join("walk").join(name)).unwrap();
        let file = std::fs::read(root().join("docs/tutorial").join(name)).unwrap();
        assert!(drawn == file, "docs/tutorial/{name} is not what `logistic tutorial --out walk` draws");
    }
    assert_eq!(files(&root().join("docs/tutorial")), shown.len(), "each picture there is shown");
}

fn files(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[test]
fn the_guide_has_commands_alone() {
    assert!(languages(&read("docs/guide.md")).iter().all(|language| language == "console"));
}

/// Rust is run by the library's documentation tests, Python by those of the Python package, with the text that a block of
/// it prints behind it.
#[test]
fn no_code_of_the_tutorial_is_left_out() {
    let languages = languages(&read("docs/tutorial.md"));
    for (at, language) in languages.iter().enumerate() {
        let run = match language.as_str() {
            "rust" | "console" | "python" => true,
            "text" => at > 0 && languages[at - 1] == "python",
            _ => false,
        };
        assert!(run, "nothing runs block {at} of the tutorial, of `{language}`");
    }
    for language in ["rust", "console", "python"] {
        assert!(languages.iter().filter(|of| *of == language).count() >= 5, "{language}");
    }
}

/// What stands behind the fence that opens each block.
fn languages(page: &str) -> Vec<String> {
    assert!(!page.contains("~~~") && !page.contains("````"), "blocks are fenced by three backticks");
    let fences: Vec<&str> = page.lines().filter_map(|line| line.trim_start().strip_prefix("```")).collect();
    assert!(fences.iter().skip(1).step_by(2).all(|end| end.is_empty()), "each block is closed");
    fences.iter().step_by(2).map(|language| language.to_string()).collect()
}

/// Runs the commands of the page, and gives the folder in which they ran.
fn prints_what_it_says(page: &str) -> TempDir {
    let root = root();
    let folder = TempDir::new().unwrap();
    let commands = commands(&read(page));
    assert!(commands.len() >= 3);
    for (typed, lines) in commands {
        let in_repository = |word: &String| match word.strip_prefix("testdata/") {
            Some(name) => root.join("testdata").join(name).to_str().unwrap().to_string(),
            None => word.clone(),
        };
        let mut args: Vec<String> = typed.iter().map(in_repository).collect();
        // As a shell does.
        let redirected = args.iter().position(|word| word == ">").map(|at| args.split_off(at));
        let output = Command::new(cargo_bin!("logistic")).args(&args).current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{typed:?}");
        let mut text = String::from_utf8(output.stdout).unwrap();
        if let Some([_, file]) = redirected.as_deref() {
            std::fs::write(folder.path().join(file), std::mem::take(&mut text)).unwrap();
        }
        // `…` stands for lines left out.
        let mut rest = text.as_str();
        for part in lines.split(|line| line == "…") {
            let part = part.join("\n");
            let at = rest.find(&part).unwrap_or_else(|| panic!("{typed:?} does not print\n{part}\nbut\n{text}"));
            rest = &rest[at + part.len()..];
        }
        assert!(!lines.is_empty() || text.is_empty(), "{typed:?} prints\n{text}");
    }
    folder
}
