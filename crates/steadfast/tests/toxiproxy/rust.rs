//! What `toxiproxy_rust` 0.1.6 sends, byte for byte, and how it reads the answers. The crate itself cannot be among our
//! dependencies: it needs OpenSSL, which `deny.toml` bans.

use std::{collections::HashMap, net::SocketAddr};

use serde::Deserialize;
use serde_json::json;

use crate::{
    network::{connect, echo, ping},
    support::{Answer, Api},
};

/// As the crate has it: every field must be there.
#[derive(Deserialize)]
#[expect(dead_code, reason = "that they can be read is what counts")]
struct ProxyPack {
    name: String,
    listen: String,
    upstream: String,
    enabled: bool,
    toxics: Vec<ToxicPack>,
}

#[derive(Deserialize)]
struct ToxicPack {
    name: String,
    r#type: String,
    stream: String,
    toxicity: f32,
    attributes: HashMap<String, u32>,
}

fn send(api: &Api, method: &str, path: &str, body: &str) -> Answer {
    api.ask(method, path, "content-type: application/json\r\naccept: */*\r\n", body.as_bytes())
}

#[test]
fn what_the_rust_client_sends_is_answered_as_it_expects() {
    let (api, server) = (Api::new(), echo());
    let proxy = json!({ "name": "socket", "listen": "localhost:0", "upstream": server.to_string(), "enabled": true, "toxics": [] });
    let populated = send(&api, "POST", "/populate", &json!([proxy]).to_string()).expect(201);
    let mut populated: HashMap<String, Vec<ProxyPack>> = serde_json::from_str(&populated.body).unwrap();
    let proxy = populated.remove("proxies").unwrap().remove(0);
    let address: SocketAddr = proxy.listen.parse().unwrap();
    let all: HashMap<String, ProxyPack> =
        serde_json::from_str(&send(&api, "GET", "/proxies", "").body).unwrap();
    assert!(all["socket"].enabled);
    for (kind, attributes) in [
        ("latency", json!({ "latency": 200, "jitter": 0 })),
        ("bandwidth", json!({ "rate": 500 })),
        ("slow_close", json!({ "delay": 500 })),
        ("timeout", json!({ "timeout": 1000 })),
        ("slicer", json!({ "average_size": 1024, "size_variation": 128, "delay": 500 })),
        ("limit_data", json!({ "bytes": 2048 })),
    ] {
        let toxicity = if kind == "latency" { 1.0 } else { 0.0 };
        let name = format!("{kind}_downstream");
        let body = json!({ "name": name, "type": kind, "stream": "downstream", "toxicity": toxicity, "attributes": attributes });
        send(&api, "POST", "/proxies/socket/toxics", &body.to_string()).expect(200);
    }
    assert!(ping(&mut connect(address), b"slow").as_millis() >= 195);
    let toxics: Vec<ToxicPack> =
        serde_json::from_str(&send(&api, "GET", "/proxies/socket/toxics", "").body).unwrap();
    assert_eq!(toxics.len(), 6);
    for toxic in toxics {
        assert_eq!((toxic.name, &*toxic.stream), (format!("{}_downstream", toxic.r#type), "downstream"));
        assert!(toxic.toxicity <= 1.0 && toxic.attributes.values().sum::<u32>() > 0);
        send(&api, "DELETE", &format!("/proxies/socket/toxics/{}_downstream", toxic.r#type), "").expect(204);
    }
    send(&api, "POST", "/proxies/socket", "{\"enabled\":false}").expect(200);
    assert!(std::net::TcpStream::connect(address).is_err());
    send(&api, "POST", "/proxies/socket", "{\"enabled\":true}").expect(200);
    assert!(ping(&mut connect(address), b"fast").as_millis() < 150);
    let shown: ProxyPack = serde_json::from_str(&send(&api, "GET", "/proxies/socket", "").body).unwrap();
    assert!(shown.enabled && shown.toxics.is_empty());
    assert!(send(&api, "GET", "/version", "").expect(200).body.contains("version"));
    send(&api, "POST", "/reset", "").expect(204);
    send(&api, "DELETE", "/proxies/socket", "").expect(204);
}
