//! Which executor gets which partition: the one that has kept its rows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ballista_core::JobId;
use ballista_core::serde::protobuf::task_status::Status;
use ballista_core::serde::protobuf::{AvailableVcores, job_status};
use ballista_core::serde::scheduler::TaskKey;
use ballista_scheduler::cluster::{BoundTask, DistributionPolicy};
use ballista_scheduler::state::execution_graph::{TaskDescription, create_task_info};
use ballista_scheduler::state::execution_stage::{RunningStage, TaskInfo};
use ballista_scheduler::state::task_manager::JobInfoCache;
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};

use crate::function;

/// What is known of a table that was asked nothing for so long is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(3600);

/// Gives every partition of a table to one executor, pass after pass and fit after fit.
#[derive(Debug, Default)]
pub(crate) struct Keepers(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// By table, when it was last asked, and the keeper of every partition.
    tables: HashMap<String, (Instant, HashMap<usize, String>)>,
}

#[async_trait::async_trait]
impl DistributionPolicy for Keepers {
    async fn bind_tasks(
        &self,
        mut budgets: Vec<&mut AvailableVcores>,
        running_jobs: Arc<HashMap<JobId, JobInfoCache>>,
    ) -> datafusion::error::Result<Vec<BoundTask>> {
        // In one order, whatever the order in which they came.
        budgets.sort_by(|a, b| a.executor_id.cmp(&b.executor_id));
        let mut bound = Vec::new();
        for (job_id, job) in running_jobs.iter() {
            if !matches!(job.status, Some(job_status::Status::Running(_))) {
                continue;
            }
            let mut graph = job.execution_graph.write().await;
            let session = graph.session_id().to_string();
            let mut done = Vec::new();
            while let Some(stage) = graph.fetch_running_stage(&done) {
                let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                known.bind(stage, (job_id, &session), &mut budgets, &mut bound);
                done.push(stage.stage_id);
            }
        }
        Ok(bound)
    }

    fn name(&self) -> &str {
        "keepers"
    }
}

impl Known {
    /// Binds what can be bound of a stage now.
    fn bind(
        &mut self,
        stage: &mut RunningStage,
        of: (&JobId, &str),
        budgets: &mut [&mut AvailableVcores],
        bound: &mut Vec<BoundTask>,
    ) {
        let waiting = stage.pending.next_slice(usize::MAX);
        if waiting.is_empty() {
            return;
        }
        if joins_partitions(stage) {
            // Its one task takes all partitions, or what is behind it would see a part of them.
            match budgets.iter_mut().find(|budget| budget.vcores > 0) {
                Some(budget) => bound.push(task(stage, of, budget, waiting, 1)),
                None => stage.pending.reschedule(waiting),
            }
            return;
        }
        let free: Vec<(String, usize)> =
            budgets.iter().map(|budget| (budget.executor_id.clone(), budget.vcores as usize)).collect();
        let shares = match reads_rows(&stage.plan) {
            true => self.shares(table(&stage.plan, of.1), waiting, &free, &stage.task_infos),
            false => share(waiting, &free, |_| None, |_| false),
        };
        for (budget, share) in budgets.iter_mut().zip(shares.given) {
            if !share.is_empty() {
                let cores = share.len().min(budget.vcores as usize);
                bound.push(task(stage, of, budget, share, cores));
            }
        }
        stage.pending.reschedule(shares.left);
    }

    /// Shares that give partitions to their keepers, and make keepers of those who get them.
    fn shares(&mut self, table: String, waiting: Vec<usize>, free: &[(String, usize)], tasks: &[TaskInfo]) -> Shares {
        self.tables.retain(|_, (at, _)| at.elapsed() < FORGOTTEN);
        let now = Instant::now();
        let (at, keepers) = self.tables.entry(table).or_insert_with(|| (now, HashMap::new()));
        *at = now;
        let is_busy = |keeper: &str| {
            tasks
                .iter()
                .any(|task| matches!(&task.task_status, Status::Running(running) if running.executor_id == keeper))
        };
        let shares = share(waiting, free, |partition| keepers.get(&partition).cloned(), is_busy);
        for ((executor, _), share) in free.iter().zip(&shares.given) {
            keepers.extend(share.iter().map(|&partition| (partition, executor.clone())));
        }
        shares
    }
}

/// What every executor is given, and what is left.
#[derive(Debug, PartialEq)]
struct Shares {
    given: Vec<Vec<usize>>,
    left: Vec<usize>,
}

/// Gives partitions to executors with so many free cores: first to their keepers, for which they wait while those are busy
/// with this stage; then the others evenly to free cores. An executor is given all of its partitions at once, since what goes
/// to and fro between two tasks takes longer than most partitions do. Tasks are bound when something happened and at no other
/// time, so that nothing may wait for what need not happen: the end of a task always does, or the loss of its executor.
fn share(
    waiting: Vec<usize>,
    free: &[(String, usize)],
    keeper: impl Fn(usize) -> Option<String>,
    is_busy: impl Fn(&str) -> bool,
) -> Shares {
    let mut given = vec![Vec::new(); free.len()];
    let (mut homeless, mut left) = (Vec::new(), Vec::new());
    for partition in waiting {
        let Some(keeper) = keeper(partition) else {
            homeless.push(partition);
            continue;
        };
        match free.iter().position(|(executor, _)| *executor == keeper) {
            Some(at) if free[at].1 > 0 => given[at].push(partition),
            None if !is_busy(&keeper) => homeless.push(partition),
            _ => left.push(partition),
        }
    }
    for partition in homeless {
        let load = |at: usize| (given[at].len() + 1) as f64 / free[at].1 as f64;
        let least = (0..free.len()).filter(|&at| free[at].1 > 0).min_by(|&a, &b| load(a).total_cmp(&load(b)));
        match least {
            Some(at) => given[at].push(partition),
            None => left.push(partition),
        }
    }
    Shares { given, left }
}

/// What a stage's partitions are of: the files, in their groups, where it reads no more than them; else the session.
fn table(plan: &Arc<dyn ExecutionPlan>, session: &str) -> String {
    let mut node = plan;
    while let [child] = node.children()[..] {
        node = child;
    }
    let source = node.downcast_ref::<DataSourceExec>();
    let scan = source.and_then(|source| source.data_source().downcast_ref::<FileScanConfig>());
    scan.map_or_else(|| session.to_string(), |scan| format!("{:?}{:?}", scan.object_store_url, scan.file_groups))
}

/// Whether the stage has the first phase of our function.
fn reads_rows(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let ours = |aggregate: &AggregateExec| aggregate.aggr_expr().iter().any(|f| f.fun().name() == function::NAME);
    plan.downcast_ref::<AggregateExec>().is_some_and(ours) || plan.children().into_iter().any(reads_rows)
}

/// Whether the stage puts several partitions into one, as Ballista's own policies ask: along the only children, up to what
/// other stages wrote.
fn joins_partitions(stage: &RunningStage) -> bool {
    let mut node = match stage.plan.children()[..] {
        [child] => child,
        _ => return false,
    };
    loop {
        if node.name().ends_with("ShuffleReaderExec") {
            return false;
        }
        if node.output_partitioning().partition_count() == 1 {
            return true;
        }
        match node.children()[..] {
            [child] => node = child,
            _ => return false,
        }
    }
}

/// A task of some partitions, written down in its stage.
fn task(
    stage: &mut RunningStage,
    (job_id, session): (&JobId, &str),
    budget: &mut AvailableVcores,
    partitions: Vec<usize>,
    cores: usize,
) -> BoundTask {
    let executor = budget.executor_id.clone();
    budget.vcores -= cores as u32;
    let task_id = stage.task_infos.len();
    let mut info = create_task_info(executor.clone(), task_id);
    info.global_input_partition_ids = partitions.clone();
    info.vcores_consumed = cores as u32;
    stage.task_infos.push(info);
    let failures = partitions.iter().map(|&partition| stage.task_failure_numbers[partition]);
    let description = TaskDescription {
        session_id: session.to_string(),
        key: TaskKey { job_id: job_id.clone(), stage_id: stage.stage_id, task_id },
        stage_attempt_num: stage.stage_attempt_num,
        task_attempt: failures.max().unwrap_or(0),
        global_input_partition_ids: partitions,
        vcores_consumed: cores as u32,
        plan: stage.plan.clone(),
        session_config: stage.session_config.clone(),
    };
    (executor, description)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free(cores: &[usize]) -> Vec<(String, usize)> {
        cores.iter().enumerate().map(|(k, &cores)| (format!("executor{k}"), cores)).collect()
    }

    #[test]
    fn partitions_without_a_keeper_are_spread_over_free_cores() {
        let shares = share((0..8).collect(), &free(&[1, 3, 0]), |_| None, |_| true);
        assert_eq!(shares, Shares { given: vec![vec![2, 6], vec![0, 1, 3, 4, 5, 7], Vec::new()], left: Vec::new() });
        let shares = share(vec![5], &free(&[0, 0]), |_| None, |_| true);
        assert_eq!(shares, Shares { given: vec![Vec::new(), Vec::new()], left: vec![5] });
    }

    #[test]
    fn a_partition_waits_for_its_keeper_only_while_that_is_busy() {
        let keeper = |partition: usize| Some(format!("executor{}", partition % 3));
        let shares = share((0..6).collect(), &free(&[2, 0]), keeper, |_| true);
        assert_eq!(shares, Shares { given: vec![vec![0, 3], Vec::new()], left: vec![1, 2, 4, 5] });
        let shares = share((0..6).collect(), &free(&[3, 0]), keeper, |keeper| keeper != "executor2");
        assert_eq!(shares, Shares { given: vec![vec![0, 3, 2, 5], Vec::new()], left: vec![1, 4] });
    }
}
