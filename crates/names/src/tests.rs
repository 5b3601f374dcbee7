use std::net::{IpAddr, Ipv4Addr, UdpSocket};

use tempfile::TempDir;

use super::*;

/// Files of a machine, and a DNS server on loopback that knows `risk.example` only.
struct Machine {
    dir: TempDir,
    names: Names,
}

impl Machine {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let names = Names {
            hosts: dir.path().join("hosts"),
            resolv_conf: dir.path().join("resolv.conf"),
            dns_port: 1,
        };
        Self { dir, names }
    }

    fn file(self, name: &str, text: &str) -> Self {
        std::fs::write(self.dir.path().join(name), text).unwrap();
        self
    }

    fn with_dns(mut self) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        self.names.dns_port = socket.local_addr().unwrap().port();
        // Ends with the test's process: it waits for nobody else.
        std::thread::spawn(move || {
            let mut buffer = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                drop(socket.send_to(&answer(&buffer[..length]), from));
            }
        });
        self
    }

    async fn find(&self, host: &str) -> Result<Vec<String>, String> {
        let found = self.names.addresses(host).await.map_err(|error| error.to_string())?;
        Ok(found.iter().map(IpAddr::to_string).collect())
    }
}

/// RFC 1035, section 4: the question again, and an A record for one name; no such name for any other.
fn answer(question: &[u8]) -> Vec<u8> {
    let end = 12 + question[12..].iter().position(|byte| *byte == 0).unwrap() + 5;
    let known = question[12..end - 4].eq_ignore_ascii_case(b"\x04risk\x07example\x00");
    let is_a = question[end - 4..end - 2] == [0, 1];
    let mut answer = question[..2].to_vec();
    answer.extend([0x81, if known { 0x80 } else { 0x83 }, 0, 1, 0, u8::from(known && is_a), 0, 0, 0, 0]);
    answer.extend(&question[12..end]);
    if known && is_a {
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7]);
    }
    answer
}

#[tokio::test]
async fn without_any_file_addresses_and_localhost_are_known() {
    let machine = Machine::new();
    assert_eq!(machine.find("192.0.2.1").await.unwrap(), ["192.0.2.1"]);
    assert_eq!(machine.find("[::1]").await.unwrap(), ["::1"]);
    for name in ["localhost", "LOCALHOST.", "db.localhost"] {
        assert!(machine.find(name).await.unwrap().contains(&"127.0.0.1".to_owned()), "{name}");
    }
    let error = machine.find("risk.example").await.unwrap_err();
    assert!(error.contains("risk.example") && error.contains("resolv.conf"), "{error}");
}

#[tokio::test]
async fn the_hosts_file_comes_first_also_for_localhost() {
    let machine = Machine::new().file("hosts", "192.0.2.9 localhost risk.example\n");
    assert_eq!(machine.find("risk.example").await.unwrap(), ["192.0.2.9"]);
    assert_eq!(machine.find("localhost").await.unwrap(), ["192.0.2.9"]);
}

#[tokio::test]
async fn a_dns_server_is_asked_also_with_a_search_domain_and_says_no() {
    let machine = Machine::new().with_dns().file("resolv.conf", "nameserver 127.0.0.1\nsearch example\n");
    assert_eq!(machine.find("risk.example").await.unwrap(), ["192.0.2.7"]);
    assert_eq!(machine.find("risk").await.unwrap(), ["192.0.2.7"]);
    let error = machine.names.addresses("wallet.example").await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    assert!(error.to_string().contains("wallet.example"), "{error}");
}

#[tokio::test]
async fn a_file_without_servers_is_said() {
    let machine = Machine::new().file("resolv.conf", "search example\n");
    assert!(machine.find("risk").await.unwrap_err().contains("nameserver"));
}

#[tokio::test]
async fn an_address_that_refuses_is_passed_over() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    // Nobody listens at the other addresses of this machine.
    let machine = Machine::new().file("hosts", "127.0.0.9 service\n127.0.0.1 service\n");
    let stream = machine.names.connect("service", port).await.unwrap();
    assert_eq!(stream.peer_addr().unwrap().ip(), IpAddr::from([127, 0, 0, 1]));
    let error = machine.names.connect("127.0.0.9", port).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}

#[test]
fn an_authority_is_a_host_and_a_port() {
    assert_eq!(split("risk:80"), Some(("risk", 80)));
    assert_eq!(split("[::1]:80"), Some(("[::1]", 80)));
    for wrong in ["risk", ":80", "risk:", "risk:70000"] {
        assert_eq!(split(wrong), None, "{wrong}");
    }
}
