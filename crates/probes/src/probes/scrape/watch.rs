//! Compares one page with the next.

use async_trait::async_trait;
use steadfast_model::{sample::Increment, secret::Secret};

use super::{
    Scrape,
    page::{self, Page, PageError},
};
use crate::{
    Counted, ProbeError, Watch, address,
    counter::{Counter, Delta, Reading},
    exposition::LONGEST_PAGE,
    headers,
    world::{HttpAnswer, HttpRequest, ServiceUrl, World},
};

const ACCEPT: &str =
    "text/plain;version=0.0.4;q=0.9,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1";

/// A part may be counted a little before or after the whole. More than this share of all events, and more than
/// [`FREE_SKEW`] of them, is no skew: the selectors do not belong together.
const MOST_SKEW: f64 = 0.05;
const FREE_SKEW: u64 = 10;

pub(super) struct ScrapeWatch {
    probe: Scrape,
    part: Counter,
    total: Counter,
    started: Option<f64>,
    bound: Option<f64>,
    /// The part's metric was on a page.
    part_known: bool,
    /// Looks since the last page that could be used, this one included.
    unread: u32,
    /// Part events that were counted before the whole, kept for the next interval.
    ahead: u64,
    /// All events so far.
    events: u64,
}

#[async_trait]
impl Watch for ScrapeWatch {
    async fn look(&mut self, world: &dyn World) -> Result<Counted, ProbeError> {
        self.unread = self.unread.saturating_add(1);
        let request = self.request(world)?;
        let answer = world.fetch(&request).await?;
        self.take(&answer, address::shown(&request.url))
    }
}

impl ScrapeWatch {
    pub(super) fn new(probe: Scrape) -> Self {
        let (part, total) = (Counter::default(), Counter::default());
        Self {
            probe,
            part,
            total,
            started: None,
            bound: None,
            part_known: false,
            unread: 0,
            ahead: 0,
            events: 0,
        }
    }

    fn request(&self, world: &dyn World) -> Result<HttpRequest, ProbeError> {
        let (service, url) = (self.probe.service.as_deref(), self.probe.url.as_deref());
        let mut headers = headers::resolve(&self.probe.headers, world)?;
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("accept")) {
            headers.push(("accept".to_owned(), Secret::new(ACCEPT.to_owned())));
        }
        Ok(HttpRequest {
            url: address::resolve(world, ServiceUrl::Metrics, service, url, None)?,
            method: "GET".to_owned(),
            headers,
            body: None,
            timeout: self.probe.timeout.std(),
            longest_body: LONGEST_PAGE,
        })
    }

    fn take(&mut self, answer: &HttpAnswer, place: &str) -> Result<Counted, ProbeError> {
        let error = |cause: String, hint: Option<&str>| ProbeError {
            what: format!("read the metrics at {place}"),
            cause,
            hint: hint.map(str::to_owned),
            ours: false,
        };
        if answer.status != 200 {
            let hint =
                "look at it with a browser or curl: metrics are often at /metrics, on a port of their own";
            return Err(error(format!("the answer has status {}", answer.status), Some(hint)));
        }
        let text = std::str::from_utf8(&answer.body).map_err(|_| {
            error("the page is not UTF-8".to_owned(), Some("ask for the Prometheus text format"))
        })?;
        let page = match page::read(text, &self.probe, self.part_known) {
            Ok(page) => page,
            Err(PageError::Unusable { cause, hint }) => return Err(error(cause, hint)),
            Err(PageError::NoTotal { cause }) => {
                // The page was read: what appears on the next one was counted in between.
                self.unread = 0;
                self.part.advance(Reading::new(), false);
                self.total.advance(Reading::new(), false);
                let hint = "a counter may appear with the first request; otherwise compare the selector with the page";
                return Err(error(cause, Some(hint)));
            }
        };
        self.count(page).map_err(|cause| error(cause, Some("compare the selectors with the page")))
    }

    fn count(&mut self, page: Page) -> Result<Counted, String> {
        self.part_known |= page.part_named;
        let gaps = std::mem::take(&mut self.unread).saturating_sub(1);
        let mut notes = page.notes;
        // Start times are computed from two clocks and may shiver.
        let restarted = matches!((self.started, page.started), (Some(a), Some(b)) if (a - b).abs() > 1.0);
        self.started = page.started.or(self.started);
        let moved = matches!((self.bound, page.bound), (Some(a), Some(b)) if a != b);
        if moved {
            self.part = Counter::default();
            self.total = Counter::default();
        } else if self.bound.is_some() {
            // Said at the first look.
            notes.retain(|note| !note.contains("bucket bound"));
        }
        self.bound = page.bound.or(self.bound);
        let part = self.part.advance(page.part, restarted);
        let total = self.total.advance(page.total, restarted);
        let (Some(part), Some(total)) = (part, total) else {
            return if moved {
                Err("the bucket bounds have changed".to_owned())
            } else {
                Ok(counted(0, 0, notes))
            };
        };
        if gaps > 0 {
            let intervals = if gaps == 1 { "interval" } else { "intervals" };
            notes.push(format!("covers {gaps} {intervals} more that could not be read"));
        }
        if total.resets > 0 || part.resets > 0 {
            let why = if restarted { "the process restarted" } else { "a counter began again" };
            notes.push(format!("{why}: what it counted before and after the last look is lost"));
        }
        let bad = self.bad(part, total, &mut notes)?;
        Ok(Counted { spans_gap: gaps > 0, ..counted(bad, total.events, notes) })
    }

    /// Bad events of this interval, never more than all of them. What is counted ahead of the whole is kept for the next.
    fn bad(&mut self, part: Delta, total: Delta, notes: &mut Vec<String>) -> Result<u64, String> {
        self.events = self.events.saturating_add(total.events);
        let part_events = part.events.saturating_add(self.ahead);
        self.ahead = part_events.saturating_sub(total.events);
        let part_is_good = self.probe.latency.is_some()
            || self.probe.ratio.as_ref().is_some_and(|ratio| ratio.good.is_some());
        let word = if part_is_good { "good" } else { "bad" };
        if self.ahead > FREE_SKEW && self.ahead as f64 > MOST_SKEW * self.events as f64 {
            let (ahead, events) = (self.ahead, self.events);
            return Err(format!("`{word}` counted {ahead} events more than `total`, of {events} so far"));
        }
        if self.ahead > 0 {
            notes.push(format!("{} {word} events more than all: kept for the next interval", self.ahead));
        }
        let part_events = part_events.min(total.events);
        Ok(if part_is_good { total.events - part_events } else { part_events })
    }
}

fn counted(bad: u64, total: u64, notes: Vec<String>) -> Counted {
    let note = (!notes.is_empty()).then(|| notes.join("; "));
    Counted { increment: Increment { bad, total }, note, spans_gap: false }
}
