//! The DNS servers that `/etc/resolv.conf` names.

use std::{io, net::IpAddr, path::Path};

use hickory_resolver::{
    TokioResolver,
    config::{LookupIpStrategy, ResolveHosts, ResolverConfig},
    net::runtime::TokioRuntimeProvider,
    system_conf::parse_resolv_conf,
};

/// Asks them, IPv6 first in the answer.
pub(crate) async fn find(resolv_conf: &Path, port: u16, name: &str) -> io::Result<Vec<IpAddr>> {
    let unknown = |why: String| {
        io::Error::new(io::ErrorKind::NotFound, format!("the name `{name}` was not found: {why}"))
    };
    let Some(text) = crate::read(resolv_conf)? else {
        let file = resolv_conf.display();
        return Err(unknown(format!(
            "it is not in /etc/hosts, and without {file} there is no DNS server to ask"
        )));
    };
    let (config, mut options) =
        parse_resolv_conf(text).map_err(|error| unknown(format!("{}: {error}", resolv_conf.display())))?;
    let (domain, search, mut servers) = config.into_parts();
    for connection in servers.iter_mut().flat_map(|server| &mut server.connections) {
        connection.port = port;
    }
    let config = ResolverConfig::from_parts(domain, search, servers);
    options.use_hosts_file = ResolveHosts::Never;
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    options.cache_size = 0;
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    *builder.options_mut() = options;
    let resolver = builder.build().map_err(io::Error::other)?;
    let answer = resolver.lookup_ip(name).await.map_err(|error| {
        if error.is_no_records_found() || error.is_nx_domain() {
            unknown("no DNS server knows it".to_owned())
        } else {
            io::Error::other(format!("the name `{name}` could not be looked up: {error}"))
        }
    })?;
    let mut found: Vec<IpAddr> = answer.iter().collect();
    found.sort_by_key(IpAddr::is_ipv4);
    Ok(found)
}
