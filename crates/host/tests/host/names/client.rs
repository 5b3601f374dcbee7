//! Those who ask: by hand, and by the C library.

use std::{
    io::{Read, Write},
    net::{IpAddr, SocketAddr, TcpStream, UdpSocket},
    process::Command,
    time::Duration,
};

const PATIENCE: Duration = Duration::from_secs(3);

/// What an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Said {
    /// 0 is success, 3 is NXDOMAIN.
    pub(super) code: u8,
    /// The last IPv4 address, when there is one.
    pub(super) last: Option<[u8; 4]>,
}

/// A question by hand, with EDNS, so that nothing of ours is tested by itself.
pub(super) fn question(name: &str, kind: u8) -> Vec<u8> {
    let mut message = vec![0x5f, 0xa5, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    for label in name.split('.') {
        message.push(u8::try_from(label.len()).unwrap());
        message.extend_from_slice(label.as_bytes());
    }
    message.extend_from_slice(&[0, 0, kind, 0, 1]);
    // OPT, with room for 600 bytes.
    message.extend_from_slice(&[0, 0, 41, 2, 88, 0, 0, 0, 0, 0, 0]);
    message
}

/// Reads an answer to [`question`].
pub(super) fn said(answer: &[u8]) -> Said {
    assert_eq!((&answer[..2], answer[2] & 0x80), (&[0x5f, 0xa5][..], 0x80), "it is no answer: {answer:?}");
    // The last record before OPT, which is 11 bytes long: type A, class IN, time, length 4.
    let before = &answer[..answer.len() - 11];
    let last = (answer[7] > 0).then(|| before.last_chunk::<4>().copied()).flatten();
    Said { code: answer[3] & 0xf, last }
}

/// A socket that asks this server alone.
pub(super) fn packet_socket(server: SocketAddr) -> UdpSocket {
    let any = if server.is_ipv4() { IpAddr::from([0; 4]) } else { IpAddr::from([0_u16; 8]) };
    let socket = UdpSocket::bind((any, 0)).unwrap();
    socket.connect(server).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

pub(super) fn ask_by_packet(server: SocketAddr, message: &[u8]) -> Option<Said> {
    let socket = packet_socket(server);
    socket.send(message).unwrap();
    let mut buffer = [0; 2048];
    socket.recv(&mut buffer).ok().map(|length| said(&buffer[..length]))
}

/// Several questions at once over one connection, and the answers as they come.
pub(super) fn ask_by_stream(server: SocketAddr, messages: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&server, PATIENCE).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    for message in messages {
        let length = u16::try_from(message.len()).unwrap().to_be_bytes();
        stream.write_all(&[&length, &message[..]].concat()).unwrap();
    }
    let mut answers = Vec::new();
    for _ in messages {
        let mut length = [0; 2];
        stream.read_exact(&mut length).unwrap();
        let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut answer).unwrap();
        answers.push(answer);
    }
    answers
}

/// The IPv4 address of a name by the C library's resolver, in a namespace, with this server alone.
pub(super) fn getent(netns: &str, server: IpAddr, name: &str) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let conf = folder.path().join("resolv.conf");
    std::fs::write(&conf, format!("nameserver {server}\noptions timeout:1 attempts:1\n")).unwrap();
    let script = r#"mount --bind "$1" /etc/resolv.conf && exec getent -s dns ahostsv4 "$2""#;
    #[expect(clippy::disallowed_methods, reason = "the C library's own program")]
    let output = Command::new("nsenter")
        .arg(format!("--net=/run/netns/{netns}"))
        .args(["unshare", "--mount", "sh", "-c", script, "sh"])
        .arg(&conf)
        .arg(name)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    text.split_whitespace().next().map(str::to_owned)
}
