//! Where the bytes come from, and what they are: told by the content, not by the name.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;
use std::sync::Arc;

use tempfile::TempPath;

use crate::error::{Error, Place, Result};

/// Hears how many bytes of the files were read since it was last called.
pub type Progress<'a> = &'a (dyn Fn(u64) + Sync);

/// One input.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// A file.
    File(String),
    /// Standard input, which can be read once.
    Stdin,
    /// Bytes in memory, which can be read more than once, and what they are called: `-` where they were standard input.
    Held(Arc<[u8]>, String),
    /// Standard input, in a temporary file.
    Copied(Arc<TempPath>),
}

/// What the bytes of an input are, compression aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Csv,
    JsonLines,
    Svmlight,
    Parquet,
    ArrowFile,
    ArrowStream,
}

/// The inputs that `paths` name: files, `-` for standard input, and the files of folders by name, those aside that
/// begin with `.` or `_`, as engines mark what is no data.
pub(super) fn sources(paths: &[String]) -> Result<Vec<Source>> {
    let mut found = Vec::new();
    for path in paths {
        if path == "-" {
            found.push(Source::Stdin);
        } else if Path::new(path).is_dir() {
            found.extend(folder(path)?);
        } else {
            found.push(Source::File(path.clone()));
        }
    }
    if found.iter().filter(|source| matches!(source, Source::Stdin)).count() > 1 {
        return Err(malformed("-", "standard input once", "it twice", "give it once"));
    }
    Ok(found)
}

fn folder(path: &str) -> Result<Vec<Source>> {
    let io = |source| Error::Io { path: path.into(), action: "read", source };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path).map_err(io)? {
        let entry = entry.map_err(io)?;
        let hidden = entry.file_name().as_encoded_bytes().first().is_some_and(|byte| matches!(byte, b'.' | b'_'));
        if !hidden {
            names.push(entry.path().display().to_string());
        }
    }
    names.sort_unstable();
    if let Some(inner) = names.iter().find(|name| Path::new(name).is_dir()) {
        return Err(malformed(path, "a folder of files", &format!("the folder `{inner}` in it"), "name the files"));
    }
    if names.is_empty() {
        return Err(malformed(path, "a folder of files", "an empty one", "name a file, or a folder with part files"));
    }
    Ok(names.into_iter().map(Source::File).collect())
}

impl Source {
    /// The input as the user named it.
    pub(super) fn name(&self) -> &str {
        match self {
            Source::File(path) => path,
            Source::Held(_, name) => name,
            Source::Stdin | Source::Copied(_) => "-",
        }
    }

    /// The same input, in a form that can be read more than once: standard input is held in memory, or copied to disk.
    pub(super) fn held(self, on_disk: bool) -> Result<Self> {
        let Source::Stdin = self else { return Ok(self) };
        let io = |source| Error::Io { path: "-".into(), action: "read", source };
        if on_disk {
            let mut copy = tempfile::NamedTempFile::new().map_err(io)?;
            std::io::copy(&mut std::io::stdin(), &mut copy).map_err(io)?;
            return Ok(Source::Copied(Arc::new(copy.into_temp_path())));
        }
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map_err(io)?;
        Ok(Source::Held(bytes.into(), "-".to_string()))
    }

    /// The file, where there is one.
    #[cfg(feature = "arrow")]
    pub(super) fn path(&self) -> Option<&str> {
        match self {
            Source::File(path) => Some(path),
            Source::Copied(path) => path.to_str(),
            Source::Stdin | Source::Held(..) => None,
        }
    }

    /// The bytes of the input as it is stored.
    pub(super) fn bytes(&self) -> u64 {
        let of = |path: &Path| path.metadata().map_or(0, |metadata| metadata.len());
        match self {
            Source::File(path) => of(Path::new(path)),
            Source::Copied(path) => of(path),
            Source::Held(bytes, _) => bytes.len() as u64,
            Source::Stdin => 0,
        }
    }

    /// Opens the input, undoes a compression, and tells the format.
    pub(super) fn open(&self, progress: Progress<'_>) -> Result<Input> {
        let io = |source| Error::Io { path: self.name().into(), action: "read", source };
        let raw: Box<dyn Read + Send> = match self {
            Source::File(path) => Box::new(File::open(path).map_err(io)?),
            Source::Stdin => Box::new(std::io::stdin()),
            Source::Held(bytes, _) => Box::new(Cursor::new(Arc::clone(bytes))),
            Source::Copied(path) => Box::new(File::open(&**path).map_err(io)?),
        };
        let mut input =
            Input { name: self.name().to_string(), head: Vec::new(), used: 0, rest: raw, compression: None };
        input.fill_head(MAGIC)?;
        if let Some((compression, open)) = compression(&input.head) {
            let inner = std::mem::replace(&mut input.rest, Box::new(std::io::empty()));
            let whole = Cursor::new(std::mem::take(&mut input.head)).chain(inner);
            input.compression = Some(compression);
            input.rest = open(Box::new(whole)).map_err(|error| input.damaged(&error))?;
        }
        let mut size = HEAD;
        input.fill_head(size)?;
        // A header longer than that is a wide table's; one without end is no header.
        while input.head.len() == size && size < LONGEST_HEADER && memchr::memchr2(b'\n', b'\r', &input.head).is_none()
        {
            size *= 4;
            input.fill_head(size)?;
        }
        progress(0);
        Ok(input)
    }
}

/// Enough to know a compression by.
const MAGIC: usize = 16;
/// Enough to know the format, the delimiter and the names of ten thousand columns by.
pub(super) const HEAD: usize = 1 << 18;
/// Enough for the names of a million columns.
const LONGEST_HEADER: usize = 1 << 26;

type Decompressor = fn(Box<dyn Read + Send>) -> std::io::Result<Box<dyn Read + Send>>;

fn compression(head: &[u8]) -> Option<(&'static str, Decompressor)> {
    match head {
        [0x1f, 0x8b, ..] => Some(("gzip", |raw| Ok(Box::new(flate2::read::MultiGzDecoder::new(raw))))),
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
            Some(("zstd", |raw| Ok(Box::new(zstd::stream::read::Decoder::new(raw)?))))
        }
        _ => None,
    }
}

/// The compression of bytes, by the first of them.
pub(super) fn packed(head: &[u8]) -> Option<&'static str> {
    compression(head).map(|(compression, _)| compression)
}

/// An open input: its first bytes, and the rest.
pub(super) struct Input {
    pub(super) name: String,
    head: Vec<u8>,
    used: usize,
    rest: Box<dyn Read + Send>,
    compression: Option<&'static str>,
}

impl Input {
    /// The first bytes.
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    fn fill_head(&mut self, size: usize) -> Result<()> {
        let wanted = size.saturating_sub(self.head.len()) as u64;
        let read = (&mut self.rest).take(wanted).read_to_end(&mut self.head);
        read.map(|_| ()).map_err(|error| self.damaged(&error))
    }

    /// Appends at most `size` bytes to `buffer`; fewer only at the end.
    pub(super) fn read_to(&mut self, buffer: &mut Vec<u8>, size: usize) -> Result<()> {
        let from_head = size.min(self.head.len() - self.used);
        buffer.extend_from_slice(&self.head[self.used..self.used + from_head]);
        self.used += from_head;
        let read = (&mut self.rest).take((size - from_head) as u64).read_to_end(buffer);
        read.map(|_| ()).map_err(|error| self.damaged(&error))
    }

    /// Whether the bytes are those of the file itself.
    pub(super) fn is_plain(&self) -> bool {
        self.compression.is_none()
    }

    /// The format of the content.
    pub(super) fn format(&self) -> Result<Format> {
        if let Some((what, help)) = foreign(&self.head) {
            return Err(malformed(&self.name, "a table", what, help));
        }
        let text = self.head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.head);
        let text = text.trim_ascii_start();
        match &self.head[..] {
            [b'P', b'A', b'R', b'1', ..] => Ok(Format::Parquet),
            [b'A', b'R', b'R', b'O', b'W', b'1', ..] => Ok(Format::ArrowFile),
            [0xff, 0xff, 0xff, 0xff, ..] => Ok(Format::ArrowStream),
            _ if text.is_empty() => {
                Err(malformed(&self.name, "a table", "nothing", "look at where the file came from"))
            }
            _ if text.starts_with(b"{") => Ok(Format::JsonLines),
            _ if text.starts_with(b"[{") || text.starts_with(b"[\n") || text.starts_with(b"[\r\n") => Err(malformed(
                &self.name,
                "JSON lines: one object per line",
                "a JSON array",
                "write one object per line, for instance with `jq -c .[]`",
            )),
            _ if super::svmlight::is_svmlight(text) => Ok(Format::Svmlight),
            _ => Ok(Format::Csv),
        }
    }

    /// What a failure to read means: damage, where the bytes are compressed.
    fn damaged(&self, error: &std::io::Error) -> Error {
        match self.compression {
            None => {
                let source = std::io::Error::new(error.kind(), error.to_string());
                Error::Io { path: self.name.clone().into(), action: "read", source }
            }
            Some(compression) => malformed(
                &self.name,
                &format!("whole {compression} data"),
                &format!("data that are cut off or damaged ({error})"),
                "fetch the file again",
            ),
        }
    }
}

/// Files that are no tables, or none that are read here, by their first bytes: what they are, and the way out.
fn foreign(head: &[u8]) -> Option<(&'static str, &'static str)> {
    let utf8 = "convert the file to UTF-8, for instance with `iconv -f utf-16 -t utf-8`";
    let known: [(&[u8], &str, &str); 14] = [
        (b"\x1f\x8b", "gzip data within compressed data", "unpack it once"),
        (b"\x28\xb5\x2f\xfd", "zstd data within compressed data", "unpack it once"),
        (b"PK\x03\x04", "a zip archive or a spreadsheet", "unpack it, or save the sheet as CSV"),
        (b"\xd0\xcf\x11\xe0", "an old Office file", "save the sheet as CSV"),
        (b"SQLite format 3", "an SQLite database", "export the table as CSV"),
        (b"BZh", "bzip2 data", "unpack it with `bunzip2`, or compress it with gzip or zstd"),
        (b"\xfd7zXZ", "xz data", "unpack it with `unxz`, or compress it with gzip or zstd"),
        (b"\x89PNG", "a PNG picture", "give a file of rows and columns"),
        (b"%PDF", "a PDF", "give a file of rows and columns"),
        (b"FEA1", "a Feather file of version 1", "write it again as Feather version 2 (Arrow IPC) or Parquet"),
        (b"Obj\x01", "an Avro file", "write it again as Parquet or CSV"),
        (b"ORC", "an ORC file", "write it again as Parquet or CSV"),
        (b"\xff\xfe", "text in UTF-16", utf8),
        (b"\xfe\xff", "text in UTF-16", utf8),
    ];
    known.into_iter().find(|(magic, ..)| head.starts_with(magic)).map(|(_, what, help)| (what, help))
}

/// A file that is not what it should be, as a whole.
pub(super) fn malformed(path: &str, expected: &str, found: &str, help: &str) -> Error {
    Error::Malformed {
        place: Place::file(path),
        expected: expected.to_string(),
        found: found.to_string(),
        help: Some(help.to_string()),
    }
}
