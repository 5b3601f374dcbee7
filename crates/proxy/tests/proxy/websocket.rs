//! WebSocket: faults on requests see the handshake, faults on bytes what comes after it.

use std::{net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use steadfast_model::proxy::{Protocol, Stream};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    WebSocketStream, accept_async, client_async,
    tungstenite::{Error, Message},
};

use crate::support::{Running, delay, now, server, told};

/// A real server that sends messages back.
async fn echo() -> SocketAddr {
    server(|socket| async move {
        socket.set_nodelay(true).unwrap();
        // Tests cut connections.
        let Ok(mut socket) = accept_async(socket).await else { return };
        while let Some(Ok(message)) = socket.next().await {
            if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
                return;
            }
        }
    })
    .await
}

async fn connect(address: SocketAddr) -> Result<WebSocketStream<TcpStream>, Error> {
    let socket = TcpStream::connect(address).await.unwrap();
    socket.set_nodelay(true).unwrap();
    client_async("ws://x/chat", socket).await.map(|(socket, _)| socket)
}

async fn back(socket: &mut WebSocketStream<TcpStream>, message: Message) -> Message {
    socket.send(message).await.unwrap();
    timeout(Duration::from_secs(5), socket.next()).await.expect("no answer").unwrap().unwrap()
}

#[tokio::test]
async fn messages_pass_after_the_handshake_and_only_faults_on_bytes_touch_them() {
    let mut proxy = Running::start(Protocol::Http, echo().await).await;
    let mut socket = connect(proxy.address).await.unwrap();
    let status =
        told(json!({ "httpStatus": { "status": 503, "body": "", "matching": { "path": "/chat" } } }));
    let id = proxy.apply(status).await;
    for message in [Message::text("hello"), Message::binary(vec![7; 300_000]), Message::text("")] {
        assert_eq!(back(&mut socket, message.clone()).await, message);
    }
    assert_eq!(proxy.counts().await, (0, 0), "messages are no requests");
    match connect(proxy.address).await {
        Err(Error::Http(answer)) => assert_eq!(answer.status(), 503),
        other => panic!("{other:?}"),
    }
    assert_eq!(proxy.counts().await, (1, 1));
    proxy.remove(id).await;
    let id = proxy.apply(delay(200, Stream::Downstream)).await;
    let start = now();
    back(&mut socket, Message::text("slow")).await;
    assert!((Duration::from_millis(200)..Duration::from_millis(400)).contains(&start.elapsed()));
    proxy.remove(id).await;
    let start = now();
    back(&mut socket, Message::text("fast")).await;
    assert!(start.elapsed() < Duration::from_millis(150));
    socket.close(None).await.unwrap();
    let end = timeout(Duration::from_secs(5), socket.next()).await.expect("not closed");
    assert!(matches!(end, Some(Ok(Message::Close(_)))), "{end:?}");
    let mut socket = connect(proxy.address).await.unwrap();
    proxy.apply(told(json!({ "tcpReset": { "after": "0s" } }))).await;
    let end = timeout(Duration::from_secs(5), socket.next()).await.expect("not reset");
    assert!(matches!(end, Some(Err(_))), "{end:?}");
}

#[tokio::test]
async fn a_handshake_is_delayed_aborted_and_changed_like_any_request() {
    let mut proxy = Running::start(Protocol::Http, echo().await).await;
    let slow = json!({ "latency": "200ms", "jitter": "0s", "side": "response", "matching": {} });
    let id = proxy.apply(told(json!({ "httpDelay": slow }))).await;
    let start = now();
    let mut socket = connect(proxy.address).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(200));
    assert_eq!(back(&mut socket, Message::text("hello")).await, Message::text("hello"));
    proxy.remove(id).await;
    // A body is none of a handshake's: it is left alone.
    let body = json!({ "change": { "replace": "x" }, "side": "response", "matching": {} });
    let id = proxy.apply(told(json!({ "httpBody": body }))).await;
    let mut socket = connect(proxy.address).await.unwrap();
    assert_eq!(back(&mut socket, Message::text("hello")).await, Message::text("hello"));
    proxy.remove(id).await;
    proxy.apply(told(json!({ "httpAbort": { "side": "request", "matching": {} } }))).await;
    assert!(connect(proxy.address).await.is_err());
    assert_eq!(proxy.counts().await, (1, 1));
}
