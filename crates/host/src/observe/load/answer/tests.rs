use proptest::prelude::*;

use super::*;

/// Reads bytes in pieces of these sizes, as a connection does: the status, whether it keeps, and what is left over.
fn read(bytes: &[u8], head_only: bool, pieces: &[usize]) -> Result<Option<(u16, bool, usize)>, String> {
    let mut answer = Answer::new(head_only);
    let (mut buffer, mut at) = (Vec::new(), 0);
    let mut sizes = pieces.iter().copied().chain(std::iter::repeat(usize::MAX));
    while !answer.is_whole() && at < bytes.len() {
        let next = bytes.len().min(at.saturating_add(sizes.next().unwrap_or(1).max(1)));
        buffer.extend_from_slice(&bytes[at..next]);
        at = next;
        let taken = answer.take(&buffer)?;
        buffer.drain(..taken);
    }
    let whole = answer.is_whole() || answer.is_whole_when_closed();
    Ok(whole.then(|| (answer.status(), answer.keeps(), buffer.len() + bytes.len() - at)))
}

fn whole(text: &str) -> (u16, bool, usize) {
    read(text.as_bytes(), false, &[]).unwrap().unwrap()
}

#[test]
fn every_way_to_end_an_answer_is_known() {
    assert_eq!(whole("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), (200, true, 0));
    assert_eq!(whole("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP"), (200, true, 4));
    assert_eq!(whole("HTTP/1.1 200 OK\r\n\r\nuntil it closes"), (200, false, 0));
    assert_eq!(whole("HTTP/1.1 204 No Content\r\n\r\n"), (204, true, 0));
    assert_eq!(whole("HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n"), (304, true, 0));
    assert_eq!(
        whole("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n"),
        (201, true, 0)
    );
    assert_eq!(whole("HTTP/1.1 200 OK\r\nconnection: Close\r\ncontent-length: 0\r\n\r\n"), (200, false, 0));
    assert_eq!(whole("HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n"), (200, false, 0));
    assert_eq!(
        whole("HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n"),
        (200, true, 0)
    );
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4;x=y\r\nwiki\r\n0A\r\n0123456789\r\n0\r\na: b\r\n\r\n";
    assert_eq!(whole(chunked), (200, true, 0));
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n";
    assert_eq!(read(head, true, &[]), Ok(Some((200, true, 0))), "a head alone has no body");
    assert_eq!(read(head, false, &[]), Ok(None), "the body is missing");
}

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    for text in [
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n11111111111111111\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
    ] {
        let error = read(text.as_bytes(), false, &[]).unwrap_err();
        assert!(error.starts_with("the answer is not HTTP: "), "{text}: {error}");
    }
    assert!(read(&vec![b'a'; 70_000], false, &[]).is_err());
    let endless = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(70_000));
    assert!(read(endless.as_bytes(), false, &[1000]).unwrap_err().contains("longer than 65536"));
    let long = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{}",
        LONGEST_ANSWER + 1,
        "y".repeat(LONGEST_ANSWER + 1)
    );
    assert!(read(long.as_bytes(), false, &[]).unwrap_err().contains("longer than 16777216"));
}

proptest! {
    #[test]
    fn how_an_answer_is_cut_into_pieces_does_not_matter(
        chunks in proptest::collection::vec(1_usize..300, 0..5),
        chunked in any::<bool>(),
        pieces in proptest::collection::vec(1_usize..50, 0..40),
        rest in 0_usize..4,
    ) {
        let mut text = "HTTP/1.1 202 Accepted\r\nserver: x\r\n".to_owned();
        if chunked {
            text += "transfer-encoding: chunked\r\n\r\n";
            chunks.iter().for_each(|length| text += &format!("{length:x}\r\n{}\r\n", "d".repeat(*length)));
            text += "0\r\n\r\n";
        } else {
            let length = chunks.iter().sum::<usize>();
            text += &format!("content-length: {length}\r\n\r\n{}", "d".repeat(length));
        }
        let complete = text.len();
        text += &"z".repeat(rest);
        prop_assert_eq!(read(text.as_bytes(), false, &pieces), Ok(Some((202, true, rest))));
        prop_assert_eq!(read(&text.as_bytes()[..complete - 1], false, &pieces), Ok(None));
    }

    #[test]
    fn no_bytes_make_it_panic_or_take_more_than_there_is(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        body in "[0-9a-fA-F;\r\n ]{0,60}",
        head_only in any::<bool>(),
    ) {
        for bytes in [bytes, format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{body}").into_bytes()] {
            let mut answer = Answer::new(head_only);
            if let Ok(taken) = answer.take(&bytes) {
                prop_assert!(taken <= bytes.len());
            }
        }
    }
}
