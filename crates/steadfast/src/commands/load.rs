//! `steadfast load URL`: the built-in load, without an experiment.

use std::{collections::BTreeMap, io::Write as _, sync::Arc, time::Duration};

use steadfast_engine::host::Traffic;
use steadfast_host::observe::Observer;
use steadfast_linux::SystemClock;
use steadfast_model::{BootTime, Clock, RunId, secret::TextOrSecret};
use steadfast_probes::{
    StatusSet,
    load::{Arrivals, HttpLoad},
};

use crate::{
    cli::{
        Output,
        load::{LoadArguments, Spread},
    },
    failure::Failure,
    stop,
    terminal::Terminal,
};

mod summary;

use summary::Summary;

/// The only load there is.
const NAME: &str = "load";
/// How often progress is drawn.
const DRAWN: Duration = Duration::from_millis(500);

/// Sends and tells what became of it.
pub(crate) async fn load(arguments: &LoadArguments, terminal: Terminal) -> Result<u8, Failure> {
    let load = described(arguments)?;
    let failed = |error| Failure::failed(format!("read the boot clock: {error}"));
    let clock = Arc::new(SystemClock::new().map_err(failed)?);
    let seed = arguments.seed.unwrap_or_else(any_seed);
    let observer = Observer::new(BTreeMap::new(), clock.clone(), seed);
    let mut stop = stop::requests()?;
    let start = clock.boot();
    observer.start(&load).await.map_err(|error| Failure::failed(&error).hint(error.hint.as_ref()))?;
    let stopped = tokio::select! {
        () = draw_until(start.after(arguments.duration.std()), &observer, &clock, terminal) => false,
        _ = stop.pressed() => true,
    };
    let took = clock.boot().since(start);
    let stopped = stopped
        || tokio::select! {
            // Whoever hangs at the end must not get away with it.
            () = observer.stop_when_decided(NAME) => false,
            _ = stop.pressed() => true,
        };
    let report = observer.stop(NAME).await.ok_or_else(|| Failure::failed("stop the load: it is gone"))?;
    if terminal.live {
        erase();
    }
    let (Some(counts), Some(timing)) = (observer.load_counts(NAME), observer.load_timing(NAME)) else {
        return Err(Failure::failed("read the load: it is gone"));
    };
    let summary = Summary { counts, report, timing, took, seed, stopped, tolerated: arguments.tolerate };
    match arguments.output {
        Output::Json => {
            terminal
                .print_data(serde_json::to_string_pretty(&summary.json(arguments)).map_err(Failure::failed)?);
        }
        Output::Text => summary.print(terminal),
    }
    Ok(summary.exit_code())
}

/// The load as a document would describe it, checked as one.
fn described(arguments: &LoadArguments) -> Result<HttpLoad, Failure> {
    let accept = match arguments.expect.as_slice() {
        [] => StatusSet::default(),
        patterns => StatusSet::parse(patterns).map_err(|why| Failure::usage(format!("--expect: {why}")))?,
    };
    let plain =
        arguments.headers.iter().map(|(name, value)| (name.clone(), TextOrSecret::Text(value.clone())));
    let secret = arguments
        .secret_headers
        .iter()
        .map(|(name, place)| (name.clone(), TextOrSecret::Secret { secret: place.clone() }));
    let load = HttpLoad {
        name: NAME.to_owned(),
        service: None,
        url: Some(arguments.url.clone()),
        path: None,
        method: arguments.method.clone(),
        headers: plain.chain(secret).collect(),
        body: arguments.body.clone(),
        rate: arguments.rate,
        arrivals: match arguments.arrivals {
            Spread::Poisson => Arrivals::Poisson,
            Spread::Constant => Arrivals::Constant,
        },
        timeout: arguments.deadline,
        accept,
        in_flight: arguments.connections,
    };
    let mut problems = steadfast_model::Problems::new();
    load.check(&mut problems);
    if arguments.duration.is_zero() {
        problems.error(&["for"], "no time is too short", Some("write a duration such as 30s"));
    }
    match problems.all().first() {
        None => Ok(load),
        Some(problem) => Err(Failure::usage(problem).hint(problem.hint.as_ref())),
    }
}

/// Waits; on a terminal, shows how it goes.
async fn draw_until(end: BootTime, observer: &Observer, clock: &SystemClock, terminal: Terminal) {
    loop {
        let rest = end.since(clock.boot());
        if rest.is_zero() {
            return;
        }
        tokio::time::sleep(rest.min(DRAWN)).await;
        if terminal.live
            && let Some(counts) = observer.load_counts(NAME)
        {
            let decided = counts.due - counts.good;
            let open = decided
                - counts.rejected
                - counts.failed
                - counts.timed_out
                - counts.unsent
                - counts.our_fault;
            let bad = decided - open - counts.our_fault;
            let left = end.since(clock.boot()).as_secs_f64();
            let line = format!(
                "{left:6.1} s left  {} due  {} good  {bad} bad  {open} open",
                counts.due, counts.good
            );
            drop(write!(std::io::stderr().lock(), "\r\u{1b}[K{line}"));
        }
    }
}

fn erase() {
    // There is nobody left to tell when this fails.
    drop(write!(std::io::stderr().lock(), "\r\u{1b}[K"));
}

/// The random part of a fresh id.
fn any_seed() -> u64 {
    let digest = steadfast_model::digest::of_bytes(RunId::new().to_string().as_bytes());
    u64::from_str_radix(&digest[..13], 16).expect("a SHA-256 is written in hexadecimal digits")
}
