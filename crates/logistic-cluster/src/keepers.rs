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
use datafusion::physical_plan::ExecutionPlanProperties;

use crate::cached::files_of;

/// What is known of a table that was asked nothing for so long is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(3600);

/// An executor that asks for tasks does so at least every five seconds; whoever did not for so long is gone.
const GONE: Duration = Duration::from_secs(12);

/// Gives every partition of a table to one executor, pass after pass and fit after fit.
#[derive(Debug)]
pub(crate) struct Keepers(Mutex<Known>);

#[derive(Debug)]
struct Known {
    /// When each executor asked for tasks, where they do: one after the other.
    asked: Option<HashMap<String, Instant>>,
    /// By table, when it was last asked, and the keeper of every partition.
    tables: HashMap<String, (Instant, HashMap<usize, String>)>,
}

impl Keepers {
    /// Of executors that ask for tasks, or that are sent them.
    pub(crate) fn new(ask: bool) -> Self {
        Keepers(Mutex::new(Known { asked: ask.then(HashMap::new), tables: HashMap::new() }))
    }
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
        self.0.lock().unwrap_or_else(PoisonError::into_inner).hear(&budgets);
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
    /// Hears from executors that ask.
    fn hear(&mut self, budgets: &[&mut AvailableVcores]) {
        if let Some(asked) = &mut self.asked {
            asked.retain(|_, at| at.elapsed() < GONE);
            asked.extend(budgets.iter().map(|budget| (budget.executor_id.clone(), Instant::now())));
        }
    }

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
        let shares = match files_of(&stage.plan) {
            Some(files) => {
                let table = format!("{:?}{:?}", files.object_store_url, files.file_groups);
                self.shares(table, waiting, &free, &stage.task_infos)
            }
            // Nobody keeps these, and each of them takes memory.
            None => share(waiting, (&free, false), |_| None, |_| false),
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
        let executors = self.asked.as_ref().map_or(free.len(), HashMap::len);
        for (executor, _) in free.iter().filter(|(_, cores)| *cores > 0) {
            welcome(executor, keepers, &waiting, executors);
        }
        let is_busy = |keeper: &str| {
            let is_of_keeper =
                |task: &TaskInfo| matches!(&task.task_status, Status::Running(task) if task.executor_id == keeper);
            tasks.iter().any(is_of_keeper)
        };
        let comes = |keeper: &str| match &self.asked {
            Some(asked) => asked.contains_key(keeper),
            None => is_busy(keeper),
        };
        let keeper = |partition| keepers.get(&partition).cloned();
        let shares = share(waiting, (free, self.asked.is_none()), keeper, comes);
        for ((executor, _), share) in free.iter().zip(&shares.given) {
            keepers.extend(share.iter().map(|&partition| (partition, executor.clone())));
        }
        shares
    }
}

/// Makes an executor that keeps nothing of a table, for it has just come, the keeper of its part of the partitions: of those
/// that wait, from whoever keeps most.
fn welcome(newcomer: &str, keepers: &mut HashMap<usize, String>, waiting: &[usize], executors: usize) {
    if keepers.values().any(|keeper| keeper == newcomer) {
        return;
    }
    let part = keepers.len() / executors.max(1);
    for _ in 0..part {
        let kept = |of: &str| keepers.values().filter(|keeper| *keeper == of).count();
        let owned = waiting.iter().filter_map(|partition| Some((*partition, kept(keepers.get(partition)?))));
        match owned.max_by_key(|&(partition, kept)| (kept, partition)) {
            Some((partition, kept)) if kept > part => keepers.insert(partition, newcomer.to_string()),
            _ => return,
        };
    }
}

/// What every executor is given, and what is left.
#[derive(Debug, PartialEq)]
struct Shares {
    given: Vec<Vec<usize>>,
    left: Vec<usize>,
}

/// Gives partitions to executors with so many free cores: first to their keepers, for which they wait if those will come;
/// then the others evenly to free cores, to each of them one if `are_all` does not hold, for then others will ask too. An
/// executor is given all that it keeps at once, since what goes to and fro between two tasks takes longer than most
/// partitions do.
///
/// Executors that are sent tasks are sent them when something happened and at no other time, so that nothing may wait for
/// what need not happen: a keeper comes if it is busy with this stage, for the end of a task always happens, or the loss of
/// its executor. Executors that ask come as long as they do.
fn share(
    waiting: Vec<usize>,
    (free, are_all): (&[(String, usize)], bool),
    keeper: impl Fn(usize) -> Option<String>,
    comes: impl Fn(&str) -> bool,
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
            None if !comes(&keeper) => homeless.push(partition),
            _ => left.push(partition),
        }
    }
    for partition in homeless {
        let load = |at: usize| (given[at].len() + 1) as f64 / free[at].1 as f64;
        let has_room = |&at: &usize| if are_all { free[at].1 > 0 } else { free[at].1 > given[at].len() };
        let least = (0..free.len()).filter(has_room).min_by(|&a, &b| load(a).total_cmp(&load(b)));
        match least {
            Some(at) => given[at].push(partition),
            None => left.push(partition),
        }
    }
    Shares { given, left }
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
        let shares = share((0..8).collect(), (&free(&[1, 3, 0]), true), |_| None, |_| true);
        assert_eq!(shares, Shares { given: vec![vec![2, 6], vec![0, 1, 3, 4, 5, 7], Vec::new()], left: Vec::new() });
        let shares = share(vec![5], (&free(&[0, 0]), true), |_| None, |_| true);
        assert_eq!(shares, Shares { given: vec![Vec::new(), Vec::new()], left: vec![5] });
        // Another will ask for the rest.
        let shares = share((0..5).collect(), (&free(&[2]), false), |_| None, |_| true);
        assert_eq!(shares, Shares { given: vec![vec![0, 1]], left: vec![2, 3, 4] });
    }

    #[test]
    fn an_executor_that_has_just_come_takes_its_part() {
        let mut keepers: HashMap<usize, String> = (0..8).map(|k| (k, format!("executor{}", k % 2))).collect();
        let counts = |keepers: &HashMap<usize, String>| {
            [0, 1, 2].map(|of| keepers.values().filter(|keeper| **keeper == format!("executor{of}")).count())
        };
        // What does not wait is somebody's already.
        welcome("executor2", &mut keepers, &[], 3);
        assert_eq!(counts(&keepers), [4, 4, 0]);
        let waiting: Vec<usize> = (0..8).collect();
        welcome("executor2", &mut keepers, &waiting, 3);
        assert_eq!(counts(&keepers), [3, 3, 2]);
        // Later, and in a table that is new, nothing moves.
        let known = keepers.clone();
        welcome("executor2", &mut keepers, &waiting, 3);
        assert_eq!(keepers, known);
        welcome("executor2", &mut HashMap::new(), &waiting, 3);
    }

    #[test]
    fn a_partition_waits_for_its_keeper_only_if_that_comes() {
        let keeper = |partition: usize| Some(format!("executor{}", partition % 3));
        let shares = share((0..6).collect(), (&free(&[2, 0]), true), keeper, |_| true);
        assert_eq!(shares, Shares { given: vec![vec![0, 3], Vec::new()], left: vec![1, 2, 4, 5] });
        let shares = share((0..6).collect(), (&free(&[3, 0]), true), keeper, |keeper| keeper != "executor2");
        assert_eq!(shares, Shares { given: vec![vec![0, 3, 2, 5], Vec::new()], left: vec![1, 4] });
    }
}
