//! The proxies that stand between client and server, each a process of its own.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use crate::{crash, program::program};

/// A proxy at work. It ends when this is dropped.
pub(super) struct Running {
    child: Child,
    pub(super) address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Running {
    /// Steadfast's, for plain TCP.
    pub(super) fn ours(binary: &Path, upstream: SocketAddr) -> Result<Self> {
        let folder = private_folder()?;
        let address = free_address()?;
        let control = folder.path().join("control.sock");
        let words = [
            "proxy",
            "--name",
            "bench",
            "--protocol",
            "tcp",
            "--listen",
            &address.to_string(),
            "--upstream",
            &upstream.to_string(),
            "--control",
            control.to_str().context("the path is UTF-8")?,
            "--exit-with-stdin",
        ];
        Self::start(binary.to_str().context("the path is UTF-8")?, &words, address, folder)
    }

    /// HAProxy in TCP mode with one thread, as Debian packages it.
    pub(super) fn haproxy(upstream: SocketAddr) -> Result<Self> {
        let folder = private_folder()?;
        let address = free_address()?;
        let file = folder.path().join("haproxy.cfg");
        fs::write(
            &file,
            format!(
                "global\n  nbthread 1\n  maxconn 1000\n\
                 defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1m\n  timeout server 1m\n\
                 listen bench\n  bind {address}\n  server one {upstream}\n"
            ),
        )?;
        let file = file.to_str().context("the path is UTF-8")?.to_owned();
        Self::start("haproxy", &["-db", "-q", "-f", &file], address, folder)
            .context("HAProxy is the rival: apt-get install haproxy")
    }

    /// Toxiproxy with one proxy and no toxic. It is told over its HTTP interface what to carry.
    pub(super) fn toxiproxy(program: &str, upstream: SocketAddr) -> Result<Self> {
        let (folder, address, control) = (private_folder()?, free_address()?, free_address()?);
        let words = ["-host", "127.0.0.1", "-port", &control.port().to_string()];
        let mut running = Self::start(program, &words, control, folder)?;
        let body =
            format!(r#"{{"name":"bench","listen":"{address}","upstream":"{upstream}","enabled":true}}"#);
        let mut stream = TcpStream::connect(control)?;
        write!(
            stream,
            "POST /proxies HTTP/1.1\r\nHost: {control}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )?;
        let mut said = String::new();
        stream.read_to_string(&mut said)?;
        ensure!(said.starts_with("HTTP/1.1 201"), "Toxiproxy says: {said}");
        running.address = address;
        Ok(running)
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    fn start(name: &str, words: &[&str], address: SocketAddr, folder: tempfile::TempDir) -> Result<Self> {
        let mut command = program(name, words);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().with_context(|| format!("start {name}"))?;
        let running = Self { child, address, _folder: folder };
        let answers = || TcpStream::connect(address).is_ok();
        ensure!(crash::wait::until(Duration::from_secs(10), answers), "{name} does not listen on {address}");
        Ok(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail when it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Closed to others, or our proxy would refuse to put its control socket there.
fn private_folder() -> Result<tempfile::TempDir> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::Permissions::from_mode(0o700);
    Ok(tempfile::Builder::new().prefix("bench").permissions(mode).tempdir()?)
}

/// A port that was free a moment ago.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
