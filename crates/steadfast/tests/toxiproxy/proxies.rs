//! `/proxies`, `/populate`, `/reset`, `/version`, and what all endpoints have in common.

use std::net::{SocketAddr, TcpListener, TcpStream};

use serde_json::{Value, json};

use crate::{
    network::{connect, echo, ends, ping, taker},
    support::Api,
};

fn listen(proxy: &Value) -> SocketAddr {
    proxy["listen"].as_str().unwrap().parse().unwrap()
}

fn nobody_listens(address: SocketAddr) -> bool {
    TcpStream::connect(address).is_err()
}

#[test]
fn a_proxy_is_made_with_defaults_shown_and_deleted() {
    let (api, server) = (Api::new(), echo());
    assert_eq!(api.get("/proxies").expect(200).json(), json!({}));
    let made = api.post("/proxies", &json!({ "name": "a", "upstream": server.to_string() })).expect(201);
    assert_eq!(made.header("content-type"), "application/json");
    let made = made.json();
    let address = listen(&made);
    assert!(address.ip().is_loopback() && address.port() != 0, "port 0 is a real one in the answer");
    let expected = json!({
        "name": "a", "listen": address.to_string(), "upstream": server.to_string(), "enabled": true, "toxics": [],
    });
    assert_eq!(made, expected);
    ping(&mut connect(address), b"through");
    assert_eq!(api.get("/proxies/a").expect(200).json(), expected);
    assert_eq!(api.get("/proxies").expect(200).json(), json!({ "a": expected }));
    let mut open = connect(address);
    ping(&mut open, b"open");
    let gone = api.delete("/proxies/a").expect(204);
    assert_eq!(gone.body, "");
    ends(&mut open);
    assert!(nobody_listens(address));
    api.get("/proxies/a").refused(404, "proxy not found");
    api.delete("/proxies/a").refused(404, "proxy not found");
    assert_eq!(api.get("/proxies").json(), json!({}));
}

#[test]
fn what_makes_no_proxy_is_refused_as_toxiproxy_does() {
    let (api, server) = (Api::new(), echo().to_string());
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (body, status, error) in [
        (json!({ "upstream": server }), 400, "missing required field: name"),
        (json!({ "name": "", "upstream": server }), 400, "missing required field: name"),
        (json!({ "name": "a" }), 400, "missing required field: upstream"),
        (json!({ "name": "a", "upstream": null }), 400, "missing required field: upstream"),
        (json!({ "name": 1, "upstream": server }), 400, "bad request body: `name` is not a text"),
        (json!({ "name": "a", "upstream": server, "enabled": "yes" }), 400, "bad request body: `enabled`"),
        (json!([1]), 400, "bad request body: it is not an object"),
        (json!({ "name": "a", "upstream": "risk" }), 400, "not host:port"),
        (json!({ "name": "a", "upstream": "risk:0", "enabled": false }), 400, "not host:port"),
        (json!({ "name": "a", "upstream": server, "listen": "nonsense" }), 400, "has no port"),
        (
            json!({ "name": "a", "upstream": server, "listen": "127.0.0.1:70000" }),
            400,
            "no port from 0 to 65535",
        ),
        (json!({ "name": "a", "upstream": taken, "listen": taken }), 500, "in use"),
        (json!({ "name": "a", "upstream": server, "listen": taken }), 500, "Address already in use"),
        (json!({ "name": "a", "upstream": server, "listen": "192.0.2.1:0" }), 403, "--allow-remote"),
        (
            json!({ "name": "a", "upstream": server, "listen": "0.0.0.0:0" }),
            403,
            "other machines could reach it",
        ),
        (json!({ "name": "x".repeat(256), "upstream": server }), 400, "more than 255 bytes"),
        (json!({ "name": "a\nb", "upstream": server }), 400, "cannot be part of a path"),
    ] {
        api.post("/proxies", &body).refused(status, error);
    }
    for body in ["", "{", "nonsense", "{} {}", "{\"name\":"] {
        api.ask("POST", "/proxies", "", body.as_bytes()).refused(400, "bad request body: ");
    }
    assert_eq!(api.get("/proxies").json(), json!({}), "nothing of it was made");
    api.proxy(server.parse().unwrap());
    api.post("/proxies", &json!({ "name": "p", "upstream": server })).refused(409, "proxy already exists");
}

#[test]
fn a_proxy_is_disabled_and_enabled_again_on_its_port() {
    let (api, server) = (Api::new(), echo());
    let address = api.proxy(server);
    let mut open = connect(address);
    ping(&mut open, b"a");
    api.toxic("latency", "downstream", json!({ "latency": 100 }));
    // POST is the older word for PATCH, and clients still say it.
    let off = api.post("/proxies/p", &json!({ "enabled": false })).expect(200).json();
    assert_eq!((&off["enabled"], listen(&off)), (&json!(false), address));
    ends(&mut open);
    assert!(nobody_listens(address));
    // Disabled, it takes toxics all the same.
    api.toxic("latency", "upstream", json!({ "latency": 100 }));
    api.patch("/proxies/p", &json!({ "enabled": false })).expect(200);
    let on = api.patch("/proxies/p", &json!({ "enabled": true })).expect(200).json();
    assert_eq!((&on["enabled"], listen(&on)), (&json!(true), address));
    assert!(ping(&mut connect(address), b"b").as_millis() >= 200, "the toxics are still there");
    // Made disabled, it shows what it was given until it runs.
    let body =
        json!({ "name": "later", "upstream": server.to_string(), "listen": "localhost:0", "enabled": false });
    let later = api.post("/proxies", &body).expect(201).json();
    assert_eq!((&later["enabled"], &later["listen"]), (&json!(false), &json!("localhost:0")));
    let later = api.patch("/proxies/later", &json!({ "enabled": true })).expect(200).json();
    assert_eq!(listen(&later).ip().to_string(), "127.0.0.1");
    ping(&mut connect(listen(&later)), b"c");
}

#[test]
fn another_upstream_or_address_drops_connections_and_the_same_ones_do_not() {
    let (api, one, (other, told)) = (Api::new(), echo(), taker());
    let address = api.proxy(one);
    api.toxic("latency", "upstream", json!({ "latency": 50 }));
    let mut open = connect(address);
    ping(&mut open, b"a");
    let named = format!("localhost:{}", address.port());
    // The same after looking up the name; a name in the body renames nothing.
    let same = json!({ "name": "q", "listen": named, "upstream": one.to_string(), "enabled": true });
    let shown = api.patch("/proxies/p", &same).expect(200).json();
    assert_eq!((&shown["name"], listen(&shown)), (&json!("p"), address));
    api.get("/proxies/q").refused(404, "proxy not found");
    ping(&mut open, b"still open");
    let moved = api.patch("/proxies/p", &json!({ "upstream": other.to_string() })).expect(200).json();
    assert_eq!((&moved["upstream"], listen(&moved)), (&json!(other.to_string()), address));
    assert_eq!(moved["toxics"][0]["name"], "latency_upstream", "toxics stay");
    ends(&mut open);
    let mut new = connect(address);
    std::io::Write::write_all(&mut new, b"to the other").unwrap();
    let elsewhere = api.patch("/proxies/p", &json!({ "listen": "127.0.0.1:0" })).expect(200).json();
    assert_ne!(listen(&elsewhere), address);
    ends(&mut new);
    assert!(told.recv().unwrap().0.len() <= b"to the other".len());
    assert!(nobody_listens(address));
    connect(listen(&elsewhere));
    // What cannot be had changes nothing.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let holder = TcpListener::bind(taken).unwrap();
    api.patch("/proxies/p", &json!({ "listen": taken.to_string() })).refused(500, "in use");
    api.patch("/proxies/p", &json!({ "upstream": "" })).refused(400, "not host:port");
    api.patch("/proxies/p", &json!({ "upstream": listen(&elsewhere).to_string() })).refused(400, "to itself");
    assert_eq!(api.get("/proxies/p").json(), elsewhere);
    connect(listen(&elsewhere));
    drop(holder);
    api.patch("/proxies/none", &json!({ "enabled": true })).refused(404, "proxy not found");
    api.ask("PATCH", "/proxies/p", "", b"[").refused(400, "bad request body");
}

#[test]
fn populating_leaves_what_is_right_alone_and_replaces_what_is_not() {
    let (api, one, other) = (Api::new(), echo(), echo());
    let list = json!([
        { "name": "a", "listen": "127.0.0.1:0", "upstream": one.to_string() },
        { "name": "b", "listen": "127.0.0.1:0", "upstream": one.to_string(), "enabled": false },
    ]);
    let made = api.post("/populate", &list).expect(201);
    assert_eq!(made.header("content-type"), "application/json");
    let made = made.json();
    assert_eq!(made.as_object().unwrap().keys().collect::<Vec<_>>(), ["proxies"]);
    assert_eq!(
        (&made["proxies"][0]["enabled"], &made["proxies"][1]["enabled"]),
        (&json!(true), &json!(false))
    );
    let address = listen(&made["proxies"][0]);
    api.post("/proxies/a/toxics", &json!({ "type": "noop" })).expect(200);
    let mut open = connect(address);
    ping(&mut open, b"a");
    // The same again: untouched, also though the list says nothing of its toxic.
    let again = json!([{ "name": "a", "listen": address.to_string(), "upstream": one.to_string() }]);
    let same = api.post("/populate", &again).expect(201).json();
    assert_eq!(same["proxies"][0]["toxics"].as_array().unwrap().len(), 1);
    ping(&mut open, b"b");
    // Elsewhere: another proxy of that name, without toxics, on the port that it had.
    let moved = json!([{ "name": "a", "listen": address.to_string(), "upstream": other.to_string() }]);
    let moved = api.post("/populate", &moved).expect(201).json();
    assert_eq!(moved["proxies"][0]["toxics"], json!([]));
    assert_eq!(listen(&moved["proxies"][0]), address);
    ends(&mut open);
    ping(&mut connect(address), b"c");
    assert_eq!(api.post("/populate", &json!([])).expect(201).json(), json!({ "proxies": [] }));
}

#[test]
fn what_cannot_be_populated_says_what_was_made_before() {
    let (api, server) = (Api::new(), echo().to_string());
    for (list, error) in [
        (
            json!([{ "name": "a", "upstream": server }, { "upstream": server }]),
            "missing required field: name at proxy 2",
        ),
        (json!([{ "name": "a" }]), "missing required field: upstream at proxy 1"),
        (json!({ "name": "a", "upstream": server }), "bad request body: it is not a list of proxies"),
        (json!([7]), "bad request body: it is not an object"),
    ] {
        let answer = api.post("/populate", &list).expect(400);
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.json(), json!({ "error": error, "status": 400, "proxies": [] }));
    }
    assert_eq!(api.get("/proxies").json(), json!({}), "all is read before the first is made");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let list =
        json!([{ "name": "a", "upstream": server }, { "name": "b", "upstream": server, "listen": taken }]);
    let answer = api.post("/populate", &list).expect(500).json();
    assert_eq!((&answer["status"], &answer["proxies"][0]["name"]), (&json!(500), &json!("a")));
    assert!(answer["error"].as_str().unwrap().contains("in use"), "{answer}");
    api.get("/proxies/a").expect(200);
    api.get("/proxies/b").expect(404);
}

#[test]
fn resetting_enables_every_proxy_and_removes_every_toxic() {
    let (api, server) = (Api::new(), echo());
    let address = api.proxy(server);
    api.toxic("timeout", "downstream", json!({ "timeout": 0 }));
    api.patch("/proxies/p", &json!({ "enabled": false })).expect(200);
    let other = json!({ "name": "q", "upstream": server.to_string(), "enabled": false });
    api.post("/proxies", &other).expect(201);
    assert_eq!(api.post("/reset", &Value::Null).expect(204).body, "");
    for name in ["p", "q"] {
        let proxy = api.get(&format!("/proxies/{name}")).expect(200).json();
        assert_eq!((&proxy["enabled"], &proxy["toxics"]), (&json!(true), &json!([])));
        ping(&mut connect(listen(&proxy)), b"a");
    }
    // One whose port is taken keeps no other from it.
    api.patch("/proxies/p", &json!({ "enabled": false })).expect(200);
    api.patch("/proxies/q", &json!({ "enabled": false })).expect(200);
    let holder = TcpListener::bind(address).unwrap();
    api.post("/reset", &Value::Null).refused(500, "in use");
    assert_eq!(api.get("/proxies/q").json()["enabled"], true);
    assert_eq!(api.get("/proxies/p").json()["enabled"], false);
    drop(holder);
}

#[test]
fn every_answer_has_a_number_and_browsers_get_none() {
    let api = Api::new();
    let mut seen = std::collections::BTreeSet::new();
    for path in ["/proxies", "/version", "/proxies/none", "/nowhere"] {
        assert!(seen.insert(api.get(path).header("x-toxiproxy-request-id").to_owned()));
    }
    for agent in ["Mozilla/5.0 (X11; Linux)", "Mozilla/4.0"] {
        let answer = api.ask("GET", "/version", &format!("user-agent: {agent}\r\n"), b"").expect(403);
        assert_eq!(answer.body, "User agent not allowed\n");
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    }
    api.ask("GET", "/version", "user-agent: python-requests/2 Mozilla/5.0\r\n", b"").expect(200);
}

#[test]
fn the_version_is_one_that_clients_can_compare() {
    let answer = Api::new().get("/version").expect(200);
    assert_eq!(answer.header("content-type"), "application/json;charset=utf-8");
    assert!(
        answer.body.starts_with("{\"version\": \"2.12.0+steadfast.") && answer.body.ends_with("\"}\n"),
        "{answer:?}"
    );
}

#[test]
fn other_paths_and_methods_are_not_there_and_content_types_do_not_matter() {
    let api = Api::new();
    for path in ["/", "/proxies/", "/proxies/p/", "/proxies/p/toxics/t/x", "/Proxies"] {
        let answer = api.get(path).expect(404);
        assert_eq!(answer.body, "404 page not found\n", "{path}");
    }
    for (method, path) in
        [("PUT", "/proxies"), ("DELETE", "/reset"), ("GET", "/populate"), ("PUT", "/proxies/p")]
    {
        assert_eq!(api.ask(method, path, "", b"").expect(405).body, "", "{method} {path}");
    }
    let body = json!({ "Name": "a", "UPSTREAM": echo().to_string(), "Logger": {}, "toxics": null });
    api.ask("POST", "/proxies", "content-type: text/xml\r\n", body.to_string().as_bytes()).expect(201);
}

#[test]
fn a_body_and_the_number_of_proxies_have_a_limit() {
    let (api, server) = (Api::new(), echo().to_string());
    let large = json!({ "name": "a", "upstream": server, "padding": "x".repeat(1 << 20) });
    api.post("/proxies", &large).refused(413, "more than 1048576 bytes");
    let list: Vec<Value> = (0..1001)
        .map(|number| json!({ "name": format!("n{number}"), "upstream": server, "enabled": false }))
        .collect();
    let answer = api.post("/populate", &json!(list)).expect(400).json();
    assert!(answer["error"].as_str().unwrap().contains("at most 1000"), "{}", answer["error"]);
    assert_eq!(answer["proxies"].as_array().unwrap().len(), 1000);
    api.delete("/proxies/n7").expect(204);
    api.post("/proxies", &json!({ "name": "one", "upstream": server })).expect(201);
}
