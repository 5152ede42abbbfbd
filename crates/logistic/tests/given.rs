//! Tables of bytes that somebody sends, who may mean harm.
#![cfg(feature = "arrow")]

use std::io::Write;
use std::sync::Arc;

use arrow_array::builder::StringViewBuilder;
use arrow_array::{Array, Float64Array, Int32Array, NullArray, RecordBatch, StringArray};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use arrow_schema::{Field, Schema};
use logistic::table::{ReadOptions, Table, parse_arrow, parse_csv};

fn csv(text: impl Into<Vec<u8>>) -> logistic::Result<Table> {
    parse_csv("body", text.into(), &ReadOptions::default())
}

fn arrow(bytes: Vec<u8>) -> logistic::Result<Table> {
    parse_arrow("body", bytes, 1000, &ReadOptions::default())
}

fn batch(columns: Vec<(&str, Arc<dyn Array>)>) -> RecordBatch {
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.into_iter().map(|(_, array)| array).collect()).unwrap()
}

fn numbers(n: usize) -> RecordBatch {
    let x: Vec<f64> = (0..n).map(|i| i as f64).collect();
    let words: Vec<String> = (0..n).map(|i| format!("w{}", i % 3)).collect();
    batch(vec![("x", Arc::new(Float64Array::from(x))), ("g", Arc::new(StringArray::from(words)))])
}

fn stream(batches: &[RecordBatch], options: IpcWriteOptions) -> Vec<u8> {
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), &batches[0].schema(), options).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

fn plain(batches: &[RecordBatch]) -> Vec<u8> {
    stream(batches, IpcWriteOptions::default())
}

#[test]
fn csv_is_read_as_from_a_file() {
    let table = csv("a;b\n1,5;x\n2;\"y\n\"\n").unwrap();
    assert_eq!(table.names(), ["a", "b"]);
    assert_eq!((table.n_rows(), table.place(1, "b").line), (2, Some(3)));
    assert_eq!(table.place(1, "b").path.as_deref(), Some("body"));
    // A column of words has no numbers, wherever they stand.
    let words = csv("a,b\n007,1\nx,2\n").unwrap();
    assert_eq!(words.column("a").unwrap().text(0).as_deref(), Some("007"));
}

#[test]
fn what_is_no_csv_is_refused() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(b"a,b\n1,2\n").unwrap();
    let cases: [(Vec<u8>, &str); 7] = [
        (gzip.finish().unwrap(), "expected CSV as plain text, found gzip data"),
        (b"{\"a\": 1}\n".to_vec(), "expected CSV, found another format"),
        (b"a,b\n".to_vec(), "a header and no rows"),
        (Vec::new(), "found nothing"),
        (vec![b','; 300_000], "a header of at most 262144 bytes"),
        (b"a,b\n1\n".to_vec(), "body:2"),
        (b"a,b\n\xff,1\n".to_vec(), "body:2"),
    ];
    for (bytes, expected) in cases {
        let error = csv(bytes).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_stream_is_a_table() {
    let table = arrow(plain(&[numbers(400), numbers(300)])).unwrap();
    assert_eq!((table.n_rows(), table.names()), (700, vec!["x".to_string(), "g".to_string()]));
    assert_eq!(table.column("g").unwrap().text(401).as_deref(), Some("w1"));
    assert_eq!(table.place(699, "x").line, Some(700));
}

#[test]
fn streams_that_mean_harm_are_refused() {
    let compressed = IpcWriteOptions::default().try_with_compression(Some(CompressionType::ZSTD)).unwrap();
    let mut file = FileWriter::try_new(Vec::new(), &numbers(3).schema()).unwrap();
    file.write(&numbers(3)).unwrap();
    let cases = [
        (stream(&[numbers(400)], compressed), "compressed batches"),
        (plain(&[numbers(600), numbers(600)]), "at most 1000 rows"),
        (plain(&[batch(vec![("n", Arc::new(NullArray::new(usize::MAX >> 8)))])]), "at most 1000 rows"),
        (file.into_inner().unwrap(), "it is no stream"),
        (b"a,b\n1,2\n".to_vec(), "it is no stream"),
    ];
    for (bytes, expected) in cases {
        let error = arrow(bytes).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

/// A thousand texts that share one of a megabyte would be a gigabyte.
#[test]
fn texts_that_share_their_bytes_are_bounded() {
    let mut views = StringViewBuilder::new();
    let block = views.append_block(vec![b'a'; 1 << 20].into());
    (0..1000).for_each(|_| views.try_append_view(block, 0, 1 << 20).unwrap());
    let views = batch(vec![("v", Arc::new(views.finish()))]);
    let error = arrow(plain(&[views])).unwrap_err().to_string();
    assert!(error.contains("share them"), "{error}");
    let mut few = StringViewBuilder::new();
    (0..9).for_each(|i| few.append_value(format!("a text of more than twelve bytes, {i}")));
    assert_eq!(arrow(plain(&[batch(vec![("v", Arc::new(few.finish()))])])).unwrap().n_rows(), 9);
}

/// Whatever byte is changed and wherever the stream is cut off, there is an answer, and no more memory than the bytes say.
#[test]
fn damage_is_an_error_or_a_table() {
    let keys = Int32Array::from(vec![0, 1, 0, 2]);
    let words = arrow_array::DictionaryArray::new(keys, Arc::new(StringArray::from(vec!["p", "q", "r"])));
    let whole =
        plain(&[batch(vec![("d", Arc::new(words)), ("x", Arc::new(Float64Array::from(vec![1.0, 2.0, 3.0, 4.0])))])]);
    assert_eq!(arrow(whole.clone()).unwrap().n_rows(), 4);
    std::panic::set_hook(Box::new(|_| ()));
    let (mut tables, mut errors) = (0, 0);
    let mut count = |bytes: Vec<u8>| match arrow(bytes) {
        Ok(_) => tables += 1,
        Err(error) => {
            assert!(["malformed", "unknown_column"].contains(&error.kind()), "{error}");
            errors += 1;
        }
    };
    for at in 0..whole.len() {
        for value in [0x00, 0x7f, 0xff] {
            let mut changed = whole.clone();
            changed[at] = value;
            count(changed);
        }
        count(whole[..at].to_vec());
    }
    assert!(tables > 100 && errors > 100, "{tables} and {errors}");
}
