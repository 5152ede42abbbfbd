//! Numbers that the library holds, or that somebody lends it.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Numbers in a row: the library's own, or lent by an owner that keeps them where they are. A clone shares them.
#[derive(Clone)]
pub struct Numbers<T>(Arc<dyn AsRef<[T]> + Send + Sync>);

impl<T> Numbers<T> {
    /// The numbers of `owner`, which are not copied; it is dropped with the last clone.
    ///
    /// They are checked when a [`Dataset`](crate::dataset::Dataset) is made of them and never again, so `owner` must give the
    /// same numbers whenever it is asked: what is computed from others is wrong, or ends in a panic.
    ///
    /// ```
    /// use logistic::dataset::{Dataset, Feature, Numbers};
    ///
    /// let lent: std::sync::Arc<[f32]> = [1.0, 2.0, 4.0].into();
    /// let x = Feature::number(Numbers::lent(lent));
    /// assert_eq!(Dataset::new(vec![x], vec![0.0, 1.0, 0.0], None)?.get(2)?, (vec![4.0], 0.0));
    /// # Ok::<(), logistic::Error>(())
    /// ```
    pub fn lent(owner: impl AsRef<[T]> + Send + Sync + 'static) -> Self {
        Numbers(Arc::new(owner))
    }
}

/// Asks the owner; loops over numbers ask once, before.
impl<T> Deref for Numbers<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        (*self.0).as_ref()
    }
}

impl<T: Send + Sync + 'static> From<Vec<T>> for Numbers<T> {
    fn from(values: Vec<T>) -> Self {
        Numbers::lent(values)
    }
}

impl<T: Send + Sync + 'static> FromIterator<T> for Numbers<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Vec::from_iter(values).into()
    }
}

impl<T: PartialEq> PartialEq for Numbers<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: fmt::Debug> fmt::Debug for Numbers<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// Numbers in the width that they came in; equal where the numbers are, whatever their widths.
#[derive(Clone, Debug)]
pub enum Values {
    /// Of 64 bits.
    F64(Numbers<f64>),
    /// Of 32 bits; worked on in 64.
    F32(Numbers<f32>),
}

impl Values {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.slice().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The numbers, in 64 bits.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = f64> + '_ {
        let values = self.slice();
        (0..values.len()).map(move |index| values.get(index))
    }

    /// The numbers at hand: their owner is asked once, not for every number.
    pub(crate) fn slice(&self) -> Slice<'_> {
        match self {
            Values::F64(values) => Slice::F64(values),
            Values::F32(values) => Slice::F32(values),
        }
    }
}

impl PartialEq for Values {
    fn eq(&self, other: &Self) -> bool {
        match (self.slice(), other.slice()) {
            (Slice::F64(own), Slice::F64(others)) => own == others,
            (Slice::F32(own), Slice::F32(others)) => own == others,
            _ => self.iter().eq(other.iter()),
        }
    }
}

impl From<Vec<f64>> for Values {
    fn from(values: Vec<f64>) -> Self {
        Values::F64(values.into())
    }
}

impl From<Vec<f32>> for Values {
    fn from(values: Vec<f32>) -> Self {
        Values::F32(values.into())
    }
}

impl From<Numbers<f64>> for Values {
    fn from(values: Numbers<f64>) -> Self {
        Values::F64(values)
    }
}

impl From<Numbers<f32>> for Values {
    fn from(values: Numbers<f32>) -> Self {
        Values::F32(values)
    }
}

impl FromIterator<f64> for Values {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        Values::F64(values.into_iter().collect())
    }
}

impl FromIterator<f32> for Values {
    fn from_iter<I: IntoIterator<Item = f32>>(values: I) -> Self {
        Values::F32(values.into_iter().collect())
    }
}

/// [`Values`] at hand.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Slice<'a> {
    F64(&'a [f64]),
    F32(&'a [f32]),
}

impl Slice<'_> {
    pub(crate) fn len(self) -> usize {
        match self {
            Slice::F64(values) => values.len(),
            Slice::F32(values) => values.len(),
        }
    }

    /// The number at `index`, which must be below [`Slice::len`].
    #[inline]
    pub(crate) fn get(self, index: usize) -> f64 {
        match self {
            Slice::F64(values) => values[index],
            Slice::F32(values) => f64::from(values[index]),
        }
    }
}
