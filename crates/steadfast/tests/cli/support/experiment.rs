//! Experiments short enough for tests.

/// The parts of a document; the defaults are a service that must answer within 200 ms.
#[derive(Clone)]
pub(crate) struct Experiment {
    pub(crate) steady: String,
    pub(crate) load: String,
    pub(crate) fault: String,
    pub(crate) into: String,
    pub(crate) time: String,
    /// Steps instead of the one fault.
    pub(crate) method: Option<String>,
    pub(crate) guards: String,
    pub(crate) rest: String,
}

impl Experiment {
    /// Disturbs `into` with `fault`, and watches what requests to `url` get.
    pub(crate) fn new(url: &str, fault: &str, into: &str) -> Self {
        Self {
            steady: "load: { name: answers, load: visitors, good: { within: 200ms }, tolerance: { absolute: 10% } }"
                .to_owned(),
            load: format!("[{{ http: {{ name: visitors, url: '{url}', rate: 200/s, timeout: 2s }} }}]"),
            fault: fault.to_owned(),
            into: into.to_owned(),
            time: "3s".to_owned(),
            method: None,
            guards: "[]".to_owned(),
            rest: String::new(),
        }
    }

    /// Watches something else, without traffic of its own.
    pub(crate) fn watching(mut self, steady: &str) -> Self {
        self.steady = steady.to_owned();
        self.load = "[]".to_owned();
        self
    }

    pub(crate) fn lasting(mut self, time: &str) -> Self {
        self.time = time.to_owned();
        self
    }

    /// Does these steps.
    pub(crate) fn doing(mut self, steps: &str) -> Self {
        self.method = Some(steps.to_owned());
        self
    }

    pub(crate) fn text(&self) -> String {
        let Self { steady, load, fault, into, time, method, guards, rest } = self;
        let one = format!("    - inject: {{ fault: {{ {fault} }}, into: {{ {into} }}, for: {time} }}");
        let method = method.as_deref().unwrap_or(&one);
        format!(
            "apiVersion: steadfast.dev/v1alpha1
kind: Experiment
metadata: {{ name: short }}
spec:
  steadyState:
    - {steady}
  load: {load}
  method:
{method}
  windows: {{ baseline: 3s, recovery: 2s, interval: 250ms }}
  guards: {guards}
{rest}"
        )
    }
}
