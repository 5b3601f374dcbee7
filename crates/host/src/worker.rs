//! The worker: a process that holds one disturbance of a network namespace, and nothing else.
//!
//! It is started by an injector, which gives it its one order over a pipe once the undo record is on disk. All that keeps
//! the disturbance in place are descriptors of this process: when it ends, the kernel takes the disturbance away. It
//! ends when its orders end (the injector died), when it is asked to by `TERM`, at its deadline, and when its lease runs
//! out. One that hangs is killed by whoever undoes.

use std::{os::fd::AsFd, sync::Arc, time::Duration};

use steadfast_linux::{
    LinuxError, SystemClock, become_session_leader,
    network::{Held, Namespace, Pulse},
    own_identity,
};
use steadfast_model::{
    BootTime, Clock,
    network::{Disturbance, WorkerAnswer, WorkerRequest},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::unix::pipe,
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
};

/// How often lease and deadline are looked at.
const LOOK: Duration = Duration::from_millis(50);
/// A loop whose pulse is older hangs.
const LONGEST_PULSE: Duration = Duration::from_secs(1);
/// How long letting go may take; after that the kernel drops what is held.
const PATIENCE: Duration = Duration::from_millis(300);

/// Why a worker could not do its work. Messages are fragments after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The kernel does not offer what is needed.
    #[error("hold a disturbance")]
    Linux(#[from] LinuxError),
    /// Standard input and output are no pipes: it was started by hand.
    #[error("take orders from standard input: a worker is started by an injector, never by hand")]
    Pipes(#[source] std::io::Error),
    /// The injector cannot be answered.
    #[error("answer the injector")]
    Answer(#[from] std::io::Error),
}

/// Serves one injector until there is nothing to hold any more.
///
/// # Errors
/// When it cannot begin, or what it holds is lost.
pub async fn run_worker() -> Result<(), WorkerError> {
    become_session_leader()?;
    // Handlers stay installed as long as these live, and nobody reads them.
    let _ignored: [Signal; 2] = [signal(SignalKind::interrupt())?, signal(SignalKind::hangup())?];
    let mut asked_to_end = signal(SignalKind::terminate())?;
    let pipe = |descriptor: std::io::Result<_>| descriptor.map_err(WorkerError::Pipes);
    let orders = pipe(std::io::stdin().as_fd().try_clone_to_owned())?;
    let orders = pipe::Receiver::from_owned_fd(orders).map_err(WorkerError::Pipes)?;
    let answers = pipe(std::io::stdout().as_fd().try_clone_to_owned())?;
    let answers = pipe::Sender::from_owned_fd(answers).map_err(WorkerError::Pipes)?;
    let mut talk = Talk { orders: BufReader::new(orders).lines(), answers };
    talk.answer(&WorkerAnswer::Ready { identity: own_identity()? }).await?;
    let order = tokio::select! {
        order = talk.order() => order,
        _ = asked_to_end.recv() => None,
    };
    // Before there is anything to renew, the only order is to hold.
    let Some(WorkerRequest::Hold(disturbance)) = order else { return Ok(()) };
    let (mut lease, deadline) = (disturbance.lease, disturbance.deadline);
    let mut holding = match Holding::begin(*disturbance).await {
        Ok(holding) => holding,
        Err(error) => return Ok(talk.answer(&refusal(&error)).await?),
    };
    talk.answer(&WorkerAnswer::Done {}).await?;
    let clock = SystemClock::new()?;
    loop {
        tokio::select! {
            order = talk.order() => match order {
                Some(WorkerRequest::Renew { lease: until }) if holding.beats() => {
                    lease = until;
                    talk.answer(&WorkerAnswer::Done {}).await?;
                }
                // A loop that hangs is not answered for: the injector then ends this process.
                Some(WorkerRequest::Renew { .. }) => {}
                Some(WorkerRequest::Hold(_)) | None => break,
            },
            _ = asked_to_end.recv() => break,
            () = tokio::time::sleep(LOOK) => if is_over(clock.boot(), lease, deadline) { break },
            lost = &mut holding.lost => return Err(lost.unwrap_or_else(|_| broken()).into()),
        }
    }
    holding.end().await;
    Ok(())
}

fn is_over(now: BootTime, lease: BootTime, deadline: BootTime) -> bool {
    now >= lease || now >= deadline
}

/// The pipes to the injector.
struct Talk {
    orders: Lines<BufReader<pipe::Receiver>>,
    answers: pipe::Sender,
}

impl Talk {
    /// The next order; `None` when the injector is gone or says something else.
    async fn order(&mut self) -> Option<WorkerRequest> {
        let line = self.orders.next_line().await.ok()??;
        serde_json::from_str(&line).ok()
    }

    async fn answer(&mut self, answer: &WorkerAnswer) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(answer)?;
        line.push(b'\n');
        self.answers.write_all(&line).await
    }
}

/// The thread that holds the disturbance.
struct Holding {
    pulse: Arc<Pulse>,
    /// Comes when the disturbance is lost, or the thread ends without a word.
    lost: oneshot::Receiver<LinuxError>,
    ended: oneshot::Receiver<()>,
}

impl Holding {
    async fn begin(disturbance: Disturbance) -> Result<Self, LinuxError> {
        let pulse = Arc::new(Pulse::new()?);
        let beats = pulse.clone();
        let (tell, told) = oneshot::channel();
        let (lose, lost) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        std::thread::spawn(move || {
            let held = match put(&disturbance) {
                Ok(held) => held,
                Err(error) => return drop(tell.send(Err(error))),
            };
            drop(tell.send(Ok(())));
            match held.keep(&beats) {
                Ok(()) => drop(end.send(())),
                Err(error) => drop(lose.send(error)),
            }
        });
        told.await.unwrap_or_else(|_| Err(broken()))?;
        Ok(Self { pulse, lost, ended })
    }

    fn beats(&self) -> bool {
        u128::from(self.pulse.age()) < LONGEST_PULSE.as_nanos()
    }

    async fn end(self) {
        self.pulse.end();
        drop(tokio::time::timeout(PATIENCE, self.ended).await);
    }
}

/// On a thread that stays in the namespace.
fn put(disturbance: &Disturbance) -> Result<Held, LinuxError> {
    let gone = || LinuxError::Gone { what: "find the network namespace".to_owned() };
    let namespace = Namespace::at(&disturbance.path)?.ok_or_else(gone)?;
    if *namespace.identity() != disturbance.namespace {
        return Err(gone());
    }
    namespace.enter()?;
    Held::put(disturbance)
}

fn broken() -> LinuxError {
    LinuxError::Gone { what: "go on: the thread that holds the disturbance ended".to_owned() }
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
