//! Frames that clients of HTTP/2 send after the preface, with headers in their plainest form: all of it is text.

const SETTINGS: &str = "\0\0\0\x04\0\0\0\0\0";
const ACKNOWLEDGED: &str = "\0\0\0\x04\x01\0\0\0\0";
/// `GET http://x/` and the end of stream 1.
const GET: &str = "\0\0\x19\x01\x05\0\0\0\x01\x02\x03GET\x04\x01/\x06\x04http\x01\x09localhost";
/// `POST http://x/a`, whose body follows on stream 3.
const POST: &str = "\0\0\x1b\x01\x04\0\0\0\x03\x02\x04POST\x04\x02/a\x06\x04http\x01\x09localhost";
const BODY: &str = "\0\0\x05\0\x01\0\0\0\x03hello";
const PART: &str = "\0\0\x03\0\0\0\0\0\x03hel";
/// Trailers of stream 3.
const TRAILERS: &str = "\0\0\x08\x01\x05\0\0\0\x03\0\x03x-t\x02ok";
const PING: &str = "\0\0\x08\x06\0\0\0\0\0pingping";
const WINDOW: &str = "\0\0\x04\x08\0\0\0\0\0\0\x01\0\0";
/// Stream 3, with `CANCEL`.
const RESET: &str = "\0\0\x04\x03\0\0\0\0\x03\0\0\0\x08";
const GOAWAY: &str = "\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\0";

pub(super) const FRAMES: &[&[&str]] = &[
    &[SETTINGS, GET],
    &[SETTINGS, ACKNOWLEDGED, GET, POST, BODY],
    &[SETTINGS, GET, POST, PART, TRAILERS],
    &[SETTINGS, GET, PING, POST, PART, RESET, WINDOW],
    &[SETTINGS, GET, POST, GOAWAY],
    // What is not allowed: a frame before the settings, a body of nothing, a length that is not kept, a header of one
    // connection, names in capitals, no method, a push.
    &[GET, SETTINGS],
    &[SETTINGS, BODY],
    &[
        SETTINGS,
        "\0\0\x2b\x01\x04\0\0\0\x03\x02\x04POST\x04\x02/a\x06\x04http\x01\x09localhost\0\x0econtent-length\x019",
        BODY,
    ],
    &[
        SETTINGS,
        "\0\0\x2f\x01\x05\0\0\0\x01\x02\x03GET\x04\x01/\x06\x04http\x01\x09localhost\0\x0aconnection\x09keepalive",
    ],
    &[SETTINGS, "\0\0\x1f\x01\x05\0\0\0\x01\x02\x03GET\x04\x01/\x06\x04http\x01\x09localhost\0\x01X\x021 "],
    &[SETTINGS, "\0\0\x09\x01\x05\0\0\0\x01\x04\x01/\x06\x04http"],
    &[SETTINGS, "\0\0\x04\x05\x04\0\0\0\x02\0\0\0\x04"],
    // A target that would be two requests in HTTP/1.1.
    &[
        SETTINGS,
        "\0\0\x2b\x01\x05\0\0\0\x01\x02\x03GET\x04\x13/ HTTP/1.1\r\nHost: a\x06\x04http\x01\x09localhost",
    ],
];
