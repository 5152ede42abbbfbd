//! Splitting rows at random, as `torch.utils.data.random_split` does.

use super::{Dataset, Rows};
use crate::error::{Error, Result};
use crate::random::torch::Generator;

/// Splits the rows of `dataset` into parts of the given lengths, drawing one `randperm` from `rng`, so that a
/// seed gives PyTorch's own split.
///
/// # Errors
/// [`Error::Shape`] when the lengths do not add up to the number of rows.
pub fn random_split<'a, const N: usize>(
    dataset: &'a Dataset,
    lengths: &[usize; N],
    rng: &mut Generator,
) -> Result<[Rows<'a>; N]> {
    let total = lengths.iter().sum::<usize>();
    if total != dataset.len() {
        return Err(Error::Shape { what: "sum of the lengths".to_string(), expected: dataset.len(), found: total });
    }
    let permutation = rng.randperm(dataset.len());
    let mut start = 0;
    Ok(lengths.map(|length| {
        start += length;
        Rows::from_list(dataset, permutation[start - length..start].into())
    }))
}

impl<'a> Rows<'a> {
    /// These rows without a share of them, and that share, drawing one `randperm` from `rng`.
    ///
    /// # Errors
    /// [`Error::Setting`] for a share outside [0, 1].
    pub(crate) fn random_parts(&self, share: f64, rng: &mut Generator) -> Result<[Rows<'a>; 2]> {
        let [first, _] = fractions(self.len(), &[1.0 - share, share])?;
        let shuffled = self.shuffled(rng);
        Ok([shuffled.slice(0..first), shuffled.slice(first..self.len())])
    }
}

/// The lengths that PyTorch gives to fractions of `n` rows: each rounded down, and the rows left over dealt out one
/// by one from the first part on.
///
/// # Errors
/// [`Error::Setting`] for a fraction outside [0, 1], or fractions that do not add up to 1.
pub fn fractions<const N: usize>(n: usize, fractions: &[f64; N]) -> Result<[usize; N]> {
    let sum = fractions.iter().sum::<f64>();
    if fractions.iter().any(|f| !(0.0..=1.0).contains(f)) || (sum - 1.0).abs() > 1e-9 {
        return Err(Error::Setting {
            name: "fractions",
            expected: "between 0 and 1, with sum 1".to_string(),
            found: format!("{fractions:?}"),
        });
    }
    let mut lengths = fractions.map(|fraction| (n as f64 * fraction).floor() as usize);
    let left = n.saturating_sub(lengths.iter().sum());
    for part in 0..left {
        lengths[part % N] += 1;
    }
    Ok(lengths)
}
