//! The `steadfast` program: reads what was typed, calls one command, and ends with its exit code.
//!
//! The only crate that prints and exits.

use std::process::ExitCode;

use clap::Parser;
use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{SignalKind, signal},
};

mod annotate;
mod archive;
mod cli;
mod commands;
mod confirm;
mod convert;
mod earlier;
mod failure;
mod forecast;
mod live;
mod live_runs;
mod local;
mod screen;
mod session;
mod sources;
mod stop;
mod terminal;
mod verify;

use cli::{Cli, Command, fault::FaultCommand};
use failure::Failure;
use local::LocalApi;
use session::Session;
use steadfast_model::Clock;
use terminal::{Style, Terminal, paint};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers, everything else is a usage error.
            let code = if error.use_stderr() { failure::code::USAGE } else { 0 };
            drop(error.print());
            return ExitCode::from(code);
        }
    };
    let terminal = Terminal::new(cli.color);
    let code = dispatch(cli, terminal).unwrap_or_else(|failure| {
        report(&failure, terminal);
        failure.code
    });
    ExitCode::from(code)
}

fn dispatch(cli: Cli, terminal: Terminal) -> Result<u8, Failure> {
    let open = || Session::open(cli.state_dir.as_deref(), terminal);
    match cli.command {
        Command::Verdict(arguments) => commands::verdict::verdict(&arguments, terminal),
        Command::Completions { shell } => commands::completions::completions(shell, terminal),
        Command::Schema { document } => commands::schema::schema(document, terminal),
        Command::Init(arguments) => commands::init::init(&arguments, terminal),
        Command::Fault(FaultCommand::List { output }) => commands::fault::list(output, terminal),
        Command::Fault(FaultCommand::Show { kind, output }) => commands::fault::show(&kind, output, terminal),
        Command::Load(arguments) => threads()?.block_on(commands::load::load(&arguments, terminal)),
        Command::Proxy(arguments) => {
            one_thread()?.block_on(commands::proxy::proxy(arguments, open, terminal))
        }
        Command::Keeper => {
            steadfast_linux::command::keep().map_err(|error| Failure::failed(error.with_causes()))?;
            Ok(0)
        }
        Command::Reaper => one_thread()?.block_on(commands::reaper::reaper(open()?.state, terminal)),
        Command::NetworkWorker => one_thread()?.block_on(commands::network_worker::network_worker()),
        Command::FileWorker => one_thread()?.block_on(commands::file_worker::file_worker()),
        Command::StressWorker => one_thread()?.block_on(commands::stress_worker::stress_worker()),
        Command::NetworkTrial => Ok(commands::demo::networks::trial(terminal)),
        Command::DemoService(arguments) => one_thread()?.block_on(commands::demo::service(&arguments)),
        Command::DemoSupervisor(arguments) => one_thread()?.block_on(commands::demo::supervisor(&arguments)),
        Command::Status(arguments) => {
            let session = open()?;
            one_thread()?.block_on(session.clean_up())?;
            commands::status::status(arguments.output, &session)
        }
        Command::Stop(arguments) => {
            let session = open()?;
            let ended = commands::stop::stop(&arguments, &session);
            // Afterwards, as runs under way come first; and also when the name was wrong, as somebody wants an end.
            let undone = one_thread()?.block_on(commands::recover::clean_up(&session))?;
            Ok(undone.max(ended?))
        }
        Command::Recover { print_unit: true, .. } => commands::recover::print_unit(terminal),
        Command::Recover { forget, output, .. } => {
            let session = open()?;
            one_thread()?.block_on(async {
                match forget {
                    Some(injection) => commands::recover::forget(injection, &session).await,
                    None => commands::recover::recover(output, &session).await,
                }
            })
        }
        Command::Doctor(arguments) => {
            let session = open()?;
            one_thread()?.block_on(async {
                session.clean_up().await?;
                commands::doctor::doctor(arguments.output, &session).await
            })
        }
        Command::Fault(FaultCommand::Try(arguments)) => {
            let session = open()?;
            one_thread()?.block_on(async {
                session.clean_up().await?;
                commands::fault::attempt(&arguments, &session).await
            })
        }
        Command::Runs(command) => {
            let session = open()?;
            one_thread()?.block_on(async {
                session.clean_up().await?;
                let store = session.history().await?;
                let api = LocalApi::new(store.clone());
                let result = commands::runs::runs(command, &api, session.clock.wall(), terminal).await;
                store.close().await;
                result
            })
        }
        Command::Run(arguments) => {
            let session = open()?;
            threads()?.block_on(async {
                session.clean_up().await?;
                commands::run::run(&arguments, &session).await
            })
        }
        Command::Demo(arguments) => {
            // Only a process without other threads can move, and what is left of earlier runs is undone before it does.
            let moved = arguments.apart;
            if moved {
                commands::demo::networks::move_apart()?;
            }
            let session = open()?;
            threads()?.block_on(async {
                if !moved {
                    session.clean_up().await?;
                }
                commands::demo::demo(arguments, cli.color, &session).await
            })
        }
    }
}

/// For commands that mostly wait.
fn one_thread() -> Result<Runtime, Failure> {
    built(&mut Builder::new_current_thread())
}

/// For commands that make load and watch at the same time.
fn threads() -> Result<Runtime, Failure> {
    built(&mut Builder::new_multi_thread())
}

fn built(builder: &mut Builder) -> Result<Runtime, Failure> {
    let failed = |error| Failure::failed(format!("start the runtime: {error}"));
    let runtime = builder.enable_all().build().map_err(failed)?;
    // A file that may not grow is an error to handle like a full disk, not a reason to die in the middle of a fault.
    // Once listened for, the signal stays harmless even when nobody listens any more.
    let inside = runtime.enter();
    drop(signal(SignalKind::from_raw(FILE_TOO_LARGE)).map_err(failed)?);
    drop(inside);
    Ok(runtime)
}

/// SIGXFSZ on x86-64 and aarch64.
const FILE_TOO_LARGE: i32 = 25;

fn report(failure: &Failure, terminal: Terminal) {
    let colour = terminal.stderr_colour;
    // Problems of documents come rendered, with lines and carets.
    if failure.message.contains("error:") || failure.message.contains("-->") {
        terminal.say(failure.message.trim_end());
    } else {
        terminal.say(format_args!("{} {}", paint(colour, Style::Red, "error:"), failure.message));
    }
    if let Some(hint) = &failure.hint {
        terminal.say(format_args!("{} {hint}", paint(colour, Style::Cyan, "hint:")));
    }
}
