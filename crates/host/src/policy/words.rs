//! What a policy refuses and why; and a policy in a line.

use std::{fmt, time::Duration};

use super::{Live, Policy, Selector, facts::Facts};

impl Policy {
    pub(super) fn refuses_kind(&self, kind: &str) -> Option<String> {
        if self.faults.forbid.iter().any(|name| name == kind) {
            return Some(format!("{kind} is forbidden"));
        }
        let allowed = self.faults.allow.as_ref()?;
        (!allowed.iter().any(|name| name == kind))
            .then(|| format!("{kind} is not among the allowed faults ({})", listed(allowed)))
    }

    pub(super) fn refuses_duration(&self, duration: Duration) -> Option<String> {
        let longest = self.longest_fault.filter(|longest| duration > longest.std())?;
        let asked = steadfast_model::Duration::from(duration);
        Some(format!("{asked} is longer than the longest fault, {longest}"))
    }

    pub(super) fn refuses_room(&self, live: Live, targets: usize) -> Option<String> {
        let beyond = |count: usize, most: Option<u32>| most.filter(|most| count as u64 > u64::from(*most));
        if let Some(most) = beyond(live.faults + 1, self.most_faults) {
            return Some(format!("{} faults are in place, and no more than {most} may be", live.faults));
        }
        let most = beyond(live.targets + targets, self.most_targets)?;
        Some(format!("{targets} more targets beside {} are more than {most}", live.targets))
    }

    pub(super) fn chooses_targets(&self) -> bool {
        self.targets.allow.is_some() || !self.targets.forbid.is_empty()
    }

    /// What cannot be told about a target forbids it, and allows nothing.
    pub(super) fn refuses_target(&self, facts: &Facts) -> Option<String> {
        if let Some(why) = self.forbids(facts) {
            return Some(why);
        }
        let allowed = self.targets.allow.as_ref()?;
        let fits = allowed.iter().any(|selector| selector.describes(facts) == Some(true));
        (!fits).then(|| format!("it is not among the allowed targets ({})", listed(allowed)))
    }

    /// Whether a target is among the forbidden ones, or may be.
    pub(super) fn forbids(&self, facts: &Facts) -> Option<String> {
        for selector in &self.targets.forbid {
            match selector.describes(facts) {
                Some(false) => {}
                Some(true) => return Some(format!("{selector} is forbidden")),
                None => {
                    return Some(format!("{selector} is forbidden, and it cannot be told whether it is one"));
                }
            }
        }
        None
    }
}

fn listed(items: &[impl fmt::Display]) -> String {
    if items.is_empty() {
        return "there are none".to_owned();
    }
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        parts.extend(self.longest_fault.map(|longest| format!("faults of at most {longest}")));
        parts.extend(self.most_faults.map(|most| format!("at most {most} at once")));
        parts.extend(self.most_targets.map(|most| format!("at most {most} targets at once")));
        parts.extend(self.faults.allow.as_ref().map(|names| format!("only the faults {}", listed(names))));
        if !self.faults.forbid.is_empty() {
            parts.push(format!("no {}", listed(&self.faults.forbid)));
        }
        parts.extend(self.targets.allow.as_ref().map(|allowed| format!("only into {}", listed(allowed))));
        if !self.targets.forbid.is_empty() {
            parts.push(format!("never into {}", listed(&self.targets.forbid)));
        }
        if parts.is_empty() {
            parts.push("it limits nothing".to_owned());
        }
        f.write_str(&parts.join(", "))
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        let kind = match self {
            Self::Process(process) => {
                words.extend(process.executable.as_ref().map(|path| format!("running {}", path.display())));
                words.extend(process.command.as_ref().map(|name| format!("named {name}")));
                words.extend(process.user.as_ref().map(|user| format!("of user {user}")));
                words.extend(process.listening.map(|port| format!("listening on {port}")));
                "process"
            }
            // There is only one.
            Self::Host(_) => return f.write_str("the machine as a whole"),
            Self::Netns(netns) => {
                words.extend(netns.name.as_ref().map(|name| format!("named {name}")));
                "network namespace"
            }
            Self::Proxy(proxy) => {
                words.extend(proxy.name.as_ref().map(|name| format!("named {name}")));
                words.extend(proxy.port.map(|port| format!("with port {port}")));
                "proxy"
            }
        };
        if words.is_empty() { write!(f, "any {kind}") } else { write!(f, "a {kind} {}", words.join(" ")) }
    }
}
