//! One proxy of the API, enabled or not, with its toxics.

use std::net::SocketAddr;

use axum::http::StatusCode;
use serde::Serialize;
use steadfast_model::proxy::{RuleId, RuleStatus};
use steadfast_proxy::{Traffic, check_upstream};

use crate::{
    fields::Fields,
    instance::{Ground, Instance},
    refusal::Refusal,
    toxic::Toxic,
};

/// The most toxics of one proxy.
const MOST_TOXICS: usize = 100;

/// What a proxy is told to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    /// As it was written.
    pub(crate) listen: String,
    /// The address that is.
    pub(crate) address: SocketAddr,
    pub(crate) upstream: String,
    pub(crate) enabled: bool,
}

/// One proxy.
pub(crate) struct Member {
    name: String,
    settings: Settings,
    toxics: Vec<Placed>,
    /// Is there while it is enabled.
    instance: Option<Instance>,
    /// Bytes that earlier instances with these settings carried.
    past: Traffic,
}

/// A toxic, the rule that stands for it while the proxy runs, and what rules that have gone did.
struct Placed {
    toxic: Toxic,
    rule: Option<RuleId>,
    past: Counts,
}

/// How often a toxic disturbed something, and how often it could have.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) hits: u64,
    pub(crate) seen: u64,
}

/// As the API shows it.
#[derive(Serialize)]
pub(crate) struct View<'a> {
    pub(crate) name: &'a str,
    pub(crate) listen: &'a str,
    pub(crate) upstream: &'a str,
    pub(crate) enabled: bool,
    pub(crate) toxics: Vec<&'a Toxic>,
}

/// A running instance, and the rule of every toxic.
type Launched = (Instance, Vec<Option<RuleId>>);

impl Member {
    /// A proxy as told, running if it is enabled.
    pub(crate) async fn begin(ground: &Ground, name: String, settings: Settings) -> Result<Self, Refusal> {
        check_upstream(&settings.upstream)?;
        let enabled = settings.enabled;
        let settings = Settings { enabled: false, ..settings };
        let mut member =
            Self { name, settings, toxics: Vec::new(), instance: None, past: Traffic::default() };
        if enabled {
            member.start(ground).await?;
        }
        Ok(member)
    }

    pub(crate) fn view(&self) -> View<'_> {
        View {
            name: &self.name,
            listen: &self.settings.listen,
            upstream: &self.settings.upstream,
            enabled: self.is_enabled(),
            toxics: self.toxics().collect(),
        }
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings { enabled: self.is_enabled(), ..self.settings.clone() }
    }

    fn is_enabled(&self) -> bool {
        self.instance.as_ref().is_some_and(Instance::runs)
    }

    /// Whether it listens or sends elsewhere than told.
    pub(crate) fn differs(&self, settings: &Settings) -> bool {
        self.settings.address != settings.address || self.settings.upstream != settings.upstream
    }

    /// Makes it what it is told to be. A change of an address drops all connections; when the new one cannot be had,
    /// nothing changes.
    pub(crate) async fn adjust(&mut self, ground: &Ground, settings: Settings) -> Result<(), Refusal> {
        if !self.differs(&settings) {
            if settings.enabled {
                return self.start(ground).await;
            }
            self.stop().await;
            return Ok(());
        }
        check_upstream(&settings.upstream)?;
        if !settings.enabled {
            self.stop().await;
            self.settings = settings;
            self.past = Traffic::default();
            return Ok(());
        }
        let was_enabled = self.is_enabled();
        self.make_way(settings.address).await;
        match self.launch(ground, settings.address, &settings.upstream).await {
            Ok(launched) => {
                self.stop().await;
                self.settings = settings;
                self.past = Traffic::default();
                self.install(launched);
                Ok(())
            }
            Err(refusal) => {
                if was_enabled {
                    // What was there a moment ago, unless somebody took the port: then it stays disabled.
                    drop(self.start(ground).await);
                }
                Err(refusal)
            }
        }
    }

    /// Puts another proxy of that name in its place, without the toxics. When that one cannot be had, nothing changes.
    pub(crate) async fn replace(&mut self, ground: &Ground, settings: Settings) -> Result<(), Refusal> {
        let was_enabled = self.is_enabled();
        if settings.enabled {
            self.make_way(settings.address).await;
        }
        match Self::begin(ground, self.name.clone(), settings).await {
            Ok(other) => {
                self.stop().await;
                *self = other;
                Ok(())
            }
            Err(refusal) => {
                if was_enabled {
                    drop(self.start(ground).await);
                }
                Err(refusal)
            }
        }
    }

    /// Stops if it would stand in the way of what shall listen there.
    async fn make_way(&mut self, address: SocketAddr) {
        if address.port() != 0 && address.port() == self.settings.address.port() {
            self.stop().await;
        }
    }

    /// Listens and carries, if it does not yet.
    pub(crate) async fn start(&mut self, ground: &Ground) -> Result<(), Refusal> {
        if !self.is_enabled() {
            self.stop().await;
            let launched = self.launch(ground, self.settings.address, &self.settings.upstream).await?;
            self.install(launched);
        }
        Ok(())
    }

    /// Closes the listener and every connection.
    pub(crate) async fn stop(&mut self) {
        let Some(instance) = self.instance.take() else { return };
        let handle = instance.handle.clone();
        instance.stop().await;
        self.past = self.past + handle.traffic();
        let rules = handle.status().rules;
        for placed in &mut self.toxics {
            placed.past = placed.counts(&rules);
            placed.rule = None;
        }
    }

    async fn launch(&self, ground: &Ground, listen: SocketAddr, upstream: &str) -> Result<Launched, Refusal> {
        let mut rules = Ok(Vec::new());
        let instance = Instance::start(ground, &self.name, listen, upstream, |handle| {
            let keep = |placed: &Placed| {
                let rule = placed.toxic.rule(self.seed(ground, &placed.toxic.name));
                rule.map(|rule| handle.keep(rule)).transpose()
            };
            rules = self.toxics.iter().map(keep).collect();
        })
        .await?;
        match rules {
            Ok(rules) => Ok((instance, rules)),
            Err(why) => {
                instance.stop().await;
                Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, why))
            }
        }
    }

    fn install(&mut self, (instance, rules): Launched) {
        self.settings.address = instance.address;
        self.settings.listen = instance.address.to_string();
        for (placed, rule) in self.toxics.iter_mut().zip(rules) {
            placed.rule = rule;
        }
        self.instance = Some(instance);
    }

    pub(crate) fn toxics(&self) -> impl Iterator<Item = &Toxic> {
        self.toxics.iter().map(|placed| &placed.toxic)
    }

    pub(crate) fn toxic(&self, name: &str) -> Result<&Toxic, Refusal> {
        self.toxics().find(|toxic| toxic.name == name).ok_or_else(Refusal::no_toxic)
    }

    /// Puts a toxic at the end of the list.
    pub(crate) fn add(&mut self, ground: &Ground, toxic: Toxic) -> Result<&Toxic, Refusal> {
        if self.toxic(&toxic.name).is_ok() {
            return Err(Refusal::toxic_exists());
        }
        if self.toxics.len() >= MOST_TOXICS {
            let error = format!("too many toxics: at most {MOST_TOXICS} of one proxy");
            return Err(Refusal::new(StatusCode::BAD_REQUEST, error));
        }
        let rule = match (&self.instance, toxic.rule(self.seed(ground, &toxic.name))) {
            (Some(instance), Some(rule)) => Some(instance.handle.keep(rule).map_err(Refusal::body)?),
            _ => None,
        };
        let name = toxic.name.clone();
        self.toxics.push(Placed { toxic, rule, past: Counts::default() });
        self.toxic(&name)
    }

    /// Changes what a toxic does, for open connections as well.
    pub(crate) fn alter(&mut self, ground: &Ground, name: &str, fields: &Fields) -> Result<&Toxic, Refusal> {
        let toxic = self.toxic(name)?.changed(fields)?;
        let rule = toxic.rule(self.seed(ground, name));
        let placed = self.toxics.iter_mut().find(|placed| placed.toxic.name == name);
        let placed = placed.ok_or_else(Refusal::no_toxic)?;
        if let (Some(instance), Some(id), Some(rule)) = (&self.instance, placed.rule, rule) {
            instance.handle.alter(id, rule).map_err(Refusal::body)?;
        }
        placed.toxic = toxic;
        Ok(&placed.toxic)
    }

    pub(crate) fn remove(&mut self, name: &str) -> Result<(), Refusal> {
        let at = self.toxics.iter().position(|placed| placed.toxic.name == name);
        let placed = self.toxics.remove(at.ok_or_else(Refusal::no_toxic)?);
        if let (Some(instance), Some(id)) = (&self.instance, placed.rule) {
            instance.handle.remove(id);
        }
        Ok(())
    }

    pub(crate) fn remove_all(&mut self) {
        for placed in self.toxics.drain(..) {
            if let (Some(instance), Some(id)) = (&self.instance, placed.rule) {
                instance.handle.remove(id);
            }
        }
    }

    /// Bytes carried with the settings of now.
    pub(crate) fn traffic(&self) -> Traffic {
        self.instance.as_ref().map_or(self.past, |instance| self.past + instance.handle.traffic())
    }

    /// Every toxic with what it did.
    pub(crate) fn counts(&self) -> Vec<(&Toxic, Counts)> {
        let rules = self.instance.as_ref().map_or_else(Vec::new, |instance| instance.handle.status().rules);
        self.toxics.iter().map(|placed| (&placed.toxic, placed.counts(&rules))).collect()
    }

    /// What chance is keyed by for one toxic: by names, so that the order in which things are made changes nothing.
    fn seed(&self, ground: &Ground, toxic: &str) -> u64 {
        let names = self.name.bytes().chain([0]).chain(toxic.bytes());
        // FNV-1a (Fowler, Noll and Vo); what draws by it mixes it well.
        ground
            .seed
            .to_le_bytes()
            .into_iter()
            .chain(names)
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }
}

impl Placed {
    fn counts(&self, rules: &[RuleStatus]) -> Counts {
        let now = rules.iter().find(|rule| Some(rule.id) == self.rule);
        let (hits, seen) = now.map_or((0, 0), |rule| (rule.hits, rule.seen));
        Counts { hits: self.past.hits + hits, seen: self.past.seen + seen }
    }
}
