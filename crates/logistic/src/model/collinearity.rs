//! How far columns repeat each other: variance inflation and the condition of the design.

use serde::{Deserialize, Serialize};

use super::fit::Fit;
use super::singular_values::singular_values;
use crate::cholesky::Cholesky;
use crate::dataset::Rows;
use crate::encode::Term;
use crate::error::{Error, Result};
use crate::loss::BceWithLogits;
use crate::objective::{Objective, Order};

/// The collinearity of the columns that have a coefficient. It is the design's alone: neither the outcomes nor the
/// probabilities enter.
#[derive(Clone, Debug, PartialEq)]
pub struct Collinearity {
    /// The variance inflation factor 1/(1 − R²) of each design column on all others, the diagonal of the inverse of
    /// their weighted correlation matrix (Belsley, Kuh & Welsch, *Regression Diagnostics*, 1980, p. 93). Absent for a
    /// column without a coefficient, and for all where a penalty let linear combinations in, whose inflation is
    /// infinite. In a model without intercept, R² is about zero instead of the mean. Relative error about 1e-15 of the
    /// largest.
    pub vif: Vec<Option<f64>>,
    /// The inflation of each column of the table; empty where `vif` is absent for all.
    pub columns: Vec<Inflation>,
    /// The scaled condition number: of the matrix of all columns, the intercept's included, not centred and each scaled
    /// to length 1, the largest singular value over the smallest (the same book, p. 100 to 104; over 30 is high).
    /// Its relative error is about 1e-15·κ², with κ that of the centred columns: centres far from zero cost nothing.
    pub condition_number: Option<f64>,
}

/// The generalised variance inflation factor of all design columns of one column of the table: the squared ratio of
/// the volume of their joint confidence ellipsoid to that with uncorrelated columns (Fox & Monette, Journal of the
/// American Statistical Association 87(417), 1992). Of one design column it is its variance inflation factor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inflation {
    /// The table's column; `a:b` for a product.
    pub column: String,
    /// The factor; at least 1.
    pub gvif: f64,
    /// Its design columns with a coefficient.
    pub df: usize,
}

impl Inflation {
    /// GVIF^(1/(2·df)), which compares columns of different df; for one design column √VIF, by which its standard error
    /// is larger.
    pub fn per_degree(&self) -> f64 {
        self.gvif.powf(0.5 / self.df as f64)
    }
}

/// A pivot below this share of its diagonal is rounding, as in the fit.
const SINGULAR: f64 = 1e-12;

impl Fit {
    /// The collinearity of the design, from the weighted correlations of its columns. `rows` are those of the fit, and
    /// `terms` its design columns ([`Encoder::terms`](crate::encode::Encoder::terms)). Takes O(p³) for p columns.
    ///
    /// # Errors
    /// [`Error::Shape`] for rows, columns or terms of another number than the fit's.
    pub fn collinearity(&self, terms: &[Term], rows: &Rows<'_>) -> Result<Collinearity> {
        let data = self.as_fitted(rows)?.without_offset();
        if terms.len() != data.n_columns() {
            return Err(Error::Shape {
                what: "number of terms".to_string(),
                expected: data.n_columns(),
                found: terms.len(),
            });
        }
        let standard = &self.solution.standard;
        let p = standard.columns.len();
        let mut found = Collinearity { vif: vec![None; terms.len()], columns: Vec::new(), condition_number: None };
        let correlation = self.correlation(&rows.of(&data));
        let (factor, left_out) = Cholesky::independent(&correlation, p, SINGULAR);
        if !left_out.is_empty() {
            return Ok(found);
        }
        let inverse = factor.inverse();
        for (k, &column) in standard.columns.iter().enumerate() {
            found.vif[column] = Some(inverse[k * p + k]);
        }
        let mut names: Vec<&str> = Vec::new();
        for &column in &standard.columns {
            let name = terms[column].column.as_str();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        for name in names {
            let own: Vec<usize> = (0..p).filter(|&k| terms[standard.columns[k]].column == name).collect();
            // det R₂₂/det R is the determinant of the block of R⁻¹, by Schur's complement.
            let determinants = determinant(&correlation, &own, p).zip(determinant(&inverse, &own, p));
            let inflation =
                determinants.map(|(a, b)| Inflation { column: name.to_string(), gvif: a * b, df: own.len() });
            found.columns.extend(inflation);
        }
        found.condition_number = self.condition_number(factor.lower());
        Ok(found)
    }

    /// The weighted correlations of the columns, row-major (p, p); about zero where there is no intercept.
    fn correlation(&self, rows: &Rows<'_>) -> Vec<f64> {
        let p = self.solution.standard.columns.len();
        let risk = self.plain_risk(rows.clone(), BceWithLogits::default());
        // At coefficients of 0 every row's curvature is 1/4.
        let n = risk.n_parameters();
        let hessian = risk.sums(&vec![0.0; n], Order::Hessian).hessian;
        let entry = |j: usize, k: usize| 4.0 * hessian[j.max(k) * n + j.min(k)];
        let spread: Vec<f64> = (0..p).map(|j| entry(j, j).sqrt()).collect();
        let pairs = (0..p).flat_map(|j| (0..p).map(move |k| (j, k)));
        pairs.map(|(j, k)| entry(j, k) / (spread[j] * spread[k])).collect()
    }

    /// The ratio of the singular values of the scaled design. With centred columns X′ = Q·Lᵀ, where L is the Cholesky
    /// factor of their correlations and Q has orthonormal columns that are orthogonal to that of ones, the scaled
    /// design is `[1 Q]·T` with T the intercept's 1 beside every column's centre/length over Lᵀ·(spread/length). So no
    /// digits are lost to centres far from zero.
    fn condition_number(&self, lower: &[f64]) -> Option<f64> {
        let standard = &self.solution.standard;
        let (p, first) = (standard.columns.len(), usize::from(!self.bias.is_empty()));
        let n = p + first;
        let mut columns = vec![vec![0.0; n]; n];
        columns.iter_mut().take(first).for_each(|intercept| intercept[0] = 1.0);
        for j in 0..p {
            let length = standard.centre[j].hypot(standard.scale[j]);
            let column = &mut columns[first + j];
            column.iter_mut().take(first).for_each(|mean| *mean = standard.centre[j] / length);
            for k in 0..=j {
                column[first + k] = lower[j * p + k] * standard.scale[j] / length;
            }
        }
        let values = singular_values(columns);
        let (largest, smallest) = (values.first()?, values.last()?);
        Some(largest / smallest).filter(|number| number.is_finite())
    }
}

/// The determinant of the block of `matrix`, (n, n), at the rows and columns `at`; none where it is not positive.
fn determinant(matrix: &[f64], at: &[usize], n: usize) -> Option<f64> {
    let k = at.len();
    let block: Vec<f64> = at.iter().flat_map(|&i| at.iter().map(move |&j| matrix[i * n + j])).collect();
    let factor = Cholesky::new(&block, k).ok()?;
    let determinant: f64 = (0..k).map(|i| factor.lower()[i * k + i]).map(|pivot| pivot * pivot).product();
    (determinant > 0.0 && determinant.is_finite()).then_some(determinant)
}
