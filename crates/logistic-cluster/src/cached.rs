//! Passes that do not read again: an executor's engine that keeps the encoded rows of its partitions.

use std::fmt;
use std::sync::Arc;

use ballista_core::JobId;
use ballista_executor::execution_engine::{DefaultExecutionEngine, ExecutionEngine, QueryStageExecutor};
use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::display::DisplayableExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use datafusion::prelude::SessionConfig;
use futures::{StreamExt, stream};
use sha2::{Digest, Sha256};

use crate::asked::{Asked, Block, in_words};
use crate::function::{self, Answering, named, task_of};
use crate::held::{Held, Key};

/// Ballista's engine, but that questions are answered from rows that were kept.
pub(crate) struct CachingEngine {
    held: Arc<Held>,
    ballista: DefaultExecutionEngine,
}

impl CachingEngine {
    pub(crate) fn new(held: Held) -> Self {
        CachingEngine { held: Arc::new(held), ballista: DefaultExecutionEngine::new() }
    }
}

impl ExecutionEngine for CachingEngine {
    fn create_query_stage_exec(
        &self,
        job_id: JobId,
        stage_id: usize,
        task_id: usize,
        partitions: Vec<usize>,
        plan: Arc<dyn ExecutionPlan>,
        work_dir: &str,
        config: &SessionConfig,
    ) -> Result<Arc<dyn QueryStageExecutor>> {
        let plan = plan.transform_up(|node| AnswerExec::instead_of(node, &self.held))?.data;
        self.ballista.create_query_stage_exec(job_id, stage_id, task_id, partitions, plan, work_dir, config)
    }
}

/// The first phase of the answer, of rows that come from files and were kept, or will be.
#[derive(Debug)]
struct AnswerExec {
    properties: Arc<PlanProperties>,
    schema: SchemaRef,
    input: Arc<dyn ExecutionPlan>,
    reading: Arc<Reading>,
    keys: Vec<Key>,
}

/// How a partition is read and answered.
#[derive(Debug)]
struct Reading {
    asked: Arc<Asked>,
    /// The columns, in the input's batches.
    columns: Vec<Arc<dyn PhysicalExpr>>,
    held: Arc<Held>,
}

impl AnswerExec {
    /// In the place of an aggregate of ours over files; other nodes stay.
    fn instead_of(node: Arc<dyn ExecutionPlan>, held: &Arc<Held>) -> Result<Transformed<Arc<dyn ExecutionPlan>>> {
        let Some(aggregate) = node.downcast_ref::<AggregateExec>().filter(|aggregate| is_ours(aggregate)) else {
            return Ok(Transformed::no(node));
        };
        let mut arguments = aggregate.aggr_expr()[0].expressions();
        let asked = Arc::new(task_of(&arguments)?);
        let input = Arc::clone(aggregate.input());
        let Some(keys) = keys(&input, &asked) else { return Ok(Transformed::no(node)) };
        arguments.pop();
        let reading = Arc::new(Reading { asked, columns: arguments, held: Arc::clone(held) });
        let (properties, schema) = (Arc::clone(aggregate.properties()), aggregate.schema());
        Ok(Transformed::yes(Arc::new(AnswerExec { properties, schema, input, reading, keys })))
    }
}

/// Whether this is the first phase of our function, and of nothing else.
fn is_ours(aggregate: &AggregateExec) -> bool {
    let [function] = aggregate.aggr_expr() else { return false };
    function.fun().name() == function::NAME
        && matches!(aggregate.mode(), AggregateMode::Partial)
        && aggregate.group_expr().is_empty()
        && aggregate.filter_expr().iter().all(Option::is_none)
}

/// The files of a pass, where its first phase reads no more than files that are filtered and projected: rows that can be kept.
pub(crate) fn files_of(plan: &Arc<dyn ExecutionPlan>) -> Option<&FileScanConfig> {
    match plan.downcast_ref::<AggregateExec>() {
        Some(aggregate) if is_ours(aggregate) => scan(aggregate.input(), |_| ()),
        _ => match plan.children()[..] {
            [child] => files_of(child),
            _ => None,
        },
    }
}

/// The files that a plan reads which no more than filters and projects them, and what it does so with, on the way.
fn scan(plan: &Arc<dyn ExecutionPlan>, mut above: impl FnMut(&Arc<dyn ExecutionPlan>)) -> Option<&FileScanConfig> {
    let mut node = plan;
    loop {
        if let Some(source) = node.downcast_ref::<DataSourceExec>() {
            return source.data_source().downcast_ref::<FileScanConfig>();
        }
        let is_plain = node.downcast_ref::<FilterExec>().is_some()
            || node.downcast_ref::<ProjectionExec>().is_some()
            || node.downcast_ref::<CooperativeExec>().is_some();
        let (true, [child]) = (is_plain, &node.children()[..]) else { return None };
        above(node);
        node = child;
    }
}

/// A key for every partition of such a plan: a hash of the files, their sizes, times and ranges, of the plan, and of how rows
/// are encoded. None for any other plan.
fn keys(plan: &Arc<dyn ExecutionPlan>, asked: &Asked) -> Option<Vec<Key>> {
    let mut hash = Sha256::new_with_prefix(&asked.written);
    let scan = scan(plan, |node| hash.update(DisplayableExecutionPlan::new(node.as_ref()).one_line().to_string()))?;
    let files = &scan.file_source;
    hash.update(format!("{:?}{:?}{:?}", files.file_type(), files.projection(), files.filter()));
    hash.update(format!("{:?}{:?}", scan.object_store_url, scan.limit));
    let of = |group: &_| hash.clone().chain_update(format!("{group:?}")).finalize().into();
    Some(scan.file_groups.iter().map(of).collect())
}

impl DisplayAs for AnswerExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnswerExec")
    }
}

impl ExecutionPlan for AnswerExec {
    fn name(&self) -> &str {
        "AnswerExec"
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    // What it reads is its own affair: nothing may be moved between it and the files any more.
    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (reading, schema, input) = (Arc::clone(&self.reading), Arc::clone(&self.schema), Arc::clone(&self.input));
        let key = self.keys[partition];
        let answered = async move {
            let mut answering = Answering::new(Arc::clone(&reading.asked));
            let question = Sha256::digest(&reading.asked.question).into();
            match reading.held.get(&key, question) {
                Some(blocks) => reading.add(&mut answering, &blocks)?,
                None => {
                    let _room = reading
                        .held
                        .readers
                        .acquire()
                        .await
                        .map_err(|error| DataFusionError::External(error.into()))?;
                    let kept = reading.read(&mut answering, input.execute(partition, context)?).await?;
                    kept.into_iter().for_each(|blocks| reading.held.keep(key, blocks));
                }
            }
            Ok(RecordBatch::try_new(schema, vec![answering.state().to_array()?])?)
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), stream::once(answered))))
    }
}

impl Reading {
    fn add(&self, answering: &mut Answering, blocks: &[Block]) -> Result<()> {
        for block in blocks {
            answering.add(self.asked.answer(block).map_err(|error| in_words(&error))?)?;
        }
        Ok(())
    }

    /// Answers rows as they come, and gives them if they are few enough to be kept.
    async fn read(
        &self,
        answering: &mut Answering,
        mut batches: SendableRecordBatchStream,
    ) -> Result<Option<Vec<Block>>> {
        let (mut waiting, mut waiting_bytes) = (Vec::new(), 0);
        let (mut blocks, mut bytes) = (Some(Vec::new()), 0);
        loop {
            let batch = batches.next().await.transpose()?;
            let is_last = batch.is_none();
            if let Some(batch) = batch.filter(|batch| batch.num_rows() > 0) {
                let columns = self.columns.iter().map(|column| column.evaluate(&batch)?.into_array(batch.num_rows()));
                let batch = named(&self.asked, &columns.collect::<Result<Vec<ArrayRef>>>()?)?;
                waiting_bytes += batch.get_array_memory_size();
                waiting.push(batch);
            }
            if (is_last || waiting_bytes >= function::BLOCK) && !waiting.is_empty() {
                let block = self.asked.block(std::mem::take(&mut waiting)).map_err(|error| in_words(&error))?;
                self.add(answering, std::slice::from_ref(&block))?;
                waiting_bytes = 0;
                bytes += block.n_bytes();
                blocks = blocks.filter(|_| bytes <= self.held.limit());
                if let Some(blocks) = &mut blocks {
                    blocks.push(block);
                }
            }
            if is_last {
                return Ok(blocks);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::AsArray;
    use datafusion::physical_plan::common::collect as collect_stream;
    use datafusion::physical_plan::{collect, execution_plan::reset_plan_states};
    use datafusion::prelude::{SessionContext, col};
    use logistic::encode::Survey;

    use super::*;
    use crate::asked::{Setup, Work};
    use crate::function::{argument, function};
    use crate::sessions;
    use crate::tables::Source;

    /// The plan of a pass over the files, as a scheduler makes it.
    async fn plan(context: &SessionContext, files: &str) -> Arc<dyn ExecutionPlan> {
        let source = Source { data: vec![files.to_string()], sql: None };
        let work = Work::Survey { text: Vec::new(), missing_markers: Vec::new() };
        let setup = Setup { columns: vec!["x".to_string()], work };
        let answer = function().call(vec![col("x"), argument(Asked::bytes(&setup, b"?"))]);
        let frame = source.open(context).await.unwrap().aggregate(Vec::new(), vec![answer]).unwrap();
        frame.create_physical_plan().await.unwrap()
    }

    /// A pass over two files, in two partitions.
    async fn two_files() -> (tempfile::TempDir, SessionContext, Arc<dyn ExecutionPlan>) {
        let dir = tempfile::tempdir().unwrap();
        for (file, rows) in [("a.csv", "x\n1\n2\n"), ("b.csv", "x\n1\n2\n3\n")] {
            std::fs::write(dir.path().join(file), rows).unwrap();
        }
        let state = sessions::state(sessions::config(None).with_target_partitions(2)).unwrap();
        let context = SessionContext::new_with_state(state);
        let plan = plan(&context, &dir.path().join("*.csv").display().to_string()).await;
        (dir, context, plan)
    }

    #[tokio::test]
    async fn a_partition_is_its_own_rows_whoever_is_read_first() {
        let (_dir, context, plan) = two_files().await;
        let held = Arc::new(Held::new(1 << 20, 1));
        let mut answers = None;
        let replaced = plan.transform_up(|node| {
            let replaced = AnswerExec::instead_of(node, &held)?;
            answers = answers.take().or(replaced.transformed.then(|| Arc::clone(&replaced.data)));
            Ok(replaced)
        });
        assert!(replaced.unwrap().transformed);
        let answers = answers.unwrap();
        let mut found = Vec::new();
        // Its rows are kept as the partition's, which another task may ask beside others.
        for partition in [1, 0] {
            let batches = collect_stream(answers.execute(partition, context.task_ctx()).unwrap()).await.unwrap();
            let survey: Survey = serde_json::from_slice(batches[0].column(0).as_binary::<i32>().value(0)).unwrap();
            found.push(survey.n_rows());
        }
        assert_eq!(found, [3, 2]);
    }

    #[tokio::test]
    async fn rows_are_read_once() {
        let (dir, context, plan) = two_files().await;
        let held = Arc::new(Held::new(1 << 20, 1));
        let answered = async |held: &Arc<Held>| {
            // A plan that was executed is left without files to read.
            let plan = reset_plan_states(Arc::clone(&plan)).unwrap();
            let replaced = plan.transform_up(|node| AnswerExec::instead_of(node, held)).unwrap();
            assert!(replaced.transformed);
            collect(replaced.data, context.task_ctx()).await
        };
        let first = answered(&held).await.unwrap();
        std::fs::remove_dir_all(dir.path()).unwrap();
        assert_eq!(answered(&held).await.unwrap(), first);
        assert!(answered(&Arc::new(Held::new(1 << 20, 1))).await.is_err(), "nothing was kept there");
    }
}
