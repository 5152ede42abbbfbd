//! Moving one column of the table, with every design column that hangs on it, and what the probabilities do.

use super::fit::Solution;
use crate::dataset::Panel;
use crate::encode::{Anatomy, Group, Kind};
use crate::kernel::dot;

/// A column that moves: a number by a little, or a category from its reference to a level.
pub(super) struct Move<'m> {
    pub(super) group: &'m Group<'m>,
    /// The level's code; none for a number.
    code: Option<usize>,
    touched: Vec<Touched>,
    outputs: usize,
}

/// A design column that moves along.
struct Touched {
    /// What it is made of: the column of the group, and the other factor of a product.
    own: usize,
    other: Option<usize>,
    /// Its place in the design.
    column: usize,
    /// Its place among the fit's columns, and its scale there; none where it was left out.
    fitted: Option<(usize, f64)>,
    /// Its coefficient for every output, in the user's units.
    weight: Vec<f64>,
}

/// Where a category is moved to, or that a number's slope is wanted.
#[derive(Clone, Copy)]
enum To {
    Slope,
    Level(usize),
}

/// The sum over rows of what the probabilities do, class by class: of class 1 where there are two, else of all.
#[derive(Clone)]
pub(super) struct Moved {
    pub(super) value: Vec<f64>,
    /// Its derivative in the parameters of the fit.
    pub(super) gradient: Vec<Vec<f64>>,
    /// Whether only columns with a coefficient moved.
    pub(super) estimable: bool,
}

impl Moved {
    pub(super) fn nothing(outputs: usize, n_parameters: usize) -> Self {
        let classes = if outputs == 1 { 1 } else { outputs + 1 };
        Moved { value: vec![0.0; classes], gradient: vec![vec![0.0; n_parameters]; classes], estimable: true }
    }

    pub(super) fn merge(&mut self, other: &Moved) {
        self.value.iter_mut().zip(&other.value).for_each(|(a, b)| *a += b);
        let pairs = self.gradient.iter_mut().flatten().zip(other.gradient.iter().flatten());
        pairs.for_each(|(a, b)| *a += b);
        self.estimable &= other.estimable;
    }

    pub(super) fn scale(&mut self, factor: f64) {
        self.value.iter_mut().chain(self.gradient.iter_mut().flatten()).for_each(|a| *a *= factor);
    }

    /// The classes whose probabilities are followed.
    fn classes(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let n = self.value.len();
        (0..n).map(move |at| (at, if n == 1 { 1 } else { at }))
    }
}

/// Every move that a table's columns allow.
pub(super) fn moves<'m>(anatomy: &'m Anatomy<'m>, solution: &Solution) -> Vec<Move<'m>> {
    let mut moves = Vec::new();
    for group in &anatomy.sources {
        let codes: Vec<Option<usize>> = match group.kind {
            Kind::Categorical { levels, .. } => (1..levels.len()).map(Some).collect(),
            _ => vec![None],
        };
        moves.extend(codes.into_iter().map(|code| {
            let touched = touched(anatomy, group, solution);
            Move { group, code, touched, outputs: solution.outputs }
        }));
    }
    moves
}

fn touched(anatomy: &Anatomy<'_>, group: &Group<'_>, solution: &Solution) -> Vec<Touched> {
    let (standard, outputs) = (&solution.standard, solution.outputs);
    let p = standard.columns.len();
    let of = |own: usize, other: Option<usize>, column: usize| {
        let at = standard.columns.binary_search(&column).ok();
        let weight = |k: usize| at.map_or(0.0, |at| solution.parameters[k * p + at] / standard.scale[at]);
        let fitted = at.map(|at| (at, standard.scale[at]));
        Touched { own, other, column, fitted, weight: (0..outputs).map(weight).collect() }
    };
    let mut touched: Vec<Touched> = group.columns.clone().map(|column| of(column, None, column)).collect();
    for product in &anatomy.products {
        for (own, other) in [(product.left, product.right), (product.right, product.left)] {
            if group.columns.contains(&own) {
                touched.push(of(own, Some(other), product.column));
            }
        }
    }
    touched
}

impl Move<'_> {
    /// `age`, `sex[male]`.
    pub(super) fn term(&self) -> String {
        self.level().map_or(self.group.label.clone(), |level| format!("{}[{level}]", self.group.label))
    }

    pub(super) fn level(&self) -> Option<&String> {
        match self.group.kind {
            Kind::Categorical { levels, .. } => levels.get(self.code?),
            _ => None,
        }
    }

    /// Adds what the rows of a panel do: `raw` has all design columns as they are, `panel` those of the fit in its
    /// units.
    pub(super) fn add(&self, raw: &Panel, panel: &Panel, logits: &[f64], moved: &mut Moved) {
        match self.code {
            None => self.add_slope(raw, panel, logits, moved),
            Some(code) => self.add_change(raw, panel, logits, code, moved),
        }
    }

    /// With D the slopes of the logits, D̄ = Σ pₗ·Dₗ and G = p·(D_c − D̄) the slope of the probability of class c:
    /// ∂G/∂zₗ = p_c·(δ_cl − pₗ)·(D_c − D̄) − p_c·pₗ·(Dₗ − D̄) and ∂G/∂Dₗ = p_c·(δ_cl − pₗ).
    fn add_slope(&self, raw: &Panel, panel: &Panel, logits: &[f64], moved: &mut Moved) {
        let (n, s) = (raw.n_rows(), panel.weight());
        let slopes: Vec<Vec<f64>> = self.touched.iter().map(|touched| self.moved(touched, raw, To::Slope)).collect();
        moved.estimable &= self.estimable(&slopes, s);
        let p = probabilities(logits, n);
        // Class 0 is the base, whose logit is always 0.
        let mut d = vec![0.0; p.len()];
        for (touched, slope) in self.touched.iter().zip(&slopes) {
            for (d, w) in d[n..].chunks_exact_mut(n).zip(&touched.weight) {
                d.iter_mut().zip(slope).for_each(|(d, x)| *d += w * x);
            }
        }
        for i in 0..n {
            let at = |values: &[f64], class: usize| values[class * n + i];
            let mean: f64 = (0..=self.outputs).map(|class| at(&p, class) * at(&d, class)).sum();
            d.iter_mut().skip(i).step_by(n).for_each(|d| *d -= mean);
        }
        for (at, class) in moved.classes() {
            let own = class * n..(class + 1) * n;
            let slope = p[own.clone()].iter().zip(&d[own.clone()]).map(|(p, d)| p * d);
            moved.value[at] += slope.zip(s).map(|(g, s)| g * s).sum::<f64>();
            for k in 0..self.outputs {
                let other = (k + 1) * n..(k + 2) * n;
                let by_slope = curvature(&p[own.clone()], &p[other.clone()], s, class == k + 1);
                let product = |i: usize| {
                    by_slope[i] * d[own.start + i] - s[i] * p[own.start + i] * p[other.start + i] * d[other.start + i]
                };
                let by_logit: Vec<f64> = (0..n).map(product).collect();
                self.add_gradient(panel, k, &by_logit, &mut moved.gradient[at]);
                self.add_touched(panel, k, &[(&by_slope, &slopes)], &mut moved.gradient[at]);
            }
        }
    }

    /// The change of the probabilities from the reference level, code 0, to another.
    fn add_change(&self, raw: &Panel, panel: &Panel, logits: &[f64], code: usize, moved: &mut Moved) {
        let (n, s) = (raw.n_rows(), panel.weight());
        let mut side = |code: usize| {
            let change = |touched: &Touched| {
                let mut values = self.moved(touched, raw, To::Level(code));
                values.iter_mut().zip(raw.column(touched.column)).for_each(|(new, old)| *new -= old);
                values
            };
            let changes: Vec<Vec<f64>> = self.touched.iter().map(change).collect();
            moved.estimable &= self.estimable(&changes, s);
            let mut z = logits.to_vec();
            for (touched, change) in self.touched.iter().zip(&changes) {
                for (z, w) in z.chunks_exact_mut(n).zip(&touched.weight) {
                    z.iter_mut().zip(change).for_each(|(z, x)| *z += w * x);
                }
            }
            (probabilities(&z, n), changes)
        };
        let (there, reference) = (side(code), side(0));
        for (at, class) in moved.classes() {
            let own = class * n..(class + 1) * n;
            let change = there.0[own.clone()].iter().zip(&reference.0[own.clone()]).map(|(new, old)| new - old);
            moved.value[at] += change.zip(s).map(|(g, s)| g * s).sum::<f64>();
            for k in 0..self.outputs {
                let other = (k + 1) * n..(k + 2) * n;
                let of = |p: &[f64]| curvature(&p[own.clone()], &p[other.clone()], s, class == k + 1);
                let (up, down) = (of(&there.0), of(&reference.0));
                let both: Vec<f64> = up.iter().zip(&down).map(|(up, down)| up - down).collect();
                let down: Vec<f64> = down.into_iter().map(|down| -down).collect();
                self.add_gradient(panel, k, &both, &mut moved.gradient[at]);
                let sides = [(&up[..], &there.1[..]), (&down, &reference.1)];
                self.add_touched(panel, k, &sides, &mut moved.gradient[at]);
            }
        }
    }

    /// What a touched column has instead, or its slope.
    fn moved(&self, touched: &Touched, raw: &Panel, to: To) -> Vec<f64> {
        let place = touched.own - self.group.columns.start;
        let mut values: Vec<f64> = match (to, self.group.kind) {
            (To::Level(code), _) => vec![f64::from(code == place + 1); raw.n_rows()],
            (To::Slope, Kind::Numeric { curve, .. }) => {
                let first = raw.column(self.group.columns.start);
                first.iter().map(|&first| curve.slope(place, first)).collect()
            }
            (To::Slope, _) => vec![1.0; raw.n_rows()],
        };
        if let Some(other) = touched.other {
            values.iter_mut().zip(raw.column(other)).for_each(|(value, other)| *value *= other);
        }
        values
    }

    /// Whether columns that were left out of the fit stay where they are, in rows that count.
    fn estimable(&self, changes: &[Vec<f64>], weight: &[f64]) -> bool {
        let left_out = self.touched.iter().zip(changes).filter(|(touched, _)| touched.fitted.is_none());
        left_out.flat_map(|(_, change)| change.iter().zip(weight)).all(|(x, s)| *x == 0.0 || *s == 0.0)
    }

    /// Adds Σ aᵢ·x̃ᵢ to the derivative in the parameters of output k.
    fn add_gradient(&self, panel: &Panel, k: usize, a: &[f64], gradient: &mut [f64]) {
        let p = panel.n_columns();
        (0..p).for_each(|j| gradient[k * p + j] += dot(a, panel.column(j)));
        if let Some(bias) = gradient.get_mut(self.outputs * p + k) {
            *bias += a.iter().sum::<f64>();
        }
    }

    /// Adds what the moved parts of the touched columns do to the derivative in the parameters of output k.
    fn add_touched(&self, panel: &Panel, k: usize, sides: &[(&[f64], &[Vec<f64>])], gradient: &mut [f64]) {
        let p = panel.n_columns();
        for (at, touched) in self.touched.iter().enumerate() {
            let Some((own, scale)) = touched.fitted else { continue };
            for (a, changes) in sides {
                gradient[k * p + own] += dot(a, &changes[at]) / scale;
            }
        }
    }
}

/// sᵢ·∂p_c/∂zₗ = sᵢ·p_c·(δ_cl − pₗ).
fn curvature(of_class: &[f64], of_output: &[f64], weight: &[f64], same: bool) -> Vec<f64> {
    let rows = of_class.iter().zip(of_output).zip(weight);
    rows.map(|((p, other), s)| s * p * (f64::from(same) - other)).collect()
}

/// The probabilities of all classes, the base first: (n_outputs, n) to (n_outputs + 1, n).
fn probabilities(logits: &[f64], n: usize) -> Vec<f64> {
    let mut p = vec![0.0; n];
    p.extend_from_slice(logits);
    let (mut top, mut sum) = (vec![0.0; n], vec![0.0; n]);
    for z in logits.chunks_exact(n) {
        top.iter_mut().zip(z).for_each(|(top, z)| *top = f64::max(*top, *z));
    }
    for z in p.chunks_exact_mut(n) {
        z.iter_mut().zip(&top).for_each(|(z, top)| *z = (*z - top).exp());
        sum.iter_mut().zip(&*z).for_each(|(sum, e)| *sum += e);
    }
    p.chunks_exact_mut(n).for_each(|e| e.iter_mut().zip(&sum).for_each(|(e, sum)| *e /= sum));
    p
}
