//! Memory of a run that waits: one probe, one interval a second.

use std::{
    fs,
    io::Write as _,
    net::TcpListener,
    path::Path,
    process::{Child, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use super::{Found, Row};
use crate::{crash, program::program};

/// The most resident memory, in MB.
const MOST: f64 = 40.0;
/// How long it has waited when it is looked at.
const SETTLE: Duration = Duration::from_secs(8);

/// Measures.
pub(super) fn measure(binary: &Path) -> Result<Found> {
    let folder = tempfile::Builder::new().prefix("idle").tempdir()?;
    let server = TcpListener::bind("127.0.0.1:0")?;
    let address = server.local_addr()?;
    thread::spawn(move || {
        for mut stream in server.incoming().flatten() {
            // Whoever asked may be gone.
            drop(stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"));
        }
    });
    let target = Ended(program("sleep", &["600"]).stdin(Stdio::null()).spawn().context("start a target")?);
    let document = folder.path().join("idle.yaml");
    fs::write(
        &document,
        format!(
            "apiVersion: steadfast.dev/v1alpha1\nkind: Experiment\nmetadata: {{ name: idle }}\nspec:\n  \
             steadyState:\n    - http: {{ name: up, url: 'http://{address}/', tolerance: {{ absolute: 5% }} }}\n  \
             method:\n    - inject: {{ fault: {{ processPause: {{}} }}, into: {{ process: {{ pid: {} }} }}, for: 10s }}\n  \
             windows: {{ baseline: 10m, interval: 1s }}\n",
            target.0.id()
        ),
    )?;
    let (state, log) = (folder.path().join("state"), folder.path().join("log"));
    let [state, document] = [&state, &document].map(|path| path.to_str().context("the path is UTF-8"));
    let words = ["--state-dir", state?, "run", document?, "--yes"];
    let mut command = program(binary.to_str().context("the path is UTF-8")?, &words);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(fs::File::create(&log)?);
    let mut run = Ended(command.spawn().context("start a run")?);
    let still = !crash::wait::until(SETTLE, || run.0.try_wait().is_ok_and(|ended| ended.is_some()));
    ensure!(still, "the run did not wait: {}", fs::read_to_string(&log).unwrap_or_default());
    let (now, peak) = (memory(run.0.id(), "VmRSS")?, memory(run.0.id(), "VmHWM")?);
    let rows = vec![
        Row::within("resident memory of `steadfast run`, MB", now, MOST),
        Row::shown("the most since it began, MB", peak),
    ];
    Ok(Found { rows, notes: Vec::new() })
}

/// A line of `/proc/PID/status`, in MB.
fn memory(pid: u32, name: &str) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    Ok(kibibytes.with_context(|| format!("there is no {name} of {pid}"))? * 1024.0 / 1e6)
}

/// A process that ends with this.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // Both fail when it has ended already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
