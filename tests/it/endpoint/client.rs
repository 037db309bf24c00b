//! A client that speaks HTTP/1.1 by hand, so that it can also speak it badly.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};

#[derive(Clone)]
pub struct Client {
    address: SocketAddr,
    config: Arc<ClientConfig>,
}

/// A connection that is up.
pub struct Connection {
    stream: TlsStream<TcpStream>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// The head, in lower case.
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body, which is a ProviderResponse whatever the status is.
    pub fn json(&self) -> Value {
        assert!(self.head.contains("content-type: application/json"), "{}", self.head);
        let answer: Value = serde_json::from_slice(&self.body).expect("an answer is JSON");
        assert_eq!(answer["apiVersion"], "externaldata.gatekeeper.sh/v1beta1");
        assert_eq!(answer["kind"], "ProviderResponse");
        assert!(answer["response"].is_object(), "{answer}");
        answer
    }
}

impl Client {
    pub fn new(address: SocketAddr, roots: &str) -> Self {
        let mut store = RootCertStore::empty();
        for root in CertificateDer::pem_slice_iter(roots.as_bytes()) {
            store.add(root.expect("certificate")).expect("root");
        }
        let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(store)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Self { address, config: Arc::new(config) }
    }

    pub async fn connect(&self) -> std::io::Result<Connection> {
        let tcp = TcpStream::connect(self.address).await?;
        tcp.set_nodelay(true)?;
        let name = ServerName::try_from("localhost").expect("name");
        let stream = TlsConnector::from(Arc::clone(&self.config)).connect(name, tcp).await?;
        Ok(Connection { stream })
    }

    /// Asks over a connection of its own.
    pub async fn post(&self, path: &str, body: &str) -> Answer {
        self.connect().await.expect("connection").post(path, body).await
    }
}

impl Connection {
    /// The protocol that was agreed on.
    pub fn protocol(&self) -> Option<&[u8]> {
        self.stream.get_ref().1.alpn_protocol()
    }

    pub async fn post(&mut self, path: &str, body: &str) -> Answer {
        self.send(&format!("{}{body}", head(path, body.len()))).await;
        self.answer().await.expect("an answer")
    }

    pub async fn send(&mut self, text: &str) {
        // A server that has answered already may have closed its side.
        let _ = self.stream.write_all(text.as_bytes()).await;
        let _ = self.stream.flush().await;
    }

    /// The next answer; `None` where the server ends the connection without one.
    pub async fn answer(&mut self) -> Option<Answer> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.stream.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head).expect("a head is text").to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
        let mut body = vec![0; length.parse().expect("length")];
        self.stream.read_exact(&mut body).await.expect("a whole body");
        let status = head.split(' ').nth(1).expect("status").parse().expect("status");
        Some(Answer { status, head, body })
    }

    /// Whether the server ends the connection without another byte.
    pub async fn is_closed(&mut self) -> bool {
        self.stream.read_u8().await.is_err()
    }
}

/// The head of a POST as Gatekeeper sends it.
pub fn head(path: &str, length: usize) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: hallmark\r\nUser-Agent: Go-http-client/1.1\r\n\
         Content-Length: {length}\r\nContent-Type: application/json\r\nAccept-Encoding: gzip\r\n\r\n"
    )
}
