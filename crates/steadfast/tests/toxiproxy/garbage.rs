//! Whatever is sent, the program goes on, and what it took makes sense.

use std::io::Write;

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};

use crate::{
    network::{connect, echo},
    support::Api,
};

const KINDS: [&str; 8] =
    ["latency", "bandwidth", "slow_close", "timeout", "reset_peer", "slicer", "limit_data", "noop"];
const ATTRIBUTES: [&str; 9] =
    ["latency", "jitter", "rate", "delay", "timeout", "average_size", "size_variation", "bytes", "x"];

/// A value of a field, mostly of the wrong kind or out of range.
fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-3_i64..2000).prop_map(Value::from),
        prop::sample::select(vec![u64::MAX, 1 << 63, 1 << 50, 3_600_000, 125_000_000]).prop_map(Value::from),
        prop::sample::select(vec!["p", "q", "upstream", "127.0.0.1:0", "[::1]:0", "localhost:0", ":", ""])
            .prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({ "a": [{}] })),
    ]
}

fn toxic() -> impl Strategy<Value = Value> {
    let attributes = prop::collection::btree_map(prop::sample::select(ATTRIBUTES.to_vec()), value(), 0..3);
    let kind = prop::sample::select(KINDS.to_vec());
    (kind, attributes, prop::option::of(value()), prop::option::of(value()), prop::option::of(value()))
        .prop_map(|(kind, attributes, toxicity, name, stream)| {
            let mut body = json!({ "type": kind, "attributes": attributes });
            for (field, value) in [("toxicity", toxicity), ("name", name), ("stream", stream)] {
                if let Some(value) = value {
                    body[field] = value;
                }
            }
            body
        })
}

fn proxy() -> impl Strategy<Value = Value> {
    let field = prop::sample::select(vec!["name", "listen", "upstream", "enabled", "toxics"]);
    prop::collection::btree_map(field, value(), 0..5).prop_map(|fields| json!(fields))
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => toxic().prop_map(|body| body.to_string().into_bytes()),
        2 => proxy().prop_map(|body| body.to_string().into_bytes()),
        1 => prop::collection::vec(proxy(), 0..3).prop_map(|list| json!(list).to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..40),
        1 => (1_usize..3000).prop_map(|depth| vec![b'['; depth]),
    ]
}

fn request() -> impl Strategy<Value = (&'static str, &'static str, Vec<u8>)> {
    let target = prop::sample::select(vec![
        ("POST", "/proxies"),
        ("POST", "/populate"),
        ("PATCH", "/proxies/p"),
        ("POST", "/proxies/p/toxics"),
        ("POST", "/proxies/p/toxics"),
        ("POST", "/proxies/p/toxics"),
        ("PATCH", "/proxies/p/toxics/t"),
        ("DELETE", "/proxies/p/toxics/latency_downstream"),
        ("POST", "/proxies/%00%ff/toxics"),
        ("POST", "/reset"),
    ]);
    (target, body()).prop_map(|((method, path), body)| (method, path, body))
}

/// Everything that it shows makes sense.
fn assert_sense(api: &Api) {
    let proxies = api.get("/proxies").expect(200).json();
    for (name, proxy) in proxies.as_object().unwrap() {
        assert_eq!(proxy["name"], *name);
        assert!(!name.is_empty() && proxy["enabled"].is_boolean(), "{proxy}");
        let listen: Result<std::net::SocketAddr, _> = proxy["listen"].as_str().unwrap().parse();
        assert!(proxy["enabled"] == false || listen.unwrap().ip().is_loopback(), "{proxy}");
        assert!(proxy["upstream"].as_str().unwrap().contains(':'), "{proxy}");
        for toxic in proxy["toxics"].as_array().unwrap() {
            assert!(KINDS.contains(&toxic["type"].as_str().unwrap()), "{toxic}");
            assert!(["upstream", "downstream"].contains(&toxic["stream"].as_str().unwrap()), "{toxic}");
            assert!((0.0..=1.0).contains(&toxic["toxicity"].as_f64().unwrap()), "{toxic}");
            let attributes = toxic["attributes"].as_object().unwrap();
            assert!(
                attributes.values().all(|value| value.as_u64().is_some_and(|value| value <= 1 << 50)),
                "{toxic}"
            );
            assert!(toxic["type"] != "slicer" || attributes["average_size"].as_u64().unwrap() > 0, "{toxic}");
        }
    }
}

#[test]
fn no_request_ends_the_program_or_makes_it_take_what_makes_no_sense() {
    let (mut api, server) = (Api::new(), echo());
    let right = json!({ "name": "p", "upstream": server.to_string(), "listen": "127.0.0.1:0" });
    let mut runner = TestRunner::new(Config { cases: 300, failure_persistence: None, ..Config::default() });
    let taken = std::cell::Cell::new(0);
    let ran = runner.run(&prop::collection::vec(request(), 1..4), |requests| {
        // It may have been deleted, moved or filled up.
        api.delete("/proxies/p");
        let listen = api.post("/proxies", &right).expect(201).json();
        api.post("/proxies/p/toxics", &json!({ "type": "latency", "name": "t" })).expect(200);
        let mut client = connect(listen["listen"].as_str().unwrap().parse().unwrap());
        for (method, path, body) in requests {
            let answer = api.ask(method, path, "", &body);
            prop_assert!(answer.status < 500 || answer.body.contains("listen on"), "{:?}", answer);
            taken.set(taken.get() + u32::from(answer.status < 300));
            // Bytes meet what was taken.
            drop(client.write_all(b"bytes"));
        }
        assert_sense(&api);
        Ok(())
    });
    ran.unwrap();
    assert!(taken.get() > 50, "only {} of the requests were right", taken.get());
    assert!(api.lives());
    api.delete("/proxies/p");
    api.proxy(server);
}

#[test]
fn a_client_that_sends_half_a_request_holds_up_nobody() {
    let api = Api::new();
    let mut half = connect(api.address);
    half.write_all(b"POST /proxies/p/toxics HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{").unwrap();
    let mut less = connect(api.address);
    less.write_all(b"POST /proxies HT").unwrap();
    api.proxy(echo());
    api.toxic("latency", "downstream", json!({ "latency": 1 }));
    api.get("/proxies").expect(200);
    drop((half, less));
    api.get("/proxies").expect(200);
}
