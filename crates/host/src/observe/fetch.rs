//! One request and its whole answer, over a connection of its own.

use http::header;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use steadfast_model::Clock;
use steadfast_probes::{
    ProbeError, address,
    world::{HttpAnswer, HttpRequest},
};

use super::{error::ExchangeError, message::Message, tls::Tls};

pub(super) async fn fetch(
    request: &HttpRequest,
    tls: &Tls,
    clock: &dyn Clock,
) -> Result<HttpAnswer, ProbeError> {
    let error = |error: ExchangeError| failed(request, &error);
    // What cannot even be sent says nothing about who was to be asked.
    let message = Message::prepare(request, tls)
        .map_err(|cause| ProbeError { ours: true, ..error(ExchangeError::Theirs(cause)) })?;
    let start = clock.boot();
    let exchange = exchange(&message, request.longest_body);
    match tokio::time::timeout(request.timeout, exchange).await {
        Ok(Ok(mut answer)) => {
            answer.took = clock.boot().since(start);
            Ok(answer)
        }
        Ok(Err(wrong)) => Err(error(wrong)),
        Err(_) => {
            let within = steadfast_model::Duration::from(request.timeout);
            Err(error(ExchangeError::Theirs(format!("no complete answer within {within}"))))
        }
    }
}

fn failed(request: &HttpRequest, error: &ExchangeError) -> ProbeError {
    ProbeError {
        what: format!("{} {}", request.method, address::shown(&request.url)),
        cause: error.cause().to_owned(),
        hint: error.hint().map(str::to_owned),
        ours: matches!(error, ExchangeError::Ours(_)),
    }
}

async fn exchange(message: &Message, longest_body: usize) -> Result<HttpAnswer, ExchangeError> {
    let mut connection = message.origin.connect().await?;
    let answer =
        connection.send_request(message.request()).await.map_err(|error| ExchangeError::of_hyper(&error))?;
    let status = answer.status().as_u16();
    let content_type = answer.headers().get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = Limited::new(answer.into_body(), longest_body).collect().await.map_err(|error| {
        match (error.downcast_ref::<LengthLimitError>(), error.downcast_ref::<hyper::Error>()) {
            (Some(_), _) => ExchangeError::Theirs(format!("the answer is longer than {longest_body} bytes")),
            (None, Some(error)) => ExchangeError::of_hyper(error),
            (None, None) => ExchangeError::Theirs(error.to_string()),
        }
    })?;
    let body = body.to_bytes().to_vec();
    Ok(HttpAnswer { status, body, content_type, took: std::time::Duration::ZERO })
}

#[cfg(test)]
mod tests {
    use std::io;

    use rustix::io::Errno;

    use super::*;

    #[test]
    fn probes_are_told_what_this_machine_lacks_apart_from_what_a_service_does() {
        let request = HttpRequest {
            url: "http://127.0.0.1:1/".to_owned(),
            method: "GET".to_owned(),
            headers: Vec::new(),
            body: None,
            timeout: std::time::Duration::from_secs(1),
            longest_body: 1,
        };
        for (errno, ours) in [
            (Errno::MFILE, true),
            (Errno::ADDRNOTAVAIL, true),
            (Errno::CONNREFUSED, false),
            (Errno::CONNRESET, false),
        ] {
            let error = ExchangeError::of_io(&io::Error::from_raw_os_error(errno.raw_os_error()));
            assert_eq!(failed(&request, &error).ours, ours, "{errno}");
        }
    }
}
