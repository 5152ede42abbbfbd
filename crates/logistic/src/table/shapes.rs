//! Two moons and two circles: scikit-learn's `make_moons` and `make_circles`, which no straight line separates.

use std::f64::consts::PI;

use super::Samples;
use super::blobs::reserved;
use crate::error::{Error, Result};
use crate::random::numpy::RandomState;

/// The settings of scikit-learn's `sklearn.datasets.make_moons`, under its names and with its defaults: two interleaving
/// half circles, the outer one class 0.
///
/// The values are those of scikit-learn, up to the last bit of sines, cosines and logarithms. Its `random_state` defaults to
/// an arbitrary seed; here it is 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Moons {
    /// How many rows to draw, half of them for each moon; or how many for either.
    pub n_samples: Samples,
    /// Whether the rows come in random order; otherwise moon by moon.
    pub shuffle: bool,
    /// The standard deviation of what is added to every coordinate; 0 leaves the points on the moons.
    pub noise: f64,
    /// The seed.
    pub random_state: u32,
}

impl Default for Moons {
    fn default() -> Self {
        Moons { n_samples: Samples::Total(100), shuffle: true, noise: 0.0, random_state: 0 }
    }
}

/// The settings of scikit-learn's `sklearn.datasets.make_circles`, as [`Moons`]: a circle, class 0, and a smaller one
/// within it.
#[derive(Clone, Debug, PartialEq)]
pub struct Circles {
    /// How many rows to draw, half of them for each circle; or how many for either.
    pub n_samples: Samples,
    /// Whether the rows come in random order; otherwise circle by circle.
    pub shuffle: bool,
    /// The standard deviation of what is added to every coordinate; 0 leaves the points on the circles.
    pub noise: f64,
    /// The radius of the inner circle over that of the outer one.
    pub factor: f64,
    /// The seed.
    pub random_state: u32,
}

impl Default for Circles {
    fn default() -> Self {
        Circles { n_samples: Samples::Total(100), shuffle: true, noise: 0.0, factor: 0.8, random_state: 0 }
    }
}

/// Points in the plane, of two classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Points {
    /// The points.
    pub x: Vec<[f64; 2]>,
    /// The class of each, 0 or 1.
    pub y: Vec<usize>,
}

/// `sklearn.datasets.make_moons`: places the points, draws their order, then the noise.
///
/// # Errors
/// [`Error::Setting`] for no rows or too many, or a noise that is negative or not finite; [`Error::Shape`] for other than two
/// counts.
pub fn make_moons(moons: &Moons) -> Result<Points> {
    let [outer, inner] = counts(&moons.n_samples)?;
    // Both ends of the half circle are points of it.
    let angle = |i: usize, n: usize| if i + 1 == n && n > 1 { PI } else { i as f64 * (PI / (n.max(2) - 1) as f64) };
    let upper = (0..outer).map(|i| angle(i, outer)).map(|t| [t.cos(), t.sin()]);
    let lower = (0..inner).map(|i| angle(i, inner)).map(|t| [1.0 - t.cos(), 1.0 - t.sin() - 0.5]);
    let points = upper.chain(lower).collect();
    scattered(points, outer, moons.shuffle, (moons.noise, moons.random_state))
}

/// `sklearn.datasets.make_circles`: as [`make_moons`].
///
/// # Errors
/// As [`make_moons`]; [`Error::Setting`] for a factor outside [0, 1).
pub fn make_circles(circles: &Circles) -> Result<Points> {
    let [outer, inner] = counts(&circles.n_samples)?;
    if !(0.0..1.0).contains(&circles.factor) {
        return Err(Error::setting("factor", "at least 0 and below 1", &circles.factor));
    }
    let angle = |i: usize, n: usize| i as f64 * (2.0 * PI / n as f64);
    let large = (0..outer).map(|i| angle(i, outer)).map(|t| [t.cos(), t.sin()]);
    let small = (0..inner).map(|i| angle(i, inner)).map(|t| [t.cos() * circles.factor, t.sin() * circles.factor]);
    let points = large.chain(small).collect();
    scattered(points, outer, circles.shuffle, (circles.noise, circles.random_state))
}

/// The rows of class 0 and of class 1.
fn counts(samples: &Samples) -> Result<[usize; 2]> {
    let counts = match samples {
        Samples::Total(total) => [total / 2, total - total / 2],
        Samples::PerCenter(counts) => match counts[..] {
            [first, second] => [first, second],
            _ => {
                let what = "length of n_samples".to_string();
                return Err(Error::Shape { what, expected: 2, found: counts.len() });
            }
        },
    };
    if counts == [0, 0] {
        return Err(Error::setting("n_samples", "at least 1", &0));
    }
    // Room for what comes of the points as well.
    reserved::<[[f64; 2]; 3]>(counts[0].checked_add(counts[1]))?;
    Ok(counts)
}

/// The points in their order, with noise; the first `outer` are of class 0.
fn scattered(points: Vec<[f64; 2]>, outer: usize, shuffle: bool, (noise, seed): (f64, u32)) -> Result<Points> {
    if !(noise.is_finite() && noise >= 0.0) {
        return Err(Error::setting("noise", "finite and not negative", &noise));
    }
    let mut random = RandomState::new(seed);
    let order = if shuffle { random.permutation(points.len()) } else { (0..points.len()).collect() };
    let mut x: Vec<[f64; 2]> = order.iter().map(|&row| points[row]).collect();
    if noise > 0.0 {
        x.iter_mut().flatten().for_each(|x| *x += random.normal(0.0, noise));
    }
    Ok(Points { x, y: order.into_iter().map(|row| usize::from(row >= outer)).collect() })
}
