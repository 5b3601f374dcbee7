//! Drops rules when their time is over, whoever is alive.

use std::{future::poll_fn, sync::Arc, task::Poll, time::Duration};

use crate::{
    ProxyError,
    hub::Hub,
    timer::{self, Alarm, later},
};

/// The longest it waits without looking at the clock again. Deadlines count boot time and the alarm does not count
/// suspend, so this bounds how late a rule ends after a suspend.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Ends rules by their deadlines and leases, for ever.
pub(crate) async fn enforce(hub: Arc<Hub>) -> Result<(), ProxyError> {
    let mut alarm = Alarm::new(&hub.timers);
    poll_fn(|cx| {
        // First, so that a rule that comes after the look wakes the task.
        hub.enforcer.register(cx.waker());
        loop {
            let (now, next) = hub.expire();
            let Some(end) = next else {
                alarm.clear();
                return Poll::Pending;
            };
            let wait = end.since(now).min(LOOK_AGAIN);
            if alarm.poll_at(cx, later(timer::now(), wait)).is_pending() {
                return Poll::Pending;
            }
        }
    })
    .await
}
