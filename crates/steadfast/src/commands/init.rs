//! `steadfast init URL`

use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write},
    path::Path,
};

use crate::{
    cli::run::InitArguments,
    failure::Failure,
    terminal::{Style, Terminal, paint},
};

/// What editors read to complete and explain the document.
const SCHEMA_FILE: &str = "experiment.schema.json";

/// Writes a first experiment for a URL of the user's own.
pub(crate) fn init(arguments: &InitArguments, terminal: Terminal) -> Result<u8, Failure> {
    // The same check as for documents. It does not repeat a password that stands in the address.
    let uri = steadfast_probes::address::parse(&arguments.url).map_err(|why| {
        Failure::usage(format!("this is not the address of a service: {why}"))
            .hint(Some("write the whole URL, such as http://localhost:8080/health"))
    })?;
    let scheme = uri.scheme_str().unwrap_or_default();
    let host = uri.host().unwrap_or_default();
    if arguments.listening.is_none() && !is_here(host) {
        return Err(Failure::usage(format!(
            "{host} is not this machine, and faults go into a process of this machine"
        ))
        .hint(Some("name the local port of the process to disturb with --listening")));
    }
    let port = uri.port_u16().unwrap_or(if scheme == "https" { 443 } else { 80 });
    let listening = arguments.listening.unwrap_or(port);
    let text = document(&arguments.url, host, listening);
    let mut file =
        OpenOptions::new().write(true).create_new(true).open(&arguments.file).map_err(|error| {
            let shown = arguments.file.display();
            match error.kind() {
                ErrorKind::AlreadyExists => {
                    Failure::usage(format!("{shown} is there already; it is left as it is"))
                        .hint(Some("choose another name with --file"))
                }
                _ => Failure::failed(format!("write {shown}: {error}")),
            }
        })?;
    file.write_all(text.as_bytes())
        .map_err(|error| Failure::failed(format!("write {}: {error}", arguments.file.display())))?;
    write_schema(&arguments.file)?;
    let colour = terminal.stderr_colour;
    let shown = arguments.file.display().to_string();
    terminal.print(&shown);
    terminal.say(format_args!(
        "Wrote a first experiment: does {} answer while its process stands still?",
        arguments.url
    ));
    terminal.say(format_args!(
        "Look at it, then: {}",
        paint(colour, Style::Bold, format_args!("steadfast run {shown} --dry-run"))
    ));
    Ok(0)
}

/// Writes the schema that the document's first line names beside it, for editors; one that is there stays.
fn write_schema(document: &Path) -> Result<(), Failure> {
    let path = document.with_file_name(SCHEMA_FILE);
    let text = serde_json::to_string_pretty(&steadfast_experiment::schema()).map_err(Failure::failed)?;
    let failed = |error| Failure::failed(format!("write {}: {error}", path.display()));
    match OpenOptions::new().write(true).create_new(true).open(&path) {
        Ok(mut file) => file.write_all(text.as_bytes()).map_err(failed),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

/// Whether a host is certainly this machine.
fn is_here(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn document(url: &str, host: &str, listening: u16) -> String {
    // YAML's single quotes escape by doubling.
    let url = url.replace('\'', "''");
    let name: String = host
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' })
        .take(40)
        .collect();
    let name = name.trim_matches('-');
    let name = if name.is_empty() { "service" } else { name };
    format!(
        "# yaml-language-server: $schema={SCHEMA_FILE}
#
# A first experiment. `steadfast run` it, then change it: `steadfast fault list` shows what else there is.
apiVersion: steadfast.dev/v1alpha1
kind: Experiment
metadata:
  name: {name}-paused
  title: {host} answers within a second while its process stands still for a moment
spec:
  # What should stay true while the fault is in place. Of all requests, at most 10 % may be late or fail.
  steadyState:
    - load: {{ name: answers, load: visitors, good: {{ within: 1s }}, tolerance: {{ absolute: 10% }} }}

  # Traffic of our own, so that there is something to see. A service with enough of its own needs none: watch its counters
  # with `scrape` instead of `load` above, and take this away.
  load:
    - http: {{ name: visitors, url: '{url}', rate: 25/s, timeout: 5s }}

  # What is done to it: the process that listens on port {listening} is stopped, and let run again.
  method:
    - inject:
        fault: {{ processPause: {{}} }}
        into: {{ process: {{ listening: {listening} }} }}
        for: 20s

  # Afterwards it should be well again soon.
  expect:
    - recovery: {{ within: 10s }}

  windows: {{ baseline: 15s, recovery: 20s, interval: 1s }}
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_with_quotes_stays_inside_its_quotes() {
        let text = document("http://localhost:8080/?q='x'", "localhost", 8080);
        assert!(text.contains("url: 'http://localhost:8080/?q=''x'''"));
    }
}
