//! Which system calls of a victim lie between the first write to the ledger and the end.

use std::{collections::HashMap, fmt, path::PathBuf};

use anyhow::{Context, Result, ensure};

use super::{Case, Victim, round::Round};

/// One system call of a run, named the way strace can find it again: the `number`-th call of that name by one thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) name: String,
    pub(super) number: u64,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} number {}", self.name, self.number)
    }
}

/// All such calls of one undisturbed round.
pub(super) fn calls(case: &Case, victim: Victim, binary: &PathBuf) -> Result<Vec<Call>> {
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("calls");
    Round::new(case, victim, binary)?.trace(&log)?;
    let text = std::fs::read_to_string(&log).context("read what strace wrote")?;
    let calls = from_log(&text);
    ensure!(!calls.is_empty(), "nothing was traced after the first write to the ledger");
    Ok(calls)
}

/// Reads lines of `strace -f -o`: thread, call. strace counts each name for each thread by itself and strikes at the
/// first that gets there, so a call is of use only when no thread gets there before the ledger is written to.
fn from_log(log: &str) -> Vec<Call> {
    let mut counts: HashMap<(&str, &str), u64> = HashMap::new();
    let mut most_before: HashMap<&str, u64> = HashMap::new();
    // A reaper may sleep through a fault that ends by itself: then all it does in its seat counts.
    let begins: fn(&str) -> bool =
        if log.lines().any(begins_ledger) { begins_ledger } else { |line| line.contains("reaper.lock") };
    let mut begun = false;
    let mut calls = Vec::new();
    for line in log.lines() {
        let Some((thread, call)) = line.split_once(char::is_whitespace) else { continue };
        // A call that was interrupted by another thread's stands on two lines; only the first has its name in front.
        let Some((name, _)) = call.trim_start().split_once('(') else { continue };
        if !name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
        {
            continue;
        }
        let count = counts.entry((thread, name)).or_default();
        *count += 1;
        begun = begun || begins(line);
        let before = most_before.entry(name).or_default();
        if !begun {
            *before = (*before).max(*count);
        } else if *count > *before {
            calls.push(Call { name: name.to_owned(), number: *count });
        }
    }
    calls
}

/// The injector makes the injection's file, the reaper finds it, the proxy is given a rule.
fn begins_ledger(line: &str) -> bool {
    line.contains(".jsonl") || line.contains(r#"\"apply\""#)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(log: &str) -> Vec<String> {
        from_log(log).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn calls_count_by_name_and_thread_from_the_first_write_to_the_ledger() {
        let log = "10 execve(\"x\") = 0\n10 write(2) = 1\n11 write(2) = 1\n11 write(2) = 1\n\
                   10 openat(AT_FDCWD, \"/s/ledger/a.jsonl\", O_WRONLY|O_CREAT) = 5\n10 write(5) = 3\n\
                   10 fsync(5 <unfinished ...>\n11 write(2) = 0\n10 <... fsync resumed>) = 0\n10 +++ exited with 0 +++\n";
        // The second write of thread 10 is left out: thread 11 got there before.
        assert_eq!(shown(log), ["openat number 1", "fsync number 1", "write number 3"]);
    }

    #[test]
    fn a_proxy_counts_from_its_first_rule() {
        let log = "10 brk(NULL) = 1\n10 recvfrom(7, \"{\\\"apply\\\":{\\\"id\\\"\"..., 99, 0) = 99\n10 close(1) = 0\n";
        assert_eq!(shown(log), ["recvfrom number 1", "close number 1"]);
    }
}
