//! Gaussian blobs: scikit-learn's `make_blobs`, bit for bit.

use crate::error::{Error, Result};
use crate::random::numpy::RandomState;

/// How many rows to draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Samples {
    /// This many rows in all, shared out evenly; the first centres get one more where it does not divide.
    Total(usize),
    /// This many rows for each centre.
    PerCenter(Vec<usize>),
}

/// The means of the blobs.
#[derive(Clone, Debug, PartialEq)]
pub enum Centers {
    /// As many as [`Samples::PerCenter`] has counts, else 3; drawn uniformly from [`Blobs::center_box`].
    Unspecified,
    /// This many, drawn uniformly from [`Blobs::center_box`].
    Number(usize),
    /// These. Shape (n_centers, n_features); their length overrules [`Blobs::n_features`].
    Given(Vec<Vec<f64>>),
}

/// The standard deviation of the blobs, the same in every direction.
#[derive(Clone, Debug, PartialEq)]
pub enum ClusterStd {
    /// One for all blobs.
    Common(f64),
    /// One for each blob.
    PerCenter(Vec<f64>),
}

/// The settings of scikit-learn's `sklearn.datasets.make_blobs`, under its names and with its defaults.
///
/// The values are equal bit for bit to those of scikit-learn with the same settings, subject to what
/// [`RandomState::standard_normal`] says about the logarithm. scikit-learn's own `random_state` defaults to an
/// arbitrary seed; here it is 0, so that every result can be repeated.
///
/// ```
/// use logistic::table::{Blobs, Centers, Samples, make_blobs};
///
/// let two = Blobs { n_samples: Samples::Total(1000), centers: Centers::Number(2), random_state: 261, ..Blobs::default() };
/// let data = make_blobs(&two)?;
/// assert_eq!(data.x[..2], [7.150458801139871, -1.622752285512294]);
/// assert_eq!(data.y[..4], [0, 1, 0, 1]);
/// # Ok::<(), logistic::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Blobs {
    /// How many rows to draw.
    pub n_samples: Samples,
    /// How many columns to draw, unless the centres are given.
    pub n_features: usize,
    /// The means.
    pub centers: Centers,
    /// The standard deviations.
    pub cluster_std: ClusterStd,
    /// Every coordinate of a drawn centre lies between these two.
    pub center_box: (f64, f64),
    /// Whether the rows come in random order; otherwise blob by blob.
    pub shuffle: bool,
    /// The seed.
    pub random_state: u32,
}

impl Default for Blobs {
    fn default() -> Self {
        Blobs {
            n_samples: Samples::Total(100),
            n_features: 2,
            centers: Centers::Unspecified,
            cluster_std: ClusterStd::Common(1.0),
            center_box: (-10.0, 10.0),
            shuffle: true,
            random_state: 0,
        }
    }
}

/// What [`make_blobs`] has drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct BlobData {
    /// The number of columns.
    pub n_features: usize,
    /// The points, row by row. Shape (n_rows, n_features).
    pub x: Vec<f64>,
    /// For each row, the index of its blob's centre.
    pub y: Vec<usize>,
    /// The means. Shape (n_centers, n_features).
    pub centers: Vec<Vec<f64>>,
}

/// `sklearn.datasets.make_blobs`: draws the centres, then blob after blob, then the order of the rows.
///
/// # Errors
/// [`Error::Setting`] if there would be no row, column or centre, if the points do not fit in memory, or if a
/// number is not finite, a standard deviation negative or the box turned round; [`Error::Shape`] if there are
/// not as many counts, centres and standard deviations as one another, or given centres differ in length.
pub fn make_blobs(blobs: &Blobs) -> Result<BlobData> {
    let mut random = RandomState::new(blobs.random_state);
    let centers = blobs.drawn_centers(&mut random)?;
    let counts = blobs.counts(centers.len())?;
    let deviations = blobs.deviations(centers.len())?;

    let n_features = centers[0].len();
    let n_rows = counts.iter().try_fold(0_usize, |sum, &count| sum.checked_add(count));
    let mut x = reserved(n_rows.and_then(|n_rows| n_rows.checked_mul(n_features)))?;
    let mut y = reserved(n_rows)?;
    for (label, (center, (&count, &deviation))) in centers.iter().zip(counts.iter().zip(&deviations)).enumerate() {
        for _ in 0..count {
            x.extend(center.iter().map(|&mean| random.normal(mean, deviation)));
            y.push(label);
        }
    }
    if blobs.shuffle {
        let order = random.permutation(y.len());
        let mut shuffled = reserved(Some(x.len()))?;
        for &row in &order {
            shuffled.extend_from_slice(&x[row * n_features..][..n_features]);
        }
        x = shuffled;
        y = order.iter().map(|&row| y[row]).collect();
    }
    Ok(BlobData { n_features, x, y, centers })
}

impl Blobs {
    /// At least one centre of at least one coordinate, all of the same length.
    fn drawn_centers(&self, random: &mut RandomState) -> Result<Vec<Vec<f64>>> {
        let number = match (&self.centers, &self.n_samples) {
            (Centers::Given(centers), _) => return checked_centers(centers),
            (Centers::Number(number), _) => *number,
            (Centers::Unspecified, Samples::PerCenter(counts)) => counts.len(),
            (Centers::Unspecified, Samples::Total(_)) => 3,
        };
        at_least_one("centers", number)?;
        at_least_one("n_features", self.n_features)?;
        let (low, high) = self.center_box;
        // A finite width also rules out ends that are not finite.
        if !(low <= high && (high - low).is_finite()) {
            return Err(Error::setting("center_box", "two finite numbers in rising order", &format!("{low}, {high}")));
        }
        let mut centers = reserved(Some(number))?;
        for _ in 0..number {
            let mut center = reserved(Some(self.n_features))?;
            center.extend((0..self.n_features).map(|_| random.uniform(low, high)));
            centers.push(center);
        }
        Ok(centers)
    }

    /// The number of rows of each blob.
    fn counts(&self, n_centers: usize) -> Result<Vec<usize>> {
        match &self.n_samples {
            Samples::Total(total) => {
                at_least_one("n_samples", *total)?;
                Ok((0..n_centers).map(|i| total / n_centers + usize::from(i < total % n_centers)).collect())
            }
            Samples::PerCenter(counts) => {
                same_length("length of n_samples", n_centers, counts.len())?;
                at_least_one("n_samples", counts.iter().copied().max().unwrap_or(0))?;
                Ok(counts.clone())
            }
        }
    }

    /// The standard deviation of each blob.
    fn deviations(&self, n_centers: usize) -> Result<Vec<f64>> {
        let deviations = match &self.cluster_std {
            ClusterStd::Common(deviation) => vec![*deviation; n_centers],
            ClusterStd::PerCenter(deviations) => deviations.clone(),
        };
        same_length("length of cluster_std", n_centers, deviations.len())?;
        match deviations.iter().find(|deviation| !(deviation.is_finite() && **deviation >= 0.0)) {
            Some(bad) => Err(Error::setting("cluster_std", "finite and not negative", bad)),
            None => Ok(deviations),
        }
    }
}

fn checked_centers(centers: &[Vec<f64>]) -> Result<Vec<Vec<f64>>> {
    at_least_one("centers", centers.len())?;
    let n_features = centers[0].len();
    at_least_one("n_features", n_features)?;
    for (i, center) in centers.iter().enumerate() {
        same_length(&format!("length of center {i}"), n_features, center.len())?;
        if let Some(bad) = center.iter().find(|coordinate| !coordinate.is_finite()) {
            return Err(Error::setting("centers", "finite", bad));
        }
    }
    Ok(centers.to_vec())
}

fn at_least_one(name: &'static str, found: usize) -> Result<()> {
    if found == 0 { Err(Error::setting(name, "at least 1", &found)) } else { Ok(()) }
}

fn same_length(what: &str, expected: usize, found: usize) -> Result<()> {
    if found == expected { Ok(()) } else { Err(Error::Shape { what: what.to_string(), expected, found }) }
}

fn too_large() -> Error {
    Error::setting("n_samples", "small enough for the points to fit in memory", "more")
}

/// An empty vector with room for `length` elements; `None` is a length beyond all numbers.
pub(super) fn reserved<T>(length: Option<usize>) -> Result<Vec<T>> {
    let mut vector = Vec::new();
    vector.try_reserve_exact(length.ok_or_else(too_large)?).map_err(|_| too_large())?;
    Ok(vector)
}
