//! How a rule changes a body, and keeps its framing right.

use std::sync::Arc;

use hyper::{
    HeaderMap,
    body::{Bytes, Incoming},
    header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderValue, TRAILER, TRANSFER_ENCODING},
};
use steadfast_model::proxy::BodyChange;

use super::payload::{Corrupted, Payload, Shortened};
use crate::rule::Rule;

/// The changed body of a request, named by its connection and number, or of its answer. Headers that told the length of the
/// old one tell that of the new one.
pub(super) fn change(
    change: &BodyChange,
    rule: &Arc<Rule>,
    (connection, request): (u64, u64),
    headers: &mut HeaderMap,
    body: Incoming,
) -> Payload {
    match change {
        BodyChange::Replace(text) => {
            // The text is plain, whatever the old body was.
            for name in [TRANSFER_ENCODING, CONTENT_ENCODING, TRAILER] {
                headers.remove(name);
            }
            let length = text.len() as u64;
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
            rule.hit();
            let tail = Bytes::from(text.clone());
            Payload::Shortened(Shortened { body, left: 0, tail, rule: None, length: Some(length) })
        }
        BodyChange::Truncate(size) => {
            let left = size.bytes();
            let length = told_length(headers).map(|length| length.min(left));
            if let Some(length) = length {
                headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
            }
            let rule = Some(Arc::clone(rule));
            Payload::Shortened(Shortened { body, left, tail: Bytes::new(), rule, length })
        }
        BodyChange::Corrupt(share) => {
            let key = rule.corruption(connection, request);
            let (share, rule) = (share.fraction(), Some(Arc::clone(rule)));
            Payload::Corrupted(Corrupted { body, key, share, at: 0, rule })
        }
    }
}

fn told_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}
