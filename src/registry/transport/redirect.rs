//! Where a redirect may lead.

use reqwest::header::{HeaderMap, LOCATION};
use reqwest::{Method, StatusCode, Url};

use super::Request;
use super::address::{Place, Reach, place_of};
use super::clients::authority;
use crate::domain::reference::Registry;
use crate::registry::error::{Error, Result};
use crate::registry::settings::Settings;

/// How many are followed at most.
pub const MOST: usize = 10;

pub fn is_one(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Returns whether two addresses have one scheme, host and port.
pub fn same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host_str() == other.host_str()
        && one.port_or_known_default() == other.port_or_known_default()
}

/// Returns where an answer leads to.
///
/// # Errors
/// Where it leads nowhere, out of TLS, or to a host that is not to be asked
/// without TLS.
pub fn target(
    (request, from): (&Request, &Url),
    headers: &HeaderMap,
    settings: &Settings,
) -> Result<Url> {
    let host = authority(from);
    let refuse = |rule: String| Err(Error::violation(request.attempt.clone(), rule));
    if request.method != Method::GET && request.method != Method::HEAD {
        return refuse(format!(
            "`{host}` redirects a request that changes something"
        ));
    }
    place((request, from), headers, settings)
}

/// Returns the address that an answer gives as its `Location`.
///
/// # Errors
/// Those of [`target`].
pub fn place(
    (request, from): (&Request, &Url),
    headers: &HeaderMap,
    settings: &Settings,
) -> Result<Url> {
    let host = authority(from);
    let refuse = |rule: String| Err(Error::violation(request.attempt.clone(), rule));
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let Some(mut target) = location.and_then(|location| from.join(location).ok()) else {
        return refuse(format!("`{host}` leads to no address"));
    };
    // Neither name nor password of a redirect is ours to send.
    if target.set_username("").is_err() || target.set_password(None).is_err() {
        return refuse(format!("`{host}` leads to no address"));
    }
    let there = authority(&target);
    match (from.scheme(), target.scheme()) {
        (_, "https") => Ok(target),
        ("http", "http") => {
            let registry = there.parse::<Registry>().ok();
            let named = registry.is_some_and(|registry| {
                registry.is_loopback() || settings.registry(&registry).plain_http == Some(true)
            });
            if named || same_origin(&target, from) {
                Ok(target)
            } else {
                refuse(format!(
                    "`{host}` leads to `{there}`, which would be asked without TLS"
                ))
            }
        }
        ("https", "http") => refuse(format!("`{host}` leads out of TLS, to `{there}`")),
        _ => refuse(format!("`{host}` leads to something that is not http")),
    }
}

/// Returns where the registry itself is; `Public` where that cannot be told.
pub async fn home_of(url: &Url) -> Place {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match tokio::net::lookup_host((bare, 0)).await {
        Ok(mut found) => found
            .next()
            .map_or(Place::Public, |address| place_of(address.ip())),
        Err(_) => Place::Public,
    }
}

/// Refuses an address out of reach that is written as such; the resolver looks
/// at names.
///
/// # Errors
/// Where it is out of reach.
pub fn check_address(request: &Request, target: &Url, reach: Reach) -> Result<()> {
    let host = target.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse() {
        Ok(address) if !reach.allows(address) => Err(forbidden(request, &authority(target))),
        _ => Ok(()),
    }
}

/// Returns the failure to be led to an address out of reach.
pub fn forbidden(request: &Request, there: &str) -> Error {
    let rule = format!(
        "`{}` leads to `{there}`, which is on this machine or a private network",
        authority(&request.url)
    );
    Error::violation(request.attempt.clone(), rule)
}
