//! `steadfast doctor`

use steadfast_engine::host::{Capability, Host};
use steadfast_model::binding::Binding;

use crate::{
    cli::Output,
    commands::demo::networks,
    failure::{Failure, code},
    session::Session,
    terminal::{Style, paint},
};

/// Says what would work on this machine and what is missing.
pub(crate) async fn doctor(output: Output, session: &Session) -> Result<u8, Failure> {
    let host = session.host(Binding::default())?;
    let mut capabilities = host.inventory().await;
    capabilities.push(networks_of_the_demo(session));
    let missing = capabilities.iter().any(|capability| !capability.works);
    let terminal = session.terminal;
    if output == Output::Json {
        terminal.print_data(serde_json::to_string_pretty(&capabilities).map_err(Failure::failed)?);
    } else {
        let colour = terminal.stdout_colour;
        let width = capabilities.iter().map(|capability| capability.name.chars().count()).max().unwrap_or(0);
        for capability in &capabilities {
            let mark = if capability.works {
                paint(colour, Style::Green, "works  ")
            } else {
                paint(colour, Style::Red, "missing")
            };
            terminal.print(format_args!("{mark}  {:width$}  {}", capability.name, capability.detail));
            if let Some(hint) = capability.hint.as_ref().filter(|_| !capability.works) {
                terminal.print(format_args!("         {:width$}  hint: {hint}", ""));
            }
        }
    }
    Ok(if missing { code::FAILED } else { 0 })
}

/// A machine without them is no broken machine.
fn networks_of_the_demo(session: &Session) -> Capability {
    let detail = match networks::refusal(session) {
        None => "network namespaces of its own: faults on packets work in it".to_owned(),
        Some(why) => format!("no network namespaces of its own ({why}): it does without faults on packets"),
    };
    Capability { name: "demo".to_owned(), works: true, detail, hint: None }
}
