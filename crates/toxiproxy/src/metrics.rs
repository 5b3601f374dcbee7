//! What went by and what toxics did, as Prometheus reads it.

use std::fmt::Write as _;

use crate::{collection::Collection, member::Counts};

/// The content type of [`page`].
pub(crate) const TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All counters. Those of bytes have Toxiproxy's names and labels.
pub(crate) fn page(collection: &Collection) -> String {
    let mut bytes = [
        Family::new(
            "toxiproxy_proxy_received_bytes_total",
            "Bytes that came in, from clients or from servers.",
        ),
        Family::new("toxiproxy_proxy_sent_bytes_total", "Bytes that went out, to servers or to clients."),
    ];
    let mut toxics = [
        Family::new("steadfast_toxic_hits_total", "How often a toxic disturbed something."),
        Family::new("steadfast_toxic_seen_total", "How often it could have, chance aside."),
    ];
    for member in collection.all() {
        let (view, traffic) = (member.view(), member.traffic());
        for (direction, flow) in [("upstream", traffic.upstream), ("downstream", traffic.downstream)] {
            let labels = [
                ("direction", direction),
                ("proxy", view.name),
                ("listener", view.listen),
                ("upstream", view.upstream),
            ];
            bytes[0].add(&labels, flow.received);
            bytes[1].add(&labels, flow.sent);
        }
        for (toxic, Counts { hits, seen }) in member.counts() {
            let labels = [("proxy", view.name), ("toxic", toxic.name.as_str())];
            toxics[0].add(&labels, hits);
            toxics[1].add(&labels, seen);
        }
    }
    bytes.into_iter().chain(toxics).map(|family| family.text).collect()
}

struct Family {
    name: &'static str,
    text: String,
}

impl Family {
    fn new(name: &'static str, help: &str) -> Self {
        Self { name, text: format!("# HELP {name} {help}\n# TYPE {name} counter\n") }
    }

    fn add(&mut self, labels: &[(&str, &str)], value: u64) {
        let labels: Vec<String> =
            labels.iter().map(|(label, text)| format!("{label}=\"{}\"", escaped(text))).collect();
        let never = writeln!(self.text, "{}{{{}}} {value}", self.name, labels.join(","));
        debug_assert!(never.is_ok(), "a string takes everything");
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}
