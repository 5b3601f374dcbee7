//! Who there is and who calls whom.

use std::fmt;

use crate::error::{DemoError, nearest};

/// One of the six processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Double-entry balances; the truth about money.
    Ledger,
    /// Sets money aside before it moves.
    Wallet,
    /// Scores a payment.
    Risk,
    /// Tells people afterwards.
    Notifications,
    /// Conducts a payment through the others.
    Payments,
    /// What clients talk to.
    Gateway,
}

impl Service {
    /// All, in the order they start: whoever is called comes first.
    pub const ALL: [Self; 6] =
        [Self::Ledger, Self::Wallet, Self::Risk, Self::Notifications, Self::Payments, Self::Gateway];

    /// The one that may be in a network namespace of its own: payments can do without it.
    pub const APART: Self = Self::Risk;

    /// The name used everywhere: command line, documents, metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ledger => "ledger",
            Self::Wallet => "wallet",
            Self::Risk => "risk",
            Self::Notifications => "notifications",
            Self::Payments => "payments",
            Self::Gateway => "gateway",
        }
    }

    /// The service of this name.
    pub fn named(name: &str) -> Result<Self, DemoError> {
        let known = Self::ALL.map(Self::name);
        Self::ALL.into_iter().find(|s| s.name() == name).ok_or_else(|| DemoError::Unknown {
            what: "service",
            name: name.to_owned(),
            hint: nearest(name, &known),
        })
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One service calling another, through a proxy of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connection {
    /// Who calls.
    pub from: Service,
    /// Who is called.
    pub to: Service,
}

impl Connection {
    /// All five.
    pub const ALL: [Self; 5] = [
        Self { from: Service::Gateway, to: Service::Payments },
        Self { from: Service::Payments, to: Service::Risk },
        Self { from: Service::Payments, to: Service::Wallet },
        Self { from: Service::Payments, to: Service::Ledger },
        Self { from: Service::Payments, to: Service::Notifications },
    ];

    /// The name of its proxy, for example `payments-risk`.
    pub fn proxy(self) -> String {
        format!("{}-{}", self.from, self.to)
    }
}
