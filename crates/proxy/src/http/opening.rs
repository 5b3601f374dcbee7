//! The first bytes of a client, which tell what it speaks.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, ReadBuf};

use crate::{
    begun::Begun,
    connection::Connection,
    scratch,
    timer::{self, later},
};

/// What every client of HTTP/2 begins with: RFC 9113, section 3.4.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// What every client of TLS begins with, a record of a handshake: RFC 8446, section 5.1.
const HANDSHAKE: &[u8] = &[22, 3];

/// What a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaks {
    /// HTTP/1.1, or nothing that is known.
    Http1,
    /// HTTP/2.
    Http2,
    /// TLS.
    Tls,
}

/// What a client speaks that begins with these bytes; `None` while that is open.
fn recognise(first: &[u8]) -> Option<Speaks> {
    for (beginning, speaks) in [(PREFACE, Speaks::Http2), (HANDSHAKE, Speaks::Tls)] {
        if first.starts_with(beginning) {
            return Some(speaks);
        } else if beginning.starts_with(first) {
            return None;
        }
    }
    Some(Speaks::Http1)
}

/// Reads until it is plain what the client speaks. `None` when it ended before, or was too slow: the time that it may
/// take for a head counts from its first byte.
pub(super) async fn read<S>(connection: &Arc<Connection>, mut client: S) -> Option<(Speaks, Begun<S>)>
where
    S: AsyncRead + Unpin,
{
    let (mut first, mut since, mut alarm) = (Vec::new(), None, connection.alarm());
    let speaks = poll_fn(|cx| {
        loop {
            if let Some(since) = since
                && alarm.poll_at(cx, later(since, connection.hub.config.limits.head)).is_ready()
            {
                return Poll::Ready(None);
            }
            match poll_more(cx, &mut client, &mut first) {
                Poll::Ready(true) => {}
                // What it began with is answered by a reader who knows what is missing.
                Poll::Ready(false) if !first.is_empty() => return Poll::Ready(Some(Speaks::Http1)),
                Poll::Ready(false) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
            if let Some(speaks) = recognise(&first) {
                return Poll::Ready(Some(speaks));
            }
            since.get_or_insert_with(timer::now);
        }
    })
    .await?;
    Some((speaks, Begun::new(first, client)))
}

/// Reads on. Whether there was more.
fn poll_more<S: AsyncRead + Unpin>(cx: &mut Context<'_>, client: &mut S, first: &mut Vec<u8>) -> Poll<bool> {
    scratch::with(|buffer| {
        let mut buffer = ReadBuf::new(buffer);
        let read = Pin::new(client).poll_read(cx, &mut buffer);
        first.extend_from_slice(buffer.filled());
        read.map(|read| read.is_ok() && !buffer.filled().is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preface_is_http_2_when_it_is_whole_and_other_bytes_are_told_at_once() {
        assert_eq!(recognise(b""), None);
        for length in 1..PREFACE.len() {
            assert_eq!(recognise(&PREFACE[..length]), None, "{length}");
            let mut other = PREFACE[..length].to_vec();
            *other.last_mut().unwrap() ^= 1;
            assert_eq!(recognise(&other), Some(Speaks::Http1), "{length}");
        }
        assert_eq!(recognise(&[PREFACE, b"\0\0"].concat()), Some(Speaks::Http2));
        assert_eq!(recognise(b"POST / HTTP/1.1\r\n"), Some(Speaks::Http1));
        assert_eq!(recognise(&[22]), None);
        assert_eq!(recognise(&[22, 3, 1, 2, 0, 1]), Some(Speaks::Tls));
        assert_eq!(recognise(&[22, 2]), Some(Speaks::Http1));
    }
}
