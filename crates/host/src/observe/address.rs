//! Where services answer.

use std::collections::BTreeMap;

use steadfast_model::binding::BoundService;
use steadfast_probes::{ProbeError, world::ServiceUrl};

/// Where a service answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceAddress {
    /// Where it serves its users, such as `http://127.0.0.1:7000`.
    pub base: Option<String>,
    /// Where it shows its metrics; `/metrics` below its base when not given.
    pub metrics: Option<String>,
}

impl From<&BoundService> for ServiceAddress {
    fn from(service: &BoundService) -> Self {
        Self { base: service.url.clone(), metrics: service.metrics.clone() }
    }
}

/// The address of a service.
pub(super) fn find(
    services: &BTreeMap<String, ServiceAddress>,
    name: &str,
    which: ServiceUrl,
) -> Result<String, ProbeError> {
    let error = |cause: &str, hint: String| ProbeError {
        what: format!("find the address of service `{name}`"),
        cause: cause.to_owned(),
        hint: Some(hint),
        ours: true,
    };
    let service = services.get(name).ok_or_else(|| {
        let known: Vec<&str> = services.keys().map(String::as_str).collect();
        error("the binding has no such service", format!("it has: {}", known.join(", ")))
    })?;
    let base = service.base.as_deref().map(|base| base.trim_end_matches('/'));
    let found = match which {
        ServiceUrl::Base => base.map(str::to_owned),
        ServiceUrl::Metrics => service.metrics.clone().or_else(|| base.map(|base| format!("{base}/metrics"))),
    };
    found.ok_or_else(|| {
        error("the binding gives it no `url`", "add url: http://HOST:PORT to the service".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_below_the_base_unless_they_are_elsewhere() {
        let address = |base: Option<&str>, metrics: Option<&str>| ServiceAddress {
            base: base.map(str::to_owned),
            metrics: metrics.map(str::to_owned),
        };
        let services = BTreeMap::from([
            ("risk".to_owned(), address(Some("http://a:1/"), None)),
            ("wallet".to_owned(), address(Some("http://b:2"), Some("http://b:9/prom"))),
            ("pid-only".to_owned(), address(None, None)),
        ]);
        let find = |name: &str, which| find(&services, name, which);
        assert_eq!(find("risk", ServiceUrl::Base).unwrap(), "http://a:1");
        assert_eq!(find("risk", ServiceUrl::Metrics).unwrap(), "http://a:1/metrics");
        assert_eq!(find("wallet", ServiceUrl::Metrics).unwrap(), "http://b:9/prom");
        assert!(find("pid-only", ServiceUrl::Base).unwrap_err().hint.unwrap().contains("url:"));
        assert!(find("rsk", ServiceUrl::Base).unwrap_err().hint.unwrap().contains("risk"));
    }
}
