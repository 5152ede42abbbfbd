//! The best rule for two Gaussians of equal spread, estimated from rows: Fisher's linear discriminant.

use super::Sample;
use super::scored::Scored;
use crate::cholesky::{Cholesky, dot};
use crate::dataset::{Dataset, Feature};
use crate::distribution::normal_two_sided;

/// Of more columns the covariance is not formed.
const MOST_COLUMNS: usize = 50;

/// Two Gaussians with the means, the shares and the common covariance of some rows.
pub(super) struct EqualSpread {
    weight: Vec<f64>,
    bias: f64,
    /// Of the means, in standard deviations along the line between them (Mahalanobis).
    pub(super) distance: f64,
    /// How often the best rule is right, if the classes are such.
    pub(super) rate: f64,
}

/// How often the line and a network are right.
pub(super) struct Beside {
    pub(super) network: f64,
    pub(super) line: f64,
    /// Of the difference, which only the rows tell that one of them has right and the other wrong.
    pub(super) std_error: f64,
}

/// The share of a standard normal below z.
fn normal_below(z: f64) -> f64 {
    let outside = normal_two_sided(z);
    if z < 0.0 { outside / 2.0 } else { 1.0 - outside / 2.0 }
}

impl EqualSpread {
    /// Of the rows of `data` that are not held out in `measured`. None where a column is no number, or they do not suffice.
    pub(super) fn of(data: &Sample<'_>, measured: &Sample<'_>) -> Option<Self> {
        let rows = &data.encoded.dataset;
        let numbers = rows.features().iter().all(|feature| matches!(feature, Feature::Number(_)));
        if !numbers || rows.n_columns() > MOST_COLUMNS || rows.n_classes() != 2 || rows.offset().is_some() {
            return None;
        }
        let mut used = vec![true; rows.len()];
        if std::ptr::eq(data.encoded, measured.encoded) {
            measured.rows.unwrap_or(&[]).iter().for_each(|&row| used[row] = false);
        }
        let chosen: Vec<usize> = (0..rows.len()).filter(|&row| used[row]).collect();
        EqualSpread::of_rows(rows, &chosen)
    }

    fn of_rows(data: &Dataset, rows: &[usize]) -> Option<Self> {
        let p = data.n_columns();
        let (mut mass, mut means) = ([0.0; 2], [vec![0.0; p], vec![0.0; p]]);
        let each = |f: &mut dyn FnMut(&[f64], usize, f64)| {
            for &row in rows {
                let (x, y) = data.get(row).ok()?;
                f(&x, usize::from(y == 1.0), data.weight().map_or(1.0, |weight| weight[row]));
            }
            Some(())
        };
        each(&mut |x, class, weight| {
            mass[class] += weight;
            means[class].iter_mut().zip(x).for_each(|(mean, x)| *mean += weight * x);
        })?;
        (0..2).for_each(|class| means[class].iter_mut().for_each(|mean| *mean /= mass[class]));
        let mut covariance = vec![0.0; p * p];
        each(&mut |x, class, weight| {
            let off: Vec<f64> = x.iter().zip(&means[class]).map(|(x, mean)| x - mean).collect();
            for (i, own) in off.iter().enumerate() {
                covariance[i * p..(i + 1) * p]
                    .iter_mut()
                    .zip(&off)
                    .for_each(|(entry, other)| *entry += weight * own * other);
            }
        })?;
        let total = mass[0] + mass[1];
        covariance.iter_mut().for_each(|entry| *entry /= total);
        let [zero, one] = &means;
        let apart: Vec<f64> = one.iter().zip(zero).map(|(one, zero)| one - zero).collect();
        let mut weight = apart.clone();
        Cholesky::new(&covariance, p).ok()?.solve(&mut weight);
        let (distance, odds) = (dot(&weight, &apart).sqrt(), (mass[1] / mass[0]).ln());
        let middle: Vec<f64> = one.iter().zip(zero).map(|(one, zero)| f64::midpoint(*one, *zero)).collect();
        let bias = odds - dot(&weight, &middle);
        // The line lies odds/distance nearer to the class that is rarer (Bishop, Pattern Recognition and Machine Learning,
        // 2006, eq. 4.66).
        let right =
            |class: usize, sign: f64| mass[class] / total * normal_below(distance / 2.0 + sign * odds / distance);
        let rate = right(0, -1.0) + right(1, 1.0);
        rate.is_finite().then_some(EqualSpread { weight, bias, distance, rate })
    }

    /// The line beside a network on the rows that were scored.
    pub(super) fn beside(&self, scored: &Scored<'_>, measured: &Sample<'_>) -> Beside {
        let data = &measured.encoded.dataset;
        let place = |at: usize| measured.rows.map_or(at, |rows| rows[at]);
        let (mut network, mut line, mut only) = (0.0, 0.0, 0.0);
        for (at, (p, &y)) in scored.of_class(1).iter().zip(&scored.y).enumerate() {
            let x = data.get(place(at)).map_or(Vec::new(), |(x, _)| x);
            let own = (*p >= 0.5) == (y == 1.0);
            let other = (dot(&self.weight, &x) + self.bias >= 0.0) == (y == 1.0);
            network += f64::from(u8::from(own));
            line += f64::from(u8::from(other));
            only += f64::from(u8::from(own != other));
        }
        let n = scored.y.len() as f64;
        let more: f64 = network - line;
        Beside { network: network / n, line: line / n, std_error: (only - more * more / n).max(0.0).sqrt() / n }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounding of a handful of sums.
    const ROUNDING: f64 = 1e-12;

    /// Four points around (0, 0) and four around (3, 0), at a distance of 1 along each axis: the covariance is ½ along
    /// either, the weight 3/½ = 6, the distance 3/√½ = 4.2426, and Φ(2.1213) = 0.983052.
    #[test]
    fn the_line_lies_in_the_middle_of_two_crosses() {
        let cross = [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]];
        let x: Vec<f64> = [0.0, 3.0].iter().flat_map(|by| cross.iter().flat_map(move |[x, y]| [x + by, *y])).collect();
        let y = vec![0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0];
        let data = Dataset::from_rows(&x, 2, y).unwrap();
        let found = EqualSpread::of_rows(&data, &(0..8).collect::<Vec<_>>()).unwrap();
        assert!((found.weight[0] - 6.0).abs() < ROUNDING && found.weight[1].abs() < ROUNDING);
        assert!((found.bias + 9.0).abs() < ROUNDING && (found.distance - 18.0_f64.sqrt()).abs() < ROUNDING);
        assert!((found.rate - 0.983_052_573_3).abs() < 1e-9, "{}", found.rate);
    }

    /// Three of four rows are of class 1: with the same points, Φ(d/2 ± ln 3/d) weighed by the shares.
    #[test]
    fn shares_of_the_classes_move_the_line() {
        let data = Dataset::from_rows(
            &[-1.0, 1.0, 1.0, 3.0, 1.0, 3.0, 1.0, 3.0],
            1,
            vec![0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
        );
        let found = EqualSpread::of_rows(&data.unwrap(), &(0..8).collect::<Vec<_>>()).unwrap();
        let odds = 3.0_f64.ln();
        assert!((found.distance - 2.0).abs() < ROUNDING && (found.bias - (odds - 2.0)).abs() < ROUNDING);
        // Φ(1 + 0.549306) = 0.939346 and Φ(1 − 0.549306) = 0.673895, from tables of the normal distribution.
        assert!((found.rate - (0.75 * 0.939_346 + 0.25 * 0.673_895)).abs() < 1e-5, "{}", found.rate);
        let alone = Dataset::from_rows(&[1.0, 1.0, 1.0, 1.0], 1, vec![0.0, 1.0, 0.0, 1.0]).unwrap();
        assert!(EqualSpread::of_rows(&alone, &[0, 1, 2, 3]).is_none(), "a column that does not vary");
    }
}
