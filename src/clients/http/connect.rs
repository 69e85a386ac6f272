//! The connections to one service: kept open for a while, and with TLS where its URL says so.

use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use reqwest::{Client, Url, redirect};

use super::super::UpstreamError;

/// How many connections that nobody uses are kept open.
const IDLE_CONNECTIONS: usize = 4;

/// A client of the service at this URL. Reads the machine's root certificates, which takes a while.
pub(crate) fn build_client(
    base_url: Option<&Url>,
    connect: Duration,
) -> Result<Client, UpstreamError> {
    // An error means that a provider is installed already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .user_agent(concat!("servicebay/", env!("CARGO_PKG_VERSION")))
        .default_headers(HeaderMap::from_iter([(
            ACCEPT,
            HeaderValue::from_static("application/json"),
        )]))
        .redirect(redirect::Policy::none())
        .connect_timeout(connect)
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
        // A connection left open over a laptop's sleep would swallow the next request.
        .pool_idle_timeout(Duration::from_secs(30));
    if base_url.is_some_and(|url| url.scheme() == "http") {
        // Without TLS, machines that have no root certificates are fine, too.
        builder = builder.tls_certs_only([]);
    }
    if base_url.is_some_and(is_on_this_machine) {
        // A proxy from the environment would look for it on its own machine.
        builder = builder.no_proxy();
    }
    Ok(builder.build()?)
}

fn is_on_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_loopback_address_is_on_this_machine() {
        let is_local = |url: &str| is_on_this_machine(&Url::parse(url).expect("a URL"));
        assert!(is_local("http://localhost:1/api"));
        assert!(is_local("http://127.0.0.1:1"));
        assert!(is_local("http://[::1]:1"));
        assert!(!is_local("https://vpic.nhtsa.dot.gov/api"));
    }
}
