//! The server, as clients call it: what it answers, and what it refuses.

use std::process::Command;
use std::sync::Arc;

use arrow_array::{Float64Array, RecordBatch, StringArray};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{DataType, Field, Schema};
use assert_cmd::cargo::cargo_bin;
use logistic::model::Model;
use logistic::table::{ReadOptions, read};
use serde_json::{Value, json};

use crate::server::{Folder, Server, testdata};

const JSON: &str = "content-type: application/json";
const CSV: &str = "content-type: text/csv";
const ARROW: &str = "content-type: application/vnd.apache.arrow.stream";

/// The rows of a CSV file as those of a request, every cell a text, or a number where it is one.
fn rows_of(path: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    let names: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let cell = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| json!(text));
    let row =
        |line: &str| names.iter().zip(line.split(',')).map(|(name, text)| (name.to_string(), cell(text))).collect();
    text.lines().skip(1).map(row).collect()
}

/// The probabilities of a file's rows by the library, of every class.
fn probabilities(model: &str, data: &str) -> Vec<f64> {
    let model = Model::load(model.as_ref()).unwrap();
    let table = read(&[data.to_string()], &model.scoring(ReadOptions::default()), &|_| ()).unwrap();
    model.score_table(&table).unwrap().probabilities
}

#[test]
fn rows_have_the_probabilities_of_the_model() {
    let folder = Folder::new();
    let (model, data) = (folder.hearts(), testdata("saheart.csv"));
    let server = Server::start(&model, &[]);
    let told = server.predict(&json!({"rows": rows_of(&data)}).to_string());
    assert_eq!(told.status, 200);
    let told = told.json();
    let expected = probabilities(&model, &data);
    let predictions = told["predictions"].as_array().unwrap();
    assert_eq!(predictions.len(), 462);
    for (prediction, expected) in predictions.iter().zip(expected.chunks_exact(2)) {
        assert_eq!(prediction["probability"].as_f64(), Some(expected[1]));
        assert_eq!(prediction["predicted"], if expected[1] >= 0.5 { "1" } else { "0" });
        let logit = prediction["logit"].as_f64().unwrap();
        let parts = prediction["contributions"].as_array().unwrap();
        let columns: Vec<&str> = parts.iter().map(|part| part["column"].as_str().unwrap()).collect();
        assert_eq!(columns, ["tobacco", "ldl", "famhist", "age"]);
        let sum: f64 = parts.iter().map(|part| part["logit"].as_f64().unwrap()).sum();
        // Of five numbers below ten, each rounded.
        assert!((prediction["base"].as_f64().unwrap() + sum - logit).abs() < 1e-13);
        let [low, high] = [0, 1].map(|end| prediction["interval"][end].as_f64().unwrap());
        assert!(low < expected[1] && expected[1] < high);
        assert_eq!(prediction["flags"], json!([]));
    }
    let bare = server.ask(
        "POST",
        "/predict?contributions=false&interval=false",
        &[JSON],
        json!({"rows": rows_of(&data)}).to_string(),
    );
    let keys: Vec<String> = bare.json()["predictions"][0].as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["flags", "logit", "predicted", "probability"]);
    assert_eq!(server.metric("logistic_rows_total"), 2.0 * 462.0);
}

#[test]
fn csv_and_arrow_are_answered_as_json_is() {
    let folder = Folder::new();
    let (model, data) = (folder.hearts(), testdata("saheart.csv"));
    let server = Server::start(&model, &[]);
    let as_json = server.predict(&json!({"rows": rows_of(&data)}).to_string()).json();
    let csv = server.ask("POST", "/predict", &[&format!("{CSV}; charset=utf-8")], std::fs::read(&data).unwrap());
    assert_eq!(csv.json(), as_json);
    let rows = rows_of(&data);
    let numbers = |name: &str| Float64Array::from_iter_values(rows.iter().map(|row| row[name].as_f64().unwrap()));
    let words = StringArray::from_iter_values(rows.iter().map(|row| row["famhist"].as_str().unwrap()));
    let fields = ["tobacco", "ldl", "age"].map(|name| Field::new(name, DataType::Float64, false));
    let schema = Schema::new([&fields[..], &[Field::new("famhist", DataType::Utf8, false)]].concat());
    let [tobacco, ldl, age] = ["tobacco", "ldl", "age"].map(|name| Arc::new(numbers(name)));
    let batch = RecordBatch::try_new(Arc::new(schema), vec![tobacco, ldl, age, Arc::new(words)]).unwrap();
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    let arrow = server.ask("POST", "/predict", &[ARROW], writer.into_inner().unwrap());
    assert_eq!(arrow.json(), as_json);
}

#[test]
fn several_classes_have_numbers_each() {
    let folder = Folder::new();
    let mut csv = "x,g,y\n".to_string();
    for i in 0..120_usize {
        csv += &format!("{},{},{}\n", i % 17, ["p", "q"][i % 2], ["no", "so", "yes"][(i * 7 % 13 + i % 17) / 10]);
    }
    let data = folder.write("data.csv", csv);
    let classes = ["no", "so", "yes"];
    for (name, penalty, n_outputs) in [("free.json", "0", 2), ("ridge.json", "0.01", 3)] {
        let model = folder.train(name, &[&data, "--target", "y", "--l2", penalty]);
        let server = Server::start(&model, &[]);
        let expected = probabilities(&model, &data);
        let told = server.predict(&json!({"rows": rows_of(&data)}).to_string()).json();
        for (prediction, expected) in told["predictions"].as_array().unwrap().iter().zip(expected.chunks_exact(3)) {
            let own: Vec<f64> =
                classes.iter().map(|class| prediction["probability"][class].as_f64().unwrap()).collect();
            assert_eq!(own, expected);
            assert_eq!(prediction["logit"].as_object().unwrap().len(), n_outputs);
            for class in &classes[3 - n_outputs..] {
                let parts = prediction["contributions"].as_array().unwrap().iter();
                let sum: f64 = parts.map(|part| part["logit"][class].as_f64().unwrap()).sum();
                let [base, logit] = ["base", "logit"].map(|key| prediction[key][class].as_f64().unwrap());
                assert!((base + sum - logit).abs() < 1e-12 * logit.abs().max(100.0));
            }
            let best = classes[(0..3).max_by(|a, b| own[*a].total_cmp(&own[*b])).unwrap()];
            assert_eq!(prediction["predicted"], best);
        }
    }
}

#[test]
fn what_training_has_not_seen_is_flagged_and_counted() {
    let folder = Folder::new();
    let data = testdata("saheart.csv");
    let args = [&data, "--target", "chd", "--features", "age,famhist", "--unseen", "baseline", "--missing", "drop"];
    let server = Server::start(&folder.train("model.json", &args), &[]);
    let body = json!({"rows": [
        {"age": 14, "famhist": "Cousin"}, {"age": 64.5, "famhist": "Present"}, {"age": 64, "famhist": null}, {"famhist": "Absent", "age": "NA"},
    ]});
    let told = server.predict(&body.to_string()).json();
    let flags = |at: usize| -> Vec<(String, String, String)> {
        let of = |flag: &Value| ["column", "kind", "message"].map(|key| flag[key].as_str().unwrap().to_string()).into();
        told["predictions"][at]["flags"].as_array().unwrap().iter().map(of).collect()
    };
    let flag = |column: &str, kind: &str, message: &str| (column.to_string(), kind.to_string(), message.to_string());
    assert_eq!(
        flags(0),
        [
            flag("age", "below_training_range", "14 is below 15, the smallest in training"),
            flag("famhist", "unseen_level", "the level `Cousin` was not seen in training"),
        ]
    );
    assert_eq!(flags(1), [flag("age", "above_training_range", "64.5 is above 64, the largest in training")]);
    for at in [2, 3] {
        let column = if at == 2 { "famhist" } else { "age" };
        assert_eq!(flags(at), [flag(column, "missing", "the value is missing")]);
        assert_eq!(told["predictions"][at]["probability"], Value::Null);
        assert_eq!(told["predictions"][at]["predicted"], Value::Null);
    }
    assert_eq!(server.metric("logistic_flags_total{column=\"famhist\",kind=\"unseen_level\"}"), 1.0);
    assert_eq!(server.metric("logistic_flags_total{column=\"age\",kind=\"missing\"}"), 1.0);
}

/// Numbers that are categories, booleans and text with blanks are what `predict` takes them for in a file of JSON lines.
#[test]
fn json_rows_mean_what_json_lines_mean() {
    let folder = Folder::new();
    let mut csv = "zip,smokes,when,y\n".to_string();
    for i in 0..60 {
        csv += &format!(
            "{},{},2024-{:02}-{:02},{}\n",
            8000 + i % 3,
            i % 4 < 2,
            1 + i % 12,
            1 + i % 28,
            usize::from(i * 7 % 11 > 4)
        );
    }
    let data = folder.write("data.csv", csv);
    let model = folder.train(
        "model.json",
        &[&data, "--target", "y", "--categorical", "zip", "--date-parts", "--l2", "0.1", "--missing", "impute"],
    );
    let rows = [
        json!({"zip": 8001, "smokes": true, "when": "2024-03-01"}),
        json!({"zip": "8002", "smokes": "TRUE", "when": "2024-03-31T12:00:00Z"}),
        json!({"zip": " 8000 ", "smokes": "False", "when": "01.04.2024", "other": [1, {"a": 2}]}),
    ];
    let lines = folder.write("rows.jsonl", rows.iter().map(|row| format!("{row}\n")).collect::<String>());
    let expected = probabilities(&model, &lines);
    let server = Server::start(&model, &[]);
    let told = server.predict(&json!({"rows": rows}).to_string()).json();
    for (at, expected) in expected.chunks_exact(2).enumerate() {
        assert_eq!(told["predictions"][at]["probability"].as_f64(), Some(expected[1]), "row {at}");
    }
    assert_eq!(told["predictions"][0]["flags"], json!([]));
}

#[test]
fn errors_name_the_row_and_the_column() {
    let folder = Folder::new();
    let server = Server::start(&folder.hearts(), &[]);
    let good = r#"{"tobacco": 1, "ldl": 2, "famhist": "Present", "age": 40}"#;
    let with = |row: &str| format!("{{\"rows\": [{good}, {row}]}}");
    let changed = |from: &str, to: &str| with(&good.replace(from, to));
    let cases = [
        (
            changed("40", "\"old\""),
            422,
            "malformed",
            Some((2, "age")),
            "rows:2: column `age`: expected a number, found `old`",
        ),
        (changed("40", "null"), 422, "missing_value", Some((2, "age")), "rows:2: column `age`: the value is missing"),
        (changed("40", "[40]"), 422, "malformed", Some((2, "age")), "found an array"),
        (changed("40", "{}"), 422, "malformed", Some((2, "age")), "found an object"),
        (changed("40", "1e99"), 422, "malformed", Some((2, "age")), "a number within"),
        (
            changed("Present", "Cousin"),
            422,
            "unseen_level",
            Some((2, "famhist")),
            "rows:2: column `famhist`: the level `Cousin`",
        ),
        (changed("40", "40, \"age\": 41"), 422, "malformed", Some((2, "age")), "each key once"),
        (
            format!("{{\"rows\": [{}]}}", good.replace("age", "Age")),
            422,
            "unknown_column",
            None,
            "there is no column `age`",
        ),
        (r#"{"rows": [{"a": 1}]}"#.to_string(), 422, "missing_columns", None, "`tobacco`, `ldl`, `famhist`, `age`"),
        ("{\"rows\": [".to_string(), 400, "malformed", None, "EOF"),
        ("".to_string(), 400, "malformed", None, "EOF"),
        ("[]".to_string(), 400, "malformed", None, "an object with `rows`"),
        ("{\"rows\": 1}".to_string(), 400, "malformed", None, "an array of rows"),
        ("{\"rows\": [1]}".to_string(), 400, "malformed", None, "a row, an object"),
        ("{\"row\": []}".to_string(), 400, "malformed", None, "`rows` alone"),
        ("{}".to_string(), 400, "malformed", None, "missing field `rows`"),
        (format!("{{\"rows\": [{good}]}} x"), 400, "malformed", None, "trailing characters"),
        (changed("40", "1e999"), 400, "malformed", None, "number out of range"),
        ("[".repeat(100_000), 400, "malformed", None, "an object with `rows`"),
    ];
    for (body, status, kind, place, message) in cases {
        let error = server.predict(&body).error(status);
        assert_eq!(error["kind"], kind, "{body}");
        assert!(error["message"].as_str().unwrap().contains(message), "{}", error["message"]);
        let (line, column) = place.unzip();
        if line.is_some() || status == 400 {
            assert_eq!((&error["line"], &error["column"]), (&json!(line), &json!(column)), "{body}");
        }
    }
}

#[test]
fn errors_help_and_know_lines() {
    let folder = Folder::new();
    let server = Server::start(&folder.hearts(), &[]);
    let good = r#"{"tobacco": 1, "ldl": 2, "famhist": "Present", "age": 40}"#;
    let helped = server.predict(&format!("{{\"rows\": [{}]}}", good.replace("age", "Age"))).error(422);
    assert_eq!(helped["help"], "did you mean `Age`?");
    // However deep it is.
    let deep = good.replace("40", &format!("{}1{}", "[".repeat(5000), "]".repeat(5000)));
    assert!(
        server.predict(&format!("{{\"rows\": [{deep}]}}")).error(422)["message"]
            .as_str()
            .unwrap()
            .contains("found an array")
    );
    let csv =
        server.ask("POST", "/predict", &[CSV], "tobacco,ldl,famhist,age\n1,2,Present,40\n1,2,Present,old\n").error(422);
    assert_eq!((&csv["path"], &csv["line"], &csv["column"]), (&json!("body"), &json!(3), &json!("age")));
    assert_eq!(
        server.ask("POST", "/predict", &[CSV], "ldl,famhist,age,\n1,Present,2,x\n").error(422)["column"],
        "tobacco"
    );
    assert_eq!(server.ask("POST", "/predict", &[CSV], "x\n1\n").error(422)["kind"], "missing_columns");
    assert_eq!(server.predict("{\"rows\": []}").json()["predictions"], json!([]));
}

#[test]
fn what_is_no_request_for_a_prediction_is_refused() {
    let folder = Folder::new();
    let server = Server::start(&folder.hearts(), &[]);
    let cases = [
        ("GET", "/predict", vec![JSON], 405, "method_not_allowed"),
        ("DELETE", "/model", vec![], 405, "method_not_allowed"),
        ("GET", "/nothing", vec![], 404, "not_found"),
        ("POST", "/predict/", vec![JSON], 404, "not_found"),
        ("POST", "/predict", vec![], 415, "unsupported_media_type"),
        ("POST", "/predict", vec!["content-type: text/plain"], 415, "unsupported_media_type"),
        ("POST", "/predict", vec!["content-type: application/x-parquet"], 415, "unsupported_media_type"),
        ("POST", "/predict", vec![JSON, "content-encoding: gzip"], 415, "unsupported_media_type"),
        ("POST", "/predict?contributions=maybe", vec![JSON], 400, "malformed"),
        ("POST", "/predict?rows=1", vec![JSON], 400, "malformed"),
    ];
    for (method, path, headers, status, kind) in cases {
        let body = if method == "POST" { "{\"rows\": []}" } else { "" };
        assert_eq!(server.ask(method, path, &headers, body).error(status)["kind"], kind, "{method} {path}");
    }
    assert!(server.metric("logistic_requests_total{path=\"other\",status=\"404\"}") >= 1.0);
}

#[test]
fn the_model_its_health_and_the_interface_are_told() {
    let folder = Folder::new();
    let server = Server::start(&folder.hearts(), &["--max-rows", "77"]);
    let model = server.get("/model").json();
    assert_eq!((&model["target"], &model["positive"], &model["threshold"]), (&json!("chd"), &json!("1"), &json!(0.5)));
    let columns = model["columns"].as_array().unwrap();
    assert_eq!(columns[3]["range"], json!([15.0, 64.0]));
    // The mean of the 462 ages.
    assert!((columns[3]["typical"].as_f64().unwrap() - 42.816_017_316_017_3).abs() < 1e-9);
    assert_eq!(
        columns[2],
        json!({"name": "famhist", "kind": "category", "levels": ["Absent", "Present"],
        "typical": "Absent", "missing": "refused", "unseen": "refused"})
    );
    assert_eq!(model["summary"]["n_rows"], 462);
    let health = server.get("/health").json();
    assert_eq!((&health["status"], &health["problem"]), (&json!("ok"), &Value::Null));
    assert_eq!(health["model"], model["model"]);
    assert_eq!(server.get("/health").header("cache-control"), Some("no-store"));
    let openapi = server.get("/openapi.json").json();
    assert_eq!(openapi["openapi"], "3.1.0");
    let rows = &openapi["components"]["schemas"]["rows"]["properties"]["rows"];
    assert_eq!(rows["maxItems"], 77);
    assert_eq!(rows["items"]["properties"]["famhist"], json!({"enum": ["Absent", "Present"]}));
    assert_eq!(rows["items"]["required"], json!(["tobacco", "ldl", "famhist", "age"]));
    let text = openapi.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(openapi.pointer(pointer).is_some(), "{pointer}");
    }
    let metrics = server.get("/metrics");
    assert!(metrics.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    assert!(metrics.text().ends_with("# EOF\n"));
    assert_eq!(server.metric(&format!("logistic_model{{version=\"{}\"}}", model["model"].as_str().unwrap())), 1.0);
}

/// Its script and style are those that the policy names, and there are no others.
#[test]
fn the_page_may_do_nothing_but_ask_this_server() {
    use sha2::{Digest, Sha256};
    let folder = Folder::new();
    let server = Server::start(&folder.hearts(), &[]);
    let page = server.get("/");
    let policy = page.header("content-security-policy").unwrap().to_string();
    assert!(policy.starts_with("default-src 'none'; connect-src 'self'; img-src data:;"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    let text = page.text();
    for name in ["style", "script"] {
        let parts: Vec<&str> = text.split(&format!("<{name}>")).collect();
        let [_, inside] = parts[..] else { panic!("one {name}") };
        let inside = inside.split(&format!("</{name}>")).next().unwrap();
        let hash = Sha256::digest(inside);
        let named = policy.split(&format!("{name}-src 'sha256-")).nth(1).unwrap().split('\'').next().unwrap();
        let bits = named.trim_end_matches('=').bytes().map(|byte| {
            let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
            letters.find(char::from(byte)).unwrap() as u32
        });
        let bits: Vec<u32> = bits.flat_map(|six| (0..6).rev().map(move |at| six >> at & 1)).collect();
        let bytes: Vec<u8> =
            bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |all, bit| all << 1 | *bit as u8)).collect();
        assert_eq!(bytes, hash.as_slice());
    }
    assert!(
        !text.contains("http://")
            || text.matches("http://").count() == text.matches("http://www.w3.org/2000/svg").count()
    );
    assert!(!text.contains("style=") && !text.contains("onclick") && !text.contains("saheart"));
}

#[test]
fn what_cannot_be_served_is_said_at_once() {
    let folder = Folder::new();
    let model = folder.hearts();
    let server = Server::start(&model, &[]);
    let port = server.address.rsplit(':').next().unwrap();
    let (empty, text) = (folder.write("empty", "\n"), folder.write("text", "no certificate"));
    let missing = folder.path("missing");
    let data = testdata("saheart.csv");
    let network = folder.train("network.json", &[&data, "--target", "chd", "--hidden", "2", "--epochs", "2"]);
    let cases: [(&[&str], i32, &str); 11] = [
        (&[&network], 1, "network.json: it has hidden layers"),
        (&[&model, "--port", port], 1, "cannot listen: Address"),
        (&[&missing], 1, "cannot read"),
        (&[&text], 1, "not a model file"),
        (&[&model, "--token-file", &missing], 1, "cannot read"),
        (&[&model, "--token-file", &empty], 1, "`token-file` must be a token"),
        (&[&model, "--tls-cert", &text, "--tls-key", &text], 1, "expected certificates as PEM, found none"),
        (&[&model, "--tls-cert", &text], 2, "--tls-key"),
        (&[&model, "--timeout", "0"], 2, "expected seconds"),
        (&[&model, "--max-body", "much"], 2, "expected a size"),
        (&[&model, "--host", "somewhere"], 2, "--host"),
    ];
    for (args, code, message) in cases {
        let output = Command::new(cargo_bin!("logistic")).arg("serve").args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}");
        assert!(output.stdout.is_empty());
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains(message), "{told}");
    }
}
