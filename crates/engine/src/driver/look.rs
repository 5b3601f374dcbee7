//! Looking through probes, so that one that hangs blocks nothing.

use std::{sync::Arc, time::Duration};

use steadfast_model::sample::{Increment, MetricSample};
use steadfast_probes::{Counted, Probe, ProbeError, world::World};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, timeout, timeout_at},
};

/// A look that takes longer is dropped. Longer than any probe's own limit.
const LONGEST_LOOK: Duration = Duration::from_secs(75);

type Look = Result<Counted, ProbeError>;

/// Looks through several probes at once. A probe that has not answered by the deadline has a gap; its answer counts
/// to the interval in which it comes.
pub(super) struct Lookers {
    probes: Vec<Looker>,
    answers: mpsc::UnboundedReceiver<(usize, Look)>,
    /// Ends the tasks when this is dropped.
    _tasks: JoinSet<()>,
}

struct Looker {
    ask: mpsc::UnboundedSender<()>,
    busy: bool,
    /// The answer under way is that of a look that began in an earlier interval.
    late: bool,
    /// The answer under way is that of the first look, which only remembers.
    first: bool,
    answer: Option<Look>,
}

impl Lookers {
    pub(super) fn new(probes: &[Arc<dyn Probe>], world: &Arc<dyn World>) -> Self {
        let (sender, answers) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        let looker = |(index, probe): (usize, &Arc<dyn Probe>)| {
            let (ask, mut asked) = mpsc::unbounded_channel();
            let (sender, world, probe) = (sender.clone(), world.clone(), probe.clone());
            tasks.spawn(async move {
                let mut watch = probe.watch();
                while asked.recv().await.is_some() {
                    let look =
                        timeout(LONGEST_LOOK, watch.look(&*world)).await.unwrap_or_else(|_| Err(hung()));
                    if sender.send((index, look)).is_err() {
                        return;
                    }
                }
            });
            Looker { ask, busy: false, late: false, first: true, answer: None }
        };
        let probes = probes.iter().enumerate().map(looker).collect();
        Self { probes, answers, _tasks: tasks }
    }

    /// Looks through every probe that is not still busy, and waits for answers until `deadline`.
    pub(super) async fn look(&mut self, deadline: Instant) -> Vec<Option<Look>> {
        while let Ok((index, look)) = self.answers.try_recv() {
            self.probes[index].late = true;
            self.probes[index].take(look);
        }
        for looker in &mut self.probes {
            looker.late = looker.busy;
            if !looker.busy {
                looker.busy = looker.ask.send(()).is_ok();
            }
        }
        while self.probes.iter().any(|looker| looker.busy) {
            match timeout_at(deadline, self.answers.recv()).await {
                Ok(Some((index, look))) => self.probes[index].take(look),
                Ok(None) | Err(_) => break,
            }
        }
        self.probes.iter_mut().map(|looker| looker.answer.take()).collect()
    }
}

impl Looker {
    fn take(&mut self, look: Look) {
        self.busy = false;
        if std::mem::replace(&mut self.first, false) {
            return;
        }
        let late = std::mem::take(&mut self.late);
        let look = look.map(|counted| Counted { spans_gap: counted.spans_gap || late, ..counted });
        self.answer = Some(match self.answer.take() {
            Some(earlier) => both(earlier, look),
            None => look,
        });
    }
}

/// Two answers in one interval: a late one and a timely one.
fn both(earlier: Look, later: Look) -> Look {
    match (earlier, later) {
        (Ok(one), Ok(other)) => Ok(Counted {
            increment: Increment {
                bad: one.increment.bad.saturating_add(other.increment.bad),
                total: one.increment.total.saturating_add(other.increment.total),
            },
            note: one.note.or(other.note),
            spans_gap: one.spans_gap || other.spans_gap,
        }),
        (Ok(counted), Err(error)) | (Err(error), Ok(counted)) => {
            let note = counted.note.clone().unwrap_or_else(|| format!("failed to {error}"));
            Ok(Counted { note: Some(note), ..counted })
        }
        (Err(_), Err(error)) => Err(error),
    }
}

/// A look as a sample.
pub(super) fn sample(metric: &str, look: Option<Look>) -> MetricSample {
    let metric = metric.to_owned();
    match look {
        Some(Ok(Counted { increment, note, spans_gap })) => {
            MetricSample { metric, increment: Some(increment), note, spans_gap }
        }
        Some(Err(error)) => {
            MetricSample { metric, note: Some(format!("failed to {error}")), ..Default::default() }
        }
        None => {
            let note = Some("no answer within the interval".to_owned());
            MetricSample { metric, note, ..Default::default() }
        }
    }
}

fn hung() -> ProbeError {
    let cause = format!("no answer within {} s", LONGEST_LOOK.as_secs());
    ProbeError { what: "look through a probe".to_owned(), cause, hint: None, ours: false }
}
