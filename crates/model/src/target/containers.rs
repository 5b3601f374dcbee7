//! Which containers a document means.

use std::{fmt, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Selection;
use crate::Problems;

/// So much of an id is enough to know a container by.
const SHORTEST_ID: usize = 12;

/// Picks running containers of this machine: those that match, less what is excluded, and of these as many as selected.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContainerTarget {
    /// Its id, or at least twelve letters of its beginning. Alone it is found without asking an engine, whichever runs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its name, as Docker or Podman tell it. `*` stands for any characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// One of its labels: `app` with any value, or `app=payments`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The image it was made of, as the engine names it. `*` stands for any characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Those that are left out all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<ContainerMatch>,
    /// The socket of the engine's API. Without it Docker and Podman are asked where they usually listen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket: Option<PathBuf>,
    /// Which of its processes; the first one when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes: Option<Inhabitants>,
    /// How many of them; without it exactly one must match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select: Option<Selection>,
    /// Makes the choice repeatable: with the same seed the same places in the row of the matching, oldest first. 0 when left
    /// out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// Describes containers: all that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContainerMatch {
    /// Its id, or at least twelve letters of its beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its name. `*` stands for any characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// One of its labels: `app` with any value, or `app=payments`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The image it was made of. `*` stands for any characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
}

/// Which processes of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Inhabitants {
    /// The one the container was started with. It stands for the container's network and control groups.
    First,
    /// Every one.
    All,
}

impl ContainerTarget {
    /// What must match.
    #[must_use]
    pub fn wanted(&self) -> ContainerMatch {
        let Self { id, name, label, image, .. } = self.clone();
        ContainerMatch { id, name, label, image }
    }

    /// Notes what picks nothing, or everything.
    pub fn check(&self, problems: &mut Problems) {
        self.wanted().check(problems);
        let exclude = problems.base().key("exclude");
        for (index, one) in self.exclude.iter().enumerate() {
            problems.below(exclude.index(index), |problems| one.check(problems));
        }
        Selection::check(self.select, self.seed, problems);
        if self.socket.as_ref().is_some_and(|socket| !socket.is_absolute()) {
            problems.error(&["socket"], "it is no whole path", Some("write /run/podman/podman.sock"));
        }
    }
}

impl ContainerMatch {
    fn check(&self, problems: &mut Problems) {
        if let Some(id) = &self.id
            && id.len() < SHORTEST_ID
        {
            let message = format!("`{id}` is too short to be sure of: write {SHORTEST_ID} letters or more");
            problems.error(&["id"], message, Some("see `docker ps --no-trunc`"));
        }
        // Control groups of systemd have names too.
        if self
            .id
            .as_ref()
            .is_some_and(|id| [".slice", ".service", ".scope"].iter().any(|end| id.ends_with(end)))
        {
            let hint = "write process: { unit: payments.service }";
            problems.error(&["id"], "it is a unit of systemd and no container", Some(hint));
        }
        let texts = [("name", &self.name, "payments-*"), ("image", &self.image, "registry/payments:*")];
        for (key, text, example) in texts {
            if text.as_ref().is_some_and(|text| text.chars().all(|letter| letter == '*')) {
                let hint = format!("write {key}: '{example}'");
                problems.error(&[key], "it tells no container from another", Some(&hint));
            }
        }
        if self.label.as_ref().is_some_and(|label| label.is_empty() || label.starts_with('=')) {
            problems.error(&["label"], "it has no key", Some("write label: app=payments"));
        }
        if *self == Self::default() {
            let hint = "write { label: app=payments }, or one of id, name, image";
            problems.error(&[], "nothing says which container", Some(hint));
        }
    }
}

impl fmt::Display for ContainerTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.processes == Some(Inhabitants::All) {
            f.write_str("all processes of ")?;
        }
        Selection::write(self.select, ["container", "containers"], f)?;
        self.wanted().fmt(f)?;
        for exclude in &self.exclude {
            write!(f, ", not{exclude}")?;
        }
        Ok(())
    }
}

/// ` payments-1`, ` labelled app=payments made of shop:7`: what follows the word container.
impl fmt::Display for ContainerMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(f, " {name}")?;
        }
        if let Some(id) = &self.id {
            write!(f, " {id}")?;
        }
        if let Some(label) = &self.label {
            write!(f, " labelled {label}")?;
        }
        if let Some(image) = &self.image {
            write!(f, " made of {image}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(document: serde_json::Value) -> ContainerTarget {
        serde_json::from_value(document).unwrap()
    }

    #[test]
    fn what_picks_nothing_or_everything_is_a_problem() {
        for (document, expected) in [
            (json!({}), 1),
            (json!({ "id": "0123456789a" }), 1),
            (json!({ "id": "payments.service" }), 1),
            (json!({ "name": "*" }), 1),
            (json!({ "image": "" }), 1),
            (json!({ "label": "=payments" }), 1),
            (json!({ "name": "a", "exclude": [{}] }), 1),
            (json!({ "name": "a", "select": { "count": 0 } }), 1),
            (json!({ "name": "a", "seed": 7 }), 1),
            (json!({ "name": "a", "socket": "docker.sock" }), 1),
            (json!({ "id": "0123456789ab" }), 0),
            (json!({ "label": "app", "select": "all", "processes": "all" }), 0),
        ] {
            let mut problems = Problems::new();
            read(document.clone()).check(&mut problems);
            assert_eq!(problems.all().len(), expected, "{document}");
        }
    }

    #[test]
    fn what_is_meant_is_said_in_words() {
        for (document, words) in [
            (json!({ "name": "payments-1" }), "container payments-1"),
            (
                json!({ "label": "app=payments", "image": "shop:*", "select": { "max": 2 } }),
                "at most 2 of the containers labelled app=payments made of shop:*",
            ),
            (
                json!({ "name": "pay*", "processes": "all", "select": "all", "exclude": [{ "label": "standby" }] }),
                "all processes of all containers pay*, not labelled standby",
            ),
        ] {
            assert_eq!(read(document).to_string(), words);
        }
    }
}
