//! From a description of processes to those that fit it.

use std::{collections::BTreeSet, path::Path};

use steadfast_engine::host::{HostError, HostErrorKind};
use steadfast_linux::{
    arguments, command_name, every_process_number, executable, identify, listeners, units, users,
};
use steadfast_model::{
    glob,
    target::{ProcessMatch, ProcessTarget, ResolvedProcess},
};

use super::{linux, no_target, selection::select};
use crate::{
    error::{from_linux, host_error},
    policy::user_id,
    protect::Guarded,
};

/// The processes that a document means, oldest first. Changes nothing.
///
/// What is protected is never among those that a description finds; who names it by number or port is told why not
/// by whoever checks what was found.
pub(super) fn find(
    target: &ProcessTarget,
    service: Option<&str>,
    guarded: &Guarded,
) -> Result<Vec<ResolvedProcess>, HostError> {
    let (mut found, left_out) = matching(target, guarded)?;
    // Numbers are handed out again, start times are not.
    found.sort_by_key(|process| (process.identity.start_time, process.identity.pid));
    if found.is_empty() {
        return Err(nothing(target, left_out.as_deref()));
    }
    let named = |process: &ResolvedProcess| format!("{} ({})", process.identity.pid, process.command);
    let mut found = select(found, (target.select, target.seed), named)
        .map_err(|(why, hint)| no_target(format!("find {target}: {why}"), Some(hint)))?;
    found.iter_mut().for_each(|process| process.service = service.map(str::to_owned));
    Ok(found)
}

/// All that match, and why one of them was left out, if one was.
fn matching(
    target: &ProcessTarget,
    guarded: &Guarded,
) -> Result<(Vec<ResolvedProcess>, Option<String>), HostError> {
    let by = target.wanted();
    if by == ProcessMatch::default() {
        return Err(no_target("find a process: nothing says which", Some("see docs/experiment.md, Targets")));
    }
    let wanted = Wanted::of(&by)?;
    let excluded = target.exclude.iter().map(Wanted::of).collect::<Result<Vec<_>, _>>()?;
    let numbers = match wanted.by.pid {
        Some(pid) => vec![pid],
        None => every_process_number().map_err(|error| from_linux(&error))?,
    };
    let is_named = target.pid.is_some() || target.listening.is_some();
    let (mut found, mut left_out) = (Vec::new(), None);
    for pid in numbers {
        // Asked first and last: all that was found in between belongs to this very process.
        let Some(identity) = linux(identify(pid))? else { continue };
        if !wanted.fits(pid)? || any(&excluded, pid)? {
            continue;
        }
        if !is_named && let Some(why) = guarded.why(pid)? {
            left_out = Some(format!("process {pid} is {why}"));
            continue;
        }
        let Some(command) = linux(command_name(pid))? else { continue };
        if linux(identify(pid))?.as_ref() == Some(&identity) {
            found.push(ResolvedProcess::new(identity, command));
        }
    }
    Ok((found, left_out))
}

fn any(excluded: &[Wanted<'_>], pid: u32) -> Result<bool, HostError> {
    for one in excluded {
        if one.fits(pid)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A description with what has to be asked only once.
struct Wanted<'a> {
    by: &'a ProcessMatch,
    user: Option<u32>,
    /// Who listens on the port.
    listening: Option<BTreeSet<u32>>,
}

impl<'a> Wanted<'a> {
    fn of(by: &'a ProcessMatch) -> Result<Self, HostError> {
        let hint = "write a name from /etc/passwd, or the number";
        let user = by.user.as_deref().map(user_id).transpose();
        let user = user.map_err(|why| no_target(format!("find process{by}: {why}"), Some(hint)))?;
        Ok(Self { by, user, listening: by.listening.map(listeners_on).transpose()? })
    }

    /// Whether a process fits. What this user may not know of a process does not fit: it could not be disturbed either.
    fn fits(&self, pid: u32) -> Result<bool, HostError> {
        if self.by.pid.is_some_and(|wanted| wanted != pid)
            || self.listening.as_ref().is_some_and(|listening| !listening.contains(&pid))
        {
            return Ok(false);
        }
        if let Some(wanted) = self.user
            && linux(users(pid))?.is_none_or(|[_, effective]| effective != wanted)
        {
            return Ok(false);
        }
        if let Some(pattern) = &self.by.executable
            && !linux(executable(pid))?.is_some_and(|file| runs(pattern, &file))
        {
            return Ok(false);
        }
        if let Some(pattern) = &self.by.command_line {
            let words = linux(arguments(pid))?.unwrap_or_default();
            let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
            if !glob::matches(pattern, &words.join(" ")) {
                return Ok(false);
            }
        }
        let Some(unit) = &self.by.unit else { return Ok(true) };
        // As systemctl does, which takes a name without an ending for a service.
        let full = if unit.contains('.') { unit.clone() } else { format!("{unit}.service") };
        Ok(linux(units(pid))?.is_some_and(|units| units.contains(&full)))
    }
}

fn runs(pattern: &str, file: &Path) -> bool {
    let named = if pattern.contains('/') { Some(file.as_os_str()) } else { file.file_name() };
    named.is_some_and(|named| glob::matches(pattern, &named.to_string_lossy()))
}

fn listeners_on(port: u16) -> Result<BTreeSet<u32>, HostError> {
    let found = linux(listeners(port))?;
    let unseen = found.unreadable;
    if !found.processes.is_empty() {
        return Ok(found.processes.iter().map(|process| process.pid).collect());
    }
    if found.sockets == 0 {
        let hint = format!("see `ss -ltnp 'sport = :{port}'`; is it running, and in this network namespace?");
        let message = format!("find the process listening on port {port}: nothing listens there");
        return Err(no_target(message, Some(&hint)));
    }
    let message = format!(
        "find the process listening on port {port}: it is among {unseen} processes of other users, whose descriptors this user may not see"
    );
    let hint = "run as the user the process belongs to, or as root";
    Err(host_error(HostErrorKind::Denied, message, Some(hint)))
}

fn nothing(target: &ProcessTarget, left_out: Option<&str>) -> HostError {
    match left_out {
        Some(why) => host_error(
            HostErrorKind::Protected,
            format!("disturb {target}: {why}, and no other fits"),
            Some("faults go into what is verified, never into what verifies it or leads there"),
        ),
        None => no_target(format!("find {target}: there is none"), Some("see `ps -eo pid,user,exe,args`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_executable_is_named_by_its_path_or_its_last_part() {
        let file = Path::new("/opt/java/bin/java");
        for pattern in ["java", "j*a", "/opt/*/java", "*/bin/*"] {
            assert!(runs(pattern, file), "{pattern}");
        }
        for pattern in ["bin", "jav", "/java", "opt*"] {
            assert!(!runs(pattern, file), "{pattern}");
        }
    }
}
