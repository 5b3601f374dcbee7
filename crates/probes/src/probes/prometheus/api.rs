//! Asks: queries as forms, so that long ones fit and none stands in an address.

use std::{fmt::Write, time::Duration};

use steadfast_model::secret::Secret;

use super::{
    DEFAULT_URL, LONGEST_ANSWER, Prometheus,
    answer::{self, Answer, Data, Unusable},
};
use crate::{
    ProbeError, address, headers,
    world::{HttpRequest, ServiceUrl, World},
};

/// A query at this moment.
pub(super) async fn instant(
    probe: &Prometheus,
    query: &str,
    world: &dyn World,
) -> Result<Answer, ProbeError> {
    ask(probe, "query", &[("query", query)], world).await
}

/// A query at a moment, in milliseconds since 1970.
pub(super) async fn instant_at(
    probe: &Prometheus,
    query: &str,
    at: i64,
    world: &dyn World,
) -> Result<Answer, ProbeError> {
    ask(probe, "query", &[("query", query), ("time", &seconds(at))], world).await
}

/// A query at every step from `start` to `end`, in milliseconds since 1970, both included.
pub(super) async fn range(
    probe: &Prometheus,
    query: &str,
    (start, end, step): (i64, i64, Duration),
    world: &dyn World,
) -> Result<Answer, ProbeError> {
    let (start, end) = (seconds(start), seconds(end));
    let step = step.as_secs_f64().to_string();
    ask(probe, "query_range", &[("query", query), ("start", &start), ("end", &end), ("step", &step)], world)
        .await
}

/// What time it is there, in milliseconds since 1970. Its clock and ours may differ.
pub(super) async fn now(probe: &Prometheus, world: &dyn World) -> Result<i64, ProbeError> {
    let answer = instant(probe, "time()", world).await?;
    match answer.data {
        Data::Scalar(point) => Ok(point.at),
        _ => Err(error(probe, "`time()` gave no number".to_owned(), Some("is this a Prometheus?"))),
    }
}

async fn ask(
    probe: &Prometheus,
    what: &str,
    fields: &[(&str, &str)],
    world: &dyn World,
) -> Result<Answer, ProbeError> {
    let url = match (&probe.service, &probe.url) {
        (None, None) => DEFAULT_URL.to_owned(),
        (service, url) => {
            address::resolve(world, ServiceUrl::Base, service.as_deref(), url.as_deref(), None)?
        }
    };
    let mut headers = headers::resolve(&probe.headers, world)?;
    headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
    let form = "application/x-www-form-urlencoded";
    headers.push(("content-type".to_owned(), Secret::new(form.to_owned())));
    headers.push(("accept".to_owned(), Secret::new("application/json".to_owned())));
    // So that it does not go on with what nobody waits for.
    let timeout = format!("{}ms", probe.timeout.std().as_millis().max(1));
    let request = HttpRequest {
        url: format!("{}/api/v1/{what}", url.trim_end_matches('/')),
        method: "POST".to_owned(),
        headers,
        body: Some(encoded(&[fields, &[("timeout", &timeout)]].concat())),
        timeout: probe.timeout.std(),
        longest_body: LONGEST_ANSWER,
    };
    let answer = world.fetch(&request).await?;
    answer::read(&answer).map_err(|Unusable { cause, hint }| error(probe, cause, hint))
}

/// Why a look counts nothing.
pub(super) fn error(probe: &Prometheus, cause: String, hint: Option<&str>) -> ProbeError {
    let place = match (&probe.service, &probe.url) {
        (Some(service), _) => service.as_str(),
        (None, url) => address::shown(url.as_deref().unwrap_or(DEFAULT_URL)),
    };
    ProbeError {
        what: format!("query the Prometheus at {place}"),
        cause,
        hint: hint.map(str::to_owned),
        ours: false,
    }
}

fn seconds(milliseconds: i64) -> String {
    format!("{}.{:03}", milliseconds.div_euclid(1_000), milliseconds.rem_euclid(1_000))
}

/// `application/x-www-form-urlencoded`: letters, digits and `-._~` as they are, all else in percent.
fn encoded(fields: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in fields {
        if !text.is_empty() {
            text.push('&');
        }
        text += name;
        text.push('=');
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                text.push(char::from(byte));
            } else {
                write!(text, "%{byte:02X}").expect("writing to a String does not fail");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_holds_any_query() {
        assert_eq!(
            encoded(&[("query", "a{b=\"ü\"} + 1"), ("t", "2s")]),
            "query=a%7Bb%3D%22%C3%BC%22%7D%20%2B%201&t=2s"
        );
        assert_eq!([seconds(1_500), seconds(7)], ["1.500", "0.007"]);
    }
}
