//! Rows on a web server and in S3: both played by a small server on this machine.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::processes::{Running, assert_agree, binary, estimates, listening, of, rows, spawned, train};

/// A server of the files of a folder, by name, in parts, and as the bucket `bucket`; its threads end with the test's process.
struct Store {
    address: String,
    /// How many requests carried a signature of S3's.
    signed: Arc<AtomicUsize>,
}

impl Store {
    fn of(folder: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, signed) = (listener.local_addr().unwrap().to_string(), Arc::new(AtomicUsize::new(0)));
        let (folder, counted) = (folder.to_path_buf(), Arc::clone(&signed));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (folder, counted) = (folder.clone(), Arc::clone(&counted));
                std::thread::spawn(move || while answer(&stream, &folder, &counted).is_some() {});
            }
        });
        Store { address, signed }
    }
}

/// What a request asks for.
#[derive(Default)]
struct Request {
    is_head: bool,
    path: String,
    query: String,
    range: Option<(u64, u64)>,
    is_signed: bool,
}

fn request(stream: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let first = lines.next()?;
    let mut words = first.split(' ');
    let mut request = Request { is_head: words.next()? == "HEAD", ..Request::default() };
    let (path, query) = words.next().map(|target| target.split_once('?').unwrap_or((target, "")))?;
    (request.path, request.query) = (path.to_string(), query.to_string());
    for (name, value) in lines.filter_map(|line| line.split_once(": ").map(|(a, b)| (a.to_lowercase(), b.to_string())))
    {
        match name.as_str() {
            "range" => {
                let (from, to) = value.strip_prefix("bytes=")?.split_once('-')?;
                request.range = Some((from.parse().ok()?, to.parse().ok()?));
            }
            "authorization" => request.is_signed = value.starts_with("AWS4-HMAC-SHA256 Credential=someone/"),
            _ => {}
        }
    }
    Some(request)
}

/// Answers one request; `None` when there are no more.
fn answer(mut stream: &TcpStream, folder: &Path, signed: &AtomicUsize) -> Option<()> {
    let request = request(stream)?;
    signed.fetch_add(usize::from(request.is_signed), Ordering::Relaxed);
    let name = request.path.trim_start_matches("/bucket").trim_matches('/');
    let (status, kind, all) = match name {
        "" if request.query.contains("list-type=2") => ("200 OK", "application/xml", listing(folder, &request.query)),
        _ => match std::fs::read(folder.join(name)) {
            Ok(bytes) => ("200 OK", "application/octet-stream", bytes),
            Err(_) => ("404 Not Found", "text/plain", Vec::new()),
        },
    };
    let n = all.len() as u64;
    let (status, from, to, range) = match request.range {
        Some((from, last)) if !all.is_empty() => {
            let to = (last + 1).min(n);
            ("206 Partial Content", from, to, format!("Content-Range: bytes {from}-{}/{n}\r\n", to - 1))
        }
        _ => (status, 0, n, String::new()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n{range}ETag: \"{n}\"\r\n\
         Last-Modified: Sun, 01 Nov 2026 00:00:00 GMT\r\nAccept-Ranges: bytes\r\n\r\n",
        to - from
    );
    stream.write_all(head.as_bytes()).ok()?;
    if !request.is_head {
        stream.write_all(&all[from as usize..to as usize]).ok()?;
    }
    Some(())
}

/// What S3 says of the objects of a bucket (ListObjectsV2).
fn listing(folder: &Path, query: &str) -> Vec<u8> {
    let prefix = query.split('&').find_map(|part| part.strip_prefix("prefix=")).unwrap_or("").replace("%2F", "/");
    let mut names: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListBucketResult>\
                    <Name>bucket</Name><IsTruncated>false</IsTruncated>"
        .to_string();
    for path in names {
        let (name, size) = (path.file_name().unwrap().to_string_lossy().into_owned(), path.metadata().unwrap().len());
        if name.starts_with(&prefix) {
            text += &format!(
                "<Contents><Key>{name}</Key><LastModified>2026-11-01T00:00:00.000Z</LastModified>\
                 <ETag>\"{size}\"</ETag><Size>{size}</Size></Contents>"
            );
        }
    }
    (text + "</ListBucketResult>").into_bytes()
}

#[test]
fn rows_are_read_where_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("model.json");
    let folder = dir.path().join("rows");
    std::fs::create_dir(&folder).unwrap();
    let data = rows(&folder);
    let one = folder.join("part1.csv").display().to_string();
    let (of_all, of_one) =
        (estimates(train(&of(&data, &[]), &model), &model), estimates(train(&of(&one, &[]), &model), &model));
    let store = Store::of(&folder);
    let endpoint = format!("http://{}", store.address);
    let secrets = [
        ("AWS_ENDPOINT", endpoint.as_str()),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_REGION", "somewhere"),
        ("AWS_ACCESS_KEY_ID", "someone"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ];
    let (_head, address) = listening(binary().args(["scheduler", "--port", "0"]).envs(secrets));
    let executor = ["executor", "--scheduler", &address, "--cores", "1", "--memory", "500MB"];
    let _executor = Running::start(binary().args(executor).envs(secrets));
    let engine = format!("df://{address}");
    let (web, s3) = (format!("{endpoint}/part1.csv"), "s3://bucket/*.csv".to_string());
    for (data, expected) in [(&web, &of_one), (&s3, &of_all)] {
        for engine in [&[][..], &["--engine", &engine, "--partitions", "2"][..]] {
            let words = of(data, engine);
            let fit = spawned(binary().arg("train").args(words).args(["--json", "-o"]).arg(&model).envs(secrets));
            assert_agree(&estimates(fit, &model), expected);
        }
    }
    assert!(store.signed.load(Ordering::Relaxed) > 0);
}
