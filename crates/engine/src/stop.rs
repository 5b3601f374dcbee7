//! Asking a run to end. Pressing twice loses nothing.

use tokio::sync::watch;

/// Asks a run to end. Clones ask the same run.
#[derive(Debug, Clone)]
pub struct StopSwitch(watch::Sender<Option<String>>);

/// Hears when a run is asked to end.
#[derive(Debug, Clone)]
pub struct StopSignal(watch::Receiver<Option<String>>);

/// A switch and its signal.
#[must_use]
pub fn stop_switch() -> (StopSwitch, StopSignal) {
    let (sender, receiver) = watch::channel(None);
    (StopSwitch(sender), StopSignal(receiver))
}

impl StopSwitch {
    /// Asks for an end. `by` says who or what: `interrupt`, `terminate`, `command`. The first one stays.
    pub fn press(&self, by: &str) {
        self.0.send_if_modified(|pressed| {
            let first = pressed.is_none();
            if first {
                *pressed = Some(by.to_owned());
            }
            first
        });
    }
}

impl StopSignal {
    /// Who asked for an end, once somebody did. Waits for ever when nobody can any more.
    pub async fn pressed(&mut self) -> String {
        loop {
            if let Some(by) = self.0.borrow_and_update().clone() {
                return by;
            }
            if self.0.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}
