//! A real Prometheus on a free port, with a data folder of its own.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use tempfile::TempDir;

/// How often it scrapes.
pub const SCRAPE_INTERVAL: Duration = Duration::from_millis(200);

/// How long it may take to be ready.
const PATIENCE: Duration = Duration::from_secs(30);

/// A Prometheus. Killed and collected when dropped; its data goes with it.
#[derive(Debug)]
pub struct Prometheus {
    child: Child,
    address: SocketAddr,
    data: TempDir,
}

impl Prometheus {
    /// Starts one that scrapes these targets (job and `HOST:PORT`, each at `/metrics`) every [`SCRAPE_INTERVAL`], and waits
    /// until each was scraped once: a Prometheus is ready some seconds before it looks at its targets.
    ///
    /// # Errors
    /// When the program is not there (Debian's package is called `prometheus`) or does not become ready.
    pub fn start(targets: &[(&str, String)]) -> anyhow::Result<Self> {
        // Another process may take the port before this one does: then the next is tried.
        for _ in 0..5 {
            let mut prometheus = Self::spawn(targets)?;
            if prometheus.has_scraped(targets.len())? {
                return Ok(prometheus);
            }
            let said = fs::read_to_string(prometheus.data.path().join("log")).unwrap_or_default();
            if !said.contains("address already in use") {
                bail!("Prometheus does not become ready:\n{said}");
            }
        }
        bail!("no free port was left to Prometheus")
    }

    fn spawn(targets: &[(&str, String)]) -> anyhow::Result<Self> {
        let data = tempfile::tempdir()?;
        let config = data.path().join("prometheus.yml");
        fs::write(&config, configuration(targets))?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let log = fs::File::create(data.path().join("log"))?;
        #[expect(clippy::disallowed_methods, reason = "the real thing, for a test")]
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", data.path().join("tsdb").display()))
            .arg(format!("--web.listen-address={address}"))
            .args(["--log.level=warn", "--storage.tsdb.retention.time=1h"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("start `prometheus` (apt-get install prometheus; its service is not needed)")?;
        Ok(Self { child, address, data })
    }

    /// Where it answers, such as `http://127.0.0.1:9090`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it, as a machine does that loses power.
    pub fn end(&mut self) {
        // Both fail when it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// Waits until it knows of a scrape of as many targets; `false` when it ended.
    #[expect(clippy::disallowed_methods, reason = "waits for another process")]
    fn has_scraped(&mut self, targets: usize) -> anyhow::Result<bool> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if self.child.try_wait()?.is_some() {
                return Ok(false);
            }
            let known = format!(",\"{targets}\"]");
            if scraped(self.address).is_ok_and(|answer| answer.contains(&known)) {
                return Ok(true);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(false)
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        self.end();
    }
}

fn configuration(targets: &[(&str, String)]) -> String {
    let interval = SCRAPE_INTERVAL.as_millis();
    let mut text = format!(
        "global: {{ scrape_interval: {interval}ms, scrape_timeout: {interval}ms }}\nscrape_configs:\n"
    );
    for (job, target) in targets {
        text += &format!("  - {{ job_name: {job}, static_configs: [{{ targets: ['{target}'] }}] }}\n");
    }
    text
}

/// What it says when asked how many targets were scraped.
fn scraped(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.write_all(b"GET /api/v1/query?query=count(up) HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
