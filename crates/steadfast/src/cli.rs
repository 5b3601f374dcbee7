//! What people can type. One subcommand is one file in `commands/`.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum, builder::styling};

pub(crate) mod demo;
pub(crate) mod fault;
pub(crate) mod load;
pub(crate) mod proxy;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod verdict;

const EXAMPLES: &str = "\
Examples:
  steadfast demo                        a real payments system, real faults, verdicts
  steadfast init http://localhost:8080  write a first experiment for a service of your own
  steadfast run experiment.yaml         run it
  steadfast status                      what is injected right now, and until when
  steadfast runs list                   what was learned

Exit codes:
  0 held  1 refuted  2 inconclusive  3 stopped by a person  4 failed
  5 a fault could not be undone (outranks all others)  64 usage  65 bad document  77 missing privilege";

/// Finds out, again and again, whether what people believe about a complex system is still true.
#[derive(Debug, Parser)]
#[command(name = "steadfast", version, after_help = EXAMPLES, styles = STYLES, max_term_width = 110)]
pub(crate) struct Cli {
    /// Where undo records, live runs and the history are kept [default: /var/lib/steadfast for root, else
    /// $XDG_STATE_HOME/steadfast]
    #[arg(long, global = true, env = "STEADFAST_STATE_DIR", value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,

    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto, value_name = "WHEN")]
    pub(crate) color: Colour,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run an experiment: baseline, fault, verdict
    Run(run::RunArguments),
    /// Start the sample payments system and verify five beliefs about it
    Demo(demo::DemoArguments),
    /// Look at what was learned
    #[command(subcommand)]
    Runs(runs::RunsCommand),
    /// The faults: what there is, what each does, one by hand
    #[command(subcommand)]
    Fault(fault::FaultCommand),
    /// Show what is injected right now, and until when
    #[command(after_help = "\
Examples:
  steadfast status
  steadfast status --output json

Exits with 5 when something could not be undone.")]
    Status(OutputArguments),
    /// Stop runs that are under way: revert, conclude
    Stop(run::StopArguments),
    /// Undo what processes that died have left behind
    #[command(after_help = "\
Examples:
  steadfast recover
  steadfast recover --output json
  steadfast recover --print-unit > /etc/systemd/system/steadfast-recover.service   to do so at every boot
  steadfast recover --forget 01a20875-14ee-7223-b86b-2d3bb095fc0c   after undoing it by hand")]
    Recover {
        /// Put an abandoned injection away after you undid it by hand
        #[arg(long, value_name = "INJECTION")]
        forget: Option<steadfast_model::InjectionId>,
        /// Print a systemd unit that does it at boot, and do nothing else
        #[arg(long, conflicts_with_all = ["forget", "output"])]
        print_unit: bool,
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
        output: Output,
    },
    /// Send open-loop HTTP load and say what became of it
    Load(load::LoadArguments),
    /// Judge counts from a JSON document
    Verdict(verdict::VerdictArguments),
    /// Write a first experiment for a URL of your own
    Init(run::InitArguments),
    /// Say what would work on this machine and what is missing
    #[command(after_help = "\
Examples:
  steadfast doctor
  steadfast doctor --output json")]
    Doctor(OutputArguments),
    /// Print the JSON Schema of a kind of document
    #[command(after_help = "\
Examples:
  steadfast schema > experiment.schema.json
  steadfast schema policy > policy.schema.json

An editor that reads the line
  # yaml-language-server: $schema=experiment.schema.json
at the top of a document then completes and checks it.")]
    Schema {
        /// The kind of document
        #[arg(value_enum, default_value_t = DocumentKind::Experiment)]
        document: DocumentKind,
    },
    /// Run a fault proxy between two services
    Proxy(proxy::ProxyArguments),
    /// Print a completion script for a shell
    #[command(after_help = "\
Examples:
  steadfast completions bash > /etc/bash_completion.d/steadfast
  steadfast completions zsh > ~/.zfunc/_steadfast
  steadfast completions fish > ~/.config/fish/completions/steadfast.fish")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Carries out undo records when their deadline comes or their injector dies
    #[command(hide = true)]
    Reaper,
    /// Stands between this program and one that a probe runs
    #[command(hide = true)]
    Keeper,
    /// Holds one fault in a network namespace for an injector
    #[command(hide = true)]
    NetworkWorker,
    /// Puts load on this machine for an injector
    #[command(hide = true)]
    StressWorker,
    /// Disturbs what is done with files for an injector
    #[command(hide = true)]
    FileWorker,
    /// Finds out whether the demo can have network namespaces of its own
    #[command(hide = true)]
    NetworkTrial,
    /// One service of the sample system
    #[command(hide = true)]
    DemoService(demo::ServiceArguments),
    /// The supervisor of the sample system
    #[command(hide = true)]
    DemoSupervisor(demo::SupervisorArguments),
}

/// How to print.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct OutputArguments {
    /// How to print
    #[arg(long, short, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub(crate) output: Output,
}

/// A form of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people
    Text,
    /// For programs
    Json,
}

/// A kind of document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DocumentKind {
    /// What to verify
    Experiment,
    /// What the owner of a machine allows
    Policy,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

const STYLES: styling::Styles = styling::Styles::styled()
    .header(styling::AnsiColor::Green.on_default().bold())
    .usage(styling::AnsiColor::Green.on_default().bold())
    .literal(styling::AnsiColor::Cyan.on_default())
    .placeholder(styling::AnsiColor::Cyan.on_default());

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_tree_is_sound() {
        super::Cli::command().debug_assert();
    }

    #[test]
    fn every_visible_command_has_examples_in_its_help() {
        fn look(command: &clap::Command, path: &str, without: &mut Vec<String>) {
            let path = format!("{path} {}", command.get_name());
            let subcommands: Vec<_> = command.get_subcommands().filter(|sub| !sub.is_hide_set()).collect();
            if subcommands.is_empty() {
                let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                if !help.contains("Examples:") && !command.is_hide_set() {
                    without.push(path.clone());
                }
            }
            for sub in subcommands {
                if sub.get_name() != "help" {
                    look(sub, &path, without);
                }
            }
        }
        let mut without = Vec::new();
        look(&super::Cli::command(), "", &mut without);
        assert!(without.is_empty(), "no examples: {without:?}");
    }
}
