//! Chores of this repository: `cargo xtask --help`. One chore, one file.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod background;
mod bench;
mod codegen;
mod collections;
mod crash;
mod dist;
mod fuzz;
mod program;
mod say;
mod test;
mod tidy;
mod tools;
mod vm;

use bench::{BenchArguments, bench};
use codegen::codegen;
use crash::{CrashArguments, crash};
use dist::{DistArguments, dist};
use fuzz::{FuzzArguments, fuzz};
use test::test;
use tidy::tidy;
use vm::{VmArguments, vm};

/// Chores of this repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Chores {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Checks what no compiler checks: arrows between crates, fault folders, generated files, sizes, leftovers
    Tidy,
    /// Writes the reference pages and schemas that are made from other files
    Codegen {
        /// Write nothing; fail when a file is out of date
        #[arg(long)]
        check: bool,
    },
    /// Kills Steadfast's processes at seeded system calls and looks for what is left behind
    Crash(CrashArguments),
    /// Searches for inputs that break a property of a parser; needs a nightly toolchain
    Fuzz(FuzzArguments),
    /// Runs everything a change must pass
    Test,
    /// Builds one static program into target/dist, and with --check runs it in a bare Debian root
    Dist(DistArguments),
    /// Runs the tests that need a kernel in a virtual machine with Debian's; needs root, qemu and debootstrap
    Vm(VmArguments),
    /// Measures speed beside rivals and limits, and writes docs/benchmarks.md
    Bench(BenchArguments),
}

fn main() -> ExitCode {
    let result = match Chores::parse().chore {
        Chore::Tidy => tidy(),
        Chore::Codegen { check } => codegen(check),
        Chore::Crash(arguments) => crash(&arguments),
        Chore::Fuzz(arguments) => fuzz(&arguments),
        Chore::Test => test(),
        Chore::Dist(arguments) => dist(&arguments),
        Chore::Vm(arguments) => vm(&arguments),
        Chore::Bench(arguments) => bench(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
