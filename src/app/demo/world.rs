//! What a provider has around it, on loopback: a registry with the samples, and their revocation list.

use std::net::SocketAddr;

use super::images::Images;
use super::loopback::Loopback;
use super::registry::Registry;
use super::revocation_list::{ListServer, PORT};

/// What is around the provider, running.
#[derive(Debug)]
pub(super) struct World {
    registry: Loopback,
    list: ListServer,
}

impl World {
    /// Starts the registry on a free port, and the revocation list on the one that certificates name.
    ///
    /// # Errors
    /// Where the registry cannot listen. A list that cannot be served is no error: [`Self::missing_list`].
    pub(super) async fn start() -> std::io::Result<Self> {
        let registry = Loopback::serve(0, Registry::new(Images::embedded()))?;
        Ok(Self { registry, list: ListServer::start().await })
    }

    /// `host:port` of the registry.
    pub(super) fn registry(&self) -> SocketAddr {
        self.registry.address()
    }

    /// Why nobody serves the revocation list, as a line; nothing where somebody does.
    pub(super) fn missing_list(&self) -> Option<String> {
        match &self.list {
            ListServer::Own(_) | ListServer::Another => None,
            ListServer::Nobody(error) => Some(format!("127.0.0.1:{PORT} cannot be used ({error})")),
        }
    }

    /// Ends both in good order.
    pub(super) async fn stop(self) {
        self.registry.stop().await;
        self.list.stop().await;
    }
}
