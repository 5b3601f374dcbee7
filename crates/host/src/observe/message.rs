//! A request, ready to be sent again and again.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};
use http_body_util::Full;
use hyper::body::Bytes;
use steadfast_probes::{address, world::HttpRequest};

use super::{connect::Origin, tls::Tls};

const USER_AGENT: &str = concat!("steadfast/", env!("CARGO_PKG_VERSION"));

/// A request, ready to be sent again and again.
pub(super) struct Message {
    pub(super) origin: Origin,
    method: Method,
    /// Path and query.
    target: Uri,
    headers: HeaderMap,
    body: Bytes,
}

impl Message {
    /// Prepares a request.
    ///
    /// # Errors
    /// What is wrong with it. Values of headers are not repeated.
    pub(super) fn prepare(request: &HttpRequest, tls: &Tls) -> Result<Self, String> {
        let uri = address::parse(&request.url)?;
        let method = Method::from_bytes(request.method.as_bytes())
            .map_err(|_| format!("`{}` is no method", request.method))?;
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        let target = target.parse().map_err(|_| "the path cannot be sent".to_owned())?;
        let origin = Origin::of(&uri, tls)?;
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            let key: HeaderName = name.parse().map_err(|_| format!("`{name}` is no name of a header"))?;
            let mut value = HeaderValue::from_str(value.expose()).map_err(|_| {
                format!("what the header {name} holds cannot be sent: a line break or a special character")
            })?;
            value.set_sensitive(true);
            headers.append(key, value);
        }
        headers.insert(header::HOST, origin.authority.clone());
        headers.entry(header::USER_AGENT).or_insert(HeaderValue::from_static(USER_AGENT));
        if let Some(body) = &request.body {
            let json = body.trim_start().starts_with(['{', '[']);
            let kind = if json { "application/json" } else { "text/plain; charset=utf-8" };
            headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static(kind));
        }
        let body = request.body.clone().map_or_else(Bytes::new, Bytes::from);
        Ok(Self { origin, method, target, headers, body })
    }

    /// As it goes over a connection (RFC 9112, section 3).
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\n", self.method, self.target).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        // Methods that have a body say so when theirs is empty.
        if !self.body.is_empty() || [Method::POST, Method::PUT, Method::PATCH].contains(&self.method) {
            bytes.extend(format!("content-length: {}\r\n", self.body.len()).into_bytes());
        }
        bytes.extend(b"\r\n");
        bytes.extend(&self.body);
        bytes
    }

    /// Whether the answer is a head without a body.
    pub(super) fn asks_for_head(&self) -> bool {
        self.method == Method::HEAD
    }

    pub(super) fn request(&self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.target.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}
