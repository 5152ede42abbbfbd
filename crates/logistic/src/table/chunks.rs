//! A column's values as the pieces in which they were read.

/// Values in pieces, in order. Pieces are joined by taking them over, never by copying their values: on a large file
/// the memory that a copy would touch for the first time costs more than the parsing.
#[derive(Clone, Debug, PartialEq)]
pub struct Chunks<T> {
    chunks: Vec<Vec<T>>,
    /// The first row of every piece, and behind them the number of rows.
    starts: Vec<usize>,
}

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Chunks { chunks: Vec::new(), starts: vec![0] }
    }
}

impl<T: Copy> From<Vec<T>> for Chunks<T> {
    fn from(values: Vec<T>) -> Self {
        let mut chunks = Chunks::default();
        chunks.push(values);
        chunks
    }
}

impl<T: Copy> Chunks<T> {
    /// Appends a piece.
    pub fn push(&mut self, values: Vec<T>) {
        self.starts.push(self.len() + values.len());
        self.chunks.push(values);
    }

    /// The number of values.
    pub fn len(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value in a row.
    pub fn get(&self, row: usize) -> Option<T> {
        // The last piece that starts at or before the row; empty pieces share their start with the next.
        let piece = self.starts.partition_point(|&start| start <= row).checked_sub(1)?;
        self.chunks.get(piece)?.get(row - self.starts[piece]).copied()
    }

    /// The values, in order.
    pub fn iter(&self) -> impl Iterator<Item = T> + '_ {
        self.chunks.iter().flatten().copied()
    }

    /// The pieces, in order.
    pub fn pieces(&self) -> impl Iterator<Item = &[T]> {
        self.chunks.iter().map(Vec::as_slice)
    }

    /// The values at rising `rows`, each of which must exist.
    pub(crate) fn at<'a>(&'a self, rows: &'a [usize]) -> impl Iterator<Item = T> + 'a {
        let mut piece = 0;
        rows.iter().map(move |&row| {
            while self.starts[piece + 1] <= row {
                piece += 1;
            }
            self.chunks[piece][row - self.starts[piece]]
        })
    }
}
