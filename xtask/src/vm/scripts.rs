//! What the machine does when it is up.

use std::{fs, path::Path};

use anyhow::Result;

use crate::{
    program::{program, run, text},
    test::Suite,
};

/// What is put onto the disk to be run.
pub(super) struct Payload<'a> {
    pub(super) suites: &'a [Suite],
    pub(super) filter: Option<&'a str>,
    /// Whether the machine is reset in the middle of a fault.
    pub(super) reset: bool,
}

const UNIT: &str = "[Unit]
Description=The tests
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/sh /vm/run
StandardOutput=file:/dev/ttyS1
StandardError=file:/dev/ttyS1
TimeoutStartSec=infinity
[Install]
WantedBy=multi-user.target
";

/// First what can be done in one go, then a fault that the reset of the machine meets, then a look at what is left of it.
const RUN: &str = r#"
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root RUST_BACKTRACE=0 STEADFAST_SKIPPED_TESTS=/vm/skipped
steadfast=$(cat /vm/steadfast)
if [ -e /vm/was-reset ]; then
    systemctl status --no-pager --full steadfast-recover.service >/vm/unit
    cat /vm/unit
    # Any command would undo it: what counts is that the unit did, before.
    grep -q 'undid injection' /vm/unit && $steadfast status | grep -q 'Nothing is injected' && echo 'vm: reset undone'
    echo 'vm: over'
    sync
    poweroff -f
fi
echo "vm: kernel $(uname -r), cgroups: $(cat /sys/fs/cgroup/cgroup.controllers)"
for module in veth sch_netem ifb tun nfnetlink_queue fuse; do modprobe $module || echo "vm: no $module"; done
while read -r folder program; do
    cd "$folder" || continue
    echo "-- $program"
    "$program" --test-threads 1 $(cat /vm/filter)
    echo "vm: ended $? $program"
done < /vm/suites
[ ! -e /vm/skipped ] || sed 's/^/vm: skipped /' /vm/skipped
if [ ! -e /vm/reset ]; then
    echo 'vm: over'
    poweroff -f
fi
touch /vm/was-reset
sleep 600 & target=$!
$steadfast fault try processPause --into "process: { pid: $target }" --for 10m --yes >/vm/try 2>&1 &
for second in $(seq 60); do
    $steadfast status | grep -q processPause && break
    sleep 1
done
$steadfast status | grep -q processPause || { echo 'vm: the fault is not in place'; cat /vm/try; }
sync
echo 'vm: reset'
echo b > /proc/sysrq-trigger
"#;

impl Payload<'_> {
    /// Writes it into the root.
    pub(super) fn write(&self, root: &Path, steadfast: &Path) -> Result<()> {
        let folder = root.join("vm");
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder)?;
        let line = |suite: &Suite| format!("{} {}\n", suite.folder.display(), suite.executable.display());
        fs::write(folder.join("suites"), self.suites.iter().map(line).collect::<String>())?;
        fs::write(folder.join("filter"), self.filter.unwrap_or_default())?;
        fs::write(folder.join("steadfast"), steadfast.display().to_string())?;
        fs::write(folder.join("run"), RUN)?;
        if self.reset {
            fs::write(folder.join("reset"), "")?;
        }
        let units = root.join("etc/systemd/system");
        fs::write(units.join("vm-tests.service"), UNIT)?;
        // As docs/undo.md says, with the program where it is there.
        let recover = program(text(steadfast)?, &["recover", "--print-unit"]).output()?;
        fs::write(units.join("steadfast-recover.service"), &recover.stdout)?;
        let enable = ["systemctl", "enable", "--quiet", "vm-tests.service", "steadfast-recover.service"];
        run(program("chroot", &[&[text(root)?], &enable[..]].concat()))
    }
}
