//! The proxy with nothing injected, beside HAProxy and a direct connection: what it costs to have it in the way.
//!
//! On a virtual machine whose processors halt between messages, a direct round trip can take longer than one through a
//! proxy that keeps them awake. Then what is added comes out below zero, and the gate does not hold: it was not measured.

use std::{net::SocketAddr, path::Path, time::Duration};

use anyhow::Result;

use super::{
    Gate, Row,
    carry::{Caller, serve, stream},
    cpu,
    proxies::Running,
};

/// Turns, so that all feel the same minute.
const TURNS: usize = 15;
const ROUND_TRIPS: usize = 4_000;
/// Bytes of one stream.
const STREAM: u64 = 2 << 30;
const STREAMS: usize = 7;

/// Measures.
pub(super) fn measure(binary: &Path) -> Result<Vec<Row>> {
    let server = serve()?;
    let (haproxy, ours) = (Running::haproxy(server)?, Running::ours(binary, server)?);
    let mut rows = round_trips(server, &haproxy, &ours)?;
    rows.extend(streams(&haproxy, &ours)?);
    Ok(rows)
}

fn round_trips(server: SocketAddr, haproxy: &Running, ours: &Running) -> Result<Vec<Row>> {
    let mut direct = Caller::connect(server)?;
    let (mut through_haproxy, mut through_ours) =
        (Caller::connect(haproxy.address)?, Caller::connect(ours.address)?);
    let mut medians = [Vec::new(), Vec::new(), Vec::new()];
    let mut costs = [Vec::new(), Vec::new()];
    for _ in 0..TURNS {
        medians[0].push(median(direct.round_trips(ROUND_TRIPS)?).as_secs_f64());
        for (index, (caller, proxy)) in
            [(&mut through_haproxy, haproxy), (&mut through_ours, ours)].into_iter().enumerate()
        {
            let before = cpu::used(proxy.pid())?;
            medians[index + 1].push(median(caller.round_trips(ROUND_TRIPS)?).as_secs_f64());
            let spent = cpu::used(proxy.pid())?.saturating_sub(before);
            costs[index].push(spent.as_secs_f64() / ROUND_TRIPS as f64);
        }
    }
    let [direct, haproxy, ours] = medians.map(middle);
    let [haproxy_cost, our_cost] = costs.map(middle);
    Ok(vec![
        row(
            "added to a round trip, p50, µs",
            (ours - direct) * 1e6,
            (haproxy - direct) * 1e6,
            Gate::AtMost(1.1),
        ),
        row("processor time of a round trip, µs", our_cost * 1e6, haproxy_cost * 1e6, Gate::AtMost(1.1)),
    ])
}

fn streams(haproxy: &Running, ours: &Running) -> Result<Vec<Row>> {
    let (mut rates, mut costs) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    let gigabytes = STREAM as f64 / 1e9;
    for _ in 0..STREAMS {
        for (index, proxy) in [haproxy, ours].into_iter().enumerate() {
            let before = cpu::used(proxy.pid())?;
            rates[index].push(gigabytes / stream(proxy.address, STREAM)?.as_secs_f64());
            let spent = cpu::used(proxy.pid())?.saturating_sub(before);
            costs[index].push(spent.as_secs_f64() / gigabytes);
        }
    }
    let ([haproxy_rate, our_rate], [haproxy_cost, our_cost]) = (rates.map(middle), costs.map(middle));
    Ok(vec![
        row("one connection, GB/s", our_rate, haproxy_rate, Gate::AtLeast(0.9)),
        row("processor time of a GB, s", our_cost, haproxy_cost, Gate::AtMost(1.0)),
    ])
}

fn row(what: &str, ours: f64, rival: f64, gate: Gate) -> Row {
    Row { what: what.to_owned(), ours, rival, against: "HAProxy".to_owned(), gate }
}

fn median(mut took: Vec<Duration>) -> Duration {
    took.sort_unstable();
    took[took.len() / 2]
}

fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
