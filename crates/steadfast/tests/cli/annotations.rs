//! A Grafana is told what happens, and what it answers changes nothing.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use serde_json::Value;

use crate::support::{Experiment, Place, Service};

/// One request as it arrived.
struct Request {
    first: String,
    headers: Vec<String>,
    body: Value,
}

/// What stands in for Grafana: a real HTTP server that keeps what it gets.
struct Grafana {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    ended: Arc<AtomicBool>,
    listening: Option<JoinHandle<()>>,
}

impl Grafana {
    /// Answers everything with this status.
    fn new(status: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, ended) = (Arc::<Mutex<Vec<Request>>>::default(), Arc::<AtomicBool>::default());
        let (kept, over) = (requests.clone(), ended.clone());
        let listening = thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                if let Some(request) = stream.ok().and_then(|stream| serve(stream, status)) {
                    kept.lock().unwrap().push(request);
                }
            }
        });
        Self { address, requests, ended, listening: Some(listening) }
    }

    fn url(&self) -> String {
        format!("http://{}/grafana/", self.address)
    }
}

impl Drop for Grafana {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(self.address));
        drop(self.listening.take().map(JoinHandle::join));
    }
}

fn serve(mut stream: TcpStream, status: &str) -> Option<Request> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim() {
            "" => break,
            line => headers.push(line.to_owned()),
        }
    }
    let length = headers.iter().find_map(|line| line.strip_prefix("content-length: "))?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}").ok()?;
    Some(Request { first, headers, body: serde_json::from_slice(&body).ok()? })
}

fn experiment(place: &Place, service: &Service) -> (String, crate::support::Proxy) {
    let proxy = place.proxy(service.address);
    let text = Experiment::new(&proxy.url(), "httpDelay: { latency: 20ms }", &proxy.target()).text();
    (place.write("e.yaml", &text), proxy)
}

#[test]
fn start_fault_and_end_are_annotated_with_the_token_and_tags() {
    let (place, service, grafana) = (Place::new(), Service::new(), Grafana::new("200 OK"));
    let (file, _proxy) = experiment(&place, &service);
    let mut command = place.command(&["run", &file, "--yes", "--annotate", &grafana.url()]);
    command.args(["--annotate-token", "env:GRAFANA_TOKEN"]).env("GRAFANA_TOKEN", "glsa_s3cret");
    let output = place.start_command(command).wait().expect(0).never_says("s3cret").never_says("not told");
    let run = output.stdout.lines().find_map(|line| line.strip_prefix("run ")).unwrap().to_owned();

    let requests = grafana.requests.lock().unwrap();
    let kinds: Vec<&str> = requests.iter().map(|request| request.body["tags"][3].as_str().unwrap()).collect();
    assert_eq!(kinds, ["start", "fault", "fault-end", "end"]);
    let mut before = 0;
    for request in &*requests {
        assert!(request.first.starts_with("POST /grafana/api/annotations HTTP/1.1"), "{}", request.first);
        let bearer = request.headers.iter().any(|line| line == "authorization: Bearer glsa_s3cret");
        assert!(bearer, "{:?}", request.headers);
        assert!(request.headers.iter().any(|line| line == "content-type: application/json"));
        let tags = request.body["tags"].as_array().unwrap();
        assert_eq!(tags[..3], ["steadfast", "experiment:short", &format!("run:{run}")]);
        let time = request.body["time"].as_i64().unwrap();
        assert!(time >= before && time > 1_600_000_000_000, "milliseconds since 1970, in order: {time}");
        before = time;
    }
    assert!(requests[3].body["text"].as_str().unwrap().contains("held"));
    drop(requests);
    // Neither the history nor what is exported of it knows the token.
    place.run(&["runs", "export", &run]).expect(0).never_says("s3cret");
}

#[test]
fn a_grafana_that_refuses_or_is_not_there_changes_nothing() {
    let (place, service, grafana) = (Place::new(), Service::new(), Grafana::new("403 Forbidden"));
    let (file, _proxy) = experiment(&place, &service);
    let refusing = grafana.url();
    for (url, said) in [(refusing.as_str(), "status 403"), ("http://127.0.0.1:1/", "connection refused")] {
        let output = place.run(&["run", &file, "--yes", "--annotate", url]).expect(0).says("held").says(said);
        assert_eq!(output.stderr.matches("not told").count(), 1, "{}", output.stderr);
    }
    place.assert_clean();
}

#[test]
fn what_cannot_work_is_refused_before_anything_is_touched() {
    let (place, service) = (Place::new(), Service::new());
    let (file, _proxy) = experiment(&place, &service);
    let run = |more: &[&str]| place.run(&[&["run", &file, "--yes"], more].concat());
    run(&["--annotate", "grafana.example"]).expect(64).says("http://");
    let missing = ["--annotate", "http://127.0.0.1:1", "--annotate-token", "env:NO_SUCH"];
    run(&missing).expect(64).says("NO_SUCH").says("not set");
    let written_out = ["--annotate", "http://127.0.0.1:1", "--annotate-token", "glsa_abc"];
    run(&written_out).expect(64).says("env:NAME");
    place.assert_untouched();
}
