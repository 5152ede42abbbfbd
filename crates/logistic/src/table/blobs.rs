//! Gaussian blobs, as scikit-learn's `make_blobs` draws them.

use crate::error::{Error, Result};
use crate::random::numpy::RandomState;

/// How many points to draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Samples {
    /// So many in all, dealt evenly; the first centres take the remainder.
    Total(usize),
    /// So many around each centre.
    PerCenter(Vec<usize>),
}

/// Where the points are drawn around.
#[derive(Clone, Debug, PartialEq)]
pub enum Centers {
    /// So many centres, drawn uniformly in the box.
    Number(usize),
    /// These centres, each of n_features coordinates.
    Given(Vec<Vec<f64>>),
}

/// What to draw: the parameters of scikit-learn's `make_blobs`, by their names there.
#[derive(Clone, Debug, PartialEq)]
pub struct Blobs {
    /// How many points.
    pub n_samples: Samples,
    /// Coordinates of a point; given centres decide instead.
    pub n_features: usize,
    /// The centres; per-centre counts decide their number unless they are given.
    pub centers: Centers,
    /// The standard deviation around every centre, or one for each.
    pub cluster_std: Vec<f64>,
    /// The lower and upper bound of every coordinate of a drawn centre.
    pub center_box: (f64, f64),
    /// Whether the points are put in random order at the end.
    pub shuffle: bool,
    /// The seed.
    pub random_state: u32,
}

impl Default for Blobs {
    fn default() -> Self {
        Blobs {
            n_samples: Samples::Total(100),
            n_features: 2,
            centers: Centers::Number(3),
            cluster_std: vec![1.0],
            center_box: (-10.0, 10.0),
            shuffle: true,
            random_state: 0,
        }
    }
}

/// Points and the number of the blob each belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct BlobData {
    /// Coordinates of a point.
    pub n_features: usize,
    /// The points, row-major (n_samples, n_features).
    pub x: Vec<f64>,
    /// The blob of each point.
    pub y: Vec<usize>,
    /// The centres.
    pub centers: Vec<Vec<f64>>,
}

fn setting(name: &'static str, expected: &str, found: &impl ToString) -> Error {
    Error::Setting { name, expected: expected.to_string(), found: found.to_string() }
}

/// `sklearn.datasets.make_blobs`: the same settings give the same points, bit for bit (one unit in the last place
/// off where the platform's logarithm is).
///
/// # Errors
/// [`Error::Setting`] for no centre, no coordinate, a standard deviation that is negative or not finite, or a box
/// turned around; [`Error::Shape`] for counts, deviations or coordinates that do not match the centres.
pub fn make_blobs(blobs: &Blobs) -> Result<BlobData> {
    let mut random = RandomState::new(blobs.random_state);
    let centers = centers(blobs, &mut random)?;
    let counts = counts(blobs, centers.len())?;
    let spread = spread(blobs, centers.len())?;
    let n_features = centers[0].len();
    let total = counts.iter().sum::<usize>();
    let mut x = Vec::with_capacity(total * n_features);
    let mut y = Vec::with_capacity(total);
    for (k, ((center, count), std)) in centers.iter().zip(counts).zip(spread).enumerate() {
        for _ in 0..count {
            x.extend(center.iter().map(|&c| random.normal(c, std)));
            y.push(k);
        }
    }
    if blobs.shuffle {
        let order = random.permutation(total);
        x = order.iter().flat_map(|&i| x[i * n_features..(i + 1) * n_features].iter().copied()).collect();
        y = order.iter().map(|&i| y[i]).collect();
    }
    Ok(BlobData { n_features, x, y, centers })
}

fn centers(blobs: &Blobs, random: &mut RandomState) -> Result<Vec<Vec<f64>>> {
    let n_centers = match (&blobs.centers, &blobs.n_samples) {
        (Centers::Given(given), _) => {
            let n_features = given.first().map_or(0, Vec::len);
            if n_features == 0 {
                return Err(setting("centers", "at least one centre of at least one coordinate", &"none"));
            }
            if let Some(odd) = given.iter().find(|center| center.len() != n_features) {
                let what = "coordinates of a centre".to_string();
                return Err(Error::Shape { what, expected: n_features, found: odd.len() });
            }
            if given.iter().flatten().any(|c| !c.is_finite()) {
                return Err(setting("centers", "finite", &"a value that is not"));
            }
            return Ok(given.clone());
        }
        (Centers::Number(_), Samples::PerCenter(counts)) => counts.len(),
        (Centers::Number(number), Samples::Total(_)) => *number,
    };
    let (low, high) = blobs.center_box;
    if n_centers == 0 {
        return Err(setting("centers", "at least 1", &n_centers));
    }
    if blobs.n_features == 0 {
        return Err(setting("n_features", "at least 1", &0));
    }
    if !(low.is_finite() && high.is_finite() && low <= high) {
        return Err(setting("center_box", "two finite bounds, the lower first", &format!("{low}, {high}")));
    }
    let mut center = || (0..blobs.n_features).map(|_| random.uniform(low, high)).collect();
    Ok((0..n_centers).map(|_| center()).collect())
}

fn counts(blobs: &Blobs, n_centers: usize) -> Result<Vec<usize>> {
    match &blobs.n_samples {
        Samples::Total(total) => {
            Ok((0..n_centers).map(|k| total / n_centers + usize::from(k < total % n_centers)).collect())
        }
        Samples::PerCenter(counts) if counts.len() == n_centers => Ok(counts.clone()),
        Samples::PerCenter(counts) => {
            Err(Error::Shape { what: "length of n_samples".to_string(), expected: n_centers, found: counts.len() })
        }
    }
}

fn spread(blobs: &Blobs, n_centers: usize) -> Result<Vec<f64>> {
    if let Some(std) = blobs.cluster_std.iter().find(|std| !(std.is_finite() && **std >= 0.0)) {
        return Err(setting("cluster_std", "finite and not negative", std));
    }
    match blobs.cluster_std[..] {
        [std] => Ok(vec![std; n_centers]),
        _ if blobs.cluster_std.len() == n_centers => Ok(blobs.cluster_std.clone()),
        _ => Err(Error::Shape {
            what: "length of cluster_std".to_string(),
            expected: n_centers,
            found: blobs.cluster_std.len(),
        }),
    }
}
