//! The state in memory and in its file, changed together.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::state::State;
use crate::config::write_json;
use crate::error::DemoError;

#[derive(Debug)]
pub(super) struct Board {
    state: Mutex<State>,
    path: PathBuf,
}

impl Board {
    pub(super) fn new(state_dir: &Path, state: State) -> Result<Self, DemoError> {
        let path = State::path(state_dir);
        write_json(&path, &state)?;
        Ok(Self { state: Mutex::new(state), path })
    }

    pub(super) fn state(&self) -> State {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        // The processes matter more than the file about them.
        if let Err(error) = write_json(&self.path, &*state) {
            eprintln!("failed to {error}");
        }
    }
}
