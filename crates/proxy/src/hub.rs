//! What all connections of a proxy share.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{
            AtomicU64,
            Ordering::{Acquire, Relaxed, Release},
        },
    },
};

use futures_util::task::AtomicWaker;
use steadfast_model::{
    BootTime, Clock,
    proxy::{ProxyAnswer, ProxyRequest, ProxyStatus},
};

use crate::{
    config::ProxyConfig,
    connection::Connection,
    held::Budget,
    rule::Rule,
    rules::{Change, Rules},
    timer::Timers,
    tls::Keys,
    traffic::Counters,
};

/// The rules, the counters, the connections.
pub(crate) struct Hub {
    pub(crate) config: ProxyConfig,
    /// What TLS is spoken by.
    pub(crate) keys: Keys,
    pub(crate) listen: SocketAddr,
    pub(crate) timers: Arc<Timers>,
    /// What all connections may hold together.
    pub(crate) budget: Arc<Budget>,
    clock: Arc<dyn Clock>,
    rules: Mutex<Rules>,
    /// What connections read: a copy of the rules in place, and a number that grows with every change of it.
    current: Mutex<Arc<[Arc<Rule>]>>,
    generation: AtomicU64,
    connections: Mutex<HashMap<u64, Arc<Connection>>>,
    /// Whoever waits for the next rule to end.
    pub(crate) enforcer: AtomicWaker,
    accepted: AtomicU64,
    requests: AtomicU64,
    unreadable: AtomicU64,
    pub(crate) traffic: Counters,
}

impl Hub {
    pub(crate) fn new(
        config: ProxyConfig,
        keys: Keys,
        listen: SocketAddr,
        timers: Arc<Timers>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let rules = Rules::new(config.protocol, config.limits.rules, config.limits.removed);
        let budget = Budget::new(config.limits.held);
        Self {
            config,
            keys,
            listen,
            timers,
            budget,
            clock,
            rules: Mutex::new(rules),
            current: Mutex::new(Arc::from([])),
            generation: AtomicU64::new(1),
            connections: Mutex::default(),
            enforcer: AtomicWaker::new(),
            accepted: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            unreadable: AtomicU64::new(0),
            traffic: Counters::default(),
        }
    }

    /// Does what the control socket says. [`ProxyRequest::Shutdown`] is left to the caller.
    pub(crate) fn obey(&self, request: ProxyRequest) -> ProxyAnswer {
        // What has expired must not be renewed, nor shown.
        self.expire();
        let done = match request {
            ProxyRequest::Apply(rule) => {
                let now = self.clock.boot();
                self.change(|rules| rules.apply(rule, now))
            }
            ProxyRequest::Renew { id, lease } => self.change(|rules| rules.renew(id, lease)),
            ProxyRequest::Remove { id } => self.change(|rules| Ok(rules.remove(id))),
            ProxyRequest::Status {} | ProxyRequest::Shutdown {} => Ok(()),
        };
        match done {
            Ok(()) => ProxyAnswer::Done(self.status()),
            Err(message) => ProxyAnswer::Refused { message },
        }
    }

    /// Drops the rules whose time is over. Returns the time now and the next end.
    pub(crate) fn expire(&self) -> (BootTime, Option<BootTime>) {
        let now = self.clock.boot();
        let never = self.change(|rules| Ok(rules.expire(now)));
        debug_assert!(never.is_ok(), "expiry refuses nothing");
        (now, lock(&self.rules).next_end())
    }

    /// Grows whenever the rules change.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Acquire)
    }

    /// The rules in place. Read the generation first: then a change in between is noticed later.
    pub(crate) fn rules(&self) -> Arc<[Arc<Rule>]> {
        Arc::clone(&lock(&self.current))
    }

    /// Takes a new connection in; `None` when there are too many.
    pub(crate) fn admit(self: &Arc<Self>) -> Option<Arc<Connection>> {
        let number = self.accepted.fetch_add(1, Relaxed) + 1;
        let mut connections = lock(&self.connections);
        let open = u64::try_from(connections.len()).unwrap_or(u64::MAX);
        if open >= self.config.limits.connections {
            return None;
        }
        let connection = Arc::new(Connection::new(number, Arc::clone(self)));
        connections.insert(number, Arc::clone(&connection));
        Some(connection)
    }

    /// Forgets a connection that ended.
    pub(crate) fn dismiss(&self, connection: &Connection) {
        lock(&self.connections).remove(&connection.number);
    }

    pub(crate) fn requested(&self) {
        self.requests.fetch_add(1, Relaxed);
    }

    /// Counts a connection whose requests cannot be read.
    pub(crate) fn cannot_read(&self) {
        self.unreadable.fetch_add(1, Relaxed);
    }

    pub(crate) fn status(&self) -> ProxyStatus {
        ProxyStatus {
            name: self.config.name.clone(),
            identity: self.config.identity.clone(),
            listen: self.listen.to_string(),
            upstream: self.config.upstream.clone(),
            protocol: self.config.protocol,
            open_connections: u64::try_from(lock(&self.connections).len()).unwrap_or(u64::MAX),
            connections: self.accepted.load(Relaxed),
            requests: self.requests.load(Relaxed),
            unreadable: self.unreadable.load(Relaxed),
            bytes: self.traffic.from_client.get() + self.traffic.to_client.get(),
            rules: self.rules().iter().map(|rule| rule.status()).collect(),
        }
    }

    /// Changes the rules, and lets every connection look at them.
    pub(crate) fn change(&self, by: impl FnOnce(&mut Rules) -> Result<Change, String>) -> Result<(), String> {
        let mut rules = lock(&self.rules);
        match by(&mut rules)? {
            Change::Nothing => return Ok(()),
            Change::Leases => {}
            Change::Rules => {
                *lock(&self.current) = rules.live().into();
                self.generation.fetch_add(1, Release);
                for connection in lock(&self.connections).values() {
                    connection.wake();
                }
            }
        }
        drop(rules);
        self.enforcer.wake();
        Ok(())
    }
}

/// Nothing under these locks can be left half done by a panic: each change is one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
