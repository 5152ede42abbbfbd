//! How far single rows pull at a fit: leverages, residuals, Cook's distances.

use serde::{Deserialize, Serialize};

use super::fit::Fit;
use crate::dataset::Rows;
use crate::error::Result;
use crate::loss::Logit;

/// Leverages and residuals of all rows of a fit of two classes, as R's `glm` defines them.
///
/// # Shapes
/// All vectors (n_rows), in the order of the rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Influence {
    /// The probabilities of class 1, pᵢ.
    pub probability: Vec<f64>,
    /// The leverages hᵢ = sᵢ·pᵢ·(1 − pᵢ)·x̃ᵢᵀ·(X̃ᵀWX̃ + P)⁻¹·x̃ᵢ with W = diag(sᵢ·pᵢ·(1 − pᵢ)), x̃ a row with its 1, and P
    /// the second derivative of the penalty over all rows (Pregibon, Annals of Statistics 9(4), 1981, §2). They add up
    /// to the rank; under a ridge penalty to the effective degrees of freedom.
    pub leverage: Vec<f64>,
    /// The Pearson residuals √sᵢ·(yᵢ − pᵢ)/√(pᵢ·(1 − pᵢ)).
    pub pearson: Vec<f64>,
    /// The deviance residuals, whose squares add up to the deviance: sign(yᵢ − pᵢ)·√(2·sᵢ·(ℓᵢ − ℓ of p = y)) (McCullagh
    /// & Nelder, *Generalized Linear Models*, 2nd ed. 1989, §2.4.3).
    pub deviance: Vec<f64>,
    /// The number of estimated coefficients.
    pub rank: usize,
    index: Vec<usize>,
    outcome: Vec<f64>,
}

/// One row's pull at a fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowInfluence {
    /// The row's index in the dataset, or where a table is known in that, from 0.
    pub row: usize,
    /// The line in its file, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Its leverage.
    pub leverage: f64,
    /// Cook's distance; absent where the row alone decides a coefficient.
    pub cook: Option<f64>,
    /// Its Pearson residual.
    pub pearson_residual: f64,
    /// Its deviance residual.
    pub deviance_residual: f64,
    /// The probability of class 1.
    pub probability: f64,
    /// The outcome.
    pub outcome: f64,
}

/// Leverages closer to 1 are 1, to rounding.
const ALONE: f64 = 1e-12;

impl Fit {
    /// The influence of every row on the fit. `rows` are those of the fit, in any selection that has the same rows in
    /// the same order. Absent for more than two classes, where the fit did not reach its optimum, and under an l1
    /// penalty or bounds, where the fit does not follow its rows smoothly. Under a ridge penalty the leverages are those
    /// of the penalised fit.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) for rows or columns of another number than the fit's.
    pub fn influence(&self, rows: &Rows<'_>) -> Result<Option<Influence>> {
        let data = self.as_fitted(rows)?;
        let rows = rows.of(&data);
        let Some(spreads) = self.row_spreads(&rows) else { return Ok(None) };
        let (n, weight, outcome) = (rows.len(), rows.weight(), rows.y());
        let mut found = Influence {
            probability: Vec::with_capacity(n),
            leverage: Vec::with_capacity(n),
            pearson: Vec::with_capacity(n),
            deviance: Vec::with_capacity(n),
            rank: self.facts.rank,
            index: rows.indices().collect(),
            outcome: Vec::new(),
        };
        for (i, (&z, &a)) in spreads.logit.iter().zip(&spreads.spread).enumerate() {
            let (s, y, logit) = (weight.as_ref().map_or(1.0, |weight| weight[i]), outcome[i], Logit::new(z));
            let (p, q) = logit.probabilities();
            found.probability.push(p);
            found.leverage.push(s * p * q * a);
            // (y − p)/√(p·q), without the difference where p is all but y.
            found.pearson.push(s.sqrt() * (odds_root(y, -z) - odds_root(1.0 - y, z)));
            found.deviance.push((2.0 * s * excess(logit, y)).sqrt().copysign(y * q - (1.0 - y) * p));
        }
        found.outcome = outcome;
        Ok(Some(found))
    }
}

/// `share·√(exp(z))`, cut where its square leaves the numbers; 0 of no share.
fn odds_root(share: f64, z: f64) -> f64 {
    if share == 0.0 { 0.0 } else { share * (0.5 * z).exp().min(f64::MAX.sqrt()) }
}

/// The loss at a logit, beyond that of the probability `y` itself.
fn excess(logit: Logit, y: f64) -> f64 {
    let (of_one, of_zero) = logit.losses();
    let entropy = |share: f64| if share > 0.0 { share * share.ln() } else { 0.0 };
    (y * of_one + (1.0 - y) * of_zero + entropy(y) + entropy(1.0 - y)).max(0.0)
}

impl Influence {
    /// Cook's distance `(rᵢ/(1 − hᵢ))²·hᵢ/rank` with the Pearson residual rᵢ, R's `cooks.distance` of a binomial `glm`
    /// (Williams, Applied Statistics 36(2), 1987). Absent for a row of leverage 1, for one that is none,
    /// and where it is beyond all numbers.
    pub fn cook(&self, row: usize) -> Option<f64> {
        let (r, h) = (self.pearson.get(row)?, self.leverage.get(row)?);
        let scaled = r / self.rest(row)?;
        Some(scaled * scaled * h / self.rank as f64).filter(|cook| cook.is_finite())
    }

    /// The standardised Pearson residual `rᵢ/√(1 − hᵢ)`, absent as [`Influence::cook`].
    pub fn standardised_pearson(&self, row: usize) -> Option<f64> {
        Some(self.pearson.get(row)? / self.rest(row)?.sqrt())
    }

    /// The standardised deviance residual `dᵢ/√(1 − hᵢ)`, absent as [`Influence::cook`].
    pub fn standardised_deviance(&self, row: usize) -> Option<f64> {
        Some(self.deviance.get(row)? / self.rest(row)?.sqrt())
    }

    /// The `k` rows of largest Cook's distance, the largest first; rows that alone decide a coefficient before all.
    pub fn worst(&self, k: usize) -> Vec<RowInfluence> {
        let pull = |row: usize| self.cook(row).unwrap_or(f64::INFINITY);
        let mut order: Vec<(f64, usize)> = (0..self.leverage.len()).map(|row| (pull(row), row)).collect();
        order.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let of = |&(_, row): &(f64, usize)| RowInfluence {
            row: self.index[row],
            line: None,
            leverage: self.leverage[row],
            cook: self.cook(row),
            pearson_residual: self.pearson[row],
            deviance_residual: self.deviance[row],
            probability: self.probability[row],
            outcome: self.outcome[row],
        };
        order.iter().take(k).map(of).collect()
    }

    fn rest(&self, row: usize) -> Option<f64> {
        self.leverage.get(row).map(|h| 1.0 - h).filter(|rest| *rest > ALONE)
    }
}
