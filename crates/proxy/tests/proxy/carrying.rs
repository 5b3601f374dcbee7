//! Whatever rules are in place, bytes are neither invented nor put in another order; and when they go, all arrive.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};
use steadfast_model::proxy::Protocol;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use crate::support::{Running, echo, rule, told};

fn stream() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["upstream", "downstream", "both"])
}

/// A fault that holds or cuts bytes but loses none.
fn gentle() -> impl Strategy<Value = Value> {
    prop_oneof![
        (0_u64..40, 0_u64..20, stream()).prop_map(|(extra, jitter, stream)| {
            let (latency, jitter) = (format!("{}ms", jitter + extra + 1), format!("{jitter}ms"));
            json!({ "tcpDelay": { "latency": latency, "jitter": jitter, "stream": stream } })
        }),
        (1_u64..400, stream()).prop_map(
            |(rate, stream)| json!({ "tcpBandwidth": { "rate": format!("{rate}Mbit/s"), "stream": stream } })
        ),
        (1_u64..9_000, 0_u64..9_000, 0_u64..3, stream()).prop_map(|(size, variation, pause, stream)| {
            let variation = format!("{}B", variation.min(size - 1));
            let (size, pause) = (format!("{size}B"), format!("{pause}ms"));
            json!({ "tcpSlice": { "size": size, "variation": variation, "pause": pause, "stream": stream } })
        }),
        (1_u64..60, stream()).prop_map(
            |(delay, stream)| json!({ "tcpSlowClose": { "delay": format!("{delay}ms"), "stream": stream } })
        ),
    ]
}

/// One that ends connections.
fn harsh() -> impl Strategy<Value = Value> {
    prop_oneof![
        (1_u64..300_000, stream()).prop_map(
            |(limit, stream)| json!({ "tcpLimitData": { "limit": format!("{limit}B"), "stream": stream } })
        ),
        (0_u64..60, stream()).prop_map(
            |(after, stream)| json!({ "tcpTimeout": { "after": format!("{after}ms"), "stream": stream } })
        ),
        (0_u64..60).prop_map(|after| json!({ "tcpReset": { "after": format!("{after}ms") } })),
    ]
}

fn numbered(count: usize) -> Vec<u8> {
    (0..count).map(|n| (n % 251) as u8 ^ (n / 251) as u8).collect()
}

/// Sends bytes to an echo and reads what comes back to the end, while rules come, and go after a while.
async fn carry(faults: &[Value], bytes: &[u8], lasting: Duration) -> Vec<u8> {
    let mut proxy = Running::start(Protocol::Tcp, echo().await).await;
    let mut socket = proxy.connect().await;
    let (mut read, mut write) = socket.split();
    let control = async {
        let mut ids = Vec::new();
        for fault in faults {
            ids.push(proxy.apply_rule(rule(told(fault.clone()))).await);
        }
        tokio::time::sleep(lasting).await;
        for id in ids {
            proxy.client.remove(id).await.unwrap();
        }
    };
    let send = async {
        // In parts, so that some are sent under each set of rules. It fails when the connection is cut.
        for part in bytes.chunks(bytes.len() / 3 + 1) {
            if write.write_all(part).await.is_err() {
                return;
            }
            tokio::time::sleep(lasting / 3).await;
        }
        drop(write.shutdown().await);
    };
    let receive = async {
        let mut back = Vec::new();
        // A reset is an end too.
        drop(read.read_to_end(&mut back).await);
        back
    };
    let all = async { tokio::join!(control, send, receive).2 };
    timeout(Duration::from_secs(20), all).await.expect("what is left never came")
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn faults_that_cut_nothing_lose_nothing(
        faults in prop::collection::vec(gentle(), 1..5),
        count in 1_usize..400_000,
        lasting in 0_u64..150,
    ) {
        let bytes = numbered(count);
        let back = runtime().block_on(carry(&faults, &bytes, Duration::from_millis(lasting)));
        prop_assert!(back == bytes, "{} of {} bytes came back, or others", back.len(), count);
    }

    #[test]
    fn faults_that_cut_leave_the_beginning_of_what_was_sent(
        mut faults in prop::collection::vec(gentle(), 0..3),
        cuts in prop::collection::vec(harsh(), 1..3),
        count in 1_usize..400_000,
        lasting in 0_u64..150,
    ) {
        faults.extend(cuts);
        let bytes = numbered(count);
        let back = runtime().block_on(carry(&faults, &bytes, Duration::from_millis(lasting)));
        prop_assert!(bytes.starts_with(&back), "{} of {} bytes came back, and others", back.len(), count);
    }
}
