//! The tutorial's parts: the random streams of NumPy and PyTorch, a layer, its losses, and what moves it.

use logistic::dataset::{DataLoader, Dataset, fractions};
use logistic::loss::{Bce, BceWithLogits, Loss, Output, Reduction, sigmoid};
use logistic::objective::{EmpiricalRisk, Linear, Module, Objective, Order, Sums, Tensor};
use logistic::random::torch;
use logistic::solver::{Adam, Sgd, Solver};
use logistic::table::{Blobs, Centers, ClusterStd, Samples};
use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;

use crate::errors::raised;

/// PyTorch's generator on the CPU.
#[pyclass(module = "logistic._core")]
pub(crate) struct Generator(torch::Generator);

#[pymethods]
impl Generator {
    #[new]
    fn new(seed: u64) -> Self {
        Generator(torch::Generator::manual_seed(seed))
    }

    /// Starts again from a seed.
    fn manual_seed(&mut self, seed: u64) {
        self.0 = torch::Generator::manual_seed(seed);
    }

    /// 0, …, n − 1 in a random order.
    fn randperm<'py>(&mut self, py: Python<'py>, n: usize) -> Bound<'py, PyArray1<usize>> {
        PyArray1::from_vec(py, self.0.randperm(n))
    }

    /// The rows of each mini-batch of one epoch over `n` rows; `own` where the loader was given this generator.
    fn epoch<'py>(
        &mut self,
        py: Python<'py>,
        sizes: (usize, usize),
        how: (bool, bool, bool),
    ) -> PyResult<Vec<Bound<'py, PyArray1<usize>>>> {
        let ((n, batch_size), (shuffle, drop_last, own)) = (sizes, how);
        // Only the order counts, so the rows have no columns.
        let rows = Dataset::new(Vec::new(), vec![0.0; n], None).map_err(raised)?;
        let loader = DataLoader::new(&rows.rows()).batch_size(batch_size).shuffle(shuffle).drop_last(drop_last);
        let epoch = if own { loader.epoch_from(&mut self.0) } else { loader.epoch(&mut self.0) };
        Ok(epoch.map(|batch| PyArray1::from_vec(py, batch.indices().collect())).collect())
    }
}

/// The lengths of two or three shares of `n` rows.
#[pyfunction]
pub(crate) fn lengths(n: usize, shares: Vec<f64>) -> PyResult<Option<Vec<usize>>> {
    Ok(match shares[..] {
        [a, b] => Some(fractions(n, &[a, b]).map_err(raised)?.to_vec()),
        [a, b, c] => Some(fractions(n, &[a, b, c]).map_err(raised)?.to_vec()),
        _ => None,
    })
}

/// `z = W·x + b`.
#[pyclass(module = "logistic._core")]
pub(crate) struct Layer {
    linear: Linear,
    n_inputs: usize,
    n_outputs: usize,
}

/// What a loss is of, and how it is taken.
#[derive(FromPyObject)]
pub(crate) enum LossOf {
    /// Of logits: the factor on positive rows, and whether losses are summed.
    Logits(f64, bool),
    /// Of probabilities: whether losses are summed.
    Probabilities((bool,)),
}

#[pymethods]
impl Layer {
    /// PyTorch's initialisation.
    #[new]
    fn new(n_inputs: usize, n_outputs: usize, rng: &mut Generator) -> Self {
        Layer { linear: Linear::init(n_inputs, n_outputs, &mut rng.0), n_inputs, n_outputs }
    }

    /// The weights (n_outputs, n_inputs).
    #[getter]
    fn weight<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<f64>>> {
        PyArray1::from_slice(py, self.linear.weight()).reshape([self.n_outputs, self.n_inputs])
    }

    /// The biases (n_outputs).
    #[getter]
    fn bias<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        PyArray1::from_slice(py, self.linear.bias())
    }

    /// Takes other weights and biases.
    fn load(&mut self, weight: PyReadonlyArray2<'_, f64>, bias: PyReadonlyArray1<'_, f64>) -> PyResult<()> {
        let tensor = |name: &str, shape: &[usize], values: Vec<f64>| Tensor {
            name: name.to_string(),
            shape: shape.to_vec(),
            values,
        };
        let weight = tensor("weight", weight.shape(), weight.as_array().iter().copied().collect());
        let bias = tensor("bias", bias.shape(), bias.as_array().to_vec());
        self.linear.load_state_dict("", &[weight, bias]).map_err(raised)
    }

    /// The outputs (n_rows, n_outputs) for rows (n_rows, n_inputs).
    fn forward<'py>(&self, py: Python<'py>, x: PyReadonlyArray2<'_, f64>) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let n_rows = x.shape()[0];
        let logits = if self.n_outputs == 1 {
            let rows = dataset(&x, vec![0.0; n_rows])?;
            EmpiricalRisk::new(rows.rows(), BceWithLogits::default())
                .logits(self.linear.parameters())
                .map_err(raised)?
        } else {
            let rows = x.as_array();
            let outputs = rows.outer_iter().map(|row| self.linear.forward(&row.to_vec()));
            outputs.collect::<logistic::Result<Vec<_>>>().map_err(raised)?.concat()
        };
        PyArray1::from_vec(py, logits).reshape([n_rows, self.n_outputs])
    }

    /// The loss of rows, and its gradient in the weights, then the biases.
    fn loss<'py>(
        &self,
        py: Python<'py>,
        x: PyReadonlyArray2<'_, f64>,
        y: PyReadonlyArray1<'_, f64>,
        of: LossOf,
    ) -> PyResult<(f64, Bound<'py, PyArray1<f64>>)> {
        let rows = dataset(&x, y.as_array().to_vec())?;
        let reduction = |sum: bool| if sum { Reduction::Sum } else { Reduction::Mean };
        let sums = match of {
            LossOf::Logits(pos_weight, sum) => {
                self.sums(&rows, BceWithLogits { pos_weight, reduction: reduction(sum) })
            }
            LossOf::Probabilities((sum,)) => self.sums(&rows, Bce { reduction: reduction(sum) }),
        };
        Ok((sums.value, PyArray1::from_vec(py, sums.gradient)))
    }
}

impl Layer {
    fn sums(&self, rows: &Dataset, loss: impl Loss) -> Sums {
        EmpiricalRisk::new(rows.rows(), loss).sums(self.linear.parameters(), Order::Gradient)
    }
}

fn dataset(x: &PyReadonlyArray2<'_, f64>, y: Vec<f64>) -> PyResult<Dataset> {
    let values: Vec<f64> = x.as_array().iter().copied().collect();
    Dataset::from_rows(&values, x.shape()[1], y).map_err(raised)
}

/// The probability of a logit.
#[pyfunction]
pub(crate) fn probability<'py>(py: Python<'py>, z: PyReadonlyArray1<'_, f64>) -> Bound<'py, PyArray1<f64>> {
    PyArray1::from_iter(py, z.as_array().iter().map(|&z| sigmoid(z)))
}

/// A solver, moved by gradients that were added up before.
#[pyclass(module = "logistic._core")]
pub(crate) struct Optimizer(Box<dyn Solver + Send + Sync>);

/// A gradient that is known already, as an objective.
struct Held(Vec<f64>);

impl Objective for Held {
    fn n_parameters(&self) -> usize {
        self.0.len()
    }

    fn input(&self) -> Output {
        Output::Logit
    }

    fn total_weight(&self) -> f64 {
        1.0
    }

    fn sums(&self, _: &[f64], _: Order) -> Sums {
        Sums { gradient: self.0.clone(), ..Sums::default() }
    }
}

#[pymethods]
impl Optimizer {
    #[staticmethod]
    fn sgd(lr: f64, momentum: f64, dampening: f64, weight_decay: f64, nesterov: bool) -> Self {
        let sgd = Sgd::new(lr).momentum(momentum).dampening(dampening).weight_decay(weight_decay).nesterov(nesterov);
        Optimizer(Box::new(sgd))
    }

    #[staticmethod]
    fn adam(lr: f64) -> Self {
        Optimizer(Box::new(Adam::new(lr)))
    }

    /// Moves a layer along a gradient.
    fn step(&mut self, layer: &mut Layer, gradient: PyReadonlyArray1<'_, f64>) -> PyResult<()> {
        let held = Held(gradient.as_array().to_vec());
        self.0.step(&held, &mut layer.linear).map(|_| ()).map_err(raised)
    }
}

/// How many centres, or which.
#[derive(FromPyObject)]
pub(crate) enum Centres {
    Number(usize),
    Given(Vec<Vec<f64>>),
}

/// One number, or one for each centre.
#[derive(FromPyObject)]
pub(crate) enum PerCentre<T> {
    One(T),
    Each(Vec<T>),
}

/// Points (n_samples, n_features), the number of each one's blob, and the centres.
type Points<'py> = (Bound<'py, PyArray2<f64>>, Bound<'py, PyArray1<i64>>, Bound<'py, PyArray2<f64>>);

/// scikit-learn's blobs.
#[pyfunction]
pub(crate) fn make_blobs<'py>(
    py: Python<'py>,
    sizes: (PerCentre<usize>, usize),
    centers: (Option<Centres>, PerCentre<f64>),
    center_box: (f64, f64),
    how: (bool, u32),
) -> PyResult<Points<'py>> {
    let ((n_samples, n_features), (centers, cluster_std), (shuffle, random_state)) = (sizes, centers, how);
    let blobs = Blobs {
        n_samples: match n_samples {
            PerCentre::One(total) => Samples::Total(total),
            PerCentre::Each(counts) => Samples::PerCenter(counts),
        },
        n_features,
        centers: match centers {
            None => Centers::Unspecified,
            Some(Centres::Number(number)) => Centers::Number(number),
            Some(Centres::Given(centers)) => Centers::Given(centers),
        },
        cluster_std: match cluster_std {
            PerCentre::One(deviation) => ClusterStd::Common(deviation),
            PerCentre::Each(deviations) => ClusterStd::PerCenter(deviations),
        },
        center_box,
        shuffle,
        random_state,
    };
    let made = py.detach(|| logistic::table::make_blobs(&blobs)).map_err(raised)?;
    let x = PyArray1::from_vec(py, made.x).reshape([made.y.len(), made.n_features])?;
    let y = PyArray1::from_iter(py, made.y.iter().map(|&y| y as i64));
    Ok((x, y, PyArray2::from_vec2(py, &made.centers)?))
}

/// Adds what stands here to the module.
pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Generator>()?;
    module.add_class::<Layer>()?;
    module.add_class::<Optimizer>()?;
    module.add_function(wrap_pyfunction!(lengths, module)?)?;
    module.add_function(wrap_pyfunction!(probability, module)?)?;
    module.add_function(wrap_pyfunction!(make_blobs, module)?)
}
