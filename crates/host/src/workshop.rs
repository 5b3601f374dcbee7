//! Starting workers, ordering them about, and noticing that one hangs.

use std::{
    ffi::OsString,
    io::{self, Seek, SeekFrom},
    sync::Arc,
    time::Duration,
};

use steadfast_ledger::{StateDir, private_file};
use steadfast_linux::{ProcessHandle, Worker, WorkerPipes, identify, start_worker};
use steadfast_model::{
    BootTime, ProcessIdentity,
    network::{WorkerAnswer, WorkerRequest},
    process::Signal,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::unix::pipe,
    sync::Mutex,
    time::timeout,
};

/// What starts workers.
#[derive(Debug, Clone)]
pub(crate) struct Workshop {
    /// A program and its arguments; empty when this host has none.
    pub command: Vec<OsString>,
    pub dir: StateDir,
}

/// A worker of ours. When the last of these is dropped, its pipe closes and it ends.
#[derive(Debug, Clone)]
pub(crate) struct GivenWorker {
    pub identity: ProcessIdentity,
    process: Arc<Mutex<Running>>,
}

#[derive(Debug)]
struct Running {
    orders: pipe::Sender,
    answers: Lines<BufReader<pipe::Receiver>>,
    _worker: Worker,
}

/// How a worker that is asked to go on stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Health {
    Well,
    /// It ended, and what it held is gone.
    Ended,
    /// It did not answer and was killed.
    Hung,
}

impl Workshop {
    /// Starts a worker, which says who it is and has changed nothing yet.
    ///
    /// # Errors
    /// In words: why there is none.
    pub(crate) async fn start(&self, patience: Duration) -> Result<GivenWorker, String> {
        if self.command.is_empty() {
            return Err("this host has no program for workers".to_owned());
        }
        let path = self.dir.reaper_log();
        let mut log = private_file::open_or_create(&path).map_err(|error| error.with_causes())?;
        log.seek(SeekFrom::End(0)).map_err(|error| format!("write {}: {error}", path.display()))?;
        let (worker, WorkerPipes { orders, answers }) =
            start_worker(&self.command, log).map_err(|error| error.with_causes())?;
        let pid = worker.pid();
        let unusable = |error: io::Error| format!("speak with worker {pid}: {error}");
        let orders = pipe::Sender::from_owned_fd(orders).map_err(unusable)?;
        let answers = pipe::Receiver::from_owned_fd(answers).map_err(unusable)?;
        let mut running = Running { orders, answers: BufReader::new(answers).lines(), _worker: worker };
        let identity = match timeout(patience, running.answer()).await {
            Ok(Ok(WorkerAnswer::Ready { identity })) => identity,
            Ok(Ok(other)) => return Err(format!("it began with {other:?}")),
            Ok(Err(error)) => return Err(unusable(error)),
            Err(_) => return Err(format!("worker {pid} does not say that it is there")),
        };
        // What it says is what will be killed one day, so it must be what we started: by a wrapper, or directly.
        let known = identify(identity.pid).map_err(|error| error.with_causes())?;
        if known.as_ref() != Some(&identity) {
            return Err(format!("worker {pid} says that it is process {identity}, which is another"));
        }
        Ok(GivenWorker { identity, process: Arc::new(Mutex::new(running)) })
    }
}

impl GivenWorker {
    /// Gives an order and hears the answer.
    ///
    /// # Errors
    /// When it ended, or does not answer in time.
    pub(crate) async fn ask(&self, request: &WorkerRequest, patience: Duration) -> io::Result<WorkerAnswer> {
        let exchange = async {
            let mut running = self.process.lock().await;
            let mut line = serde_json::to_vec(request)?;
            line.push(b'\n');
            running.orders.write_all(&line).await?;
            running.answer().await
        };
        let late = || io::Error::new(io::ErrorKind::TimedOut, "it does not answer");
        timeout(patience, exchange).await.unwrap_or_else(|_| Err(late()))
    }

    /// Moves its lease. One that does not answer is killed at once: packets that it holds wait for it.
    pub(crate) async fn renew(&self, lease: BootTime, patience: Duration) -> Health {
        match self.ask(&WorkerRequest::Renew { lease }, patience).await {
            Ok(WorkerAnswer::Done {}) => Health::Well,
            // It let go of its pipes: it is ending, which takes a moment.
            Err(error) if has_let_go(&error) && self.is_gone_within(patience).await => Health::Ended,
            _ => match ProcessHandle::open(&self.identity) {
                Ok(Some(handle)) => {
                    // Failing here leaves it to its own lease, and to the undo.
                    drop(handle.signal(Signal::Kill));
                    Health::Hung
                }
                _ => Health::Ended,
            },
        }
    }
}

impl GivenWorker {
    async fn is_gone_within(&self, patience: Duration) -> bool {
        let gone = async {
            while matches!(ProcessHandle::open(&self.identity), Ok(Some(_))) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(patience, gone).await.is_ok()
    }
}

fn has_let_go(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe)
}

impl Running {
    async fn answer(&mut self) -> io::Result<WorkerAnswer> {
        let line = self.answers.next_line().await?;
        let line = line.ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "it ended"))?;
        Ok(serde_json::from_str(&line)?)
    }
}
