//! The six services, one file each.

pub(crate) mod gateway;
pub(crate) mod ledger;
pub(crate) mod notifications;
pub(crate) mod payments;
pub(crate) mod risk;
pub(crate) mod wallet;
