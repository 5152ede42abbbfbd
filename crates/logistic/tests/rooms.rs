//! Imports run one way: a room uses only rooms of a lower rank. ARCHITECTURE.md shows the table.

use std::path::{Path, PathBuf};

const RANKS: [(&str, u32); 19] = [
    ("distribution", 0),
    ("error", 0),
    ("kernel", 0),
    ("cholesky", 1),
    ("file", 1),
    ("numbers", 1),
    ("random", 1),
    ("loss", 1),
    ("table", 2),
    ("dataset", 2),
    ("encode", 3),
    ("objective", 3),
    ("solver", 4),
    ("model", 5),
    ("evaluate", 5),
    ("export", 6),
    ("plot", 6),
    ("report", 7),
    ("tutorial", 6),
];

fn rank(room: &str) -> u32 {
    RANKS.iter().find(|(name, _)| *name == room).unwrap_or_else(|| panic!("`{room}` has no rank")).1
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn imports_run_one_way() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut seen = 0;
    for file in files.iter().filter(|file| !file.ends_with("lib.rs")) {
        let inside = file.strip_prefix(&root).unwrap().to_str().unwrap();
        let room = inside.split(['/', '.']).next().unwrap();
        let text = std::fs::read_to_string(file).unwrap();
        for after in
            text.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(|l| l.split("crate::").skip(1))
        {
            let name: String = after.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            if name.is_empty() || name == room {
                continue;
            }
            assert!(rank(&name) < rank(room), "{inside} imports `{name}`, which does not rank below `{room}`");
            seen += 1;
        }
    }
    assert!(seen > 30, "the test reads imports");
}
