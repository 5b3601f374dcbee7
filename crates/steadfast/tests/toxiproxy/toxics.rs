//! `/proxies/{proxy}/toxics`: what is taken, merged, shown and refused.

use serde_json::{Value, json};

use crate::{
    network::echo,
    support::{Answer, Api},
};

fn api() -> Api {
    let api = Api::new();
    api.proxy(echo());
    api
}

fn add(api: &Api, body: &Value) -> Answer {
    api.post("/proxies/p/toxics", body)
}

#[test]
fn every_toxic_has_its_defaults_and_is_shown_everywhere() {
    let api = api();
    let mut all = Vec::new();
    for (kind, attributes) in [
        ("latency", json!({ "latency": 0, "jitter": 0 })),
        ("bandwidth", json!({ "rate": 0 })),
        ("slow_close", json!({ "delay": 0 })),
        ("timeout", json!({ "timeout": 0 })),
        ("reset_peer", json!({ "timeout": 0 })),
        ("limit_data", json!({ "bytes": 0 })),
        ("noop", json!({})),
    ] {
        let made = add(&api, &json!({ "type": kind })).expect(200);
        assert_eq!(made.header("content-type"), "application/json");
        let name = format!("{kind}_downstream");
        let expected = json!({
            "attributes": attributes, "name": name, "type": kind, "stream": "downstream", "toxicity": 1.0,
        });
        assert_eq!(made.json(), expected);
        assert_eq!(api.get(&format!("/proxies/p/toxics/{name}")).expect(200).json(), expected);
        all.push(expected);
    }
    // The one toxic that makes no sense by default: pieces of no bytes.
    add(&api, &json!({ "type": "slicer" })).refused(400, "`average_size: 0`");
    let slicer =
        add(&api, &json!({ "type": "slicer", "stream": "upstream", "attributes": { "average_size": 9 } }));
    all.push(slicer.expect(200).json());
    assert_eq!(all[7]["name"], "slicer_upstream");
    assert_eq!(all[7]["attributes"], json!({ "average_size": 9, "size_variation": 0, "delay": 0 }));
    assert_eq!(
        api.get("/proxies/p/toxics").expect(200).json(),
        json!(all),
        "in the order in which they came"
    );
    assert_eq!(api.get("/proxies/p").json()["toxics"], json!(all));
    assert_eq!(api.get("/proxies").json()["p"]["toxics"], json!(all));
}

#[test]
fn a_change_is_merged_into_what_is_there() {
    let api = api();
    let body = json!({ "type": "latency", "name": "slow", "stream": "Upstream", "toxicity": 0.25, "attributes": { "latency": 10 } });
    let made = add(&api, &body).expect(200).json();
    assert_eq!((&made["stream"], &made["toxicity"]), (&json!("upstream"), &json!(0.25)));
    for (method, body, latency, jitter, toxicity) in [
        ("PATCH", json!({ "attributes": { "jitter": 5 } }), 10, 5, 0.25),
        ("POST", json!({ "toxicity": 1 }), 10, 5, 1.0),
        ("PATCH", json!({ "attributes": { "latency": 0 }, "toxicity": 0 }), 0, 5, 0.0),
        // Neither name, type nor stream change.
        (
            "PATCH",
            json!({ "name": "x", "type": "noop", "stream": "downstream", "attributes": null }),
            0,
            5,
            0.0,
        ),
        ("PATCH", json!({}), 0, 5, 0.0),
    ] {
        let changed =
            api.ask(method, "/proxies/p/toxics/slow", "", body.to_string().as_bytes()).expect(200).json();
        let expected = json!({
            "attributes": { "latency": latency, "jitter": jitter },
            "name": "slow", "type": "latency", "stream": "upstream", "toxicity": toxicity,
        });
        assert_eq!(changed, expected, "{body}");
        assert_eq!(api.get("/proxies/p/toxics").json(), json!([expected]));
    }
    // What is refused changes nothing, not even the part that is right.
    let before = api.get("/proxies/p/toxics/slow").json();
    let half = json!({ "toxicity": 0.5, "attributes": { "latency": 7, "jitter": -1 } });
    api.patch("/proxies/p/toxics/slow", &half).refused(400, "`jitter: -1`");
    assert_eq!(api.get("/proxies/p/toxics/slow").json(), before);
    assert_eq!(api.delete("/proxies/p/toxics/slow").expect(204).body, "");
    api.get("/proxies/p/toxics/slow").refused(404, "toxic not found");
    assert_eq!(api.get("/proxies/p/toxics").json(), json!([]));
}

#[test]
fn what_is_no_toxic_is_refused_as_toxiproxy_does() {
    let api = api();
    for (body, error) in [
        (json!({}), "invalid toxic type"),
        (json!({ "type": "" }), "invalid toxic type"),
        (json!({ "type": "Latency" }), "invalid toxic type"),
        (json!({ "type": "down" }), "invalid toxic type"),
        (
            json!({ "type": "latency", "stream": "both" }),
            "stream was invalid, can be either upstream or downstream",
        ),
        (
            json!({ "type": "latency", "stream": "" }),
            "stream was invalid, can be either upstream or downstream",
        ),
        (json!({ "type": 1 }), "bad request body: `type` is not a text"),
        (json!({ "type": "latency", "attributes": [1] }), "bad request body: `attributes` is not an object"),
        (json!({ "type": "latency", "toxicity": "all" }), "bad request body: `toxicity` is not a number"),
        (json!(null), "bad request body: it is not an object"),
    ] {
        add(&api, &body).refused(400, error);
    }
    add(&api, &json!({ "type": "noop", "name": "n" })).expect(200);
    add(&api, &json!({ "type": "latency", "name": "n", "stream": "upstream" }))
        .refused(409, "toxic already exists");
    assert_eq!(api.get("/proxies/p/toxics").json().as_array().unwrap().len(), 1);
    for (method, path) in [
        ("GET", "/proxies/none/toxics"),
        ("POST", "/proxies/none/toxics"),
        ("GET", "/proxies/none/toxics/n"),
        ("PATCH", "/proxies/none/toxics/n"),
        ("DELETE", "/proxies/none/toxics/n"),
    ] {
        api.ask(method, path, "", b"{}").refused(404, "proxy not found");
    }
    for method in ["GET", "PATCH", "POST", "DELETE"] {
        api.ask(method, "/proxies/p/toxics/none", "", b"{}").refused(404, "toxic not found");
    }
    api.ask("PATCH", "/proxies/p/toxics/n", "", b"{").refused(400, "bad request body");
}

#[test]
fn values_that_would_break_toxiproxy_are_refused() {
    let api = api();
    for (kind, attributes, error) in [
        // Toxiproxy takes it, and the next byte ends the whole server.
        ("bandwidth", json!({ "rate": -1 }), "`rate: -1` is not a whole number of KB/s from 0 to 125000000"),
        ("bandwidth", json!({ "rate": u64::MAX }), "`rate: 18446744073709551615`"),
        ("bandwidth", json!({ "rate": 0.5 }), "`rate: 0.5`"),
        ("slicer", json!({ "average_size": 0, "size_variation": 0 }), "`average_size: 0`"),
        ("slicer", json!({ "average_size": 5, "size_variation": 6 }), "more than `average_size`"),
        ("latency", json!({ "latency": 3_600_001 }), "`latency: 3600001`"),
        ("latency", json!({ "latency": 3_600_000, "jitter": 1 }), "longer than an hour"),
        ("timeout", json!({ "timeout": "1s" }), "`timeout: \"1s\"`"),
        ("limit_data", json!({ "bytes": -5 }), "`bytes: -5`"),
        ("latency", json!({ "latncy": 5 }), "a `latency` toxic has no attribute `latncy`"),
    ] {
        add(&api, &json!({ "type": kind, "attributes": attributes })).refused(400, error);
    }
    for toxicity in [json!(-0.1), json!(1.1), json!(1e300)] {
        add(&api, &json!({ "type": "noop", "toxicity": toxicity })).refused(400, "is not from 0 to 1");
    }
    assert_eq!(api.get("/proxies/p/toxics").json(), json!([]));
}

#[test]
fn a_proxy_takes_a_hundred_toxics() {
    let api = api();
    for number in 0..100 {
        add(&api, &json!({ "type": "noop", "name": format!("n{number}") })).expect(200);
    }
    add(&api, &json!({ "type": "noop", "name": "one" })).refused(400, "at most 100");
    api.delete("/proxies/p/toxics/n5").expect(204);
    add(&api, &json!({ "type": "noop", "name": "one" })).expect(200);
}
