//! `steadfast fault try`

use std::time::Duration as StdDuration;

use serde::de::DeserializeOwned;
use steadfast_engine::host::{Host, HostError, InjectionOrder};
use steadfast_faults::FaultSpec;
use steadfast_linux::own_identity;
use steadfast_model::{
    Effect, InjectionId, Problems, ResolvedTarget, RunId, Target,
    id::run_name,
    yaml::{self, Place},
};

use crate::{
    cli::fault::TryArguments,
    commands::fault::find,
    confirm::confirm,
    failure::{Failure, code},
    live_runs::{self, LiveRun},
    session::Session,
    sources, stop,
    terminal::{Style, paint},
};

/// The longest a fault may stay: as in documents.
const LONGEST: StdDuration = StdDuration::from_secs(24 * 3600);
/// How often a lease is renewed.
const RENEW: StdDuration = StdDuration::from_secs(3);
/// How long the effect of a fault that cannot be taken back is looked for, at most.
const SEEN: StdDuration = StdDuration::from_secs(2);
/// How often the effect is looked at, until it is seen.
const LOOK: StdDuration = StdDuration::from_millis(100);

/// Injects one fault by hand, under the same guarantees as in a run.
pub(crate) async fn attempt(arguments: &TryArguments, session: &Session) -> Result<u8, Failure> {
    let terminal = session.terminal;
    let colour = terminal.stderr_colour;
    find(&arguments.kind)?;
    let fault: FaultSpec = read(&format!("{}: {}", arguments.kind, arguments.parameters), "--with", colour)?;
    let target: Target = read(&arguments.into, "--into", colour)?;
    check(&fault, colour)?;
    if arguments.duration.std().is_zero() {
        return Err(Failure::usage("a fault needs some time: --for 20s"));
    }
    if arguments.duration.std() > LONGEST {
        return Err(Failure::usage("a fault ends within 24h").hint(Some("write less after --for")));
    }
    let host = session.host(sources::binding(arguments.binding.as_deref(), colour)?)?;
    let targets = host.resolve(&target).await.map_err(refused)?;
    let preview = host.preflight(&fault, &targets).await.map_err(refused)?;
    for action in &preview.actions {
        terminal.say(format_args!("will {action}, for {} (by {})", arguments.duration, preview.backend));
    }
    for warning in &preview.warnings {
        terminal.say(format_args!("{} {warning}", paint(colour, Style::Yellow, "note:")));
    }
    if !confirm(arguments.yes, terminal)? {
        return Ok(code::STOPPED);
    }
    inject(fault, targets, arguments, &host, session).await
}

async fn inject(
    fault: FaultSpec,
    targets: Vec<ResolvedTarget>,
    arguments: &TryArguments,
    host: &dyn Host,
    session: &Session,
) -> Result<u8, Failure> {
    let terminal = session.terminal;
    let mut stop = stop::requests()?;
    let order = InjectionOrder {
        injection: InjectionId::new(),
        run: None,
        fault,
        targets,
        duration: arguments.duration.std(),
    };
    let process = own_identity().map_err(|error| Failure::failed(error.with_causes()))?;
    let id = RunId(order.injection.0);
    let live = LiveRun { run: id, name: run_name("fault-try", id), process };
    let _announced = live_runs::announce(session.folder(), &live)
        .map_err(|error| Failure::failed(format!("announce the fault: {error}")))?;
    let before = host.observe(&order.fault, &order.targets, order.injection).await.map_err(refused)?;
    host.inject(&order).await.map_err(refused)?;
    terminal.say(format_args!("injected {}; Ctrl-C ends it early", order.injection));
    let reversible = order.fault.as_fault().reversible();
    // What cannot be taken back is over once it is seen.
    let end = tokio::time::sleep(if reversible { order.duration } else { order.duration.min(SEEN) });
    tokio::pin!(end);
    let mut renew = tokio::time::interval(RENEW);
    let mut look = tokio::time::interval(LOOK);
    let mut effect = Effect::Unknown { why: "it has not been looked at".into() };
    let mut stopped = false;
    let mut lost = None;
    loop {
        tokio::select! {
            () = &mut end => break,
            _ = stop.pressed() => { stopped = true; break }
            _ = renew.tick(), if reversible => if let Err(error) = host.renew(order.injection).await { lost = Some(error); break },
            _ = look.tick(), if !matches!(effect, Effect::Active { .. }) => {
                effect = see(host, &order, &before).await;
                if matches!(effect, Effect::Active { .. }) {
                    terminal.say(&effect);
                    if !reversible { break }
                }
            }
        }
    }
    if !matches!(effect, Effect::Active { .. }) {
        effect = see(host, &order, &before).await;
        terminal.say(&effect);
    }
    if let Err(error) = host.revert(order.injection).await {
        let manual = error.manual.join("\n  ");
        return Err(Failure {
            code: if error.abandoned { code::ABANDONED } else { code::FAILED },
            ..Failure::failed(&error).hint((!manual.is_empty()).then(|| format!("by hand:\n  {manual}")))
        });
    }
    if reversible {
        terminal.say(format_args!("taken away; {}", see(host, &order, &before).await));
    }
    match lost {
        Some(error) => Err(refused(error)),
        None if stopped => Ok(code::STOPPED),
        None if matches!(effect, Effect::Active { .. }) => Ok(0),
        // It was in place and did nothing: nobody should take that for a test.
        None => Ok(code::INCONCLUSIVE),
    }
}

async fn see(host: &dyn Host, order: &InjectionOrder, before: &steadfast_model::Observation) -> Effect {
    match host.observe(&order.fault, &order.targets, order.injection).await {
        Ok(now) => order.fault.as_fault().judge(before, &now),
        Err(error) => Effect::Unknown { why: error.to_string() },
    }
}

/// Reads a value typed as YAML; problems point into what was typed.
fn read<T: DeserializeOwned>(text: &str, option: &str, colour: bool) -> Result<T, Failure> {
    let wrong = |problems: &Problems| Failure {
        code: code::USAGE,
        message: yaml::render(problems, option, text, colour),
        hint: None,
    };
    let nodes = yaml::parse(text).map_err(|problems| wrong(&problems))?;
    let [node] = nodes.as_slice() else { return Err(Failure::usage(format!("{option} needs one value"))) };
    let mut problems = Problems::new();
    let place = Place::top(node);
    match yaml::decode(&place, &mut problems) {
        Some(value) if !problems.has_errors() => Ok(value),
        _ => {
            place.locate(&mut problems);
            Err(wrong(&problems))
        }
    }
}

fn check(fault: &FaultSpec, colour: bool) -> Result<(), Failure> {
    let mut problems = Problems::new();
    fault.as_fault().check(&mut problems);
    if !problems.has_errors() {
        return Ok(());
    }
    let lines: Vec<_> = problems
        .all()
        .iter()
        .map(|problem| {
            let hint = problem.hint.as_ref().map_or(String::new(), |hint| format!(" ({hint})"));
            format!("{} {problem}{hint}", paint(colour, Style::Red, "error:"))
        })
        .collect();
    Err(Failure { code: code::USAGE, message: lines.join("\n"), hint: None })
}

/// A host that cannot or will not.
pub(crate) fn refused(error: HostError) -> Failure {
    use steadfast_engine::host::HostErrorKind::{Abandoned, Denied, NoTarget, Protected, Unsupported};
    let code = match error.kind {
        Abandoned => code::ABANDONED,
        Denied => code::PRIVILEGE,
        NoTarget | Protected | Unsupported => code::USAGE,
        _ => code::FAILED,
    };
    Failure { code, ..Failure::failed(&error).hint(error.hint.as_ref()) }
}
