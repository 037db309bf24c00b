//! The HTTPS endpoint that Gatekeeper asks, and the plain port for health, readiness and metrics.
//!
//! HTTP alone: documents are `externaldata`'s, decisions are `engine`'s. HTTP/1.1 over TLS 1.3, kept
//! connections longer than Gatekeeper keeps them.

mod answer;
mod body;
mod connections;
mod endpoint;
mod error;
mod health;
mod repeated;
mod request_id;
pub mod tls;

pub use error::ServerError;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, web};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::config::ServerSettings;
use crate::engine::Engine;
use crate::telemetry::{Metrics, VerdictLog};
use body::BodyRoom;
use connections::Connections;
use repeated::RepeatedItems;
use request_id::RequestIds;
use tls::TlsState;

/// How long a TLS handshake may take, and how long a request's head may take to come. What follows the head
/// has the deadline of its path.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a client may leave bytes of an answer unread. Neither actix nor a deadline of ours ends a write; the
/// kernel does, by `TCP_USER_TIMEOUT`, which holds for a closed window too.
#[cfg(target_os = "linux")]
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// Connections that wait for being accepted: Gatekeeper before 3.22 opens a new one for each request.
const BACKLOG: u32 = 1024;
/// Connections of one worker. Gatekeeper before 3.22 leaves its connections open until they are idle too long.
const MAX_CONNECTIONS: usize = 8192;
/// How many bodies of the largest size all bodies together may hold.
const BODIES: usize = 64;
/// How long a stop leaves connections open for a last request, whose answer closes them. Gatekeeper keeps its
/// connections, and a request that it sends on one that is just being closed is an error to it, never retried.
const LINGER: Duration = Duration::from_secs(2);
/// Threads of the plain port.
const HEALTH_WORKERS: usize = 1;

/// What a server is made of.
#[derive(Clone)]
pub struct ServerParts {
    /// Addresses, limits and deadlines.
    pub settings: ServerSettings,
    /// Decides.
    pub engine: Engine,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// The certificate that is shown, and who is let in.
    pub tls: Arc<TlsState>,
    /// What a configuration in force waits for, where that is known better than from the log.
    pub waiting_for: WaitingFor,
    /// What Gatekeeper cannot be answered without, beside a configuration and TLS.
    pub gatekeeper_waits_for: WaitingFor,
}

/// What is waited for, or nothing: a line for `/readyz`.
pub type WaitingFor = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// What every worker shares.
struct Shared {
    settings: ServerSettings,
    engine: Engine,
    metrics: Arc<Metrics>,
    tls: Arc<TlsState>,
    waiting_for: WaitingFor,
    gatekeeper_waits_for: WaitingFor,
    verdicts: VerdictLog,
    repeated: RepeatedItems,
    request_ids: RequestIds,
    /// A place for each request that may be in flight.
    places: Semaphore,
    body_room: BodyRoom,
    connections: Connections,
    stopping: AtomicBool,
}

/// A server that answers until it is stopped.
pub struct Running {
    shared: web::Data<Shared>,
    address: SocketAddr,
    health_address: SocketAddr,
    handles: [ServerHandle; 2],
    tasks: [JoinHandle<std::io::Result<()>>; 2],
}

/// Binds both addresses and starts answering.
///
/// # Errors
/// [`ServerError`]: an address that cannot be had.
pub fn start(parts: ServerParts) -> Result<Running, ServerError> {
    let settings = parts.settings.clone();
    let (listener, address) = bind(settings.listen)?;
    let (health_listener, health_address) = bind(settings.health_listen)?;
    let rustls = parts.tls.rustls_config();
    let shared = web::Data::new(Shared {
        places: Semaphore::new(settings.max_in_flight.min(Semaphore::MAX_PERMITS)),
        body_room: BodyRoom::new(settings.max_body_bytes.saturating_mul(BODIES)),
        settings: parts.settings,
        engine: parts.engine,
        metrics: parts.metrics,
        tls: parts.tls,
        waiting_for: parts.waiting_for,
        gatekeeper_waits_for: parts.gatekeeper_waits_for,
        verdicts: VerdictLog::default(),
        connections: Connections::default(),
        repeated: RepeatedItems::default(),
        request_ids: RequestIds::default(),
        stopping: AtomicBool::new(false),
    });
    let health_shared = shared.clone();
    let kept = shared.clone();
    let connections = shared.connections.clone();
    let drain_seconds = settings.drain_timeout.as_secs().max(1);
    let endpoint = HttpServer::new(move || App::new().app_data(shared.clone()).configure(endpoint::routes))
        .on_connect(move |_, extensions| {
            extensions.insert(connections.open());
        })
        .backlog(BACKLOG)
        .max_connections(MAX_CONNECTIONS)
        .tcp_nodelay(true)
        .disable_signals()
        .keep_alive(settings.keep_alive)
        .client_request_timeout(HANDSHAKE_TIMEOUT)
        .shutdown_timeout(drain_seconds)
        .tls_handshake_timeout(HANDSHAKE_TIMEOUT)
        .listen_rustls_0_23(listener, (*rustls).clone())
        .map_err(|source| ServerError::Listen { address, source })?
        .run();
    let health =
        HttpServer::new(move || App::new().app_data(health_shared.clone()).configure(health::routes))
            .disable_signals()
            .client_request_timeout(HANDSHAKE_TIMEOUT)
            .shutdown_timeout(drain_seconds)
            .workers(HEALTH_WORKERS)
            .listen(health_listener)
            .map_err(|source| ServerError::Listen { address: health_address, source })?
            .run();
    tracing::info!(address = %address, health = %health_address, "listening");
    Ok(Running {
        shared: kept,
        address,
        health_address,
        handles: [endpoint.handle(), health.handle()],
        tasks: [tokio::spawn(endpoint), tokio::spawn(health)],
    })
}

fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServerError> {
    let bound = TcpListener::bind(address).and_then(|listener| {
        // Every connection that is accepted inherits it.
        #[cfg(target_os = "linux")]
        socket2::SockRef::from(&listener).set_tcp_user_timeout(Some(WRITE_TIMEOUT))?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    });
    bound.map_err(|source| ServerError::Listen { address, source })
}

impl Running {
    /// Where Gatekeeper's requests are answered.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where health, readiness and metrics are answered.
    pub fn health_address(&self) -> SocketAddr {
        self.health_address
    }

    /// Closes connections as they are used, then takes no new ones, finishes what is in flight within the
    /// drain time, and ends.
    ///
    /// # Errors
    /// [`ServerError::Ended`]: a server ended otherwise than by being stopped.
    pub async fn stop(self) -> Result<(), ServerError> {
        self.shared.stopping.store(true, Ordering::Relaxed);
        self.shared.connections.none(self.shared.settings.drain_timeout.min(LINGER)).await;
        let [endpoint, health] = self.handles;
        // The plain port goes last: whoever watches sees the end of it.
        endpoint.stop(true).await;
        health.stop(true).await;
        for task in self.tasks {
            task.await
                .map_err(std::io::Error::other)
                .flatten()
                .map_err(|source| ServerError::Ended { source })?;
        }
        Ok(())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_connection_gives_up_a_client_that_reads_nothing() {
        let (listener, address) = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        listener.set_nonblocking(false).unwrap();
        let _client = std::net::TcpStream::connect(address).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        let timeout = socket2::SockRef::from(&accepted).tcp_user_timeout().unwrap();
        assert_eq!(timeout, Some(WRITE_TIMEOUT));
    }
}
