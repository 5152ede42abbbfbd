//! The pass over rows as an aggregate function of DataFusion: `logistic_answer(columns…, task)`.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Expr, Signature, Volatility, lit};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Literal;

use crate::asked::{Answer, Asked, in_words};

/// The function's name, by which scheduler and executors find it.
pub(crate) const NAME: &str = "logistic_answer";

/// Batches are put together until they have so many bytes: a kernel wants many rows at once.
pub(crate) const BLOCK: usize = 8 << 20;

#[derive(Debug, PartialEq, Eq, Hash)]
struct AnswerFunction {
    signature: Signature,
}

/// The function.
pub(crate) fn function() -> AggregateUDF {
    // Columns of any kind are taken as they are.
    AggregateUDF::from(AnswerFunction { signature: Signature::user_defined(Volatility::Immutable) })
}

/// A task as an argument. Of the ways to say it to all executors this one needs no codec, and as a dictionary it is one
/// byte a row where DataFusion makes an array of it.
pub(crate) fn argument(task: Vec<u8>) -> Expr {
    lit(ScalarValue::Dictionary(Box::new(DataType::Int8), Box::new(ScalarValue::Binary(Some(task)))))
}

/// The task among the arguments.
pub(crate) fn task_of(arguments: &[Arc<dyn PhysicalExpr>]) -> Result<Asked> {
    let literal = arguments.last().and_then(|last| last.downcast_ref::<Literal>()).map(Literal::value);
    match literal {
        Some(ScalarValue::Dictionary(_, task)) => match &**task {
            ScalarValue::Binary(Some(task)) => Asked::read(task).map_err(|error| in_words(&error)),
            _ => Err(DataFusionError::Plan(format!("the task of {NAME} is no binary value"))),
        },
        _ => Err(DataFusionError::Plan(format!("the last argument of {NAME} is no task"))),
    }
}

impl AggregateUDFImpl for AnswerFunction {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Binary)
    }

    fn coerce_types(&self, kinds: &[DataType]) -> Result<Vec<DataType>> {
        Ok(kinds.to_vec())
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Answering::new(Arc::new(task_of(args.exprs)?))))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new(format!("{}[answer]", args.name), DataType::Binary, true))])
    }
}

/// The answer of the rows so far.
#[derive(Debug)]
pub(crate) struct Answering {
    asked: Arc<Asked>,
    waiting: Vec<RecordBatch>,
    waiting_bytes: usize,
    answer: Answer,
    /// Surveys of partitions, as they came.
    surveys: Vec<Vec<u8>>,
}

impl Answering {
    pub(crate) fn new(asked: Arc<Asked>) -> Self {
        let answer = asked.nothing();
        Answering { asked, waiting: Vec::new(), waiting_bytes: 0, answer, surveys: Vec::new() }
    }

    fn settle(&mut self) -> Result<()> {
        self.waiting_bytes = 0;
        let batches = std::mem::take(&mut self.waiting);
        if batches.is_empty() {
            return Ok(());
        }
        let block = self.asked.block(batches).map_err(|error| in_words(&error))?;
        let answer = self.asked.answer(&block).map_err(|error| in_words(&error))?;
        self.add(answer)
    }

    /// Everything that is still to be added.
    fn settle_all(&mut self) -> Result<()> {
        self.settle()?;
        // In one order, however they came: rows are kept under the encoder that is learnt from them, to its last bit.
        let mut surveys = std::mem::take(&mut self.surveys);
        surveys.sort_unstable();
        for survey in surveys {
            let answer = self.asked.answer_of_bytes(&survey).map_err(|error| in_words(&error))?;
            self.add(answer)?;
        }
        Ok(())
    }

    /// Adds the answer of other rows.
    pub(crate) fn add(&mut self, answer: Answer) -> Result<()> {
        self.asked.merge(&mut self.answer, answer).map_err(|error| in_words(&error))
    }

    /// The answer as it travels.
    pub(crate) fn state(&self) -> ScalarValue {
        ScalarValue::Binary(Some(self.answer.bytes()))
    }
}

/// The columns of a batch under their names.
pub(crate) fn named(asked: &Asked, columns: &[ArrayRef]) -> Result<RecordBatch> {
    let fields = asked.setup.columns.iter().zip(columns);
    let fields: Vec<Field> = fields.map(|(name, array)| Field::new(name, array.data_type().clone(), true)).collect();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.to_vec())?)
}

impl Accumulator for Answering {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let Some((_, columns)) = values.split_last() else { return Ok(()) };
        let batch = named(&self.asked, columns)?;
        if batch.num_rows() > 0 {
            self.waiting_bytes += batch.get_array_memory_size();
            self.waiting.push(batch);
        }
        if self.waiting_bytes < BLOCK { Ok(()) } else { self.settle() }
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for bytes in states.iter().flat_map(|states| states.as_binary::<i32>().iter()).flatten() {
            if matches!(self.answer, Answer::Survey(_)) {
                self.surveys.push(bytes.to_vec());
                continue;
            }
            let answer = self.asked.answer_of_bytes(bytes).map_err(|error| in_words(&error))?;
            self.add(answer)?;
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.settle_all()?;
        Ok(vec![Answering::state(self)])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.settle_all()?;
        Ok(Answering::state(self))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.waiting_bytes
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::Float64Array;

    use super::*;
    use crate::asked::{Setup, Work};

    #[test]
    fn surveys_are_merged_in_one_order_however_they_come() {
        let work = Work::Survey { text: Vec::new(), missing_markers: Vec::new() };
        let task = Asked::bytes(&Setup { columns: vec!["x".to_string()], work }, b"?");
        let asked = Arc::new(Asked::read(&task).unwrap());
        let of_rows = |rows: &[f64]| -> ArrayRef {
            let mut answering = Answering::new(Arc::clone(&asked));
            let column: ArrayRef = Arc::new(Float64Array::from(rows.to_vec()));
            answering.update_batch(&[Arc::clone(&column), column]).unwrap();
            Accumulator::state(&mut answering).unwrap()[0].to_array().unwrap()
        };
        // 0.1 + 0.2 + 0.3 is one number or another.
        let parts = [of_rows(&[0.1]), of_rows(&[0.2]), of_rows(&[0.3])];
        let merged = |order: [usize; 3]| {
            let mut answering = Answering::new(Arc::clone(&asked));
            order.iter().for_each(|&part| answering.merge_batch(&[Arc::clone(&parts[part])]).unwrap());
            answering.evaluate().unwrap()
        };
        let first = merged([0, 1, 2]);
        assert!(
            [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]].into_iter().all(|order| merged(order) == first)
        );
    }
}
