//! Which system calls of a victim lie between the first write to the ledger and the end.

use std::{collections::HashMap, ops::Range, path::PathBuf};

use anyhow::{Context, Result, ensure};

use super::{Case, Victim, round::Round};

/// The numbers of those calls, counted the way strace counts them: for each thread by itself. The range of the busiest
/// thread is taken.
pub(super) fn range(case: &Case, victim: Victim, binary: &PathBuf) -> Result<Range<u64>> {
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("calls");
    Round::new(case, victim, binary)?.trace(&log)?;
    let text = std::fs::read_to_string(&log).context("read what strace wrote")?;
    let range = from_log(&text);
    ensure!(range.end > range.start, "nothing was traced after the first write to the ledger");
    Ok(range)
}

/// Reads lines of `strace -f -o`: thread, call. A call that was interrupted by another thread's stands on two lines.
fn from_log(log: &str) -> Range<u64> {
    let mut counts: HashMap<&str, u64> = HashMap::new();
    let mut first: HashMap<&str, u64> = HashMap::new();
    let mut begun = false;
    for line in log.lines() {
        let Some((thread, call)) = line.split_once(char::is_whitespace) else { continue };
        let call = call.trim_start();
        let is_call = call.starts_with(|letter: char| letter.is_ascii_lowercase() || letter == '_');
        if !is_call {
            continue;
        }
        let count = counts.entry(thread).or_default();
        *count += 1;
        begun = begun || begins_ledger(line);
        if begun {
            first.entry(thread).or_insert(*count);
        }
    }
    let busiest = first.iter().max_by_key(|(thread, first)| counts[**thread] - **first);
    busiest.map_or(0..0, |(thread, first)| *first..counts[*thread] + 1)
}

/// The injector makes the injection's file, the reaper finds it, the proxy is given a rule.
fn begins_ledger(line: &str) -> bool {
    line.contains(".jsonl") || line.contains(r#"\"apply\""#)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_from_the_first_write_to_the_ledger() {
        let log = "10 execve(\"x\") = 0\n10 brk(NULL) = 1\n11 futex(0) = 0\n\
                   10 openat(AT_FDCWD, \"/s/ledger/a.jsonl\", O_WRONLY|O_CREAT) = 5\n10 write(5) = 3\n\
                   10 fsync(5 <unfinished ...>\n11 futex(0) = 0\n10 <... fsync resumed>) = 0\n10 +++ exited with 0 +++\n";
        assert_eq!(from_log(log), 3..6);
    }

    #[test]
    fn a_proxy_counts_from_its_first_rule() {
        let log = "10 brk(NULL) = 1\n10 recvfrom(7, \"{\\\"apply\\\":{\\\"id\\\"\"..., 99, 0) = 99\n10 close(1) = 0\n";
        assert_eq!(from_log(log), 2..4);
    }
}
