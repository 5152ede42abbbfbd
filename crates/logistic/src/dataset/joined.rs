//! Sparse columns beside each other, held row by row.

use super::Feature;

/// So many sparse columns in a row are worth it: a pass over the rows then meets every number once, where it would look
/// for a block of rows in every column.
const MANY: usize = 64;

/// The same features, of `n` rows each, where neighbouring sparse columns have become one matrix, if they are many.
pub(super) fn join_sparse(features: Vec<Feature>, n: usize) -> Vec<Feature> {
    let mut joined: Vec<Feature> = Vec::with_capacity(features.len());
    let mut run: Vec<Feature> = Vec::new();
    for feature in features {
        if matches!(feature, Feature::Sparse { .. }) {
            run.push(feature);
            continue;
        }
        close(&mut run, n, &mut joined);
        joined.push(feature);
    }
    close(&mut run, n, &mut joined);
    joined
}

fn close(run: &mut Vec<Feature>, n: usize, joined: &mut Vec<Feature>) {
    if run.len() < MANY {
        return joined.append(run);
    }
    joined.push(by_rows(run, n));
    run.clear();
}

/// Counts every row's entries, and puts them to their places column by column, so that columns rise within a row.
fn by_rows(run: &[Feature], n: usize) -> Feature {
    let mut starts = vec![0; n + 1];
    let entries = || {
        run.iter().filter_map(|feature| match feature {
            Feature::Sparse { rows, values, .. } => Some((rows, values)),
            _ => None,
        })
    };
    entries().flat_map(|(rows, _)| rows).for_each(|&row| starts[row as usize + 1] += 1);
    (0..n).for_each(|i| starts[i + 1] += starts[i]);
    let mut next = starts.clone();
    let (mut columns, mut all) = (vec![0; starts[n]], vec![0.0; starts[n]]);
    for (column, (rows, values)) in entries().enumerate() {
        for (&row, &value) in rows.iter().zip(values) {
            let at = next[row as usize];
            (columns[at], all[at]) = (column as u32, value);
            next[row as usize] += 1;
        }
    }
    Feature::Csr { starts: starts.into(), columns: columns.into(), values: all.into(), n_columns: run.len() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numbers::Store;

    #[test]
    fn many_sparse_columns_become_rows_and_few_stay() {
        let n = 5;
        let column = |j: usize| Feature::Sparse {
            rows: (0..n as u32).filter(|i| (*i as usize + j).is_multiple_of(3)).collect(),
            values: (0..n).filter(|i| (i + j).is_multiple_of(3)).map(|i| (i * 100 + j) as f64).collect(),
            len: n,
        };
        let number = Feature::number(vec![1.0; n]);
        let mut features: Vec<Feature> = (0..MANY).map(column).collect();
        features.push(number.clone());
        features.extend((0..MANY - 1).map(column));
        let joined = join_sparse(features.clone(), n);
        assert_eq!(joined.len(), 2 + MANY - 1);
        assert_eq!(joined[1..], features[MANY..]);
        joined[0].check(0, &Store::Memory).unwrap();
        for (i, j) in (0..n).flat_map(|i| (0..MANY).map(move |j| (i, j))) {
            assert_eq!(joined[0].view().value(i, j), features[j].view().value(i, 0));
        }
    }
}
