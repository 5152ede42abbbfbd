//! The mean loss over some rows of a network's logits.

use std::sync::Arc;

use super::Layers;
use super::pass::each_block;
use crate::dataset::{Rows, Standardisation};
use crate::error::{Error, Result};
use crate::loss::{Block, Loss, Output, Reduction};
use crate::objective::{Objective, Order, ParameterPenalty, Sums};

/// The mean loss over some rows of the logits of hidden layers, with an optional penalty: what
/// [`EmpiricalRisk`](crate::objective::EmpiricalRisk) is of a linear predictor.
///
/// It is not convex, and has values and gradients alone.
#[derive(Clone, Debug)]
pub struct NetworkRisk<'a, L> {
    rows: Rows<'a>,
    loss: L,
    layers: Layers,
    standard: Option<Arc<Standardisation>>,
    penalty: Option<Arc<ParameterPenalty>>,
    total_weight: f64,
}

impl<'a, L: Loss> NetworkRisk<'a, L> {
    /// The risk over `rows` of layers on the columns in their own units, without penalty.
    ///
    /// # Errors
    /// [`Error::Shape`] when inputs and columns, or the outputs of layers and loss, are not as many;
    /// [`Error::Setting`] for rows that an engine holds.
    pub fn new(rows: Rows<'a>, loss: L, layers: &Layers) -> Result<Self> {
        NetworkRisk::of(rows, loss, layers, None)
    }

    /// The same, on centred and scaled columns.
    ///
    /// # Errors
    /// As [`NetworkRisk::new`].
    pub fn standardised(rows: Rows<'a>, loss: L, layers: &Layers, standard: Standardisation) -> Result<Self> {
        NetworkRisk::of(rows, loss, layers, Some(Arc::new(standard)))
    }

    fn of(rows: Rows<'a>, loss: L, layers: &Layers, standard: Option<Arc<Standardisation>>) -> Result<Self> {
        let columns = standard.as_ref().map_or(rows.dataset().n_columns(), |standard| standard.columns.len());
        for (what, expected, found) in
            [("inputs", columns, layers.n_inputs()), ("outputs", loss.n_outputs(), layers.n_outputs())]
        {
            if expected != found {
                return Err(Error::Shape { what: format!("number of {what}"), expected, found });
            }
        }
        if rows.dataset().is_held_elsewhere() {
            return Err(Error::setting("hidden", "rows that are here", &"rows that an engine holds"));
        }
        let total_weight = rows.total_weight();
        Ok(NetworkRisk { rows, loss, layers: layers.clone(), standard, penalty: None, total_weight })
    }

    /// Adds a penalty on the parameters.
    ///
    /// # Errors
    /// [`Error::Shape`] when it is not for [`Objective::n_parameters`] parameters.
    pub fn penalised(mut self, penalty: ParameterPenalty) -> Result<Self> {
        penalty.check_length(self.layers.n_parameters())?;
        self.penalty = Some(Arc::new(penalty));
        Ok(self)
    }

    /// The same, over other rows of the dataset.
    #[must_use]
    pub fn of_rows(&self, rows: Rows<'a>) -> Self
    where
        L: Copy,
    {
        NetworkRisk { total_weight: rows.total_weight(), rows, ..self.clone() }
    }

    /// The number of rows.
    pub fn n_rows(&self) -> usize {
        self.rows.len()
    }

    /// The sums over the rows from `start` to `end`.
    fn part(&self, (start, end): (usize, usize), parameters: &[f64], order: Order) -> Sums {
        let mut sums = Sums::zero(parameters.len(), order.min(Order::Gradient));
        let mut turned = false;
        each_block((&self.rows, self.standard.as_deref()), (start, end), &self.layers, |work| {
            let (z, (y, weight)) = work.forward(&self.layers, parameters);
            sums.value += self.loss.add(&mut Block { z, y, weight, curvature: &mut [] });
            if order >= Order::Gradient {
                if !turned {
                    work.turn(&self.layers, parameters);
                    turned = true;
                }
                work.backward(&self.layers, &mut sums.gradient);
            }
        });
        sums
    }
}

impl<L: Loss> Objective for NetworkRisk<'_, L> {
    fn n_parameters(&self) -> usize {
        self.layers.n_parameters()
    }

    fn input(&self) -> Output {
        self.loss.input()
    }

    fn total_weight(&self) -> f64 {
        self.total_weight
    }

    /// Of a network there is no Hessian: it stays empty.
    fn sums(&self, parameters: &[f64], order: Order) -> Sums {
        let mut sums = if self.rows.is_one_chunk() {
            self.part((0, self.rows.len()), parameters, order)
        } else {
            let of = |range: std::ops::Range<usize>| self.part((range.start, range.end), parameters, order);
            let mut parts = self.rows.chunks(parameters.len(), of).into_iter();
            let mut merged = parts.next().unwrap_or_else(|| Sums::zero(parameters.len(), order.min(Order::Gradient)));
            parts.for_each(|part| merged.merge(&part));
            merged
        };
        if self.loss.reduction() == Reduction::Mean {
            sums.scale(1.0 / self.total_weight);
        }
        if let Some(penalty) = &self.penalty {
            penalty.add_smooth(parameters, order.min(Order::Gradient), &mut sums);
        }
        sums
    }

    fn has_curvature(&self) -> bool {
        false
    }

    fn kinks(&self) -> Option<&ParameterPenalty> {
        self.penalty.as_deref().filter(|penalty| penalty.has_kinks())
    }
}
