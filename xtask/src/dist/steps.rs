//! What is run in the bare root, and what must come of it.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};

use crate::{
    program::{program, root},
    say::say,
};

/// Runs inside the root, after `chroot`. The root's own shell is all it needs. Each step leaves `NAME.code` and `NAME.txt`.
const SCRIPT: &str = r#"
export PATH=/usr/local/bin:/usr/bin:/bin HOME=/root
cd /check
step() { name=$1; shift; "$@" >$name.txt 2>&1; echo $? >$name.code; }
step doctor steadfast doctor
step demo steadfast demo --only risk-slow --only risk-far
step up steadfast demo up
port=$(steadfast demo status | sed -n 's/^gateway .*127.0.0.1:\([0-9]*\).*/\1/p')
own="--set port=$port --set path=/healthz --set baseline=6s"
documents=/var/lib/steadfast/demo/documents
step pause steadfast run process-pause.yaml --yes --set baseline=6s --binding $documents/binding.yaml
# From here on nothing tells how names are looked up.
rm -f /etc/resolv.conf /etc/nsswitch.conf /etc/hosts /etc/passwd
step localhost steadfast run http-basic.yaml --yes --set url=http://localhost:$port $own
step unknown steadfast run http-basic.yaml --yes --set url=http://service.example:$port $own
step https steadfast run http-basic.yaml --yes --set url=https://localhost:$port $own
mkdir -p /etc/steadfast
printf 'apiVersion: steadfast.dev/v1alpha1\nkind: Policy\nspec: { longestFault: 1s }\n' >/etc/steadfast/policy.yaml
step policy steadfast run process-pause.yaml --yes --binding $documents/binding.yaml
chmod o+w /etc/steadfast/policy.yaml
step open steadfast run process-pause.yaml --yes --binding $documents/binding.yaml
rm /etc/steadfast/policy.yaml
step down steadfast demo down
step status steadfast status
echo end >end
"#;

/// Network, mounts and processes are its own; the loopback interface is all the network there is.
const ENTER: &str =
    r#"mount -t proc proc "$1/proc" && ip link set lo up && exec chroot "$1" /bin/sh /check/script"#;

/// Name, exit code, and words that must be said.
const EXPECTED: [(&str, u8, &[&str]); 11] = [
    ("doctor", 0, &["works    pidfd", "works    state directory", "works    reaper"]),
    (
        "demo",
        0,
        &["in network namespaces", "risk-slow      held", "risk-far       held", "none lost, none doubled"],
    ),
    ("up", 0, &["gateway"]),
    ("pause", 0, &["held (completed)"]),
    ("localhost", 1, &["refuted"]),
    ("unknown", 2, &["inconclusive"]),
    ("https", 2, &["trusts no certificates", "SSL_CERT_FILE"]),
    ("policy", 64, &["longer than the longest fault, 1s"]),
    ("open", 64, &["others may write to it"]),
    ("down", 0, &["stopped"]),
    ("status", 0, &["Nothing is injected."]),
];

/// Runs every step in the root and compares.
pub(super) fn run(bare: &Path) -> Result<()> {
    let check = bare.join("check");
    fs::create_dir_all(&check)?;
    fs::write(check.join("script"), SCRIPT)?;
    for example in ["process-pause.yaml", "http-basic.yaml"] {
        fs::copy(root().join("examples").join(example), check.join(example))?;
    }
    let bare = bare.to_str().context("the path is UTF-8")?;
    let namespaces = ["--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "--kill-child"];
    let arguments = [&namespaces[..], &["sh", "-c", ENTER, "sh", bare]].concat();
    let mut command = program("unshare", &arguments);
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    let entered = command.output().context("start unshare")?;
    let mut problems = Vec::new();
    for (name, code, words) in EXPECTED {
        let read =
            |ending: &str| fs::read_to_string(check.join(format!("{name}.{ending}"))).unwrap_or_default();
        let found = problem(code, words, &read("code"), &read("txt"));
        say(&format!("{}  {name}", if found.is_none() { "works  " } else { "FAILED " }));
        problems.extend(found.map(|found| format!("{name}: {found}")));
    }
    if !check.join("end").exists() {
        problems.push(format!(
            "the script did not come to its end ({}): {}",
            entered.status,
            String::from_utf8_lossy(&entered.stderr)
        ));
    }
    if !problems.is_empty() {
        bail!("in a bare root:\n{}", problems.join("\n"));
    }
    Ok(())
}

fn problem(code: u8, words: &[&str], ended: &str, said: &str) -> Option<String> {
    let missing: Vec<_> = words.iter().filter(|word| !said.contains(**word)).collect();
    let wrong = ended.trim() != code.to_string();
    (wrong || !missing.is_empty()).then(|| {
        format!("ended with {} where {code} is expected, {missing:?} was not said:\n{said}", ended.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_needs_its_exit_code_and_its_words() {
        assert_eq!(problem(1, &["refuted"], "1\n", "refuted (completed)"), None);
        assert!(problem(1, &["refuted"], "0\n", "refuted").is_some());
        assert!(problem(1, &["refuted"], "1\n", "held").is_some());
        assert!(problem(0, &[], "", "").is_some(), "a step that never ran is no success");
    }

    #[test]
    fn every_step_of_the_script_is_judged() {
        let steps: Vec<_> = SCRIPT.lines().filter_map(|line| line.strip_prefix("step ")).collect();
        let names: Vec<_> = steps.iter().map(|step| step.split(' ').next().unwrap_or_default()).collect();
        assert_eq!(names, EXPECTED.map(|(name, ..)| name));
    }
}
