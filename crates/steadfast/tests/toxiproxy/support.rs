//! The program with its API, and a client that sees every byte of an answer.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;

/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The program at work. It ends with the test, however that ends: its standard input does.
pub(crate) struct Api {
    pub(crate) address: SocketAddr,
    /// What it said until it was ready.
    pub(crate) said: Vec<String>,
    child: Child,
}

/// How a command ended at once, and what it said.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stderr: String,
}

/// An answer of the API.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

/// `steadfast proxy`, without anything of the caller's environment.
pub(crate) fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_steadfast"));
    command.arg("proxy").args(arguments).env_clear();
    command
}

/// Runs it to its end, which is at once if it has nothing against what it is told.
pub(crate) fn run(arguments: &[&str]) -> Ended {
    let output = program(arguments).arg("--exit-with-stdin").stdin(Stdio::null()).output().unwrap();
    Ended { code: output.status.code(), stderr: String::from_utf8(output.stderr).unwrap() }
}

impl Api {
    pub(crate) fn new() -> Self {
        Self::with(&["--seed", "7"])
    }

    pub(crate) fn with(arguments: &[&str]) -> Self {
        let mut command = program(&["--toxiproxy-api", "127.0.0.1:0", "--exit-with-stdin"]);
        command.args(arguments).stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut said = Vec::new();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = loop {
            let line = lines.next().unwrap_or_else(|| panic!("ended after {said:?}")).unwrap();
            let address =
                line.split("http://").nth(1).and_then(|rest| rest.split(',').next()).map(str::to_owned);
            said.push(line);
            if let Some(address) = address {
                break address.parse().unwrap();
            }
        };
        // Whatever else it says must have somewhere to go.
        std::thread::spawn(move || lines.for_each(drop));
        Self { address, said, child }
    }

    /// Asks it, with these headers besides those that must be, and these bytes.
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
        let mut socket = TcpStream::connect(self.address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n"
        );
        socket.write_all(head.as_bytes()).unwrap();
        // It may have said no before it has read all.
        drop(socket.write_all(body));
        let mut answer = Vec::new();
        let read = socket.read_to_end(&mut answer);
        assert!(read.is_ok() || !answer.is_empty(), "{method} {path}: {read:?}");
        Answer::parse(&String::from_utf8(answer).unwrap())
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "", b"")
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.ask("DELETE", path, "", b"")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask("POST", path, "", body.to_string().as_bytes())
    }

    pub(crate) fn patch(&self, path: &str, body: &Value) -> Answer {
        self.ask("PATCH", path, "", body.to_string().as_bytes())
    }

    /// Makes a proxy called `p` in front of a server. Where it listens.
    pub(crate) fn proxy(&self, upstream: SocketAddr) -> SocketAddr {
        let body = serde_json::json!({ "name": "p", "upstream": upstream.to_string() });
        let made = self.post("/proxies", &body).expect(201).json();
        made["listen"].as_str().unwrap().parse().unwrap()
    }

    /// Puts a toxic on it.
    pub(crate) fn toxic(&self, kind: &str, stream: &str, attributes: Value) -> Value {
        let body = serde_json::json!({ "type": kind, "stream": stream, "attributes": attributes });
        self.post("/proxies/p/toxics", &body).expect(200).json()
    }

    pub(crate) fn untoxic(&self, name: &str) {
        self.delete(&format!("/proxies/p/toxics/{name}")).expect(204);
    }

    /// Whether it still runs.
    pub(crate) fn lives(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Kills it as hard as can be, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Lets it end as when whoever started it has ended. Its exit code.
    pub(crate) fn end(mut self) -> Option<i32> {
        drop(self.child.stdin.take());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        // Both fail when it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Answer {
    fn parse(answer: &str) -> Self {
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {answer:?}"));
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.map(|line| line.split_once(": ").unwrap());
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
        Self { status, headers, body: body.to_owned() }
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// Refused in these words, in the form that Toxiproxy gives a refusal.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, error: &str) {
        let answer = self.expect(status);
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert!(answer.body.ends_with("}\n"), "{answer:?}");
        let body = answer.json();
        assert_eq!(body["status"], status);
        let said = body["error"].as_str().unwrap();
        assert!(said.contains(error), "`{error}` is not in `{said}`");
        assert_eq!(body.as_object().unwrap().len(), 2);
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no `{name}` in {self:?}"))
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}
