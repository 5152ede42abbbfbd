//! Approximations of Hessians that are cheap to solve with.

use crate::cholesky::Cholesky;

/// A positive definite matrix near a Hessian.
#[derive(Clone, Debug)]
pub struct Preconditioner {
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    Diagonal { diagonal: Vec<f64>, mean: Vec<f64> },
    Factor(Cholesky),
    Classes(Classes),
}

impl Preconditioner {
    /// Of a diagonal, at a point where the outputs' logits have this mean curvature; entries that are not positive count
    /// as 1.
    pub(super) fn diagonal(mut diagonal: Vec<f64>, mean: Vec<f64>) -> Self {
        diagonal.iter_mut().filter(|d| d.is_nan() || **d <= 0.0).for_each(|d| *d = 1.0);
        Preconditioner { form: Form::Diagonal { diagonal, mean } }
    }

    /// A Hessian that has been factored, here or somewhere near.
    pub(crate) fn factor(factor: Cholesky) -> Self {
        Preconditioner { form: Form::Factor(factor) }
    }

    pub(super) fn classes(classes: Classes) -> Self {
        Preconditioner { form: Form::Classes(classes) }
    }

    /// Whether it serves where the mean curvature of the outputs' logits is `mean`.
    pub(super) fn serves(&self, mean: &[f64]) -> bool {
        let own = match &self.form {
            Form::Diagonal { mean, .. } => mean,
            Form::Classes(classes) => &classes.mean,
            Form::Factor(_) => return true,
        };
        let apart: f64 = own.iter().zip(mean).map(|(a, b)| (a - b).powi(2)).sum();
        own.len() == mean.len() && apart <= SAME * SAME * mean.iter().map(|m| m * m).sum::<f64>()
    }

    /// Whether it is the factor of a Hessian.
    pub(crate) fn is_factor(&self) -> bool {
        matches!(self.form, Form::Factor(_))
    }

    /// Its inverse times `r`.
    pub(crate) fn solve(&self, r: &[f64]) -> Vec<f64> {
        let mut solved = r.to_vec();
        match &self.form {
            Form::Diagonal { diagonal, .. } => solved.iter_mut().zip(diagonal).for_each(|(r, d)| *r /= d),
            Form::Factor(factor) => factor.solve(&mut solved),
            Form::Classes(classes) => classes.solve(&mut solved),
        }
        solved
    }
}

/// The diagonal blocks of the Hessian of a softmax with an output for every class: one for every class, without what it
/// has to do with the others.
///
/// Shifting all outputs alike changes no loss. There the Hessian is what the penalty adds, alone, which the blocks know
/// nothing of; so what is common to all outputs is taken out, and solved for by the penalty.
#[derive(Clone, Debug)]
pub(super) struct Classes {
    /// The mean curvature of the outputs' logits at the point where the blocks are from.
    pub(super) mean: Vec<f64>,
    /// Of every class: its columns, and then its bias, if there is one.
    pub(super) factors: Vec<Cholesky>,
    /// The l2 penalty on each column, and what a shift of all biases adds, if there are biases.
    pub(super) common: Vec<f64>,
    pub(super) columns: usize,
}

/// A mean curvature that has changed by less than this share of itself is as good as a new one.
const SAME: f64 = 0.15;

impl Classes {
    /// Parameters stand output by output, then the biases.
    fn solve(&self, r: &mut [f64]) {
        let (p, outputs, width) = (self.columns, self.factors.len(), self.common.len());
        let place = |k: usize, j: usize| if j < p { k * p + j } else { outputs * p + k };
        let take_mean = |values: &mut [f64], j: usize| {
            let mean = (0..outputs).map(|k| values[place(k, j)]).sum::<f64>() / outputs as f64;
            (0..outputs).for_each(|k| values[place(k, j)] -= mean);
            mean
        };
        let common: Vec<f64> = (0..width).map(|j| take_mean(r, j) / self.common[j]).collect();
        let mut own = vec![0.0; width];
        for (k, factor) in self.factors.iter().enumerate() {
            own.iter_mut().enumerate().for_each(|(j, own)| *own = r[place(k, j)]);
            factor.solve(&mut own);
            own.iter().enumerate().for_each(|(j, own)| r[place(k, j)] = *own);
        }
        for (j, common) in common.iter().enumerate() {
            take_mean(r, j);
            (0..outputs).for_each(|k| r[place(k, j)] += common);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A few dozen roundings of numbers up to 10.
    const ROUNDING: f64 = 1e-12;

    /// What is common to all classes is solved by the penalty, what is not by the blocks: for equal blocks both exactly.
    #[test]
    fn classes_are_solved_beside_what_they_have_in_common() {
        let block = [2.0, 0.0, 0.0, 0.5, 1.5, 0.0, 0.2, 0.1, 1.0];
        let full = |i: usize, j: usize| block[i.max(j) * 3 + i.min(j)];
        let factors = vec![Cholesky::new(&block, 3).unwrap(); 3];
        let common = vec![0.3, 0.4, 3.0];
        let classes = Classes { mean: Vec::new(), factors, common: common.clone(), columns: 2 };
        let place = |k: usize, j: usize| if j < 2 { k * 2 + j } else { 6 + k };
        let x = [1.0, -2.0, 0.5, 3.0, 0.7, -0.2, 0.4, -1.0, 2.0];
        let mean = |j: usize| (0..3).map(|k| x[place(k, j)]).sum::<f64>() / 3.0;
        let mut r = vec![0.0; 9];
        for (k, j) in (0..3).flat_map(|k| (0..3).map(move |j| (k, j))) {
            let own: f64 = (0..3).map(|m| full(j, m) * (x[place(k, m)] - mean(m))).sum();
            r[place(k, j)] = own + common[j] * mean(j);
        }
        for (found, expected) in Preconditioner::classes(classes).solve(&r).iter().zip(x) {
            assert!((found - expected).abs() < ROUNDING, "{found} {expected}");
        }
    }
}
