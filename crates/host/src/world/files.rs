//! The files that processes of this machine use.

use std::path::Path;

use async_trait::async_trait;
use steadfast_faults::{FaultError, world::Files};
use steadfast_linux::{LinuxError, files};
use steadfast_model::{
    InjectionId, ProcessIdentity,
    files::{Cover, CoverStatus, Ground, MountNamespace},
};

use super::{LocalWorld, machine::directory_for_fault};
use crate::error::linux_for_fault;

#[async_trait]
impl Files for LocalWorld {
    async fn ground(&self, process: &ProcessIdentity, path: &Path) -> Result<Ground, FaultError> {
        let gone = || FaultError::TargetGone { what: format!("process {process}") };
        let (process, path) = (process.clone(), path.to_owned());
        let looked = tokio::task::spawn_blocking(move || files::ground(&process, &path)).await;
        let broken = |error: tokio::task::JoinError| FaultError::World {
            what: "look at files".to_owned(),
            cause: error.to_string(),
        };
        let ground = looked.map_err(broken)?.map_err(for_fault)?.ok_or_else(gone)?;
        if !ground.is_the_machines {
            spare(self, &ground.namespace).await?;
        }
        Ok(ground)
    }

    async fn status(
        &self,
        process: &ProcessIdentity,
        path: &Path,
        injection: InjectionId,
    ) -> Result<CoverStatus, FaultError> {
        let (asked, there) = (process.clone(), path.to_owned());
        let asked = tokio::task::spawn_blocking(move || files::counts(&asked, &there));
        let silent = |cause: String| FaultError::World {
            what: format!("ask the worker that covers {}", path.display()),
            cause,
        };
        // One that hangs must not hold up whoever looks.
        let answered = tokio::time::timeout(self.timing.proxy_answer, asked).await;
        let answered = answered.map_err(|_| silent("it does not answer".to_owned()))?;
        let found = answered.map_err(|error| silent(error.to_string()))?.map_err(for_fault)?;
        let ours = found.filter(|found| found.source.starts_with(&Cover::sources_of(injection)));
        Ok(CoverStatus {
            process: process.clone(),
            seen: ours.as_ref().map_or(0, |ours| ours.seen),
            hits: ours.as_ref().map_or(0, |ours| ours.hits),
            source: ours.map(|ours| ours.source),
        })
    }
}

/// Everybody in the mount namespace meets the fault: nobody may be there who must be spared.
async fn spare(world: &LocalWorld, namespace: &MountNamespace) -> Result<(), FaultError> {
    let pids = files::processes_in(namespace).map_err(for_fault)?;
    match world.first_spared(pids, "the mount namespace").await? {
        None => Ok(()),
        Some((pid, why)) => Err(FaultError::Unsupported {
            what: format!("disturb files: process {pid} in the same mount namespace is {why}"),
            hint: Some(
                "give the target a mount namespace of its own: PrivateMounts=yes, or a container".to_owned(),
            ),
        }),
    }
}

pub(crate) fn for_fault(error: LinuxError) -> FaultError {
    match error {
        LinuxError::Missing { what } => FaultError::Unsupported {
            what: format!("{what}: this machine does not offer it"),
            hint: Some("FUSE is needed (`modprobe fuse`), and Linux 5.8 or later on x86-64".to_owned()),
        },
        LinuxError::Denied { what } => {
            FaultError::Denied { what, hint: "files of others are disturbed as root".to_owned() }
        }
        other @ LinuxError::Call { .. } => directory_for_fault(other),
        other => linux_for_fault(other),
    }
}
