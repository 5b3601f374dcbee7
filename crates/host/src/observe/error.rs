//! Why an exchange over HTTP did not come to its end.

use std::{error::Error, io};

use rustix::io::Errno;

/// Why an exchange did not come to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ExchangeError {
    /// This machine could not even try: no more descriptors, ports or memory. It says nothing about who was asked.
    Ours(String),
    /// Whoever was asked did not answer as it should.
    Theirs(String),
}

impl ExchangeError {
    /// Sorts an error of a socket.
    pub(super) fn of_io(error: &io::Error) -> Self {
        let ours = [Errno::MFILE, Errno::NFILE, Errno::ADDRNOTAVAIL, Errno::NOBUFS, Errno::NOMEM];
        let cause = match error.kind() {
            io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
            io::ErrorKind::ConnectionReset => "connection reset".to_owned(),
            io::ErrorKind::UnexpectedEof => "connection closed before the answer was complete".to_owned(),
            _ => error.to_string(),
        };
        if Errno::from_io_error(error).is_some_and(|errno| ours.contains(&errno)) {
            Self::Ours(cause)
        } else {
            Self::Theirs(cause)
        }
    }

    /// Sorts an error of HTTP by what is at its root.
    pub(super) fn of_hyper(error: &hyper::Error) -> Self {
        let mut source = error.source();
        while let Some(cause) = source {
            if let Some(io) = cause.downcast_ref::<io::Error>() {
                return Self::of_io(io);
            }
            source = cause.source();
        }
        if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
            return Self::Theirs("connection closed before the answer was complete".to_owned());
        }
        if error.is_parse() {
            return Self::Theirs(format!("the answer is not HTTP: {error}"));
        }
        Self::Theirs(error.to_string())
    }

    pub(super) fn cause(&self) -> &str {
        match self {
            Self::Ours(cause) | Self::Theirs(cause) => cause,
        }
    }

    /// What to try.
    pub(super) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Ours(_) => {
                Some("this machine ran out of it, not the service: raise its limits or ask less")
            }
            Self::Theirs(cause) if cause == "connection refused" => {
                Some("is it running, and is this its address?")
            }
            Self::Theirs(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_machine_lacks_is_not_blamed_on_the_service() {
        let of = |errno: Errno| ExchangeError::of_io(&io::Error::from_raw_os_error(errno.raw_os_error()));
        assert!(matches!(of(Errno::MFILE), ExchangeError::Ours(_)));
        assert!(matches!(of(Errno::ADDRNOTAVAIL), ExchangeError::Ours(_)));
        assert_eq!(of(Errno::CONNREFUSED), ExchangeError::Theirs("connection refused".to_owned()));
        assert!(matches!(of(Errno::HOSTUNREACH), ExchangeError::Theirs(_)));
    }
}
