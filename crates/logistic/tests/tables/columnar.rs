//! The same tables as Parquet and as Arrow IPC.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, RecordBatchIterator, StringArray,
};
use logistic::table::from_batches;
use proptest::prelude::*;
use tempfile::tempdir;

use super::made::{Cell, Made, check, file, made, n_rows, table, with_delimiter};

fn array(cells: &[Cell]) -> ArrayRef {
    fn of<T>(cells: &[Cell], f: impl Fn(&Cell) -> Option<T>) -> Vec<Option<T>> {
        cells.iter().map(f).collect()
    }
    let number = |cell: &Cell| if let Cell::Number(value) = cell { Some(*value) } else { None };
    let whole = |cell: &Cell| if let Cell::Whole(value) = cell { Some(*value) } else { None };
    let truth = |cell: &Cell| if let Cell::Truth(truth) = cell { Some(*truth) } else { None };
    let date = |cell: &Cell| if let Cell::Date(days) = cell { Some(*days) } else { None };
    let word = |cell: &Cell| if let Cell::Word(word) = cell { Some(word.clone()) } else { None };
    match cells.iter().find(|cell| **cell != Cell::Missing) {
        Some(Cell::Whole(_)) => Arc::new(Int64Array::from(of(cells, whole))),
        Some(Cell::Truth(_)) => Arc::new(BooleanArray::from(of(cells, truth))),
        Some(Cell::Date(_)) => Arc::new(Date32Array::from(of(cells, date))),
        Some(Cell::Word(_)) => Arc::new(StringArray::from(of(cells, word))),
        _ => Arc::new(Float64Array::from(of(cells, number))),
    }
}

fn batch(made: &[Made]) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(made.iter().map(|column| (&column.name, array(&column.cells), true)))
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_table_comes_back_from_parquet_and_arrow(made in made(), cut in 0..13usize) {
        let folder = tempdir().unwrap();
        let whole = batch(&made);
        let cut = cut.min(n_rows(&made));
        let batches = [whole.slice(0, cut), whole.slice(cut, n_rows(&made) - cut)];

        let mut writer = parquet::arrow::ArrowWriter::try_new(Vec::new(), whole.schema(), None).unwrap();
        batches.iter().for_each(|batch| writer.write(batch).unwrap());
        let in_parquet = file(folder.path(), "a.parquet", writer.into_inner().unwrap());

        let mut writer = arrow_ipc::writer::FileWriter::try_new(Vec::new(), &whole.schema()).unwrap();
        batches.iter().for_each(|batch| writer.write(batch).unwrap());
        let in_file = file(folder.path(), "a.arrow", writer.into_inner().unwrap());

        let mut writer = arrow_ipc::writer::StreamWriter::try_new(Vec::new(), &whole.schema()).unwrap();
        batches.iter().for_each(|batch| writer.write(batch).unwrap());
        let in_stream = file(folder.path(), "a.arrows", writer.into_inner().unwrap());

        for path in [in_parquet, in_file, in_stream] {
            check(&table(&[path], &with_delimiter(b',')), &made);
        }
        let reader = RecordBatchIterator::new(batches.map(Ok), whole.schema());
        check(&from_batches("frame", reader, &with_delimiter(b',')).unwrap(), &made);
    }
}
