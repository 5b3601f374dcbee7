//! The process between us and a program that is not ours.

use std::{
    io::{self, Read, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::process::CommandExt,
    },
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
    io::Errno,
    process::{
        Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitOptions, getpid, getppid, kill_process,
        kill_process_group, pidfd_open, set_child_subreaper, set_parent_process_death_signal, setsid, wait,
        waitid,
    },
    time::{ClockId, clock_gettime},
};

use super::{CommandEnding, CommandOrder, CommandReport};
use crate::{LinuxError, stat};

/// The longest order, in bytes.
const LONGEST_ORDER: u64 = 4 * 1024 * 1024;
/// How much of what a program complains about is kept, in bytes.
const LONGEST_ERRORS: usize = 4 * 1024;
/// How long what was killed may take to be gone.
const PATIENCE: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// Reads an order from standard input, carries it out, and prints the report when nothing of the program is left. When
/// standard input closes, everything is killed and nothing is printed.
///
/// The calling process must have no other children and no other threads.
///
/// # Errors
/// When the order cannot be read or the kernel does not offer what is needed.
pub fn keep() -> Result<(), LinuxError> {
    let failed = |source| LinuxError::start("keep a program", source);
    let call = |errno| LinuxError::call("keep a program", errno);
    // Away from the terminal: a Ctrl-C is for who holds us.
    if let Err(errno) = setsid()
        && errno != Errno::PERM
    {
        return Err(call(errno));
    }
    set_child_subreaper(Some(getpid())).map_err(call)?;
    let order = read_order().map_err(failed)?;
    let report = match start(&order) {
        Ok(child) => Kept::new(child, &order).and_then(Kept::watch).map_err(failed)?,
        Err(error) => Some(CommandReport {
            end: CommandEnding::NotStarted(error.to_string()),
            output: String::new(),
            errors: String::new(),
            left: Vec::new(),
        }),
    };
    if let Some(report) = report {
        let text = serde_json::to_vec(&report).map_err(|error| failed(error.into()))?;
        io::stdout().lock().write_all(&text).map_err(failed)?;
    }
    Ok(())
}

/// The first line of standard input. Nothing behind it is read, so that its end can be waited for.
fn read_order() -> io::Result<CommandOrder> {
    let mut line = Vec::new();
    for byte in io::stdin().lock().take(LONGEST_ORDER).bytes() {
        match byte? {
            b'\n' => return Ok(serde_json::from_slice(&line)?),
            byte => line.push(byte),
        }
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

fn start(order: &CommandOrder) -> io::Result<Child> {
    let (program, arguments) =
        order.argv.split_first().ok_or_else(|| io::Error::other("no program is named"))?;
    #[expect(clippy::disallowed_methods, reason = "this is the place where programs are started")]
    let mut command = Command::new(program);
    command
        .args(arguments)
        .envs(order.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let keeper = getpid();
    let die_with_keeper = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // The keeper may have died just before that.
        if getppid() == Some(keeper) { Ok(()) } else { Err(Errno::SRCH.into()) }
    };
    // SAFETY: between fork and exec only what is safe in a signal handler may be done. The closure makes two system calls
    // and an error from a number, without memory of the heap and without locks. The signal comes when the *thread* ends
    // that starts the program: the keeper has no other thread, so that this is its own end.
    unsafe { command.pre_exec(die_with_keeper) };
    command.spawn()
}

/// A program below this process.
struct Kept {
    child: Child,
    pid: Pid,
    handle: OwnedFd,
    deadline: Duration,
    longest_output: usize,
    output: Vec<u8>,
    errors: Vec<u8>,
}

impl Kept {
    fn new(child: Child, order: &CommandOrder) -> io::Result<Self> {
        let pid = Pid::from_child(&child);
        let handle = pidfd_open(pid, PidfdFlags::empty())?;
        for stream in [child.stdout.as_ref().map(AsFd::as_fd), child.stderr.as_ref().map(AsFd::as_fd)] {
            let stream = stream.expect("it was asked for a pipe");
            fcntl_setfl(stream, fcntl_getfl(stream)? | OFlags::NONBLOCK)?;
        }
        let deadline = now() + Duration::from_millis(order.timeout_ms);
        let (output, errors) = (Vec::new(), Vec::new());
        Ok(Self { child, pid, handle, deadline, longest_output: order.longest_output, output, errors })
    }

    /// Waits for an end of any sort; `None` when nobody wants to know any more.
    fn watch(mut self) -> io::Result<Option<CommandReport>> {
        let (mut stdout, mut stderr) = (true, true);
        let early = loop {
            let left = self.deadline.saturating_sub(now());
            if left.is_zero() {
                break Some(CommandEnding::Late);
            }
            let [held, ended, printed, complained] = self.wait(left, stdout, stderr)?;
            if held {
                self.kill_all();
                return Ok(None);
            }
            if printed {
                stdout = drain(self.child.stdout.as_mut(), &mut self.output)?;
            }
            if complained {
                stderr = drain(self.child.stderr.as_mut(), &mut self.errors)?;
                self.errors.drain(..self.errors.len().saturating_sub(LONGEST_ERRORS));
            }
            if self.output.len() > self.longest_output {
                break Some(CommandEnding::TooMuch);
            }
            if ended {
                break None;
            }
        };
        // Not collected yet, so that its number still means its group.
        let status = waitid(
            WaitId::PidFd(self.handle.as_fd()),
            WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG,
        )?;
        let left = self.kill_all();
        let end = early.unwrap_or_else(|| match status.as_ref() {
            Some(status) => match (status.exit_status(), status.terminating_signal()) {
                (Some(code), _) => CommandEnding::Exited(code),
                (None, signal) => CommandEnding::Killed(signal.unwrap_or(0)),
            },
            None => CommandEnding::NotStarted("the kernel does not tell how it ended".to_owned()),
        });
        // What it printed right before its end is still in the pipe.
        drain(self.child.stdout.as_mut(), &mut self.output)?;
        drain(self.child.stderr.as_mut(), &mut self.errors)?;
        let end = match end {
            CommandEnding::Exited(_) if self.output.len() > self.longest_output => CommandEnding::TooMuch,
            end => end,
        };
        self.output.truncate(self.longest_output);
        self.errors.drain(..self.errors.len().saturating_sub(LONGEST_ERRORS));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Some(CommandReport { end, output: text(&self.output), errors: text(&self.errors), left }))
    }

    /// Whether nobody holds us any more, the program ended, and there is something to read.
    fn wait(&self, left: Duration, stdout: bool, stderr: bool) -> io::Result<[bool; 4]> {
        let stdin = io::stdin();
        let stdout = self.child.stdout.as_ref().filter(|_| stdout);
        let stderr = self.child.stderr.as_ref().filter(|_| stderr);
        let mut entries = vec![
            PollFd::new(&stdin, PollFlags::IN | PollFlags::HUP),
            PollFd::new(&self.handle, PollFlags::IN),
        ];
        entries.extend(stdout.map(|stream| PollFd::new(stream, PollFlags::IN)));
        entries.extend(stderr.map(|stream| PollFd::new(stream, PollFlags::IN)));
        match poll(&mut entries, Some(&timespec(left))) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok([false; 4]),
            Err(errno) => return Err(errno.into()),
        }
        let mut ready = entries.iter().map(|entry| !entry.revents().is_empty());
        let mut next = || ready.next().unwrap_or(false);
        let (held, ended) = (next(), next());
        let printed = stdout.is_some() && next();
        Ok([held, ended, printed, stderr.is_some() && next()])
    }

    /// Kills the program and everything it started until nothing is left; what could not be killed is answered.
    fn kill_all(&mut self) -> Vec<i32> {
        // Its group at once, so that few have the time to start others.
        kill_process_group(self.pid, Signal::KILL).unwrap_or_default();
        let patience = now() + PATIENCE;
        loop {
            // Children that nobody collected keep their numbers: none of them can mean another process.
            let children = children();
            for child in &children {
                if let Some(pid) = Pid::from_raw(*child) {
                    kill_process(pid, Signal::KILL).unwrap_or_default();
                }
            }
            while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
            if matches!(wait(WaitOptions::NOHANG), Err(Errno::CHILD)) {
                return Vec::new();
            }
            if now() > patience {
                return children;
            }
            poll(&mut [], Some(&timespec(LOOK_AGAIN))).unwrap_or_default();
        }
    }
}

/// The numbers of this process's children.
fn children() -> Vec<i32> {
    let own = std::process::id();
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let numbers = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let ours = numbers.filter(|pid| matches!(stat::read(*pid), Ok(Some(stat)) if stat.parent == own));
    ours.filter_map(|pid| i32::try_from(pid).ok()).collect()
}

/// Reads what there is; `false` when there will be no more.
fn drain(stream: Option<&mut impl Read>, into: &mut Vec<u8>) -> io::Result<bool> {
    let Some(stream) = stream else { return Ok(false) };
    let mut buffer = [0; 16 * 1024];
    // A program that prints without end must not keep us from looking at the clock.
    for _ in 0..64 {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(false),
            Ok(length) => into.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// Time that no one can set.
fn now() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn timespec(duration: Duration) -> Timespec {
    Timespec::try_from(duration).unwrap_or(Timespec { tv_sec: i64::from(i32::MAX), tv_nsec: 0 })
}
