//! Programs that answer, one line for each line they are told.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::OnceLock,
};

/// A process that is asked and answers. Killed and collected when dropped.
#[derive(Debug)]
pub struct Talker {
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Talker {
    /// Starts one.
    ///
    /// # Panics
    /// When the program cannot be started.
    #[must_use]
    pub fn start(program: &Path, arguments: &[&str]) -> Self {
        #[expect(clippy::disallowed_methods, reason = "a process to act on")]
        let mut command = Command::new(program);
        let child = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.unwrap_or_else(|error| panic!("start {}: {error}", program.display()));
        let ask = child.stdin.take().expect("it was made with the process");
        let answers = BufReader::new(child.stdout.take().expect("it was made with the process"));
        Self { child, ask, answers }
    }

    /// Starts one that reads its clocks all the time: see [`clocks_program`].
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn clocks() -> Self {
        let mut clocks = Self::start(clocks_program(), &[]);
        clocks.ask("now");
        clocks
    }

    /// Whether it still runs.
    pub fn lives(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Its number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Tells it a line and hears what it says to that.
    ///
    /// # Panics
    /// When it has ended.
    pub fn ask(&mut self, line: &str) -> String {
        self.tell(line);
        self.hear()
    }

    /// Tells it a line that it does not answer.
    ///
    /// # Panics
    /// When it has ended.
    pub fn tell(&mut self, line: &str) {
        writeln!(self.ask, "{line}").expect("it listens");
    }

    /// The next line it says.
    ///
    /// # Panics
    /// When it has ended.
    pub fn hear(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("it says text");
        assert!(!line.is_empty(), "process {} has ended: {:?}", self.pid(), self.child.wait());
        line.trim_end().to_owned()
    }
}

impl Drop for Talker {
    fn drop(&mut self) {
        // Both fail when it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Compiles a program in C.
///
/// # Panics
/// When there is no compiler, or it finds fault with the source.
pub fn compile_c(source: &str, into: &Path) {
    #[expect(clippy::disallowed_methods, reason = "the compiler")]
    let mut command = Command::new("cc");
    command.args(["-O1", "-pthread", "-x", "c", "-", "-o"]).arg(into).stdin(Stdio::piped());
    let mut compiler = command.spawn().expect("tests need `cc`");
    let mut input = compiler.stdin.take().expect("it was made with the process");
    input.write_all(source.as_bytes()).expect("the compiler reads");
    drop(input);
    assert!(compiler.wait().expect("a child can be collected").success(), "it does not compile");
}

/// A program that says how far its clocks are from those of the kernel: `now`, `fork`, `child`, `exec`, as its source
/// explains. Compiled once by every test program, beside it.
///
/// # Panics
/// When it does not compile.
#[must_use]
pub fn clocks_program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let own = std::env::current_exe().expect("a test program knows its path");
        let (program, fresh) = (own.with_file_name("clocks"), own.with_extension("clocks"));
        compile_c(include_str!("programs/clocks.c"), &fresh);
        std::fs::rename(&fresh, &program).expect("a test may write beside its program");
        program
    })
}

/// What a program said under this name: `name number name number`.
///
/// # Panics
/// When it said nothing of that name.
#[must_use]
pub fn number_in(said: &str, name: &str) -> f64 {
    let mut words = said.split(' ').skip_while(|word| *word != name);
    let number = words.nth(1).and_then(|number| number.parse().ok());
    number.unwrap_or_else(|| panic!("{name} in {said:?}"))
}
