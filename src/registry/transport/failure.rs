//! Why there is no answer, from the errors that the libraries give.

use std::io;

use reqwest::Url;
use rustls::{CertificateError, Error as TlsError};

use super::address::Forbidden;
use super::clients::authority;
use super::{Request, redirect};
use crate::registry::error::{Error, Reason, any_cause};

/// Why a try failed.
#[derive(Debug)]
pub enum Failure {
    /// It may go well the next time.
    Passing(String),
    /// There was no connection, so nothing was asked; it may go well the next time.
    Unasked(String),
    Final(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

/// Returns what a library's error means.
pub fn of(request: &Request, url: &Url, error: &reqwest::Error) -> Failure {
    let host = authority(url);
    if any_cause(error, &mut |cause| cause.is::<Forbidden>()) {
        return redirect::forbidden(request, &host).into();
    }
    if let Some(rule) = bad_certificate(error) {
        let told = Error::violation(
            request.attempt.clone(),
            format!("the certificate of `{host}` is not valid: {rule}"),
        );
        return told
            .hint(format!(
                "where it is your own, name its authority with `--ca-file`, or in the config \
                 file: `[registry.\"{host}\"]`, `ca-file = \"/path/to/ca.pem\"`"
            ))
            .into();
    }
    if error.is_connect() && is_no_tls_message(error) {
        let told = Error::new(Reason::Unavailable, request.attempt.clone()).because(format!(
            "`{host}` was asked by https, and does not speak TLS"
        ));
        return told
            .hint(format!(
                "where it is to be asked without, `--plain-http`, or in the config file: \
                 `[registry.\"{host}\"]`, `plain-http = true`"
            ))
            .into();
    }
    if error.is_connect() {
        return Failure::Unasked(words(error));
    }
    Failure::Passing(words(error))
}

/// Returns an error as words, without addresses.
fn words(error: &reqwest::Error) -> String {
    let mut innermost = String::new();
    let mut is_lookup = false;
    any_cause(error, &mut |cause| {
        let text = cause.to_string();
        is_lookup |= text.contains("dns error") || text.contains("failed to lookup address");
        if !text.is_empty() {
            innermost = text;
        }
        false
    });
    if error.is_timeout() {
        "it did not answer in time".to_owned()
    } else if is_lookup {
        "its name cannot be looked up".to_owned()
    } else if innermost.contains("://") {
        // An address may hold a password.
        "the connection failed".to_owned()
    } else {
        innermost
    }
}

/// Returns what is wrong with a server's certificate, where that is why.
fn bad_certificate(error: &reqwest::Error) -> Option<String> {
    let mut found = None;
    any_cause(error, &mut |cause| {
        match cause.downcast_ref::<TlsError>() {
            Some(TlsError::InvalidCertificate(CertificateError::UnknownIssuer)) => {
                found = Some("no authority that is trusted signed it".to_owned());
            }
            Some(TlsError::InvalidCertificate(rule)) => found = Some(rule.to_string()),
            Some(TlsError::NoCertificatesPresented) => found = Some("there is none".to_owned()),
            _ => {}
        }
        found.is_some()
    });
    found
}

/// Returns whether what the other side said first is no message of TLS.
fn is_no_tls_message(error: &reqwest::Error) -> bool {
    any_cause(error, &mut |cause| {
        let cause = cause.downcast_ref::<TlsError>();
        matches!(cause, Some(TlsError::InvalidMessage(_)))
    })
}

/// Returns whether the other side does not speak TLS at all.
pub fn is_not_tls(error: &reqwest::Error) -> bool {
    let mut is_tls = false;
    let mut other = false;
    any_cause(error, &mut |cause| {
        if let Some(error) = cause.downcast_ref::<TlsError>() {
            is_tls |= !matches!(error, TlsError::InvalidMessage(_));
            other |= matches!(error, TlsError::InvalidMessage(_));
        }
        if let Some(error) = cause.downcast_ref::<io::Error>() {
            // It hung up on the first words of the handshake.
            other |= matches!(
                error.kind(),
                io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset
            );
        }
        false
    });
    error.is_connect() && other && !is_tls
}
