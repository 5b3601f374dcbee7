//! `/metrics`: what went by while connections are open, and what toxics did.

use std::io::Write;

use serde_json::json;

use crate::{
    network::{connect, echo, ends, is_silent, ping},
    support::Api,
};

/// The value of the one line with these words.
#[track_caller]
fn value(page: &str, words: &[&str]) -> u64 {
    let lines: Vec<&str> = page
        .lines()
        .filter(|line| !line.starts_with('#') && words.iter().all(|word| line.contains(word)))
        .collect();
    assert_eq!(lines.len(), 1, "{words:?} in\n{page}");
    lines[0].rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn bytes_are_counted_while_a_connection_is_open_under_toxiproxys_names() {
    let (api, server) = (Api::new(), echo());
    let address = api.proxy(server);
    let mut socket = connect(address);
    ping(&mut socket, b"12345");
    let answer = api.get("/metrics").expect(200);
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let labels = format!("proxy=\"p\",listener=\"{address}\",upstream=\"{server}\"}}");
    for family in ["toxiproxy_proxy_received_bytes_total", "toxiproxy_proxy_sent_bytes_total"] {
        assert!(answer.body.contains(&format!("# TYPE {family} counter\n")));
        for direction in ["upstream", "downstream"] {
            let start = format!("{family}{{direction=\"{direction}\",");
            assert_eq!(value(&answer.body, &[&start, &labels]), 5, "{family} {direction}");
        }
    }
    // Swallowed bytes came in and did not go out.
    api.toxic("timeout", "downstream", json!({}));
    socket.write_all(b"12345").unwrap();
    assert!(is_silent(&mut socket, 200));
    let page = api.get("/metrics").body;
    assert_eq!(value(&page, &["received", "direction=\"downstream\""]), 10);
    assert_eq!(value(&page, &["sent", "direction=\"downstream\""]), 5);
    assert_eq!(value(&page, &["toxic_hits", "proxy=\"p\",toxic=\"timeout_downstream\"}"]), 1);
    // Disabling it takes nothing back.
    api.patch("/proxies/p", &json!({ "enabled": false })).expect(200);
    ends(&mut socket);
    api.patch("/proxies/p", &json!({ "enabled": true })).expect(200);
    let page = api.get("/metrics").body;
    assert_eq!(value(&page, &["received", "direction=\"upstream\""]), 10);
    assert_eq!(value(&page, &["toxic_hits", "timeout_downstream"]), 1);
    // Another upstream is another series, which begins at zero.
    api.patch("/proxies/p", &json!({ "upstream": echo().to_string() })).expect(200);
    assert_eq!(value(&api.get("/metrics").body, &["received", "direction=\"upstream\""]), 0);
    api.delete("/proxies/p").expect(204);
    assert!(!api.get("/metrics").body.contains("proxy="));
}

#[test]
fn names_of_others_cannot_break_the_page() {
    let api = Api::new();
    let body = json!({ "name": "a\"b\\c", "upstream": echo().to_string() });
    api.post("/proxies", &body).expect(201);
    let page = api.get("/metrics").expect(200).body;
    value(&page, &["received", "direction=\"upstream\"", r#"proxy="a\"b\\c","#]);
    api.delete("/proxies/a%22b%5Cc").expect(204);
}
