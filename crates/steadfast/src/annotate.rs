//! Tells a Grafana what happens in a run, as annotations: its start, its faults, its end.
//!
//! Whatever Grafana does, the run goes on as it would without it: what is told waits in a queue of its own, and what
//! could not be told is said once and forgotten.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use steadfast_model::{
    Event,
    event::Known,
    secret::{Secret, SecretSource},
};
use steadfast_probes::{
    ProbeError, address,
    world::{HttpRequest, World},
};
use steadfast_report::Teller;
use tokio::{
    sync::mpsc::{Receiver, Sender, channel},
    task::JoinHandle,
    time::timeout,
};

use crate::{
    failure::Failure,
    terminal::{Style, Terminal, paint},
};

/// Annotations that may wait; more are dropped.
const MOST_WAITING: usize = 100;
/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long the end of a run waits for what has not been told yet.
const LAST_PATIENCE: Duration = Duration::from_secs(5);
/// The longest answer that is read, in bytes.
const LONGEST_ANSWER: usize = 64 * 1024;

/// Where annotations go.
#[derive(Debug, Clone)]
pub(crate) struct Grafana {
    /// Its address, below which `/api` is.
    pub(crate) url: String,
    /// A token of a service account that may write annotations.
    pub(crate) token: Option<SecretSource>,
}

/// Tells what happens, one annotation after the other.
pub(crate) struct Annotator {
    queue: Sender<String>,
    teller: JoinHandle<()>,
    tags: [String; 3],
    words: Teller,
}

impl Annotator {
    /// Begins to listen. Nothing is sent yet.
    ///
    /// # Errors
    /// When the address is none or the token is not there: that is known before anything is touched.
    pub(crate) fn start(
        grafana: &Grafana,
        (experiment, run): (&str, &str),
        world: Arc<dyn World>,
        terminal: Terminal,
    ) -> Result<Self, Failure> {
        let wrong = |cause: &str| Failure::usage(format!("annotations cannot be sent: {cause}"));
        address::parse(&grafana.url).map_err(|cause| wrong(&cause))?;
        let mut headers = vec![("content-type".to_owned(), Secret::new("application/json".to_owned()))];
        if let Some(source) = &grafana.token {
            let token = world.secret(source).map_err(|error| wrong(&error.to_string()))?;
            headers.push(("authorization".to_owned(), Secret::new(format!("Bearer {}", token.expose()))));
        }
        let request = HttpRequest {
            url: format!("{}/api/annotations", grafana.url.trim_end_matches('/')),
            method: "POST".to_owned(),
            headers,
            body: None,
            timeout: PATIENCE,
            longest_body: LONGEST_ANSWER,
        };
        let (queue, waiting) = channel(MOST_WAITING);
        let teller = tokio::spawn(tell(request, waiting, world, terminal));
        let tags = ["steadfast".to_owned(), format!("experiment:{experiment}"), format!("run:{run}")];
        Ok(Self { queue, teller, tags, words: Teller::default() })
    }

    /// Notes an event. Never waits.
    pub(crate) fn note(&mut self, event: &Event) {
        let Some(known) = event.body.known() else { return };
        let tag = match known {
            Known::RunStarted { .. } => "start",
            Known::FaultInjected { .. } => "fault",
            Known::FaultReverted { .. } => "fault-end",
            Known::Concluded(_) => "end",
            _ => return,
        };
        let text = self.words.sentence(&event.body).unwrap_or_default();
        let tags: Vec<&str> = self.tags.iter().map(String::as_str).chain([tag]).collect();
        let annotation = json!({ "time": event.at.0 / 1_000, "tags": tags, "text": text });
        // A queue that is full means a Grafana that does not answer, which is said already.
        drop(self.queue.try_send(annotation.to_string()));
    }

    /// Waits a little for what has not been told yet.
    pub(crate) async fn finish(self) {
        drop(self.queue);
        let mut teller = self.teller;
        if timeout(LAST_PATIENCE, &mut teller).await.is_err() {
            teller.abort();
        }
    }
}

async fn tell(
    request: HttpRequest,
    mut waiting: Receiver<String>,
    world: Arc<dyn World>,
    terminal: Terminal,
) {
    let mut said = false;
    while let Some(annotation) = waiting.recv().await {
        let answer = world.fetch(&HttpRequest { body: Some(annotation), ..request.clone() }).await;
        let why = match answer {
            Ok(answer) if (200..300).contains(&answer.status) => continue,
            Ok(answer) => format!("it answers with status {}", answer.status),
            Err(ProbeError { cause, .. }) => cause,
        };
        if !std::mem::replace(&mut said, true) {
            let word = paint(terminal.stderr_colour, Style::Yellow, "note:");
            terminal.say(format_args!("{word} Grafana was not told: {why}. The run goes on."));
        }
    }
}
