//! Which design columns move together when one column of the table moves.

use std::ops::Range;

use super::{Encoder, Kind};

/// The design columns of an encoder, by what they are made of.
pub(crate) struct Anatomy<'e> {
    /// The number of design columns.
    pub(crate) n_columns: usize,
    /// The columns that stand for themselves.
    pub(crate) sources: Vec<Group<'e>>,
    /// The columns that are products of two others.
    pub(crate) products: Vec<Product>,
}

/// The design columns of one source; that of its missing values is not among them.
pub(crate) struct Group<'e> {
    /// The table's column.
    pub(crate) column: &'e str,
    /// The column's name, or that of a part of a date.
    pub(crate) label: String,
    /// What the source is.
    pub(crate) kind: &'e Kind,
    /// Its design columns.
    pub(crate) columns: Range<usize>,
}

/// A design column that is the product of two others, all by their places in the design.
pub(crate) struct Product {
    pub(crate) column: usize,
    pub(crate) left: usize,
    pub(crate) right: usize,
}

impl Encoder {
    /// What the design columns are made of.
    pub(crate) fn anatomy(&self) -> Anatomy<'_> {
        let mut n_columns = 0;
        let mut sources = Vec::with_capacity(self.sources.len());
        for source in &self.sources {
            let columns = n_columns..n_columns + source.terms().len();
            n_columns = columns.end + usize::from(source.indicator);
            sources.push(Group { column: &source.name, label: source.label(), kind: &source.kind, columns });
        }
        let mut products = Vec::new();
        for (a, b) in &self.interactions {
            // Feature by feature, as the design multiplies them.
            for left in features_of(&sources, a) {
                for right in features_of(&sources, b) {
                    for (left, right) in left.clone().flat_map(|left| right.clone().map(move |right| (left, right))) {
                        products.push(Product { column: n_columns, left, right });
                        n_columns += 1;
                    }
                }
            }
        }
        Anatomy { n_columns, sources, products }
    }
}

/// The places of a column's features: a category is one feature, and every column of a curve is another.
fn features_of(sources: &[Group<'_>], name: &str) -> Vec<Range<usize>> {
    let features = |group: &Group<'_>| match group.kind {
        Kind::Categorical { .. } => vec![group.columns.clone()],
        _ => group.columns.clone().map(|column| column..column + 1).collect(),
    };
    sources.iter().filter(|group| group.column == name).flat_map(features).collect()
}
