//! The proxy with nothing injected, beside HAProxy and a direct connection: what it costs to have it in the way.
//!
//! Round trips are measured in many short turns, direct, through HAProxy and through ours, beginning with another each time;
//! what a proxy adds is the difference to the direct median of the same turn, and of those the median counts. Meanwhile
//! [`Awake`] keeps processors from halting.

use std::{net::SocketAddr, path::Path, time::Duration};

use anyhow::Result;

use super::{
    Found, Gate, Row,
    awake::Awake,
    carry::{Caller, serve, stream},
    cpu,
    proxies::Running,
    row::middle,
};

mod toxiproxy;

/// Turns, so that all feel the same minute.
const TURNS: usize = 150;
const ROUND_TRIPS: usize = 400;
/// Bytes of one stream.
const STREAM: u64 = 2 << 30;
const STREAMS: usize = 7;

/// Measures.
pub(super) fn measure(binary: &Path) -> Result<Found> {
    let server = serve()?;
    let (haproxy, ours) = (Running::haproxy(server)?, Running::ours(binary, server)?);
    let mut found = Found { rows: round_trips(server, &haproxy, &ours)?, notes: Vec::new() };
    let carried = streams(&[&haproxy, &ours])?;
    let row = |what, pick: fn(&Carried) -> f64, gate| {
        Row::new(what, pick(&carried[1]), pick(&carried[0]), "HAProxy", gate)
    };
    found.rows.push(row("one connection, GB/s", |carried| carried.rate, Gate::AtLeast(0.9)));
    found.rows.push(row("processor time of a GB, s", |carried| carried.cost, Gate::AtMost(1.0)));
    match toxiproxy::program() {
        Ok(program) => {
            let toxiproxy = Running::toxiproxy(&program, server)?;
            let carried = streams(&[&toxiproxy, &ours])?;
            let row = |what, pick: fn(&Carried) -> f64, gate| {
                Row::new(what, pick(&carried[1]), pick(&carried[0]), "Toxiproxy", gate)
            };
            found.rows.push(row("one connection, GB/s", |carried| carried.rate, Gate::AtLeast(2.0)));
            found.rows.push(row("processor time of a GB, s", |carried| carried.cost, Gate::AtMost(0.5)));
        }
        Err(why) => {
            found.notes.push(format!("Toxiproxy could not be brought, so it is not beside us: {why:#}."))
        }
    }
    Ok(found)
}

fn round_trips(server: SocketAddr, haproxy: &Running, ours: &Running) -> Result<Vec<Row>> {
    let mut awake = Awake::begin()?;
    let mut callers =
        [Caller::connect(server)?, Caller::connect(haproxy.address)?, Caller::connect(ours.address)?];
    let proxies = [None, Some(haproxy), Some(ours)];
    let (mut added, mut costs) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    let mut direct = Vec::new();
    for turn in 0..TURNS {
        let mut medians = [0.0; 3];
        for place in 0..3 {
            let case = (turn + place) % 3;
            let before = proxies[case].map(|proxy| cpu::used(proxy.pid())).transpose()?;
            medians[case] = median(callers[case].round_trips(ROUND_TRIPS)?).as_secs_f64();
            if let (Some(proxy), Some(before)) = (proxies[case], before) {
                let spent = cpu::used(proxy.pid())?.saturating_sub(before);
                costs[case - 1].push(spent.as_secs_f64() / ROUND_TRIPS as f64);
            }
        }
        direct.push(medians[0]);
        added[0].push(medians[1] - medians[0]);
        added[1].push(medians[2] - medians[0]);
    }
    awake.ensure_whole()?;
    let ([haproxy, ours], [haproxy_cost, our_cost]) = (added.map(middle), costs.map(middle));
    let row =
        |what, ours: f64, rival: f64| Row::new(what, ours * 1e6, rival * 1e6, "HAProxy", Gate::AtMost(1.1));
    Ok(vec![
        Row::shown("a direct round trip, p50, µs", middle(direct) * 1e6),
        row("added to a round trip, p50, µs", ours, haproxy),
        row("processor time of a round trip, µs", our_cost, haproxy_cost),
    ])
}

/// What one connection through a proxy came to.
struct Carried {
    /// GB a second.
    rate: f64,
    /// Seconds of processor time for a GB.
    cost: f64,
}

/// In turns, so that all feel the same minute.
fn streams(proxies: &[&Running; 2]) -> Result<[Carried; 2]> {
    let (mut rates, mut costs) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    let gigabytes = STREAM as f64 / 1e9;
    for _ in 0..STREAMS {
        for (index, proxy) in proxies.iter().enumerate() {
            let before = cpu::used(proxy.pid())?;
            rates[index].push(gigabytes / stream(proxy.address, STREAM)?.as_secs_f64());
            let spent = cpu::used(proxy.pid())?.saturating_sub(before);
            costs[index].push(spent.as_secs_f64() / gigabytes);
        }
    }
    let ([a, b], [c, d]) = (rates.map(middle), costs.map(middle));
    Ok([Carried { rate: a, cost: c }, Carried { rate: b, cost: d }])
}

fn median(mut took: Vec<Duration>) -> Duration {
    took.sort_unstable();
    took[took.len() / 2]
}
