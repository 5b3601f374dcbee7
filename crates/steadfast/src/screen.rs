//! Shows a run from a thread of its own. A terminal that was stopped (Ctrl-S) or a reader that does not read holds up
//! whoever writes; that must never be the run, with its guards and its stop button.

use std::{
    sync::mpsc::{SyncSender, TrySendError, sync_channel},
    thread::JoinHandle,
};

use steadfast_model::Event;

use crate::{failure::Failure, live::Live, terminal::Terminal};

/// Events that wait to be shown. A day at one interval a second has about as many; more are left out, and that is said.
const WAITING: usize = 100_000;

/// Where events of a run are shown.
pub(crate) struct Screen {
    events: SyncSender<Event>,
    thread: JoinHandle<()>,
    left_out: u64,
    terminal: Terminal,
}

impl Screen {
    /// Starts to show.
    ///
    /// # Errors
    /// When there can be no more threads.
    pub(crate) fn start(mut live: Live, terminal: Terminal) -> Result<Self, Failure> {
        let (events, waiting) = sync_channel::<Event>(WAITING);
        let show = move || waiting.iter().for_each(|event| live.show(&event));
        let thread = std::thread::Builder::new()
            .name("screen".to_owned())
            .spawn(show)
            .map_err(|error| Failure::failed(format!("start a thread: {error}")))?;
        Ok(Self { events, thread, left_out: 0, terminal })
    }

    /// Shows an event, now or later. Never waits.
    pub(crate) fn show(&mut self, event: &Event) {
        if let Err(TrySendError::Full(_)) = self.events.try_send(event.clone()) {
            self.left_out += 1;
        }
    }

    /// Waits until all is shown.
    pub(crate) fn finish(self) {
        drop(self.events);
        // One that panicked has shown what it could; the run does not depend on it.
        drop(self.thread.join());
        if self.left_out > 0 {
            self.terminal.say(format_args!(
                "{} events were not shown, because nobody read them in time; `steadfast runs show` has all",
                self.left_out
            ));
        }
    }
}
