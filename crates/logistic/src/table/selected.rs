//! Some rows of a table.

/// Rows of a table, rising.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selected {
    /// All of so many rows.
    All(usize),
    /// These.
    Listed(Vec<usize>),
}

impl Selected {
    /// The number of rows.
    pub fn len(&self) -> usize {
        match self {
            Selected::All(n) => *n,
            Selected::Listed(rows) => rows.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows, rising.
    pub fn iter(&self) -> impl Iterator<Item = usize> + Clone + '_ {
        let (all, listed) = match self {
            Selected::All(n) => (0..*n, [].as_slice()),
            Selected::Listed(rows) => (0..0, rows.as_slice()),
        };
        all.chain(listed.iter().copied())
    }

    /// The row that stands at `position` among these.
    pub fn get(&self, position: usize) -> Option<usize> {
        match self {
            Selected::All(n) => Some(position).filter(|position| position < n),
            Selected::Listed(rows) => rows.get(position).copied(),
        }
    }

    /// Where a row stands among these, if it is one of them.
    pub fn position(&self, row: usize) -> Option<usize> {
        match self {
            Selected::All(n) => Some(row).filter(|row| row < n),
            Selected::Listed(rows) => rows.binary_search(&row).ok(),
        }
    }

    /// Those of these rows that are to stay.
    pub(crate) fn retain(self, stays: impl Fn(usize) -> bool) -> Self {
        if self.iter().all(&stays) {
            return self;
        }
        Selected::Listed(self.iter().filter(|&row| stays(row)).collect())
    }
}
