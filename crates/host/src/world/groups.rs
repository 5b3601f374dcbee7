//! The cgroups of this machine, as far as they limit CPU time.

use steadfast_faults::{FaultError, world::Fellow};
use steadfast_linux::{LinuxError, command_name, cpu_group};
use steadfast_model::{
    ProcessIdentity,
    cgroup::{CgroupIdentity, CpuGroup},
};

use super::LocalWorld;
use crate::error::linux_for_fault;

/// The cgroup of a process.
pub(crate) fn of(process: &ProcessIdentity) -> Result<CpuGroup, FaultError> {
    let gone = || FaultError::TargetGone { what: format!("process {process}") };
    cpu_group::cpu_group(process).map_err(for_fault)?.ok_or_else(gone)
}

/// Who is in it, unless somebody is who must be spared.
pub(crate) async fn fellows(world: &LocalWorld, cgroup: &CgroupIdentity) -> Result<Vec<Fellow>, FaultError> {
    let pids = cpu_group::processes_in(cgroup).map_err(for_fault)?;
    let spared = world.first_spared(pids.iter().copied(), &cgroup.to_string()).await?;
    if let Some((pid, why)) = spared {
        return Err(FaultError::Unsupported {
            what: format!("throttle {cgroup}: process {pid} in it is {why}"),
            hint: Some("move the target to a cgroup of its own: a systemd unit, or a container".to_owned()),
        });
    }
    let named = |pid: &u32| Some(Fellow { pid: *pid, command: command_name(*pid).ok()?? });
    Ok(pids.iter().filter_map(named).collect())
}

pub(crate) fn for_fault(error: LinuxError) -> FaultError {
    match error {
        LinuxError::Missing { what } => FaultError::Unsupported {
            what,
            hint: Some("see `cat /proc/PID/cgroup` and `mount -t cgroup,cgroup2`".to_owned()),
        },
        LinuxError::Denied { what } => {
            FaultError::Denied { what, hint: "limits of cgroups are changed as root".to_owned() }
        }
        LinuxError::Call { what, source }
            if source.raw_os_error() == Some(rustix::io::Errno::INVAL.raw_os_error()) =>
        {
            FaultError::Unsupported {
                what: format!("{what}: the kernel refuses it"),
                hint: Some("in cgroup v1 a cgroup cannot have less than one that is below it".to_owned()),
            }
        }
        other => linux_for_fault(other),
    }
}
