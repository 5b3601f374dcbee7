//! One process of the system.

use crate::config::ServiceConfig;
use crate::error::DemoError;
use crate::services::{gateway, ledger, notifications, payments, risk, wallet};
use crate::topology::Service;

/// Runs the service of this name until its standard input closes or it gets SIGTERM or SIGINT.
///
/// Fails on an unknown name, on a port that is taken and on files it cannot open.
pub async fn run_service(name: &str, config: &ServiceConfig) -> Result<(), DemoError> {
    match Service::named(name)? {
        Service::Gateway => gateway::run(config).await,
        Service::Payments => payments::run(config).await,
        Service::Risk => risk::run(config).await,
        Service::Wallet => wallet::run(config).await,
        Service::Ledger => ledger::run(config).await,
        Service::Notifications => notifications::run(config).await,
    }
}
