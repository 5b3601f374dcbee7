//! One verification, from files to verdict: what `run` and `demo` have in common.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use steadfast_engine::{Journal, JournalError, Plan, RunEnd, Stage, StopSignal, host::Host, run};
use steadfast_experiment::ReadOptions;
use steadfast_host::{
    Limits,
    observe::{Observer, ServiceAddress},
};
use steadfast_linux::own_identity;
use steadfast_model::{
    Clock, Event, RunId,
    binding::Binding,
    event::{Conclusion, DatedHarm, Known},
    id::run_name,
    run::SourceDocument,
};
use steadfast_report::Story;
use steadfast_store::{Fence, NewRun, Runs, Sqlite};

use crate::{
    annotate::{Annotator, Grafana},
    cli::Output,
    commands::fault::refused,
    confirm::confirm,
    earlier,
    failure::Failure,
    forecast,
    live::Live,
    live_runs::{self, LiveRun},
    screen::Screen,
    session::Session,
    sources::{Read, Sources},
    terminal::{Style, Terminal, paint},
};

/// What is wanted of a verification.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    /// Values for parameters.
    pub(crate) set: BTreeMap<String, String>,
    /// Ask before anything is touched.
    pub(crate) ask: bool,
    /// Show what would happen and touch nothing.
    pub(crate) dry_run: bool,
    /// Show what the run can find and touch nothing.
    pub(crate) plan: bool,
    /// A Grafana to tell.
    pub(crate) grafana: Option<Grafana>,
    /// How to print.
    pub(crate) output: Output,
}

/// How a verification ended.
pub(crate) struct Ended {
    /// The experiment's name.
    pub(crate) experiment: String,
    /// The name people see.
    pub(crate) run: String,
    /// Its conclusion.
    pub(crate) conclusion: Conclusion,
    /// Recovery in seconds; the inner `None`: not in time. The outer: not measured.
    pub(crate) recovery: Option<Option<f64>>,
    /// When harm began and ended, when there was any.
    pub(crate) harm: Option<DatedHarm>,
    /// The exit code.
    pub(crate) exit_code: u8,
    /// Somebody asked for an end.
    pub(crate) by_person: bool,
    /// The page about it.
    pub(crate) report: Option<PathBuf>,
}

/// Verifies. `None` when nothing was touched, by wish. `stop` is called once there is something to stop: until then
/// Ctrl-C just ends the program.
pub(crate) async fn verify(
    sources: Sources,
    wish: Wish,
    stop: impl FnOnce() -> Result<StopSignal, Failure>,
    session: &Session,
) -> Result<Option<Ended>, Failure> {
    let terminal = session.terminal;
    let environment = |name: &str| std::env::var(name).ok();
    let options = ReadOptions { set: wish.set.clone(), environment: &environment };
    let read = sources.read(&options, terminal.stderr_colour)?;
    let mut plan = plan(&read, terminal)?;
    earlier::ask(&mut plan, session).await?;
    let limits = session.policies().load().map_err(refused)?;
    if wish.plan {
        say_limits(&plan, &limits, terminal)?;
        forecast::print(&plan, wish.output, terminal)?;
        return Ok(None);
    }
    let host = Arc::new(session.host(read.binding.clone())?);
    announce(&plan, &*host, terminal).await?;
    say_limits(&plan, &limits, terminal)?;
    if wish.dry_run {
        terminal.say("Nothing was touched: this was a dry run.");
        return Ok(None);
    }
    if !confirm(!wish.ask, terminal)? {
        return Ok(None);
    }
    let stop = stop()?;
    let experiment = &read.checked.experiment;
    let about = (experiment.spec.claim.clone(), experiment.metadata.labels.clone());
    perform(plan, about, read.documents, read.binding, host, (wish, stop), session).await.map(Some)
}

/// The plan of an experiment with its service levels; warnings are shown.
fn plan(read: &Read, terminal: Terminal) -> Result<Plan, Failure> {
    let colour = terminal.stderr_colour;
    if !read.checked.warnings.is_empty() {
        let mut warnings = read.checked.warnings.clone();
        terminal.say(read.checked.render(&mut warnings, colour));
    }
    for warning in &read.warnings {
        terminal.say(warning.trim_end());
    }
    steadfast_engine::plan::from(&read.checked, &read.slos)
        .map_err(|mut problems| Failure::document(read.checked.render(&mut problems, colour)))
}

/// Shows the limits of this machine. What breaks one is refused now, not after the baseline; the host would refuse it too.
fn say_limits(plan: &Plan, limits: &Limits, terminal: Terminal) -> Result<(), Failure> {
    terminal.say(format_args!("  policy   {limits}"));
    for injection in plan.injections() {
        limits.check_fault(injection.fault.kind(), injection.duration.std()).map_err(refused)?;
    }
    Ok(())
}

/// Shows targets and duration before anything is touched.
async fn announce(plan: &Plan, host: &dyn Host, terminal: Terminal) -> Result<(), Failure> {
    let colour = terminal.stderr_colour;
    terminal.say(format_args!("{}  {}", paint(colour, Style::Bold, &plan.name), plan.title));
    for metric in &plan.run_plan().metrics {
        let tolerance = match metric.tolerance {
            steadfast_model::event::Tolerance::Absolute(share) => {
                format!("at most {} bad", steadfast_report::share_in_words(Some(share)))
            }
            steadfast_model::event::Tolerance::Relative(factor) => {
                format!("at most {factor} times as bad as before")
            }
        };
        terminal.say(format_args!("  watches  {}: {}; {tolerance}", metric.name, metric.describes));
    }
    for load in &plan.loads {
        let place = load.service.as_deref().or(load.url.as_deref().map(steadfast_probes::address::shown));
        let (method, path) = (&load.method, load.path.as_deref().unwrap_or_default());
        terminal.say(format_args!(
            "  sends    {} {method} requests to {}{path}, all the time",
            load.rate,
            place.unwrap_or_default()
        ));
    }
    for injection in plan.injections() {
        let targets = host.resolve(&injection.target).await.map_err(refused)?;
        let preview = host.preflight(&injection.fault, &targets).await.map_err(refused)?;
        for action in preview.actions {
            terminal.say(format_args!("  will     {action}, for {}", injection.duration));
        }
        for warning in preview.warnings {
            terminal.say(format_args!("  {}     {warning}", paint(colour, Style::Yellow, "note")));
        }
    }
    for command in plan.commands() {
        terminal.say(format_args!("  runs     {}, for at most {}", command.describe(), command.deadline));
    }
    terminal.say(format_args!(
        "  takes    at most {}",
        steadfast_report::duration_in_words(plan.longest().as_secs_f64())
    ));
    forecast::say(plan, terminal);
    Ok(())
}

async fn perform(
    plan: Plan,
    (claim, labels): (Option<String>, BTreeMap<String, String>),
    documents: Vec<SourceDocument>,
    binding: Binding,
    host: Arc<dyn Host>,
    (wish, stop): (Wish, StopSignal),
    session: &Session,
) -> Result<Ended, Failure> {
    let id = RunId::new();
    let name = run_name(&plan.name, id);
    let services =
        binding.services.iter().map(|(name, service)| (name.clone(), ServiceAddress::from(service)));
    let keeper = session.command(&["keeper"]).into_iter().map(Into::into).collect();
    let observer = Observer::new(services.collect(), session.clock.clone(), seed(id)).with_keeper(keeper);
    let observer = Arc::new(observer);
    let mut annotator = match &wish.grafana {
        Some(to) => Some(Annotator::start(to, (&plan.name, &name), observer.clone(), session.terminal)?),
        None => None,
    };
    let store = session.history().await?;
    let new = NewRun {
        id,
        name: name.clone(),
        experiment: plan.name.clone(),
        title: plan.title.clone(),
        digest: plan.document_digest.clone(),
        claim,
        labels,
        started_at: session.clock.wall(),
        documents: documents.clone(),
    };
    let fence = store.begin(&new).await?;
    let process = own_identity().map_err(|error| Failure::failed(error.with_causes()))?;
    let _announced = live_runs::announce(session.folder(), &LiveRun { run: id, name: name.clone(), process })
        .map_err(|error| Failure::failed(format!("announce the run: {error}")))?;
    let stage = Stage { host, world: observer.clone(), traffic: observer, clock: session.clock.clone() };
    let mut journal = StoreJournal { store: store.clone(), run: id, fence };
    let spool = spool_folder(session)?.join(format!("{id}.events"));
    let seen = Mutex::new(Seen::default());
    let mut screen = Screen::start(Live::new(wish.output, session.terminal), session.terminal)?;
    let experiment = plan.name.clone();
    let mut show = |event: &Event| {
        seen.lock().unwrap_or_else(PoisonError::into_inner).note(event);
        screen.show(event);
        annotator.iter_mut().for_each(|annotator| annotator.note(event));
    };
    let end = run(plan, id, stage, &mut journal, &spool, &mut show, stop).await;
    screen.finish();
    if let Some(annotator) = annotator {
        annotator.finish().await;
    }
    tell_troubles(&end, session.terminal);
    let report = report(&name, &store, session).await;
    store.close().await;
    let Seen { recovery, harm, by_person } = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(Ended {
        experiment,
        run: name,
        conclusion: end.conclusion,
        recovery,
        harm,
        exit_code: end.exit_code,
        by_person,
        report,
    })
}

/// Where a run goes on to write when the history takes no more. Made before anything is touched, beside the ledger and
/// not in it: a file there that is no undo record means that something may be left behind.
fn spool_folder(session: &Session) -> Result<PathBuf, Failure> {
    let folder = session.folder().join("spool");
    std::fs::create_dir_all(&folder)
        .map_err(|error| Failure::failed(format!("make {}: {error}", folder.display())))?;
    Ok(folder)
}

/// What of the events matters for the end.
#[derive(Default)]
struct Seen {
    recovery: Option<Option<f64>>,
    harm: Option<DatedHarm>,
    by_person: bool,
}

impl Seen {
    fn note(&mut self, event: &Event) {
        match event.body.known() {
            Some(Known::RecoveryMeasured { seconds, harm, .. }) => {
                (self.recovery, self.harm) = (Some(*seconds), harm.clone());
            }
            Some(Known::StopRequested { .. }) => self.by_person = true,
            _ => {}
        }
    }
}

fn tell_troubles(end: &RunEnd, terminal: Terminal) {
    let colour = terminal.stderr_colour;
    for injection in &end.abandoned {
        let word = paint(colour, Style::Red, "could NOT be undone:");
        terminal.say(format_args!("{word} injection {injection}; `steadfast status` says what to type"));
    }
    if let Some(file) = &end.spooled {
        let word = paint(colour, Style::Yellow, "note:");
        terminal.say(format_args!(
            "{word} the history could not be written; the rest of the run is in {}",
            file.display()
        ));
    }
}

/// Writes the page about a run beside the history. Not having it is no reason to fail the run.
async fn report(name: &str, store: &Sqlite, session: &Session) -> Option<PathBuf> {
    let folder = session.folder().join("reports");
    std::fs::create_dir_all(&folder).ok()?;
    let summary = store.find(name).await.ok()?;
    let events = store.events(summary.id).await.ok()?;
    let documents = store.documents(summary.id).await.ok()?;
    let file = folder.join(format!("{name}.html"));
    std::fs::write(&file, steadfast_report::html(&Story::new(summary, &events, documents))).ok()?;
    Some(file)
}

/// Due times of the load follow from the run's id, so that no two runs share theirs.
fn seed(run: RunId) -> u64 {
    let (high, low) = run.0.as_u64_pair();
    high ^ low
}

/// The history as the engine knows it.
struct StoreJournal {
    store: Sqlite,
    run: RunId,
    fence: Fence,
}

#[async_trait]
impl Journal for StoreJournal {
    async fn append(&mut self, expected_sequence: u64, event: &Event) -> Result<(), JournalError> {
        if event.sequence != expected_sequence {
            return Err(JournalError(format!(
                "append event {}: {expected_sequence} is next",
                event.sequence
            )));
        }
        self.store
            .append(self.run, self.fence, std::slice::from_ref(event))
            .await
            .map_err(|error| JournalError(error.to_string()))
    }
}
