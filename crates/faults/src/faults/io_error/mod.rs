//! Makes files fail.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    Effect, InjectionId, Observation, Percent, Problems, ResolvedTarget,
    files::{FileErrno, FileFault, FileOperation, FileRule},
};

use crate::{
    Fault, FaultError, Preview, on_files,
    settings::{check_share, everything},
    world::{Injection, World},
};

/// Fails what processes do with the files below a directory, also with files that are open already.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IoError {
    /// The directory, as the target sees it, such as `/var/lib/app`. No symbolic link may be on the way there.
    pub path: PathBuf,
    /// What fails.
    #[serde(default = "on_files::usual_operations")]
    pub operations: Vec<FileOperation>,
    /// What it fails with.
    #[serde(default = "input_or_output")]
    pub errno: FileErrno,
    /// Which share of them.
    #[serde(default = "everything")]
    pub percent: Percent,
    /// Makes chance repeatable.
    #[serde(default)]
    pub seed: u64,
}

const KIND: &str = "ioError";

fn input_or_output() -> FileErrno {
    FileErrno::Eio
}

impl IoError {
    fn rule(&self) -> FileRule {
        FileRule {
            operations: self.operations.clone(),
            fault: FileFault::Error { errno: self.errno },
            percent: self.percent,
            seed: self.seed,
        }
    }
}

#[async_trait]
impl Fault for IoError {
    fn check(&self, problems: &mut Problems) {
        on_files::check(&self.path, &self.operations, problems);
        check_share(self.percent, problems);
    }

    async fn preflight(&self, world: &dyn World, targets: &[ResolvedTarget]) -> Result<Preview, FaultError> {
        let errno = serde_json::to_value(self.errno).unwrap_or_default();
        let errno = errno.as_str().unwrap_or_default();
        let does = match self.percent {
            Percent::ALL => format!("fail with {errno}"),
            percent => format!("fail with {errno} {percent} of"),
        };
        on_files::preflight(KIND, &does, &self.path, &self.rule(), world, targets).await
    }

    async fn inject(&self, world: &mut dyn Injection, targets: &[ResolvedTarget]) -> Result<(), FaultError> {
        on_files::inject(KIND, &self.path, &self.rule(), world, targets).await
    }

    async fn observe(
        &self,
        world: &dyn World,
        targets: &[ResolvedTarget],
        injection: InjectionId,
    ) -> Result<Observation, FaultError> {
        on_files::observe(KIND, &self.path, world, targets, injection).await
    }

    fn judge(&self, before: &Observation, now: &Observation) -> Effect {
        on_files::judge(before, now)
    }
}

#[cfg(test)]
mod tests;
