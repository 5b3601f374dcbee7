//! `steadfast demo`

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use steadfast_demo::{DemoConfig, DemoError, Switches, System};
use steadfast_engine::StopSignal;
use steadfast_model::{Outcome, RunId, event::Conclusion, id::run_name};

use crate::{
    cli::{
        Colour, Output,
        demo::{DemoArguments, DemoCommand, ServiceArguments, SupervisorArguments},
    },
    failure::{Failure, code},
    session::Session,
    sources::Sources,
    stop,
    terminal::{Style, paint, verdict},
    verify::{Ended, Wish, verify},
};

pub(crate) mod networks;

use networks::Networks;

/// The experiments, in the order they are run.
const EXPERIMENTS: [&str; 5] = ["risk-slow", RISK_FAR, "ledger-slow", "wallet-killed", "no-traffic"];

/// The one that disturbs packets: risk has to be in a network namespace of its own.
const RISK_FAR: &str = "risk-far";

/// Folders of earlier demos that are kept.
const KEPT: usize = 4;

/// Starts the sample system and verifies five beliefs about it; or starts it, stops it, shows it.
pub(crate) async fn demo(arguments: DemoArguments, colour: Colour, session: &Session) -> Result<u8, Failure> {
    let terminal = session.terminal;
    match arguments.command {
        None => verify_all(&arguments, colour, session).await,
        Some(DemoCommand::Up { switches }) => {
            let config = config(&folder(session), switches_of(&switches)?, None, session)?;
            let supervisor = session.command(&["demo-supervisor"]);
            let state = steadfast_demo::up(&config, &supervisor).await.map_err(failure)?;
            let documents = config.state_dir.join("documents");
            steadfast_demo::write_documents(&documents, &state).map_err(failure)?;
            terminal.print(format_args!("gateway    {}", state.url("gateway")));
            terminal.print(format_args!("documents  {}", documents.display()));
            terminal.say(format_args!("Try: steadfast run {}", documents.join("risk-slow.yaml").display()));
            Ok(0)
        }
        Some(DemoCommand::Down) => {
            let was_running = steadfast_demo::down(&folder(session)).await.map_err(failure)?;
            terminal.say(if was_running {
                "The sample system is stopped."
            } else {
                "No sample system was running."
            });
            Ok(0)
        }
        Some(DemoCommand::Status { output }) => status(output, session).await,
    }
}

/// Runs one service until it is told to end.
pub(crate) async fn service(arguments: &ServiceArguments) -> Result<u8, Failure> {
    let config = steadfast_demo::ServiceConfig::read(&arguments.config).map_err(failure)?;
    if let Some(path) = &config.namespace {
        networks::enter(path)?;
    }
    steadfast_demo::run_service(&arguments.name, &config).await.map_err(failure)?;
    Ok(0)
}

/// Runs the supervisor in the background until it is told to end.
pub(crate) async fn supervisor(arguments: &SupervisorArguments) -> Result<u8, Failure> {
    let config = DemoConfig::read(&arguments.config).map_err(failure)?;
    steadfast_demo::supervise(&config).await.map_err(failure)?;
    Ok(0)
}

async fn verify_all(arguments: &DemoArguments, colour: Colour, session: &Session) -> Result<u8, Failure> {
    let terminal = session.terminal;
    let only = arguments.only.as_slice();
    if let Some(unknown) = only.iter().find(|name| !EXPERIMENTS.contains(&name.as_str())) {
        let known = EXPERIMENTS.join(", ");
        return Err(Failure::usage(format!("the demo has no experiment `{unknown}`"))
            .hint(Some(format!("there are {known}"))));
    }
    let switches = switches_of(&arguments.switches)?;
    let networks = match arguments.apart {
        true => Some(Networks::make().map_err(|error| Failure::failed(error.with_causes()))?),
        false => {
            let Some(why) = networks::refusal(session) else {
                return Err(networks::start_again(&arguments.switches, only, colour, session));
            };
            without_networks(&why, only, session)?;
            None
        }
    };
    // A folder of its own each time: a demo that is up keeps its ledger, and this one ends with a clean audit.
    // Its path is short, as the path of a socket in it may have 107 bytes.
    let folder = session.folder().join("demos").join(run_name("d", RunId::new()));
    prune(&session.folder().join("demos"));
    let config = config(&folder, switches, networks.as_ref(), session)?;
    let place = if networks.is_some() { ", in network namespaces of their own" } else { "" };
    terminal.say(format_args!("Starting six services and five fault proxies{place}..."));
    let mut stop = stop::requests()?;
    let system = System::start(&config).await.map_err(failure)?;
    let documents = folder.join("documents");
    let wanted = |name: &&str| {
        (networks.is_some() || *name != RISK_FAR) && (only.is_empty() || only.iter().any(|it| it == name))
    };
    let names: Vec<&str> = EXPERIMENTS.into_iter().filter(wanted).collect();
    let ended = run_experiments(&documents, &names, &system, &stop, session).await;
    // Who stopped a run still wants to know whether the books are right; who asks again, or only now, does not.
    let asked = pressed(&stop).await;
    let drained = tokio::select! {
        drained = steadfast_demo::drain(&folder, Duration::from_secs(20)) => drained,
        _ = stop.pressed(), if !asked => return Ok(code::STOPPED),
    };
    let mut state = system.state();
    system.stop().await;
    // The number of a process means another one some day: what stays behind names none.
    state.services.values_mut().for_each(|service| service.process = None);
    steadfast_demo::write_documents(&documents, &state).map_err(failure)?;
    let results = ended?;
    let audit = steadfast_demo::audit(&folder).await.map_err(failure)?;
    summary(&results, &documents, session);
    let nobody_paid = audit.acknowledged == 0 && audit.posted == 0;
    let clean = audit.is_clean() || nobody_paid;
    let colour = terminal.stdout_colour;
    if nobody_paid {
        terminal.print("ledger audit: nobody paid, so there is nothing to find");
    } else if clean {
        terminal.print(format_args!(
            "ledger audit: {} payments acknowledged, {} posted: {}",
            audit.acknowledged,
            audit.posted,
            paint(colour, Style::Green, "none lost, none doubled")
        ));
    } else {
        terminal.print(paint(colour, Style::Red, "ledger audit: the books are wrong"));
        for problem in audit.problems() {
            terminal.print(format_args!("  {problem}"));
        }
    }
    drained.map_err(failure)?;
    Ok(exit_code(&results, clean))
}

/// Says what is left out without network namespaces.
fn without_networks(why: &str, only: &[String], session: &Session) -> Result<(), Failure> {
    if only.iter().any(|name| name == RISK_FAR) {
        let message = format!(
            "`{RISK_FAR}` disturbs packets, and the demo gets no network namespaces of its own ({why})"
        );
        let hint = "the others disturb connections, by proxies: steadfast demo --only risk-slow";
        return Err(Failure { code: code::PRIVILEGE, message, hint: Some(hint.to_owned()) });
    }
    let terminal = session.terminal;
    terminal.say(format_args!(
        "{} the demo gets no network namespaces of its own ({why}); faults on packets are left out, and the proxies disturb connections",
        paint(terminal.stderr_colour, Style::Dim, "note:")
    ));
    Ok(())
}

async fn run_experiments(
    documents: &Path,
    names: &[&str],
    system: &System,
    stop: &StopSignal,
    session: &Session,
) -> Result<Vec<Ended>, Failure> {
    let mut results = Vec::new();
    for name in names {
        let terminal = session.terminal;
        terminal.say("");
        // Anew each time: a service in a namespace of its own is named by its process, which may be another by now.
        steadfast_demo::write_documents(documents, &system.state()).map_err(failure)?;
        let sources = Sources::beside(&documents.join(format!("{name}.yaml")))?;
        let wish = Wish {
            set: BTreeMap::new(),
            ask: false,
            dry_run: false,
            plan: false,
            grafana: None,
            output: Output::Text,
        };
        let Some(ended) = verify(sources, wish, || Ok(stop.clone()), session).await? else { continue };
        let word = verdict(terminal.stderr_colour, ended.conclusion.verdict);
        terminal.say(format_args!("{word}: {}", headline(&ended)));
        results.push(ended);
        if pressed(stop).await {
            break;
        }
    }
    Ok(results)
}

/// Whether somebody has asked for an end.
async fn pressed(stop: &StopSignal) -> bool {
    tokio::time::timeout(Duration::ZERO, stop.clone().pressed()).await.is_ok()
}

fn summary(results: &[Ended], documents: &Path, session: &Session) {
    let terminal = session.terminal;
    let colour = terminal.stdout_colour;
    terminal.print("");
    for ended in results {
        let word = verdict(colour, ended.conclusion.verdict);
        let padding = " ".repeat(13_usize.saturating_sub(ended.conclusion.verdict.to_string().len()));
        terminal.print(format_args!("{:14} {word}{padding}{}", ended.experiment, headline(ended)));
    }
    terminal.print("");
    for ended in results {
        if let Some(report) = &ended.report {
            terminal.print(format_args!("report     {}", report.display()));
        }
    }
    terminal.print(format_args!("history    {}  (steadfast runs list)", session.history_file().display()));
    terminal.print(format_args!("documents  {}", documents.display()));
    terminal.print("to explore, with documents to change and run: steadfast demo up");
}

/// What matters most about a run, in one line.
fn headline(ended: &Ended) -> String {
    let Conclusion { outcome, reason, .. } = &ended.conclusion;
    let stopped = if *outcome == Outcome::Stopped { "stopped early. " } else { "" };
    let recovery = match ended.recovery {
        Some(Some(seconds)) => format!(" Recovered after {}.", steadfast_report::duration_in_words(seconds)),
        Some(None) => " Did not recover in time.".to_owned(),
        None => String::new(),
    };
    format!("{stopped}{}{recovery}", reason.sentence)
}

/// The demo did its work when every run was concluded and the books are right, whatever the verdicts are: two of them
/// are meant to be bad news.
fn exit_code(results: &[Ended], clean: bool) -> u8 {
    let worst = |code_: u8| results.iter().any(|ended| ended.exit_code == code_);
    match () {
        () if worst(code::ABANDONED) => code::ABANDONED,
        () if !clean || worst(code::FAILED) => code::FAILED,
        () if results.iter().any(|ended| ended.by_person) => code::STOPPED,
        () => 0,
    }
}

async fn status(output: Output, session: &Session) -> Result<u8, Failure> {
    let terminal = session.terminal;
    let status = steadfast_demo::status(&folder(session)).await;
    if output == Output::Json {
        let state = serde_json::to_value(&status.state).map_err(Failure::failed)?;
        terminal.print(
            serde_json::json!({ "running": status.running, "answers": status.answers, "state": state }),
        );
        return Ok(0);
    }
    let Some(state) = status.state.filter(|_| status.running) else {
        terminal.print("The sample system is not running. `steadfast demo up` starts it.");
        return Ok(0);
    };
    for (name, process) in state.processes() {
        let pid = process.process.as_ref().map_or("-".to_owned(), |identity| identity.pid.to_string());
        let health = match status.answers.get(name) {
            Some(true) => "answers",
            Some(false) => "silent",
            None => "",
        };
        terminal.print(format_args!(
            "{name:24} {}:{:<6} process {pid:<8} restarts {:<3} {health}",
            process.address, process.port, process.restarts
        ));
    }
    Ok(0)
}

/// Removes the folders of all demos but the latest few: each holds a ledger of some megabytes. What cannot be removed
/// is tried again next time.
fn prune(demos: &Path) {
    let Ok(entries) = fs::read_dir(demos) else { return };
    let mut folders: Vec<_> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    folders.sort();
    let old = folders.len().saturating_sub(KEPT);
    for (_, folder) in folders.drain(..old) {
        drop(fs::remove_dir_all(folder));
    }
}

fn folder(session: &Session) -> PathBuf {
    session.folder().join("demo")
}

fn config(
    folder: &Path,
    switches: Switches,
    networks: Option<&Networks>,
    session: &Session,
) -> Result<DemoConfig, Failure> {
    fs::create_dir_all(folder)
        .map_err(|error| Failure::failed(format!("make {}: {error}", folder.display())))?;
    Ok(DemoConfig {
        state_dir: folder.to_owned(),
        service_command: session.command(&["demo-service"]),
        proxy_command: Some(session.command(&["proxy"])),
        switches,
        gateway_port: None,
        apart: networks.map(Networks::apart),
    })
}

fn switches_of(typed: &crate::cli::demo::Switches) -> Result<Switches, Failure> {
    Switches::new(&typed.without, &typed.fix).map_err(|problems| {
        let lines: Vec<_> = problems
            .iter()
            .map(|problem| match problem.hint() {
                Some(hint) => format!("error: failed to {problem}\nhint: {hint}"),
                None => format!("error: failed to {problem}"),
            })
            .collect();
        Failure { code: code::USAGE, message: lines.join("\n"), hint: None }
    })
}

fn failure(error: DemoError) -> Failure {
    Failure::failed(&error).hint(error.hint())
}
