//! Both ends of real connections over loopback: a small HTTP server behind the configuration under test,
//! and clients that say what became of their request.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use hallmark::server::tls::{Clock, TlsSettings, TlsState};
use jiff::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::time_provider::TimeProvider;
use tokio_rustls::rustls::{ClientConfig, HandshakeKind, RootCertStore, ServerConfig, crypto::aws_lc_rs};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::pki::{Pair, START};

/// A clock that stands still until it is moved.
#[derive(Clone, Debug)]
pub struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub fn new() -> Self {
        Self(Arc::new(AtomicI64::new(START)))
    }

    /// Sets it to so many seconds after [`START`].
    pub fn set(&self, seconds: i64) {
        self.0.store(START + seconds, Ordering::SeqCst);
    }

    pub fn clock(&self) -> Clock {
        let seconds = Arc::clone(&self.0);
        Arc::new(move || Timestamp::from_second(seconds.load(Ordering::SeqCst)).unwrap())
    }
}

impl TimeProvider for TestClock {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.load(Ordering::SeqCst)).unwrap();
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

/// A server with the configuration of one [`TlsState`].
pub struct Endpoint {
    pub tls: Arc<TlsState>,
    pub clock: TestClock,
    pub address: SocketAddr,
}

impl Endpoint {
    pub async fn start(settings: TlsSettings) -> Self {
        let clock = TestClock::new();
        let tls = TlsState::start(settings, clock.clock()).unwrap();
        let address = serve(tls.rustls_config()).await;
        Self { tls, clock, address }
    }

    /// A client that believes the authorities of `roots` and shows `identity`.
    pub fn client(&self, roots: &str, identity: Option<&Pair>) -> Client {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut store = RootCertStore::empty();
        for root in CertificateDer::pem_slice_iter(roots.as_bytes()) {
            store.add(root.unwrap()).unwrap();
        }
        let builder = ClientConfig::builder_with_details(provider, Arc::new(self.clock.clone()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(store);
        let config = match identity {
            None => builder.with_no_client_auth(),
            Some(pair) => {
                let chain = CertificateDer::pem_slice_iter(pair.chain.as_bytes());
                let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
                builder.with_client_auth_cert(chain.collect::<Result<_, _>>().unwrap(), key).unwrap()
            }
        };
        Client { config: Arc::new(config), address: self.address }
    }
}

async fn serve(config: Arc<ServerConfig>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = TlsAcceptor::from(config);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(acceptor.clone(), stream));
        }
    });
    address
}

/// Answers requests until the client goes.
async fn answer(acceptor: TlsAcceptor, stream: TcpStream) {
    let Ok(mut stream) = acceptor.accept(stream).await else { return };
    let mut head = Vec::new();
    while let Ok(byte) = stream.read_u8().await {
        head.push(byte);
        if head.ends_with(b"\r\n\r\n") {
            head.clear();
            let answered = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
            if answered.is_err() || stream.flush().await.is_err() {
                return;
            }
        }
    }
}

pub struct Client {
    config: Arc<ClientConfig>,
    address: SocketAddr,
}

/// A connection that is up.
pub struct Connection {
    stream: TlsStream<TcpStream>,
}

impl Client {
    /// Connects and asks once. A server that refuses a client certificate says so only after the client's
    /// side of a TLS 1.3 handshake is done, so that nothing less than an answer proves anything.
    pub async fn connect(&self) -> Result<Connection, String> {
        let tcp = TcpStream::connect(self.address).await.map_err(|error| error.to_string())?;
        tcp.set_nodelay(true).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsConnector::from(Arc::clone(&self.config)).connect(name, tcp).await;
        let mut connection = Connection { stream: stream.map_err(|error| error.to_string())? };
        connection.ask().await?;
        Ok(connection)
    }

    /// The server certificate that a new connection meets.
    pub async fn meets(&self) -> Result<Vec<u8>, String> {
        let connection = self.connect().await?;
        Ok(connection.stream.get_ref().1.peer_certificates().unwrap()[0].to_vec())
    }

    /// Why a new connection fails.
    pub async fn refusal(&self) -> String {
        self.connect().await.err().expect("the connection should have been refused")
    }
}

impl Connection {
    pub async fn ask(&mut self) -> Result<(), String> {
        let mut answer = [0; 40];
        self.stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.map_err(|error| error.to_string())?;
        self.stream.read_exact(&mut answer).await.map_err(|error| error.to_string())?;
        assert!(answer.ends_with(b"ok"));
        Ok(())
    }

    pub fn was_resumed(&self) -> bool {
        self.stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed)
    }
}

/// The first certificate of a PEM text, DER.
pub fn der(pem: &str) -> Vec<u8> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().to_vec()
}
