//! Being asked to end: Ctrl-C, SIGTERM, or `steadfast stop` from another terminal, which sends SIGTERM.

use steadfast_engine::{StopSignal, stop_switch};
use tokio::signal::unix::{SignalKind, signal};

use crate::failure::Failure;

/// Turns signals into a word that says who asked. From here on a signal no longer ends the process by itself: pressing
/// Ctrl-C twice loses nothing.
///
/// # Errors
/// When the system refuses to pass signals on.
pub(crate) fn requests() -> Result<StopSignal, Failure> {
    let listen = |kind: SignalKind| {
        signal(kind).map_err(|error| Failure::failed(format!("listen for signals: {error}")))
    };
    let (mut interrupt, mut terminate, mut hangup) =
        (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?, listen(SignalKind::hangup())?);
    let (switch, requests) = stop_switch();
    tokio::spawn(async move {
        loop {
            let by = tokio::select! {
                _ = interrupt.recv() => "interrupt",
                _ = terminate.recv() => "terminate",
                _ = hangup.recv() => "hangup",
            };
            switch.press(by);
        }
    });
    Ok(requests)
}
