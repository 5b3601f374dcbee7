//! Workers: processes that hold one fault each, and nothing else.
//!
//! One is started by an injector, which gives it its one order over a pipe once the undo record is on disk. All that
//! keeps the fault in place belongs to this process, descriptors or threads: when it ends, the kernel takes the fault
//! away. It ends when its orders end (the injector died), when it is asked to by `TERM`, at its deadline, and when its
//! lease runs out. One that hangs is killed by whoever undoes.

use std::{os::fd::AsFd, time::Duration};

use steadfast_linux::{LinuxError, SystemClock, become_session_leader, own_identity};
use steadfast_model::{
    BootTime, Clock,
    network::{WorkerAnswer, WorkerRequest},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::unix::pipe,
    signal::unix::{Signal, SignalKind, signal},
};

mod files;
mod names;
mod network;
mod stress;

pub use files::run_file_worker;
pub use network::run_worker;
pub use stress::run_stress_worker;

/// How often lease and deadline are looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Why a worker could not do its work. Messages are fragments after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The kernel does not offer what is needed.
    #[error("hold a fault")]
    Linux(#[from] LinuxError),
    /// Standard input and output are no pipes: it was started by hand.
    #[error("take orders from standard input: a worker is started by an injector, never by hand")]
    Pipes(#[source] std::io::Error),
    /// The injector cannot be answered.
    #[error("answer the injector")]
    Answer(#[from] std::io::Error),
}

/// The pipes to the injector, and the signals.
struct Talk {
    orders: Lines<BufReader<pipe::Receiver>>,
    answers: pipe::Sender,
    asked_to_end: Signal,
    /// Handlers stay installed as long as these live, and nobody reads them.
    _ignored: [Signal; 2],
}

impl Talk {
    /// Says who this is.
    async fn begin() -> Result<Self, WorkerError> {
        become_session_leader()?;
        let pipe = |descriptor: std::io::Result<_>| descriptor.map_err(WorkerError::Pipes);
        let orders = pipe(std::io::stdin().as_fd().try_clone_to_owned())?;
        let orders = pipe::Receiver::from_owned_fd(orders).map_err(WorkerError::Pipes)?;
        let answers = pipe(std::io::stdout().as_fd().try_clone_to_owned())?;
        let answers = pipe::Sender::from_owned_fd(answers).map_err(WorkerError::Pipes)?;
        let mut talk = Self {
            orders: BufReader::new(orders).lines(),
            answers,
            asked_to_end: signal(SignalKind::terminate())?,
            _ignored: [signal(SignalKind::interrupt())?, signal(SignalKind::hangup())?],
        };
        talk.answer(&WorkerAnswer::Ready { identity: own_identity()? }).await?;
        Ok(talk)
    }

    /// What to do; `None` when nobody wants anything any more.
    async fn first_order(&mut self) -> Option<WorkerRequest> {
        tokio::select! {
            order = next(&mut self.orders) => order,
            _ = self.asked_to_end.recv() => None,
        }
    }

    async fn answer(&mut self, answer: &WorkerAnswer) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(answer)?;
        line.push(b'\n');
        self.answers.write_all(&line).await
    }

    /// Answers for the fault until it is over. Where it does not beat, renewals find no answer.
    async fn keep(
        &mut self,
        mut lease: BootTime,
        deadline: BootTime,
        beats: impl Fn() -> bool,
    ) -> Result<(), WorkerError> {
        let clock = SystemClock::new()?;
        loop {
            tokio::select! {
                order = next(&mut self.orders) => match order {
                    Some(WorkerRequest::Renew { lease: until }) if beats() => {
                        lease = until;
                        self.answer(&WorkerAnswer::Done {}).await?;
                    }
                    Some(WorkerRequest::Renew { .. }) => {}
                    Some(WorkerRequest::Hold(_) | WorkerRequest::Stress(_) | WorkerRequest::Cover(_)) | None => return Ok(()),
                },
                _ = self.asked_to_end.recv() => return Ok(()),
                () = tokio::time::sleep(LOOK) => if is_over(clock.boot(), lease, deadline) { return Ok(()) },
            }
        }
    }
}

/// The next order; `None` when the injector is gone or says something else.
async fn next(orders: &mut Lines<BufReader<pipe::Receiver>>) -> Option<WorkerRequest> {
    let line = orders.next_line().await.ok()??;
    serde_json::from_str(&line).ok()
}

fn is_over(now: BootTime, lease: BootTime, deadline: BootTime) -> bool {
    now >= lease || now >= deadline
}

fn refusal(error: &LinuxError) -> WorkerAnswer {
    WorkerAnswer::Refused {
        message: error.with_causes(),
        denied: matches!(error, LinuxError::Denied { .. }),
        missing: matches!(error, LinuxError::Missing { .. }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_over_at_its_lease_and_at_its_deadline() {
        let is_over = |now, lease, deadline| is_over(BootTime(now), BootTime(lease), BootTime(deadline));
        assert!(!is_over(9, 10, 20));
        assert!(is_over(10, 10, 20));
        assert!(is_over(20, 30, 20));
    }
}
