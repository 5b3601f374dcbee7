//! How the API says no.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use steadfast_proxy::ProxyError;

/// A request that was not carried out. Its words are those of Toxiproxy where it has some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) error: String,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self { status, error: error.into() }
    }

    /// The body cannot be used.
    pub(crate) fn body(why: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, format!("bad request body: {why}"))
    }

    pub(crate) fn missing(field: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, format!("missing required field: {field}"))
    }

    pub(crate) fn no_proxy() -> Self {
        Self::new(StatusCode::NOT_FOUND, "proxy not found")
    }

    pub(crate) fn proxy_exists() -> Self {
        Self::new(StatusCode::CONFLICT, "proxy already exists")
    }

    pub(crate) fn no_toxic() -> Self {
        Self::new(StatusCode::NOT_FOUND, "toxic not found")
    }

    pub(crate) fn toxic_exists() -> Self {
        Self::new(StatusCode::CONFLICT, "toxic already exists")
    }
}

impl From<ProxyError> for Refusal {
    fn from(error: ProxyError) -> Self {
        let status = match &error {
            ProxyError::Upstream { .. } | ProxyError::Circle { .. } => StatusCode::BAD_REQUEST,
            ProxyError::Remote { .. } => StatusCode::FORBIDDEN,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let hint = match &error {
            ProxyError::Remote { .. } => ", which needs --allow-remote".to_owned(),
            other => std::error::Error::source(other).map(|cause| format!(": {cause}")).unwrap_or_default(),
        };
        Self::new(status, format!("{error}{hint}"))
    }
}

impl IntoResponse for Refusal {
    /// JSON that calls itself text, as Go's `http.Error` writes it: clients know no other.
    fn into_response(self) -> Response {
        let body = json!({ "error": self.error, "status": self.status.as_u16() });
        plain(self.status, format!("{body}\n"))
    }
}

/// An answer as Go's `http.Error` writes it.
pub(crate) fn plain(status: StatusCode, body: String) -> Response {
    let headers =
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (status, headers, body).into_response()
}
