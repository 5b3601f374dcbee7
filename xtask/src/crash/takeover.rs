//! Kills the reaper while it undoes what a dead injector left: the one moment in which only its own records help.

use std::{os::unix::process::ExitStatusExt, time::Duration};

use anyhow::{Result, ensure};

use super::{
    round::{End, PATIENCE, Round},
    scene::Scene,
    wait,
};

/// Far longer than a round: nothing ends this fault but somebody who undoes it.
const FAULT: &str = "60s";

impl Round<'_> {
    /// Kills the injector while its fault is in place, and lets strace kill the reaper that takes over.
    pub(super) fn take_over(&self, strace: &[String]) -> Result<End> {
        let folder = self.folder.path();
        let mut scene = Scene::start(self.case, self.binary, folder, |_| ())?;
        let mut reaper = self.start(&["reaper"], |words| {
            words.splice(0..0, strace.iter().cloned());
        })?;
        self.wait_for_reaper(&mut reaper)?;
        let mut injector = self.inject(&scene, FAULT, |_| ())?;
        let shown = wait::until(PATIENCE, || !scene.differences(self.case, folder, false).is_empty());
        ensure!(shown, "{} was not seen to be in place", self.case.fault);
        injector.kill()?;
        injector.wait()?;
        // Whether it is struck or not, it is done with the takeover when nothing is left or it has ended.
        let mut end = None;
        wait::until(PATIENCE, || {
            end = reaper.try_wait().ok().flatten();
            end.is_some() || self.look(&mut scene).is_empty()
        });
        if end.is_none() {
            // The chosen call may come after the undo: it is given a moment.
            wait::until(Duration::from_millis(200), || {
                end = reaper.try_wait().ok().flatten();
                end.is_some()
            });
        }
        let killed = end.is_some_and(|end| end.signal() == Some(9));
        let mut leaks = Vec::new();
        if killed {
            leaks.extend(self.recover()?);
        }
        if !wait::until(Duration::from_secs(1), || self.look(&mut scene).is_empty()) {
            leaks.extend(self.look(&mut scene));
        }
        self.end_reaper(&mut reaper);
        Ok(End { killed, leaks })
    }
}
