//! CSV in any dialect: no panic, a consistent table, and the same one whichever way it is parsed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use logistic::table::ReadOptions;
use logistic_fuzz::{other_table_of, same, table_of};

fuzz_target!(|data: &[u8]| {
    let [choice, bytes @ ..] = data else { return };
    let options = options(*choice);
    let Some(table) = table_of(bytes, &options) else { return };
    let Some(delimiter) = options.delimiter else { return };
    // The same cells in quotes take the other way through the reader.
    let lone_return = bytes.iter().enumerate().any(|(at, byte)| *byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
    // Other formats have no quotes: JSON lines, and the pairs of svmlight.
    let is_other = bytes.trim_ascii_start().starts_with(b"{") || bytes.contains(&b':');
    if bytes.contains(&b'"') || lone_return || is_other || bytes.starts_with(b"\xef\xbb\xbf") {
        return;
    }
    let other = other_table_of(&quoted(bytes, delimiter), &options).expect("cells in quotes are the same cells");
    assert!(same(&table, &other), "quotes change nothing");
});

fn options(choice: u8) -> ReadOptions {
    let delimiter = [None, Some(b','), Some(b';'), Some(b'\t'), Some(b'|'), Some(b' '), Some(0xc3), Some(b'.')];
    let mut options = ReadOptions {
        delimiter: delimiter[usize::from(choice & 7)],
        decimal_comma: choice & 8 != 0,
        header: choice & 16 == 0,
        ..ReadOptions::default()
    };
    if choice & 32 != 0 {
        options.text.push("a".to_string());
    }
    if choice & 64 != 0 {
        options.missing_markers.push("9".to_string());
    }
    if choice & 128 != 0 {
        options.only = Some(vec!["a".to_string(), "b".to_string(), "column1".to_string()]);
    }
    options
}

fn quoted(bytes: &[u8], delimiter: u8) -> Vec<u8> {
    let mut out = Vec::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let cells = line.strip_suffix(b"\n").unwrap_or(line);
        let (cells, end) = match cells.strip_suffix(b"\r") {
            Some(cells) => (cells, &b"\r\n"[..]),
            None => (cells, &line[cells.len()..]),
        };
        if !cells.is_empty() {
            let each: Vec<&[u8]> = cells.split(|byte| *byte == delimiter).collect();
            let joined = each.join(&[b'"', delimiter, b'"'][..]);
            out.extend_from_slice(&[b"\"", &joined[..], b"\""].concat());
        }
        out.extend_from_slice(end);
    }
    out
}
