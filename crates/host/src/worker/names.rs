//! A DNS server in the place of others: it meets the questions it was told to, and sends on all else.
//!
//! It runs on one thread inside the namespace, so every socket it opens is one of the namespace.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use steadfast_linux::{
    LinuxError,
    network::{Arrivals, Diverted, Origins, Pulse},
};
use steadfast_model::network::{NameFault, Transport};
use tokio::{
    net::{TcpListener, UdpSocket},
    runtime::Runtime,
    sync::{Semaphore, watch},
    task::JoinSet,
    time::Instant,
};

mod conversation;
mod meeting;
mod packet;

use meeting::Meetings;

/// How often the pulse beats.
const LOOK: Duration = Duration::from_millis(100);
/// How often news is told at most. Whatever is told stays until the end, so after a while it is told less often.
const TELL: Duration = Duration::from_millis(200);
const LESS_OFTEN: u32 = 64;
/// How long questions that are on their way may take when it is over.
const LAST_ANSWERS: Duration = Duration::from_millis(200);
/// So many questions are held, or by packets on their way, at once; more wait in the socket.
const MOST_QUESTIONS: u32 = 4_096;
/// So many of them have a socket of ours at once. A process may have 1024 descriptors, if nobody says otherwise.
const MOST_SENT_ON: usize = 512;
/// So many connections are served at once, two sockets each; more wait.
const MOST_CONVERSATIONS: usize = 128;

/// The server, before it serves.
pub(super) struct NameServer {
    runtime: Runtime,
    diverted: Diverted,
    arrivals: Arrivals,
    meetings: Meetings,
}

/// What all questions share.
struct Service {
    meetings: Meetings,
    origins: Mutex<Origins>,
    questions: Arc<Semaphore>,
    sent_on: Semaphore,
    conversations: Arc<Semaphore>,
    /// Turns true when it is over: then nobody is held any longer.
    over: watch::Receiver<bool>,
}

impl NameServer {
    /// Leads questions here from now on. This thread must be inside the namespace.
    pub(super) fn put(table: &str, names: &[String], then: &NameFault) -> Result<Self, LinuxError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|source| call("begin to serve", source))?;
        let meetings = Meetings::new(names.to_vec(), then.clone());
        let (diverted, arrivals) = Diverted::put(table)?;
        Ok(Self { runtime, diverted, arrivals, meetings })
    }

    /// Serves until the pulse is told to end, then lets everybody go.
    pub(super) fn keep(self, pulse: &Pulse) -> Result<(), LinuxError> {
        let Self { runtime, mut diverted, arrivals, meetings } = self;
        let (end, over) = watch::channel(false);
        let Arrivals { udp, tcp, origins } = arrivals;
        let service = Arc::new(Service {
            meetings,
            origins: Mutex::new(origins),
            questions: Arc::new(Semaphore::new(MOST_QUESTIONS as usize)),
            sent_on: Semaphore::new(MOST_SENT_ON),
            conversations: Arc::new(Semaphore::new(MOST_CONVERSATIONS)),
            over,
        });
        let kept = std::thread::scope(|scope| {
            // A thread begins in the network namespace of the one that started it.
            let serving = scope.spawn(|| runtime.block_on(serve(&service, udp, tcp, pulse)));
            let kept = service.look_after(&mut diverted, pulse, || serving.is_finished());
            end.send_replace(true);
            let closed = diverted.close();
            let served = serving.join().unwrap_or_else(|_| Err(broken()));
            kept.and(closed).and(served)
        });
        // Before the runtime, which has the sockets: nobody must be led to one that is closed.
        drop(diverted);
        kept
    }
}

/// Meets questions until it is over, and a little longer.
async fn serve(
    service: &Arc<Service>,
    packets: Vec<std::net::UdpSocket>,
    streams: Vec<std::net::TcpListener>,
    pulse: &Pulse,
) -> Result<(), LinuxError> {
    let failed = |source| call("begin to serve", source);
    let mut servers = JoinSet::new();
    for socket in packets {
        servers.spawn(packet::serve(service.clone(), UdpSocket::from_std(socket).map_err(failed)?));
    }
    for listener in streams {
        let listener = TcpListener::from_std(listener).map_err(failed)?;
        servers.spawn(conversation::serve(service.clone(), listener));
    }
    while !*service.over.borrow() {
        pulse.beats();
        tokio::select! {
            () = service.hold(LOOK) => {}
            // They go on for ever: whoever is led to one that does not would wait for nothing.
            _ = servers.join_next() => return Err(broken()),
        }
    }
    // Those that wait have a permit each.
    drop(tokio::time::timeout(LAST_ANSWERS, service.questions.acquire_many(MOST_QUESTIONS)).await);
    Ok(())
}

impl Service {
    /// Until the pulse is told to end, or nobody serves any more.
    fn look_after(
        &self,
        diverted: &mut Diverted,
        pulse: &Pulse,
        has_ended: impl Fn() -> bool,
    ) -> Result<(), LinuxError> {
        let begun = Instant::now();
        let mut told = begun;
        while !pulse.ends_within(LOOK)? && !has_ended() {
            if told.elapsed() >= TELL.max(begun.elapsed() / LESS_OFTEN) {
                told = Instant::now();
                let (asked, disturbed) = self.meetings.news();
                diverted.tell(asked, disturbed)?;
            }
        }
        Ok(())
    }

    /// Where somebody wanted to go.
    fn origin(&self, transport: Transport, client: SocketAddr, ours: SocketAddr) -> io::Result<SocketAddr> {
        let mut origins = self.origins.lock().expect("nothing panics while it is locked");
        origins.find(transport, client, ours).map_err(io::Error::other)
    }

    /// For so long, unless it is over before.
    async fn hold(&self, latency: Duration) {
        let mut over = self.over.clone();
        tokio::select! {
            () = tokio::time::sleep(latency) => {}
            _ = over.wait_for(|over| *over) => {}
        }
    }
}

fn broken() -> LinuxError {
    LinuxError::Gone { what: "go on serving in the place of DNS servers".to_owned() }
}

fn call(what: &str, source: io::Error) -> LinuxError {
    LinuxError::Call { what: format!("{what} in the place of DNS servers"), source }
}
