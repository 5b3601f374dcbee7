//! The documents of the demo, as files a reader can open and change.

use std::fmt::Write;
use std::path::Path;

use crate::error::DemoError;
use crate::supervisor::{Process, State};
use crate::topology::{Connection, Service};

/// Documents that are the same everywhere: file name and text.
pub const DOCUMENTS: [(&str, &str); 6] = [
    ("experiment.schema.json", include_str!("../../../docs/reference/experiment.schema.json")),
    ("slos.yaml", include_str!("../documents/slos.yaml")),
    ("risk-slow.yaml", include_str!("../documents/risk-slow.yaml")),
    ("ledger-slow.yaml", include_str!("../documents/ledger-slow.yaml")),
    ("wallet-killed.yaml", include_str!("../documents/wallet-killed.yaml")),
    ("no-traffic.yaml", include_str!("../documents/no-traffic.yaml")),
];

/// Those that need a service in a network namespace of its own.
pub const DOCUMENTS_APART: [(&str, &str); 1] =
    [("risk-far.yaml", include_str!("../documents/risk-far.yaml"))];

/// Writes `binding.yaml` for the running system and, where they are not there yet, all other documents: a document
/// its reader has changed stays as it is.
pub fn write_documents(dir: &Path, state: &State) -> Result<(), DemoError> {
    std::fs::create_dir_all(dir).map_err(DemoError::io("create", dir))?;
    let apart = state.services.values().any(Process::is_apart);
    let more = DOCUMENTS_APART.into_iter().filter(|_| apart);
    for (name, text) in DOCUMENTS.into_iter().chain(more) {
        let path = dir.join(name);
        if !path.exists() {
            std::fs::write(&path, text).map_err(DemoError::io("write", &path))?;
        }
    }
    let path = dir.join("binding.yaml");
    std::fs::write(&path, binding(state)).map_err(DemoError::io("write", &path))
}

/// Names of services and connections, bound to what runs now.
fn binding(state: &State) -> String {
    let mut text = String::from(
        "# Where the services of the demo are at this moment. Written anew at every start: change the others.\n\
         apiVersion: steadfast.dev/v1alpha1\n\
         kind: Binding\n\
         metadata: { name: demo }\n\
         spec:\n  services:\n",
    );
    let mut line = |rest: String| writeln!(text, "{rest}").expect("writing to a string cannot fail");
    for name in Service::ALL.map(Service::name) {
        if let Some(process) = state.services.get(name) {
            let url = state.url(name);
            // Who listens on a port can be told only in one's own network namespace.
            let which = match process.process.filter(|_| process.is_apart()) {
                Some(identity) => format!("pid: {}", identity.pid),
                None => format!("listening: {}", process.port),
            };
            line(format!("    {name}: {{ process: {{ {which} }}, url: '{url}', metrics: '{url}/metrics' }}"));
        }
    }
    let proxied: Vec<_> = Connection::ALL
        .into_iter()
        .filter_map(|c| Some((c, state.proxies.get(&c.proxy())?.control.as_ref()?)))
        .collect();
    if !proxied.is_empty() {
        line("  connections:".into());
        for (connection, _) in &proxied {
            let Connection { from, to } = connection;
            line(format!("    - {{ from: {from}, to: {to}, proxy: {} }}", connection.proxy()));
        }
        line("  proxies:".into());
        for (connection, control) in &proxied {
            let control = control.display().to_string().replace('\'', "''");
            line(format!("    {}: {{ control: '{control}' }}", connection.proxy()));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervisor::Identity;

    #[test]
    fn a_changed_document_stays_and_the_binding_follows_the_ports() {
        let dir = tempfile::tempdir().unwrap();
        let mut state = State::default();
        state.services.insert("gateway".into(), Process::at(7000, None));
        state.proxies.insert("payments-risk".into(), Process::at(7001, Some("/tmp/it's.sock".into())));
        write_documents(dir.path(), &state).unwrap();
        std::fs::write(dir.path().join("slos.yaml"), "mine").unwrap();
        write_documents(dir.path(), &state).unwrap();
        assert_eq!(std::fs::read_to_string(dir.path().join("slos.yaml")).unwrap(), "mine");
        let binding = std::fs::read_to_string(dir.path().join("binding.yaml")).unwrap();
        assert!(binding.contains("gateway: { process: { listening: 7000 }"), "{binding}");
        assert!(binding.contains("- { from: payments, to: risk, proxy: payments-risk }"), "{binding}");
        assert!(binding.contains("payments-risk: { control: '/tmp/it''s.sock' }"), "{binding}");
    }

    #[test]
    fn a_service_apart_is_named_by_its_process_and_has_an_experiment_more() {
        let dir = tempfile::tempdir().unwrap();
        let mut state = State::default();
        state.services.insert("risk".into(), Process::at(7000, None));
        write_documents(dir.path(), &state).unwrap();
        assert!(!dir.path().join("risk-far.yaml").exists());
        let process = Some(Identity { pid: 4711, started: 1 });
        let risk = Process { process, address: [10, 0, 0, 7].into(), ..Process::at(7000, None) };
        state.services.insert("risk".into(), risk);
        write_documents(dir.path(), &state).unwrap();
        assert!(dir.path().join("risk-far.yaml").exists());
        let binding = std::fs::read_to_string(dir.path().join("binding.yaml")).unwrap();
        assert!(binding.contains("risk: { process: { pid: 4711 }, url: 'http://10.0.0.7:7000'"), "{binding}");
    }
}
