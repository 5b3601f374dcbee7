//! HTTP/1.1 as the proxy carries it: what reaches the server, and what comes back, is beyond doubt.
//!
//! Two servers behind two proxies may never see different messages in the same bytes, or a request can be smuggled past
//! the first one. So whatever a client sends, the server gets messages that the strictest reader ([`strict`]) reads: lines
//! end with CRLF, nothing is folded, and one thing alone says how long a body is. What is clear arrives as it was.

use strict::{Message, Read, Wrong};

pub(crate) mod harness;
pub mod strict;

/// What separates a client's bytes from those of a server that answers with whatever it was told.
const ANSWER: &[u8] = b"\n=== answer\n";
/// What other protocols begin with, TLS and HTTP/2: their bytes are not read as HTTP/1.1.
const OTHERS: [&[u8]; 2] = [&[22, 3], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"];

/// Holds for any bytes: a client's, and, after a line `=== answer`, those of a server.
pub fn holds(bytes: &[u8]) {
    let at = bytes.windows(ANSWER.len()).position(|window| window == ANSWER);
    let (sent, answer) = match at {
        Some(at) => (&bytes[..at], Some(&bytes[at + ANSWER.len()..])),
        None => (bytes, None),
    };
    if OTHERS.iter().any(|other| sent.starts_with(other)) {
        return;
    }
    let seen = harness::carry(sent, answer);
    let arrived = arrived(&seen.received);
    if answer.is_none() {
        faithful(sent, &arrived);
    }
    answered(&seen.back, &arrived, answer);
    let most = 4 * (bytes.len() * (1 + arrived.len()) + 4_096);
    let total: usize = seen.received.iter().map(Vec::len).sum();
    assert!(total < most, "{total} bytes reached the server");
}

/// The requests that reached the server, over all its connections. Only the last of a connection may be cut off.
fn arrived(received: &[Vec<u8>]) -> Vec<Message> {
    let mut all = Vec::new();
    for bytes in received {
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            match strict::request(rest) {
                Read::Whole(message, length) => {
                    all.push(message);
                    rest = &rest[length..];
                }
                Read::Part => break,
                Read::Not(wrong) => {
                    panic!("{wrong:?} reached the server: {:?}", String::from_utf8_lossy(bytes))
                }
            }
        }
    }
    all
}

/// What was clear arrives as it was, in order; what was not is refused, or made clear and then the last.
fn faithful(sent: &[u8], arrived: &[Message]) {
    let mut rest = sent;
    for (index, theirs) in arrived.iter().enumerate() {
        match strict::request(rest) {
            Read::Whole(ours, length) => {
                assert_same(&ours, theirs);
                rest = &rest[length..];
            }
            Read::Not(Wrong::TwoLengths) => {
                // RFC 9112, section 6.3: the chunks count, and the connection is not used any more.
                let last = arrived.len() == index + 1;
                assert!(last, "a request was read behind one of two lengths: {:?}", lossy(sent));
                return;
            }
            Read::Not(wrong @ (Wrong::Folded | Wrong::LengthsDiffer | Wrong::Encoding)) => {
                panic!("{wrong:?} was carried: {:?}", lossy(sent))
            }
            // A reader may be kinder, as to a bare LF. What it makes of it was read above, strictly.
            Read::Not(_) | Read::Part => return,
        }
    }
}

fn assert_same(ours: &Message, theirs: &Message) {
    assert_eq!((&theirs.method, target(ours)), (&ours.method, target(theirs)));
    assert_eq!(theirs.body, ours.body, "another body than {ours:?}");
    for name in &ours.names().filter(|name| !strict::frames(name)).collect::<Vec<_>>() {
        assert_eq!(theirs.values(name), ours.values(name), "another {name} than {ours:?}");
    }
}

/// RFC 9112, section 3.2.2: a target without a path means the root.
fn target(message: &Message) -> String {
    let target = message.target.clone();
    let bare = target.split_once("://").is_some_and(|(_, rest)| !rest.contains(['/', '?']));
    if bare { target + "/" } else { target.replace("/?", "?") }
}

/// What comes back is a row of answers, none without a request.
fn answered(back: &[u8], arrived: &[Message], answer: Option<&[u8]>) {
    let mut methods = arrived.iter().map(|message| message.method.as_str());
    let mut method = methods.next();
    let (mut rest, mut good) = (back, 0);
    while !rest.is_empty() {
        match strict::response(rest, method.unwrap_or("GET")) {
            Read::Whole(message, length) => {
                rest = &rest[length..];
                if message.status == 101 || method == Some("CONNECT") && message.status / 100 == 2 {
                    return;
                }
                if message.status >= 200 {
                    good += usize::from(message.status == 200);
                    method = methods.next();
                }
            }
            Read::Part => break,
            Read::Not(wrong) => panic!("{wrong:?} reached the client: {:?}", lossy(back)),
        }
    }
    if answer.is_none() {
        assert!(good <= arrived.len(), "{good} answers to {} requests: {:?}", arrived.len(), lossy(back));
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
