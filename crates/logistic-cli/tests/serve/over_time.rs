//! The server over time: limits, slow and mad clients, tokens, TLS, another model, and its end.

use std::io::{ErrorKind, Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use crate::server::{Folder, Response, Server, request, testdata, until};
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, Stream};

const JSON: &str = "content-type: application/json";
const ROW: &str = r#"{"tobacco": 1, "ldl": 2, "famhist": "Present", "age": 40}"#;

fn rows(n: usize) -> String {
    format!("{{\"rows\": [{}]}}", vec![ROW; n].join(","))
}

#[test]
fn more_than_the_limits_allow_is_refused() {
    let folder = Folder::new();
    let server = Server::start(&folder.hearts(), &["--max-rows", "10", "--max-body", "2000B"]);
    assert_eq!(server.predict(&rows(10)).status, 200);
    let too_many = server.predict(&rows(11)).error(413);
    assert_eq!(too_many["message"], "expected at most 10 rows, found more");
    let csv = format!("tobacco,ldl,famhist,age\n{}", "1,2,Present,40\n".repeat(11));
    assert_eq!(server.ask("POST", "/predict", &["content-type: text/csv"], csv).error(413)["kind"], "too_large");
    // A body that says how long it is, is not read; one in chunks is, up to the limit.
    let mut said = server.connect();
    said.write_all(
        b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 999999999999\r\n\r\n",
    )
    .unwrap();
    assert_eq!(
        Response::read(&mut said).unwrap().error(413)["message"],
        "expected at most 2000 bytes of a body, found more"
    );
    let mut chunked = server.connect();
    chunked.write_all(b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n").unwrap();
    for _ in 0..5 {
        // The answer may come before all is written.
        let _ = chunked.write_all(format!("200\r\n{}\r\n", " ".repeat(512)).as_bytes());
    }
    assert_eq!(Response::read(&mut chunked).unwrap().error(413)["kind"], "too_large");
    // A head has its limit too, which is HTTP's own matter.
    let mut long = server.connect();
    let _ = long.write_all(format!("GET /health HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(100_000)).as_bytes());
    assert_eq!(Response::read(&mut long).map_or(431, |response| response.status), 431);
    assert_eq!(server.get("/health").status, 200);
}

/// A row of a few bytes that becomes a long answer.
#[test]
fn an_answer_has_a_limit_too() {
    let folder = Folder::new();
    let names: Vec<String> = (0..200).map(|k| format!("a_column_of_a_name_that_is_long_{k}")).collect();
    let mut csv = format!("{},y\n", names.join(","));
    for i in 0..300_usize {
        let cells: Vec<String> = (0..200)
            .map(|k| if (i * 31 + k) % 7 == 0 { String::new() } else { (i * (k + 3) % 101).to_string() })
            .collect();
        csv += &format!("{},{}\n", cells.join(","), i * 7 % 11 % 2);
    }
    let data = folder.write("wide.csv", csv);
    let model = folder.train("model.json", &[&data, "--target", "y", "--l2", "1", "--missing", "impute"]);
    let server = Server::start(&model, &[]);
    let all: Vec<String> = names.iter().map(|name| format!("\"{name}\":null")).collect();
    let body = format!("{{\"rows\": [{{{}}},{}]}}", all.join(","), vec!["{}"; 9999].join(","));
    let error = server.predict(&body).error(413);
    assert_eq!(error["message"], "expected at most 64 MB of an answer, found more");
}

#[test]
fn slow_clients_are_let_go_of() {
    let folder = Folder::new();
    let server = Server::start(&folder.hearts(), &["--timeout", "0.5"]);
    let begun = Instant::now();
    // Half a head, and nothing at all: the connection ends.
    for begin in ["POST /predict HT", ""] {
        let mut stream = server.connect();
        stream.write_all(begin.as_bytes()).unwrap();
        let mut rest = Vec::new();
        let ended = stream.read_to_end(&mut rest);
        assert!(ended.is_ok() && rest.is_empty(), "{ended:?}");
    }
    // Half a body has an answer.
    let mut stream = server.connect();
    let whole = request("POST", "/predict", &[JSON], rows(1).as_bytes());
    stream.write_all(&whole[..whole.len() - 5]).unwrap();
    let response = Response::read(&mut stream).unwrap();
    assert_eq!(response.error(408)["kind"], "timeout");
    // One byte after the other is slow as well.
    let mut stream = server.connect();
    stream.write_all(&whole[..whole.len() - 60]).unwrap();
    for byte in &whole[whole.len() - 60..] {
        std::thread::sleep(Duration::from_millis(20));
        if stream.write_all(&[*byte]).is_err() {
            break;
        }
    }
    assert_eq!(Response::read(&mut stream).map_or(408, |response| response.status), 408);
    assert!(begun.elapsed() < Duration::from_secs(10));
    until("all connections end", || server.metric("logistic_connections") <= 1.0);
}

/// Who asks for much and reads nothing keeps neither the connection nor the server.
#[test]
fn who_does_not_read_is_let_go_of() {
    let folder = Folder::new();
    let server = Server::start(&folder.hearts(), &["--timeout", "0.5", "--max-rows", "50000"]);
    let mut stream = server.connect();
    stream.write_all(&request("POST", "/predict", &[JSON], rows(50_000).as_bytes())).unwrap();
    until("the answer is begun", || server.metric("logistic_rows_total") >= 50_000.0);
    until("the connection ends", || server.metric("logistic_connections") <= 1.0);
    assert_eq!(server.predict(&rows(1)).status, 200);
}

#[test]
fn connections_beyond_the_limit_are_told_so() {
    let folder = Folder::new();
    let server = Server::start(&folder.hearts(), &["--max-connections", "3"]);
    let mut held: Vec<_> = (0..3).map(|_| server.connect()).collect();
    for stream in &mut held {
        stream.write_all(&request("GET", "/health", &[], b"")).unwrap();
        assert_eq!(Response::read(stream).unwrap().status, 200);
    }
    let refused = server.get("/health");
    assert_eq!(refused.error(503)["kind"], "busy");
    assert_eq!((refused.header("retry-after"), refused.header("connection")), (Some("1"), Some("close")));
    drop(held);
    until("there is a place again", || server.get("/health").status == 200);
    assert!(server.metric("logistic_turned_away_total") >= 1.0);
}

#[test]
fn no_bytes_end_the_server() {
    let folder = Folder::new();
    let server = Server::start(&folder.hearts(), &["--timeout", "0.3"]);
    let whole = request("POST", "/predict", &[JSON], rows(2).as_bytes());
    let mut draw = 1_u64;
    let mut next = || {
        // Marsaglia, "Xorshift RNGs" (Journal of Statistical Software 8(14), 2003).
        draw ^= draw << 13;
        draw ^= draw >> 7;
        draw ^= draw << 17;
        draw as usize
    };
    for turn in 0..300 {
        let mut bytes = whole.clone();
        match turn % 3 {
            0 => (0..1 + next() % 8).for_each(|_| {
                let at = next() % bytes.len();
                bytes[at] = next() as u8;
            }),
            1 => bytes.truncate(next() % whole.len()),
            _ => bytes = (0..next() % 500).map(|_| next() as u8).collect(),
        }
        let mut stream = server.connect();
        // It may answer, or end the connection, before all is written.
        let _ = stream.write_all(&bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let ended = stream.read_to_end(&mut answer);
        assert!(ended.is_ok() || ended.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset));
    }
    assert_eq!(server.predict(&rows(1)).status, 200);
    for kind in ["text/csv", "application/vnd.apache.arrow.stream", "application/json"] {
        for _ in 0..50 {
            let body: Vec<u8> = [0xff; 4].into_iter().chain((0..next() % 300).map(|_| next() as u8)).collect();
            let header = format!("content-type: {kind}");
            let status = server.ask("POST", "/predict", &[&header], body).status;
            assert!([400, 422].contains(&status), "{kind}: {status}");
        }
    }
    assert_eq!(server.predict(&rows(1)).status, 200);
}

#[test]
fn who_does_not_know_the_token_learns_nothing() {
    let folder = Folder::new();
    let model = folder.hearts();
    let file = folder.write("token", "s3cret\n");
    for server in [
        Server::start(&model, &["--token-file", &file]),
        Server::start_with(&model, &[], &[("LOGISTIC_TOKEN", "s3cret")]),
    ] {
        let ask = |header: &str| server.ask("POST", "/predict", &[JSON, header], rows(1));
        for wrong in [
            "x: y",
            "authorization: Bearer",
            "authorization: Bearer ",
            "authorization: Bearer s3cre",
            "authorization: Bearer s3cret2",
            "authorization: Basic s3cret",
            "authorization: s3cret",
        ] {
            let refused = ask(wrong);
            assert_eq!(refused.error(401)["kind"], "unauthorized", "{wrong}");
            assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
        }
        for right in ["authorization: Bearer s3cret", "Authorization: bearer s3cret"] {
            assert_eq!(ask(right).status, 200, "{right}");
        }
        for path in ["/model", "/metrics", "/openapi.json", "/nothing"] {
            assert_eq!(server.get(path).status, 401, "{path}");
        }
        assert_eq!(server.get("/").status, 200);
        // Of its health no more than who sends it requests has to know.
        assert_eq!(server.get("/health").json(), serde_json::json!({"status": "ok"}));
        let known = server.ask("GET", "/health", &["authorization: Bearer s3cret"], "").json();
        assert_eq!(known["model"].as_str().map(str::len), Some(16));
    }
}

#[test]
fn who_may_listen_in_is_said() {
    let folder = Folder::new();
    let model = folder.hearts();
    let file = folder.write("token", "s3cret\n");
    let open = Server::start(&model, &["--host", "0.0.0.0"]);
    until("a warning", || open.told().contains("warning: whoever reaches this address may ask"));
    let clear = Server::start(&model, &["--host", "0.0.0.0", "--token-file", &file]);
    until("a warning", || clear.told().contains("warning: the token goes over the network as it is"));
    assert!(open.address.starts_with("0.0.0.0:"));
    assert_eq!(Server::start(&model, &[]).told(), "");
}

#[test]
fn tls_hides_what_is_said() {
    let folder = Folder::new();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_string()]).unwrap();
    let cert = folder.write("cert.pem", made.cert.pem());
    let key = folder.write("key.pem", made.signing_key.serialize_pem());
    let server = Server::start(
        &folder.hearts(),
        &["--tls-cert", &cert, "--tls-key", &key, "--timeout", "1", "--max-connections", "1"],
    );
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_root_certificates(roots).with_no_client_auth());
    let client = || ClientConnection::new(Arc::clone(&config), ServerName::try_from("localhost").unwrap()).unwrap();
    let (mut own, mut tcp) = (client(), server.connect());
    let mut stream = Stream::new(&mut own, &mut tcp);
    for _ in 0..3 {
        stream.write_all(&request("POST", "/predict", &[JSON], rows(1).as_bytes())).unwrap();
        assert_eq!(Response::read(&mut stream).unwrap().status, 200);
    }
    // There is no second place, and that is said in TLS too.
    let (mut other, mut second) = (client(), server.connect());
    let mut refused = Stream::new(&mut other, &mut second);
    refused.write_all(&request("GET", "/health", &[], b"")).unwrap();
    assert_eq!(Response::read(&mut refused).unwrap().status, 503);
    drop((tcp, second));
    // A client that speaks no TLS, or says nothing, is let go of.
    for begin in ["GET / HTTP/1.1\r\n\r\n", ""] {
        let mut plain = server.connect();
        plain.write_all(begin.as_bytes()).unwrap();
        let mut rest = Vec::new();
        let ended = plain.read_to_end(&mut rest);
        assert!(ended.is_err() || !String::from_utf8_lossy(&rest).contains("HTTP"));
    }
    // Its key is not another's.
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_string()]).unwrap();
    let wrong = folder.write("other.pem", other.signing_key.serialize_pem());
    let refused = std::process::Command::new(assert_cmd::cargo::cargo_bin!("logistic"))
        .args(["serve", &folder.path("hearts.json"), "--port", "0", "--tls-cert", &cert, "--tls-key", &wrong])
        .output()
        .unwrap();
    assert!(String::from_utf8(refused.stderr).unwrap().contains("expected a certificate and its key"));
}

#[test]
fn a_new_model_takes_over_and_a_bad_one_does_not() {
    let folder = Folder::new();
    let (model, data) = (folder.hearts(), testdata("saheart.csv"));
    let server = Server::start(&model, &[]);
    let version = || server.get("/health").json()["model"].as_str().unwrap().to_string();
    let probability = || server.predict(&rows(1)).json()["predictions"][0]["probability"].as_f64().unwrap();
    let (first, before) = (version(), probability());
    // Cut off, as by a copy that is not atomic; then nothing at all; then a byte changed.
    let whole = std::fs::read(&model).unwrap();
    let mut changed = whole.clone();
    let at = whole.len() / 2;
    changed[at] = if changed[at] == b'1' { b'2' } else { b'1' };
    for (bad, times) in [(&whole[..whole.len() / 2], 1.0), (&[][..], 2.0), (&changed[..], 3.0)] {
        std::fs::write(&model, bad).unwrap();
        until("the bad model is met", || server.metric("logistic_reloads_total{outcome=\"bad\"}") >= times);
        assert_eq!((version(), probability()), (first.clone(), before));
        assert_eq!(server.metric("logistic_model_stale"), 1.0);
        assert!(server.get("/health").json()["problem"].as_str().unwrap().contains("hearts.json"));
        until("it is said", || server.told().contains(&format!("still serving model {first}")));
    }
    std::fs::remove_file(&model).unwrap();
    until("the loss is met", || {
        server.get("/health").json()["problem"].as_str().is_some_and(|told| told.contains("cannot read"))
    });
    assert_eq!(probability(), before);
    // Something that cannot be read is said once, however often it is tried.
    std::fs::create_dir(&model).unwrap();
    until("it is met", || {
        server.get("/health").json()["problem"].as_str().is_some_and(|told| told.contains("Is a directory"))
    });
    std::thread::sleep(Duration::from_millis(1200));
    assert_eq!(server.told().matches("Is a directory").count(), 1, "{}", server.told());
    std::fs::remove_dir(&model).unwrap();
    // The old one again: nothing is wrong any more.
    std::fs::write(&model, &whole).unwrap();
    until("it is well again", || server.get("/health").json()["problem"].is_null());
    assert_eq!((version(), server.metric("logistic_model_stale")), (first.clone(), 0.0));
    // A new one, of fewer columns.
    folder.train("hearts.json", &[&data, "--target", "chd", "--features", "age"]);
    until("the new model is served", || version() != first);
    until("it is said", || server.told().contains(&format!("now serving model {}", version())));
    let columns = server.get("/model").json()["columns"].as_array().unwrap().len();
    assert_eq!((columns, probability() == before), (1, false));
    assert!(server.get("/metrics").text().contains(&format!("logistic_model{{version=\"{}\"}} 1", version())));
}

#[test]
fn no_request_under_way_is_hurt_by_a_new_model() {
    let folder = Folder::new();
    let (model, data) = (folder.hearts(), testdata("saheart.csv"));
    let server = Server::start(&model, &[]);
    let done = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut stream = server.connect();
                while done.load(Ordering::Relaxed) == 0 {
                    stream.write_all(&request("POST", "/predict", &[JSON], rows(3).as_bytes())).unwrap();
                    assert_eq!(Response::read(&mut stream).unwrap().status, 200);
                }
            });
        }
        for (k, features) in ["tobacco,ldl,famhist,age", "age,ldl", "famhist"].iter().enumerate() {
            folder.train("hearts.json", &[&data, "--target", "chd", "--features", features, "--l2", "0.5"]);
            until("the model is served", || server.metric("logistic_reloads_total{outcome=\"good\"}") as usize > k);
        }
        done.store(1, Ordering::Relaxed);
    });
}

/// 200 clients that ask one request after the other, on connections that stay open: what was sent is answered.
#[cfg(unix)]
#[test]
fn a_signal_under_load_loses_no_request() {
    let folder = Folder::new();
    let model = folder.hearts();
    for signal in ["-TERM", "-INT"] {
        let mut server = Server::start(&model, &[]);
        let (answered, lost, closed) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        let begun = Barrier::new(201);
        std::thread::scope(|scope| {
            for _ in 0..200 {
                scope.spawn(|| {
                    let mut stream = server.connect();
                    let bytes = request("POST", "/predict", &[JSON], rows(2).as_bytes());
                    begun.wait();
                    loop {
                        stream.write_all(&bytes).unwrap();
                        match Response::read(&mut stream) {
                            Ok(response) => {
                                assert_eq!(response.status, 200);
                                answered.fetch_add(1, Ordering::Relaxed);
                                if response.header("connection") == Some("close") {
                                    closed.fetch_add(1, Ordering::Relaxed);
                                    return;
                                }
                            }
                            Err(_) => {
                                lost.fetch_add(1, Ordering::Relaxed);
                                return;
                            }
                        }
                    }
                });
            }
            begun.wait();
            std::thread::sleep(Duration::from_millis(300));
            server.signal(signal);
        });
        assert_eq!(server.ended().code(), Some(0), "{}", server.told());
        let [answered, lost, closed] = [answered, lost, closed].map(AtomicUsize::into_inner);
        assert_eq!((lost, closed), (0, 200));
        assert!(answered > 400, "{answered}");
        assert_eq!(server.told(), "");
    }
}

/// What is under way is finished, idle connections end, and nobody new is let in.
#[cfg(unix)]
#[test]
fn a_server_that_stops_finishes_what_it_began() {
    let folder = Folder::new();
    let mut server = Server::start(&folder.hearts(), &[]);
    let whole = request("POST", "/predict", &[JSON], rows(1).as_bytes());
    let (mut slow, mut idle) = (server.connect(), server.connect());
    idle.write_all(&request("GET", "/health", &[], b"")).unwrap();
    assert_eq!(Response::read(&mut idle).unwrap().status, 200);
    slow.write_all(&whole[..whole.len() - 10]).unwrap();
    until("both are there", || server.metric("logistic_connections") >= 2.0);
    server.signal("-TERM");
    until("nobody new is let in", || std::net::TcpStream::connect(&server.address).is_err());
    std::thread::sleep(Duration::from_millis(1500));
    let mut rest = Vec::new();
    assert_eq!(idle.read_to_end(&mut rest).unwrap(), 0);
    slow.write_all(&whole[whole.len() - 10..]).unwrap();
    let response = Response::read(&mut slow).unwrap();
    assert_eq!((response.status, response.header("connection")), (200, Some("close")));
    assert_eq!(response.json()["predictions"].as_array().unwrap().len(), 1);
    assert_eq!(server.ended().code(), Some(0));
    // A client that never ends is not waited for for ever; a second signal is the last.
    let mut server = Server::start(&folder.path("hearts.json"), &[]);
    let mut stuck = server.connect();
    stuck.write_all(&whole[..whole.len() - 10]).unwrap();
    until("it is there", || server.metric("logistic_connections") >= 1.0);
    server.signal("-TERM");
    until("nobody new is let in", || std::net::TcpStream::connect(&server.address).is_err());
    server.signal("-TERM");
    assert_eq!(server.ended().code(), Some(0));
    until("it is said", || server.told().contains("stopped with 1 connections that had not ended"));
}
