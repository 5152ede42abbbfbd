//! Training: standardise, draw the parameters, step through mini-batches, keep the best.

use super::{Training, Validation, WithoutLayers};
use crate::dataset::{Rows, Standardisation};
use crate::error::{Error, Result};
use crate::loss::{BceWithLogits, CrossEntropy, Loss};
use crate::model::attempt::divergence;
use crate::model::batches::Batches;
use crate::model::covariance::Covariance;
use crate::model::fit::Progress;
use crate::model::settings::{LogisticRegression, Method, WeightKind};
use crate::model::{ClassWeight, Facts, Penalty};
use crate::objective::{Activation, Layers, Module, Network, NetworkRisk, Objective, Order, ParameterPenalty};
use crate::random::torch::Generator;
use crate::solver::{Adam, Go, Sgd, Solver, Step, Termination};

/// A regression of more coefficients than this is not fitted for comparison alone.
const MOST_COMPARED: usize = 1000;

/// The settings of a network: hidden layers, and what can be asked of a logistic regression on them.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkTraining {
    /// The units of each hidden layer.
    pub hidden: Vec<usize>,
    /// What a hidden unit makes of its sum.
    pub activation: Activation,
    /// The rows to keep apart, and when to stop by them; none are where absent, and all epochs are run.
    pub early_stopping: Option<EarlyStopping>,
    /// Mini-batches by [`Method::Sgd`] or [`Method::Adam`], weights of classes, and an l2 penalty, which acts on the weights
    /// of all layers on standardised columns, never on biases. Other settings must be as by default.
    pub regression: LogisticRegression,
}

/// When to stop before the last epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EarlyStopping {
    /// The share of the rows that is kept apart, at random.
    pub fraction: f64,
    /// The epochs without a lower loss on them after which the training ends.
    pub patience: usize,
}

/// A trained network, of columns in the user's units.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkFit {
    /// The layers, with the parameters that were kept.
    pub network: Network,
    /// How it was trained.
    pub training: Training,
    /// What was fitted on what: the rows are those that steps were taken on.
    pub facts: Facts,
    /// The mean loss of every epoch's mini-batches, penalty included.
    pub trace: Vec<f64>,
    /// The design columns that do not vary, rising; their weights are 0.
    pub(super) constant: Vec<usize>,
}

/// The mini-batches that a method asks for.
struct Stepping {
    solver: Box<dyn Solver>,
    learning_rate: f64,
    epochs: usize,
    batch_size: usize,
    seed: u64,
}

impl Stepping {
    fn of(method: Method) -> Result<Self> {
        match method {
            Method::Sgd { learning_rate, epochs, batch_size, seed } => {
                Ok(Stepping { solver: Box::new(Sgd::new(learning_rate)), learning_rate, epochs, batch_size, seed })
            }
            Method::Adam { learning_rate, epochs, batch_size, seed } => {
                Ok(Stepping { solver: Box::new(Adam::new(learning_rate)), learning_rate, epochs, batch_size, seed })
            }
            other => Err(Error::setting("solver", "`adam` or `sgd` for hidden layers", &format!("`{}`", other.name()))),
        }
    }
}

/// Rows that no step is taken on, and what they said so far.
struct Watch<'a, L> {
    risk: NetworkRisk<'a, L>,
    validation: Validation,
    best: Vec<f64>,
}

impl<L: Loss> Watch<'_, L> {
    /// Hears of the parameters after an epoch, counted from 0.
    fn hear(&mut self, epoch: usize, parameters: &[f64]) -> Option<Termination> {
        let loss = self.risk.sums(parameters, Order::Value).value;
        let validation = &mut self.validation;
        let best = validation.losses.iter().copied().fold(f64::INFINITY, f64::min);
        validation.losses.push(loss);
        if loss < best {
            validation.best_epoch = epoch + 1;
            self.best.clear();
            self.best.extend_from_slice(parameters);
            return None;
        }
        let waited = epoch + 1 - validation.best_epoch;
        (waited >= validation.patience).then_some(Termination::EarlyStopped)
    }
}

impl NetworkTraining {
    /// Trains on the rows. `progress` hears of every epoch (counted from 0) and may stop the training.
    ///
    /// # Errors
    /// [`Error::Setting`] for settings that cannot be, or that a network does not know, such as an l1 penalty, and for a
    /// training that diverges; [`Error::Shape`] for as many class weights as there are not classes;
    /// [`Error::Target`] for no rows, or a class without rows.
    pub fn fit(&self, rows: &Rows<'_>, progress: Progress<'_>) -> Result<NetworkFit> {
        self.check()?;
        self.regression.check(rows)?;
        let Some(of_class) = self.regression.class_weights(rows) else {
            return self.fit_weighted(rows, &[], progress);
        };
        let data = rows.dataset().class_weighted(&of_class)?;
        self.fit_weighted(&rows.of(&data), &of_class, progress)
    }

    /// Refuses what a network does not know.
    fn check(&self) -> Result<()> {
        let regression = &self.regression;
        let unknown = [
            ("l1", regression.penalty.l1 > 0.0, "0"),
            ("penalty-factor", !regression.penalty.factors.is_empty(), "none"),
            ("bound", !regression.bounds.is_empty(), "none"),
            ("no-intercept", !regression.intercept, "false"),
            ("firth", regression.firth, "false"),
            ("covariance", regression.covariance != Covariance::Information, "`information`"),
            ("weight-kind", regression.weight_kind != WeightKind::Frequency, "`frequency`"),
        ];
        if let Some((name, _, expected)) = unknown.into_iter().find(|(_, asked, _)| *asked) {
            return Err(Error::setting(name, &format!("{expected}, with hidden layers"), &"another"));
        }
        if self.hidden.is_empty() {
            return Err(Error::setting("hidden", "at least one layer", &"none"));
        }
        match self.early_stopping {
            Some(EarlyStopping { fraction, .. }) if !(fraction > 0.0 && fraction < 1.0) => {
                Err(Error::setting("validation-fraction", "between 0 and 1", &fraction))
            }
            Some(EarlyStopping { patience: 0, .. }) => Err(Error::setting("validation-patience", "at least 1", &0)),
            _ => Ok(()),
        }
    }

    fn fit_weighted(&self, rows: &Rows<'_>, class_weight: &[f64], progress: Progress<'_>) -> Result<NetworkFit> {
        let mut fit = match rows.dataset().n_classes() {
            2 => self.fit_loss(rows, BceWithLogits::default(), progress)?,
            n_classes => self.fit_loss(rows, CrossEntropy { n_classes, base: false }, progress)?,
        };
        fit.facts.class_weight = class_weight.to_vec();
        fit.facts.pseudo_likelihood = !class_weight.is_empty();
        Ok(fit)
    }

    /// The rows to step on, and those kept apart.
    fn split<'a>(&self, rows: &Rows<'a>, rng: &mut Generator) -> Result<(Rows<'a>, Option<Rows<'a>>)> {
        let Some(EarlyStopping { fraction, .. }) = self.early_stopping else { return Ok((rows.clone(), None)) };
        let [train, apart] = rows.random_parts(fraction, rng)?;
        if apart.total_weight() <= 0.0 {
            let expected = "a share that has rows";
            return Err(Error::setting("validation-fraction", expected, &format!("{fraction} of {} rows", rows.len())));
        }
        self.regression.check(&train)?;
        Ok((train, Some(apart)))
    }

    fn fit_loss<L: Loss + Copy>(&self, rows: &Rows<'_>, loss: L, progress: Progress<'_>) -> Result<NetworkFit> {
        let mut stepping = Stepping::of(self.regression.method)?;
        let mut rng = Generator::manual_seed(stepping.seed);
        let (train, apart) = self.split(rows, &mut rng)?;
        let standard = Standardisation::of(&train, true);
        let layers = Layers::new(standard.columns.len(), &self.hidden, loss.n_outputs(), self.activation)?;
        let plain = NetworkRisk::standardised(train.clone(), loss, &layers, standard.clone())?;
        let without_layers = self.without_layers(&train, apart.as_ref());
        let mut watch = apart.map(|apart| self.watch(plain.of_rows(apart)));
        let penalty = self.penalty(&layers);
        let risk = plain.penalised(penalty.clone())?;
        let mut network = Network::init(layers.clone(), &mut rng);
        let mut trace = Vec::new();
        let mut after = |epoch: usize, step: &Step, model: &dyn Module| {
            let waited = watch.as_mut().and_then(|watch| watch.hear(epoch, model.parameters()));
            match progress(epoch, step) {
                Go::Stop => Some(Termination::Interrupted),
                Go::On if !step.value.is_finite() => Some(Termination::Stalled),
                Go::On => waited,
            }
        };
        let Stepping { solver, epochs, batch_size, seed, .. } = &mut stepping;
        let batches = Batches { rows: &train, epochs: *epochs, batch_size: *batch_size, seed: *seed };
        let stepped: (&mut dyn Solver, &mut dyn Module) = (&mut **solver, &mut network);
        let termination = batches.run(rng, |batch| Ok(risk.of_rows(batch)), stepped, &mut trace, &mut after)?;
        let validation = watch.map(|watch| {
            let (kept, best) = (network.parameters_mut().iter_mut(), watch.best);
            kept.zip(best).for_each(|(kept, best)| *kept = best);
            watch.validation
        });
        let losses = trace.iter().chain(validation.iter().flat_map(|validation| &validation.losses));
        if network.parameters().iter().chain(losses).any(|number| !number.is_finite()) {
            return Err(divergence(stepping.learning_rate));
        }
        let facts = Facts {
            iterations: trace.len(),
            termination: termination.name().to_string(),
            null_log_likelihood: self.regression.null_log_likelihood(&train, &standard, loss)?,
            ..self.facts(&train, &risk, &penalty, network.parameters())
        };
        Ok(NetworkFit {
            network: network.in_units_of(&standard, rows.dataset().n_columns()),
            training: Training {
                learning_rate: stepping.learning_rate,
                batch_size: stepping.batch_size,
                epochs: stepping.epochs,
                seed: stepping.seed,
                validation,
                without_layers,
            },
            facts,
            trace,
            constant: (0..rows.dataset().n_columns()).filter(|j| standard.columns.binary_search(j).is_err()).collect(),
        })
    }

    fn watch<'a, L: Loss>(&self, risk: NetworkRisk<'a, L>) -> Watch<'a, L> {
        let patience = self.early_stopping.map_or(usize::MAX, |early| early.patience);
        let validation = Validation { n_rows: risk.n_rows(), patience, losses: Vec::new(), best_epoch: 0 };
        Watch { risk, validation, best: Vec::new() }
    }

    /// What a logistic regression of the same columns reaches.
    fn without_layers(&self, train: &Rows<'_>, apart: Option<&Rows<'_>>) -> Option<WithoutLayers> {
        let (data, regression) = (train.dataset(), &self.regression);
        if data.n_columns() * data.n_classes() > MOST_COMPARED {
            return None;
        }
        let settings = LogisticRegression {
            method: Method::Auto,
            // The rows have the weights of their classes already.
            class_weight: ClassWeight::Equal,
            penalty: Penalty { standardised: true, ..regression.penalty.clone() },
            ..regression.clone()
        };
        let fit = settings.fit(train, &mut |_, _| Go::On).ok()?;
        let of = |rows: &Rows<'_>| fit.mean_loss(rows).ok();
        Some(WithoutLayers { fitted: of(train)?, apart: apart.and_then(of) })
    }

    fn penalty(&self, layers: &Layers) -> ParameterPenalty {
        let l2 = layers.weights().into_iter().map(|weight| self.regression.penalty.l2 * weight).collect();
        ParameterPenalty { l2, ..ParameterPenalty::none(layers.n_parameters()) }
    }

    /// What holds at these parameters. There is no bound on the distance to a minimum, for the objective is not convex.
    fn facts<L: Loss>(
        &self,
        rows: &Rows<'_>,
        risk: &NetworkRisk<'_, L>,
        penalty: &ParameterPenalty,
        parameters: &[f64],
    ) -> Facts {
        let sums = risk.sums(parameters, Order::Gradient);
        let total = rows.total_weight();
        Facts {
            n_rows: rows.len(),
            total_weight: total,
            l2: self.regression.penalty.l2,
            standardised_penalty: self.regression.penalty.l2 > 0.0,
            objective: sums.value,
            gradient_max_norm: sums.gradient_max_norm(),
            gap: f64::INFINITY,
            log_likelihood: -total * (sums.value - penalty.value(parameters)),
            ..Facts::unsaid(self.regression.method.name(), parameters.len())
        }
    }
}
