//! All proxies of the API, by name.

use std::collections::BTreeMap;

use axum::http::StatusCode;

use crate::{
    fields::Fields,
    instance::Ground,
    listen,
    member::{Member, Settings},
    refusal::Refusal,
};

/// The most proxies of one process.
pub const MOST_PROXIES: usize = 1000;

/// All proxies.
pub(crate) struct Collection {
    pub(crate) ground: Ground,
    members: BTreeMap<String, Member>,
}

/// What a request wants a proxy to be: everything for a new one, what changes for one that is there.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// The text and the address that it is.
    listen: Option<(String, std::net::SocketAddr)>,
    upstream: Option<String>,
    enabled: Option<bool>,
}

impl Wanted {
    /// Reads it and looks the address up: before anything is locked, as that may take a while.
    pub(crate) async fn read(fields: &Fields, allow_remote: bool) -> Result<Self, Refusal> {
        let listen = match fields.text("listen")? {
            Some(text) => Some((text.to_owned(), listen::address(text, allow_remote).await?)),
            None => None,
        };
        let upstream = fields.text("upstream")?.map(str::to_owned);
        Ok(Self { listen, upstream, enabled: fields.flag("enabled")? })
    }

    /// The same for a new proxy, with its name. `place` says which of a list it is, for people.
    pub(crate) async fn read_new(
        fields: &Fields,
        allow_remote: bool,
        place: &str,
    ) -> Result<(String, Settings), Refusal> {
        let name = fields.name()?.ok_or_else(|| Refusal::missing(format_args!("name{place}")))?;
        let upstream = fields.text("upstream")?.unwrap_or_default();
        if upstream.is_empty() {
            return Err(Refusal::missing(format_args!("upstream{place}")));
        }
        let listen = fields.text("listen")?.unwrap_or_default();
        let settings = Settings {
            listen: listen.to_owned(),
            address: listen::address(listen, allow_remote).await?,
            upstream: upstream.to_owned(),
            enabled: fields.flag("enabled")?.unwrap_or(true),
        };
        Ok((name.to_owned(), settings))
    }

    fn over(self, before: Settings) -> Settings {
        let (listen, address) = self.listen.unwrap_or((before.listen, before.address));
        let upstream = self.upstream.unwrap_or(before.upstream);
        Settings { listen, address, upstream, enabled: self.enabled.unwrap_or(before.enabled) }
    }
}

impl Collection {
    pub(crate) fn new(ground: Ground) -> Self {
        Self { ground, members: BTreeMap::new() }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    pub(crate) fn get(&self, name: &str) -> Result<&Member, Refusal> {
        self.members.get(name).ok_or_else(Refusal::no_proxy)
    }

    /// A proxy to change, and what all have in common.
    pub(crate) fn get_mut(&mut self, name: &str) -> Result<(&mut Member, &Ground), Refusal> {
        let member = self.members.get_mut(name).ok_or_else(Refusal::no_proxy)?;
        Ok((member, &self.ground))
    }

    pub(crate) async fn create(&mut self, name: String, settings: Settings) -> Result<&Member, Refusal> {
        if self.members.contains_key(&name) {
            return Err(Refusal::proxy_exists());
        }
        if self.members.len() >= MOST_PROXIES {
            let error = format!("too many proxies: at most {MOST_PROXIES}");
            return Err(Refusal::new(StatusCode::BAD_REQUEST, error));
        }
        let member = Member::begin(&self.ground, name.clone(), settings).await?;
        Ok(self.members.entry(name).or_insert(member))
    }

    pub(crate) async fn update(&mut self, name: &str, wanted: Wanted) -> Result<&Member, Refusal> {
        let (member, ground) = self.get_mut(name)?;
        let settings = wanted.over(member.settings());
        member.adjust(ground, settings).await?;
        Ok(member)
    }

    /// Makes sure that there is such a proxy. One that listens and sends where it is told to is left alone, with its toxics;
    /// another of that name makes way.
    pub(crate) async fn ensure(&mut self, name: String, settings: Settings) -> Result<(), Refusal> {
        let Some(member) = self.members.get_mut(&name) else {
            return self.create(name, settings).await.map(|_| ());
        };
        if member.differs(&settings) {
            member.replace(&self.ground, settings).await?;
        }
        Ok(())
    }

    pub(crate) async fn delete(&mut self, name: &str) -> Result<(), Refusal> {
        let mut member = self.members.remove(name).ok_or_else(Refusal::no_proxy)?;
        member.stop().await;
        Ok(())
    }

    /// Enables every proxy and removes every toxic. One that cannot be enabled keeps no other from it.
    pub(crate) async fn reset(&mut self) -> Result<(), Refusal> {
        let mut refused = None;
        for member in self.members.values_mut() {
            member.remove_all();
            if let Err(refusal) = member.start(&self.ground).await {
                refused.get_or_insert(refusal);
            }
        }
        refused.map_or(Ok(()), Err)
    }

    pub(crate) async fn stop(&mut self) {
        for member in self.members.values_mut() {
            member.stop().await;
        }
    }
}
