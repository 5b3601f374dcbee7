use super::*;

fn whole(text: &str) -> (Message, usize) {
    match request(text.as_bytes()) {
        Read::Whole(message, length) => (message, length),
        other => panic!("{other:?}: {text:?}"),
    }
}

#[test]
fn what_is_beyond_doubt_is_read() {
    let (message, length) = whole("POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nokGET");
    assert_eq!(
        (message.method.as_str(), message.target.as_str(), &*message.body),
        ("POST", "/a?b=c", &b"ok"[..])
    );
    assert_eq!(length, 52 + 2);
    let (message, _) =
        whole("P / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\nX: y\r\n\r\n");
    assert_eq!(message.body, b"ok");
    let Read::Whole(message, 38) = response(b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nokrest", "GET")
    else {
        panic!("an answer")
    };
    assert_eq!((message.status, &*message.body), (200, &b"ok"[..]));
}

#[test]
fn what_two_readers_may_read_differently_is_refused() {
    for (text, wrong) in [
        ("GET / HTTP/1.1\nHost: x\r\n\r\n", Wrong::LineEnd),
        ("GET / HTTP/1.1\r\nHost: x\n\r\n", Wrong::LineEnd),
        ("GET / HTTP/1.1\r\nHost: x\ry\r\n\r\n", Wrong::LineEnd),
        ("GET / HTTP/1.1\r\nHost: x\r\n y\r\n\r\n", Wrong::Folded),
        ("GET / HTTP/1.1\r\nHost : x\r\n\r\n", Wrong::Header),
        ("GET  / HTTP/1.1\r\n\r\n", Wrong::Start),
        ("GET / HTTP/2.0\r\n\r\n", Wrong::Start),
        ("P / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", Wrong::TwoLengths),
        ("P / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", Wrong::LengthsDiffer),
        ("P / HTTP/1.1\r\nContent-Length: +1\r\n\r\n", Wrong::Length),
        ("P / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", Wrong::Encoding),
        ("P / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", Wrong::Encoding),
        ("P / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na", Wrong::Chunk),
        ("P / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", Wrong::Chunk),
    ] {
        assert_eq!(request(text.as_bytes()), Read::Not(wrong), "{text:?}");
    }
}

#[test]
fn a_beginning_is_a_part() {
    let text = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
    for length in 0..text.len() {
        assert_eq!(request(&text.as_bytes()[..length]), Read::Part, "{length}");
    }
    assert_eq!(whole(text).1, text.len());
}
