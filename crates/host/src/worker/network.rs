//! What a worker does for a disturbance of a network namespace.

use std::{sync::Arc, time::Duration};

use steadfast_linux::{
    LinuxError,
    network::{Held, Namespace, Pulse},
};
use steadfast_model::{
    BootTime,
    network::{Disturbance, NetworkFault, WorkerAnswer, WorkerRequest},
};
use tokio::sync::oneshot;

use super::{Talk, WorkerError, names::NameServer, refusal};

/// A loop whose pulse is older hangs.
const LONGEST_PULSE: Duration = Duration::from_secs(1);
/// How long letting go may take; after that the kernel drops what is held.
const PATIENCE: Duration = Duration::from_millis(300);

/// Serves one injector until there is nothing to hold any more.
///
/// # Errors
/// When it cannot begin, or what it holds is lost.
pub async fn run_worker() -> Result<(), WorkerError> {
    let mut talk = Talk::begin().await?;
    // Before there is anything to renew, the only order is to hold.
    let Some(WorkerRequest::Hold(disturbance)) = talk.first_order().await else { return Ok(()) };
    let (lease, deadline) = (disturbance.lease, disturbance.deadline);
    let mut holding = match Holding::begin(*disturbance).await {
        Ok(holding) => holding,
        Err(error) => return Ok(talk.answer(&refusal(&error)).await?),
    };
    let over = holding.serve(&mut talk, lease, deadline).await;
    // However it ended: what no descriptor holds stays otherwise.
    holding.end().await;
    over
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
            let keep = match put(&disturbance) {
                Ok(keep) => keep,
                Err(error) => return drop(tell.send(Err(error))),
            };
            drop(tell.send(Ok(())));
            match keep(&beats) {
                Ok(()) => drop(end.send(())),
                Err(error) => drop(lose.send(error)),
            }
        });
        told.await.unwrap_or_else(|_| Err(broken()))?;
        Ok(Self { pulse, lost, ended })
    }

    /// Answers for the disturbance until it is over or lost.
    async fn serve(
        &mut self,
        talk: &mut Talk,
        lease: BootTime,
        deadline: BootTime,
    ) -> Result<(), WorkerError> {
        talk.answer(&WorkerAnswer::Done {}).await?;
        let pulse = self.pulse.clone();
        // A loop that hangs is not answered for: the injector then ends this process.
        let beats = || u128::from(pulse.age()) < LONGEST_PULSE.as_nanos();
        tokio::select! {
            over = talk.keep(lease, deadline, beats) => over,
            lost = &mut self.lost => Err(lost.unwrap_or_else(|_| broken()).into()),
        }
    }

    async fn end(self) {
        self.pulse.end();
        drop(tokio::time::timeout(PATIENCE, self.ended).await);
    }
}

/// Keeps what is in place until the pulse is told to end, then takes it away.
type Keep = Box<dyn FnOnce(&Pulse) -> Result<(), LinuxError>>;

/// On a thread that stays in the namespace.
fn put(disturbance: &Disturbance) -> Result<Keep, LinuxError> {
    let gone = || LinuxError::Gone { what: "find the network namespace".to_owned() };
    let namespace = Namespace::at(&disturbance.path)?.ok_or_else(gone)?;
    if *namespace.identity() != disturbance.namespace {
        return Err(gone());
    }
    namespace.enter()?;
    if let NetworkFault::Names { names, then } = &disturbance.fault {
        let server = NameServer::put(&disturbance.id.table(), names, then)?;
        return Ok(Box::new(|pulse| server.keep(pulse)));
    }
    let held = Held::put(disturbance)?;
    Ok(Box::new(|pulse| held.keep(pulse)))
}

fn broken() -> LinuxError {
    LinuxError::Gone { what: "go on: the thread that holds the disturbance ended".to_owned() }
}
