//! Work on the library's own threads, while Python's thread looks out for Ctrl-C.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use logistic::solver::{Go, Step};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::errors::raised;

/// How often a signal is looked for.
const LOOK: Duration = Duration::from_millis(50);

/// The threads of a process, with its number: a fork inherits the pool, but none of its threads.
static POOL: Mutex<Option<(u32, Arc<ThreadPool>)>> = Mutex::new(None);

fn pool() -> PyResult<Arc<ThreadPool>> {
    let own = std::process::id();
    let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    match &*pool {
        Some((process, threads)) if *process == own => Ok(Arc::clone(threads)),
        _ => {
            let threads =
                ThreadPoolBuilder::new().build().map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
            let threads = Arc::new(threads);
            // The pool of the process before the fork is left as it is: to end it would be to wait for its threads.
            std::mem::forget(pool.replace((own, Arc::clone(&threads))));
            Ok(threads)
        }
    }
}

enum Message<T> {
    Step(usize, f64),
    Done(std::thread::Result<logistic::Result<T>>),
}

/// Hears of every step of a fit, and can stop it.
pub(crate) struct Watch<T> {
    stop: Arc<AtomicBool>,
    sender: Sender<Message<T>>,
    heard: bool,
}

impl<T> Watch<T> {
    /// Tells of a step, the first being 1; answers whether to go on.
    pub(crate) fn hear(&self, iteration: usize, step: &Step) -> Go {
        if self.heard {
            // Nobody listens any more where Python has been interrupted.
            let _ = self.sender.send(Message::Step(iteration, step.value));
        }
        self.go()
    }

    /// Whether to go on.
    pub(crate) fn go(&self) -> Go {
        if self.stop.load(Ordering::Relaxed) { Go::Stop } else { Go::On }
    }
}

/// Does `work` on the library's threads and without the interpreter's lock. Python's thread calls `progress(iteration,
/// objective)` after every step and, where a signal handler or `progress` raises, stops the work at its next step and
/// raises at once.
pub(crate) fn watched<T: Send + 'static>(
    py: Python<'_>,
    progress: Option<&Bound<'_, PyAny>>,
    work: impl FnOnce(&Watch<T>) -> logistic::Result<T> + Send + 'static,
) -> PyResult<T> {
    let (sender, mut receiver) = channel();
    let stop = Arc::new(AtomicBool::new(false));
    let watch = Watch { stop: Arc::clone(&stop), sender: sender.clone(), heard: progress.is_some() };
    pool()?.spawn(move || {
        let result = catch_unwind(AssertUnwindSafe(|| work(&watch)));
        // What the work held is dropped before Python hears of its end.
        drop(watch);
        let _ = sender.send(Message::Done(result));
    });
    let result = listen(py, &mut receiver, progress);
    if result.is_err() {
        stop.store(true, Ordering::Relaxed);
    }
    result
}

fn listen<T: Send>(
    py: Python<'_>,
    receiver: &mut Receiver<Message<T>>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<T> {
    loop {
        let receiver = &mut *receiver;
        match py.detach(move || receiver.recv_timeout(LOOK)) {
            Ok(Message::Done(result)) => return result.map_err(|panic| defect(&*panic))?.map_err(raised),
            Ok(Message::Step(iteration, objective)) => {
                progress.map(|progress| progress.call1((iteration, objective))).transpose()?;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(PyRuntimeError::new_err("the work ended without a result"));
            }
        }
        py.check_signals()?;
    }
}

fn defect(panic: &(dyn Any + Send)) -> PyErr {
    let words = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    PyRuntimeError::new_err(format!("a defect of logistic, please report it: {}", words.unwrap_or("no words")))
}

/// Does short work on the library's threads, without the interpreter's lock.
pub(crate) fn quick<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    let pool = pool()?;
    Ok(py.detach(|| pool.install(work)))
}
