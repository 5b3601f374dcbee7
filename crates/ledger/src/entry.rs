//! The lines of an injection's file. Each stands for itself: a damaged neighbour takes nothing away from it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use steadfast_model::{BootTime, InjectionId, ProcessIdentity, RunId, WallTime, undo::UndoVerb};

/// The version of the lines this crate writes, and the only one it understands.
pub const FORMAT: u32 = 1;

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// [`FORMAT`].
    pub format: u32,
    /// The injection, as in the file's name.
    pub injection: InjectionId,
    /// The run it belongs to, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// Counts the lines of a file from 0, without gaps.
    pub sequence: u64,
    /// The process that injects. Nobody else reverts while it lives.
    pub injector: ProcessIdentity,
    /// The boot during which all of this holds.
    pub boot_id: String,
    /// The fault is gone by then. Never moved.
    pub deadline: BootTime,
    /// What this line says: a map with one key, decoded by [`Body::decode`].
    pub body: Value,
}

/// What a line says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Body {
    /// The first line: what is about to be done.
    Opened(Box<Opening>),
    /// The way back from a change that is about to be made.
    Undo(UndoRecord),
    /// Where the injection stands now.
    State(StateLine),
}

impl Body {
    /// What a line says, when this version knows it.
    #[must_use]
    pub fn decode(value: &Value) -> Option<Self> {
        Self::deserialize(value).ok()
    }
}

/// What is known when an injection begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Opening {
    /// Its id, chosen by whoever ordered it.
    pub injection: InjectionId,
    /// The run it belongs to, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// The process that injects.
    pub injector: ProcessIdentity,
    /// What is done, for people: `processPause`.
    pub fault: String,
    /// To what, for people.
    pub targets: Vec<String>,
    /// Held against other injections until this one is closed.
    pub keys: Vec<String>,
    /// When it began, for people.
    pub began: WallTime,
    /// The fault is gone by then.
    pub deadline: BootTime,
    /// The first lease; later ones are kept beside the file.
    pub lease: BootTime,
}

/// The way back from one change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UndoRecord {
    /// A map with one key, [`UndoVerb`] if this version knows it.
    pub verb: Value,
    /// What is touched.
    pub keys: Vec<String>,
    /// What a person could type instead.
    pub manual: String,
}

impl UndoRecord {
    /// The record of a verb.
    ///
    /// # Panics
    /// Never: every verb can be written as JSON.
    #[must_use]
    pub fn new(verb: &UndoVerb, keys: Vec<String>) -> Self {
        let manual = verb.manual_command();
        Self { verb: serde_json::to_value(verb).expect("a verb holds texts and numbers only"), keys, manual }
    }

    /// The verb, when this version knows it.
    #[must_use]
    pub fn known_verb(&self) -> Option<UndoVerb> {
        UndoVerb::deserialize(&self.verb).ok()
    }
}

/// A change of state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StateLine {
    /// The new state.
    pub state: State,
    /// Why, or what else there is to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What a person could type, when the undo was given up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub manual: Vec<String>,
}

/// Where an injection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// Changes are being made; the injector has not answered yet. Never written: it is what the first line means.
    Opened,
    /// In place.
    Active,
    /// Being undone.
    Reverting,
    /// Undone.
    Reverted,
    /// The undo was given up: a person must act.
    Abandoned,
}
