use std::future::poll_fn;

use super::*;

async fn until(alarm: &mut Alarm, time: u64) {
    poll_fn(|cx| alarm.poll_at(cx, time)).await;
}

async fn timers() -> Arc<Timers> {
    let timers = Timers::new().unwrap();
    let driven = Arc::clone(&timers);
    tokio::spawn(async move { driven.drive().await });
    timers
}

#[tokio::test]
async fn nobody_is_woken_early_and_waits_end_in_the_order_of_their_times() {
    let timers = timers().await;
    let start = now();
    let ended = Arc::new(Mutex::new(Vec::new()));
    let waits: Vec<_> = [7_u64, 1, 4, 1, 9]
        .into_iter()
        .map(|millis| {
            let (mut alarm, ended) = (Alarm::new(&timers), Arc::clone(&ended));
            let time = later(start, Duration::from_millis(millis));
            tokio::spawn(async move {
                until(&mut alarm, time).await;
                assert!(now() >= time);
                ended.lock().unwrap().push(millis);
            })
        })
        .collect();
    for wait in waits {
        wait.await.unwrap();
    }
    assert_eq!(*ended.lock().unwrap(), [1, 1, 4, 7, 9]);
    assert!(timers.lock().wakers.is_empty());
}

#[tokio::test]
async fn a_wait_given_up_leaves_nothing_behind_and_delays_nobody() {
    let timers = timers().await;
    let start = now();
    let mut given_up = Alarm::new(&timers);
    assert!(
        futures_util::poll!(std::pin::pin!(until(&mut given_up, later(start, Duration::from_millis(1)))))
            .is_pending()
    );
    drop(given_up);
    until(&mut Alarm::new(&timers), later(start, Duration::from_millis(5))).await;
    assert!(now() >= later(start, Duration::from_millis(5)));
    assert!(timers.lock().wakers.is_empty());
}
