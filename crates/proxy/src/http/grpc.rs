//! How a gRPC call is told that it failed.

use std::fmt::Write;

use hyper::{
    Response,
    header::{CONTENT_TYPE, HeaderName, HeaderValue},
};
use steadfast_model::proxy::GrpcCode;

use super::{answer::Answer, payload::Payload};

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// The answer to a call that failed before it gave anything back: `Trailers-Only` of
/// <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>, a head that is trailers at the same time.
pub(super) fn failed(code: GrpcCode, message: &str) -> Answer {
    let mut response = Response::new(Payload::own(""));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(STATUS, HeaderValue::from(u16::from(code.number())));
    if !message.is_empty() {
        let escaped = HeaderValue::from_str(&escape(message)).expect("an escaped text is visible ASCII");
        headers.insert(MESSAGE, escaped);
    }
    response
}

/// A text as the message of a status carries it: whatever is not visible ASCII, and `%`, by its bytes.
fn escape(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut escaped, byte| {
        if (b' '..=b'~').contains(&byte) && byte != b'%' {
            escaped.push(char::from(byte));
        } else {
            write!(escaped, "%{byte:02X}").expect("a string takes every text");
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_escaped_as_the_protocol_says() {
        assert_eq!(escape("try again later: 5 s"), "try again later: 5 s");
        assert_eq!(escape("100% é\n"), "100%25 %C3%A9%0A");
    }
}
