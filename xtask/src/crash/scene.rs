//! The faults and what they are put into: a process of our own, a proxy in front of a server of our own, a network
//! namespace of our own, a small disk of our own, the files of a process of our own, or this machine, on which little load is made.

use std::{
    fs,
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU16, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use steadfast_linux::network::{Namespace, status};
use steadfast_testkit::{BusyCgroup, Disk, FileUser, NetnsPair, Talker, number_in};

use super::{Case, names, round::workers, wait};
use crate::program::program;

/// What the delays below add.
pub(super) const DELAY: Duration = Duration::from_millis(40);

/// What the server says to every request, and what comes through a proxy without a fault.
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

/// Where a proxy can listen: an address of its own, as the port would be taken by rounds at the same time before it is.
fn listener_to_be() -> Result<SocketAddr> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let [high, low] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    Ok(TcpListener::bind((Ipv4Addr::new(127, 1, high, low), 0))?.local_addr()?)
}

/// What a fault is put into, with traffic so that its effect can be seen.
pub(super) struct Scene {
    /// The process of a process fault, or the proxy.
    pub(super) target: Child,
    traffic: Option<Traffic>,
    namespaces: Option<NetnsPair>,
    /// With what was free there before.
    disk: Option<(Disk, u64)>,
    group: Option<BusyCgroup>,
    clocks: Option<Talker>,
    files: Option<FileUser>,
    /// Whether it is this machine.
    host: bool,
}

impl Scene {
    /// Starts the target. `wrap` may put a program in front of the proxy's command line.
    pub(super) fn start(
        case: &Case,
        binary: &Path,
        folder: &Path,
        wrap: impl FnOnce(&mut Vec<String>),
    ) -> Result<Self> {
        if !case.needs_proxy() {
            let target = quiet(program("sleep", &["600"])).spawn().context("start a target")?;
            if !case.needs_namespace() {
                let disk =
                    case.needs_disk().then(|| Disk::new_or_skip(case.fault).context("mounting needs root"));
                let disk = disk.transpose()?.map(|disk| {
                    let free = disk.free_bytes();
                    (disk, free)
                });
                let group = case.needs_cgroup().then(|| BusyCgroup::new_or_skip(case.fault));
                let (group, host) = (group.flatten(), case.needs_host());
                let clocks = case.needs_clocks().then(Talker::clocks);
                let files = case.needs_files().then(|| FileUser::new_or_skip(case.fault)).flatten();
                return Ok(Self {
                    target,
                    traffic: None,
                    namespaces: None,
                    disk,
                    group,
                    clocks,
                    files,
                    host,
                });
            }
            let pair = NetnsPair::new_or_skip(case.fault).context("network namespaces need root")?;
            let inside = |name: &str| Namespace::named(name)?.context("the namespace is there");
            let (there, asker) = (inside(&pair.b)?, inside(&pair.a)?);
            let traffic = if case.needs_names() {
                let server = there.inside(|| UdpSocket::bind((NetnsPair::ADDRESS_B, 53)))??;
                Traffic::of_names(server, asker)?
            } else {
                let server = there.inside(|| TcpListener::bind((NetnsPair::ADDRESS_B, 7000)))??;
                let address = server.local_addr()?.to_string();
                Traffic::start(server, address, Some(asker))
            };
            return Ok(Self {
                target,
                traffic: Some(traffic),
                namespaces: Some(pair),
                disk: None,
                group: None,
                clocks: None,
                files: None,
                host: false,
            });
        }
        let server = TcpListener::bind("127.0.0.1:0")?;
        let upstream = server.local_addr()?.to_string();
        let listen = listener_to_be()?.to_string();
        let control = folder.join("proxy.sock");
        let mut words: Vec<String> = [
            binary.to_str().context("the path is UTF-8")?,
            "proxy",
            "--name",
            "crash",
            "--listen",
            &listen,
            "--upstream",
            &upstream,
            "--protocol",
            "http",
            "--control",
            control.to_str().context("the path is UTF-8")?,
            // It must not outlive the round, also when strace stands between us and it.
            "--exit-with-stdin",
        ]
        .map(str::to_owned)
        .to_vec();
        wrap(&mut words);
        let arguments: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
        let mut command = quiet(program(&words[0], &arguments));
        let target = command.stdin(Stdio::piped()).spawn().context("start a proxy")?;
        let traffic = Some(Traffic::start(server, listen, None));
        let (disk, group, clocks, files) = (None, None, None, None);
        let scene = Self { target, traffic, namespaces: None, disk, group, clocks, files, host: false };
        ensure!(wait::until(Duration::from_secs(20), || control.exists()), "the proxy did not start");
        Ok(scene)
    }

    /// What `--with` says.
    pub(super) fn parameters(&self, case: &Case) -> String {
        let path = self.disk.as_ref().map(|(disk, _)| format!("'{}'", disk.path().display()));
        let files = self.files.as_ref().map(|user| format!("'{}'", user.folder().display()));
        let parameters = case.parameters.replace("DISK", &path.unwrap_or_default());
        parameters.replace("FILES", &files.unwrap_or_default())
    }

    /// What `--into` says.
    pub(super) fn target_words(&self, folder: &Path) -> String {
        if let Some(pair) = &self.namespaces {
            format!("netns: {{name: '{}'}}", pair.a)
        } else if let Some(group) = &self.group {
            format!("process: {{pid: {}}}", group.pid())
        } else if let Some(clocks) = &self.clocks {
            format!("process: {{pid: {}}}", clocks.pid())
        } else if let Some(user) = &self.files {
            format!("process: {{pid: {}}}", user.pid())
        } else if self.host {
            "host: {}".to_owned()
        } else if self.traffic.is_some() {
            format!("proxy: {{control: '{}'}}", folder.join("proxy.sock").display())
        } else {
            format!("process: {{pid: {}}}", self.target.id())
        }
    }

    /// What is different from before the fault, apart from what cannot be undone.
    /// `proxy_may_end` when it was the proxy that was to be killed.
    pub(super) fn differences(&mut self, case: &Case, folder: &Path, proxy_may_end: bool) -> Vec<String> {
        if let Some(group) = &self.group {
            let (before, now) = (Some(BusyCgroup::QUOTA_MICROS), group.quota());
            let other = || format!("the quota of the cgroup is {now:?} and was {before:?}");
            return (now != before).then(other).into_iter().collect();
        }
        if let Some(clocks) = &mut self.clocks {
            if !clocks.lives() {
                return vec!["the target was harmed: it has ended".to_owned()];
            }
            let said = clocks.ask("now");
            let is_told = number_in(&said, "realtime").abs() > 60_000.0 || said.contains("broken");
            return is_told.then(|| format!("the target is told another time: {said}")).into_iter().collect();
        }
        if let Some(user) = &self.files {
            return user.differences();
        }
        if self.host {
            let still = |pid| format!("worker {pid} still makes load");
            let mut found: Vec<_> = workers(&folder.join("state")).map(still).collect();
            if let Some((disk, before)) = &self.disk {
                let free = disk.free_bytes();
                // What was taken is far more.
                if free + (8 << 20) < *before {
                    found.push(format!("{free} bytes are free on the disk, and {before} were"));
                }
            }
            return found;
        }
        let Some(through) = self.traffic.as_ref().map(|traffic| traffic.through.clone()) else {
            let stopped = state(self.target.id()).is_some_and(|state| matches!(state, 'T' | 't'));
            return if stopped { vec!["the target is still stopped".to_owned()] } else { Vec::new() };
        };
        if let Some(pair) = &self.namespaces {
            let found = Namespace::named(&pair.a).ok().flatten();
            let is_undisturbed = if case.needs_names() { names::is_undisturbed } else { is_undisturbed };
            let passes =
                found.as_ref().and_then(|found| found.inside(|| is_undisturbed(&through)).ok()) == Some(true);
            let tables = found.and_then(|found| status(&found, "steadfast_").ok());
            let felt = format!("{} is still felt in the network namespace", case.fault);
            // TCP passes over what arrives twice, and what is lost by chance may spare an exchange.
            let held = format!("{} still has tables in the network namespace: {tables:?}", case.fault);
            let is_held = tables.is_none_or(|tables| !tables.is_empty());
            return [(!passes).then_some(felt), is_held.then_some(held)].into_iter().flatten().collect();
        }
        if self.target_ended() {
            // A proxy that was killed has taken its rules with it. One that ended by itself has cut its services off.
            let lost = || vec!["the proxy has ended by itself".to_owned()];
            return if proxy_may_end { Vec::new() } else { lost() };
        }
        match rules(&folder.join("proxy.sock")) {
            None => vec!["the proxy does not answer".to_owned()],
            Some(0) if is_undisturbed(&through) => Vec::new(),
            Some(0) => vec![format!("{} is still felt through the proxy", case.fault)],
            Some(count) => vec![format!("the proxy still has {count} rules of {}", case.fault)],
        }
    }

    /// Whether the target has ended: what `processKill` is for.
    pub(super) fn target_ended(&mut self) -> bool {
        !matches!(self.target.try_wait(), Ok(None))
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        // Ends the target also when it is stopped; both fail only when it is gone already.
        drop(self.target.kill());
        drop(self.target.wait());
    }
}

/// The state letter of a process, from `/proc/PID/stat`.
pub(super) fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// How many rules a proxy has; `None` when nothing answers.
fn rules(control: &Path) -> Option<usize> {
    let mut stream = std::os::unix::net::UnixStream::connect(control).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    stream.write_all(b"{\"status\":{}}\n").ok()?;
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    while !answer.ends_with(b"\n") {
        match stream.read(&mut part).ok()? {
            0 => break,
            count => answer.extend_from_slice(&part[..count]),
        }
    }
    let answer: serde_json::Value = serde_json::from_slice(&answer).ok()?;
    Some(answer["done"]["rules"].as_array()?.len())
}

/// A program whose output nobody reads.
pub(super) fn quiet(mut command: Command) -> Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// A small server and a client that talks to it all the time, perhaps through a proxy.
struct Traffic {
    /// Where the proxy listens, or the server.
    through: String,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Traffic {
    /// Somebody inside a namespace asks a DNS server all the time.
    fn of_names(server: UdpSocket, inside: Namespace) -> Result<Self> {
        let through = server.local_addr()?.to_string();
        let stop = Arc::new(AtomicBool::new(false));
        let (serving, asking, address) = (Arc::clone(&stop), Arc::clone(&stop), through.clone());
        let serve = thread::spawn(move || names::serve(&server, &serving));
        let ask = thread::spawn(move || {
            inside.enter().expect("root may enter");
            while !asking.load(Ordering::SeqCst) {
                drop(names::ask(&address));
                pause();
            }
        });
        Ok(Self { through, stop, threads: vec![serve, ask] })
    }

    /// The client asks from inside a namespace, if one is given.
    fn start(server: TcpListener, through: String, inside: Option<Namespace>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        // A server that cannot be asked to stop would outlive the round.
        server.set_nonblocking(true).expect("a fresh socket can be set");
        let serving = Arc::clone(&stop);
        let serve = thread::spawn(move || {
            while !serving.load(Ordering::SeqCst) {
                match server.accept() {
                    Ok((stream, _)) => drop(thread::spawn(move || answer(stream))),
                    Err(_) => pause(),
                }
            }
        });
        let asking = Arc::clone(&stop);
        let address = through.clone();
        let ask = thread::spawn(move || {
            if let Some(namespace) = inside {
                namespace.enter().expect("root may enter");
            }
            while !asking.load(Ordering::SeqCst) {
                // Failing is what the faults are for.
                drop(exchange(&address));
                pause();
            }
        });
        Self { through, stop, threads: vec![serve, ask] }
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

fn answer(mut stream: TcpStream) {
    drop(stream.set_nonblocking(false));
    drop(stream.set_read_timeout(Some(Duration::from_secs(2))));
    let mut request = [0; 2048];
    if stream.read(&mut request).is_ok_and(|count| count > 0) {
        drop(stream.write_all(ANSWER));
    }
}

/// Whether a request comes back as the server sent it, faster than any of the faults would let it.
#[expect(clippy::disallowed_methods, reason = "measures a real exchange")]
fn is_undisturbed(address: &str) -> bool {
    let begun = Instant::now();
    let answer = exchange(address).unwrap_or_default();
    answer == ANSWER && begun.elapsed() < DELAY
}

fn exchange(address: &str) -> std::io::Result<Vec<u8>> {
    const PATIENCE: Duration = Duration::from_millis(500);
    let address = address.parse().map_err(std::io::Error::other)?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

#[expect(clippy::disallowed_methods, reason = "paces traffic towards a real process")]
fn pause() {
    thread::sleep(Duration::from_millis(5));
}
