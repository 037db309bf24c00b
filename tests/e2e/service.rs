//! What a Service is in a cluster: one address that never changes, before replicas that come and go.

use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Forwards connections to its backends in turn; with none it hangs up.
pub struct Service {
    address: String,
    backends: Arc<Mutex<Backends>>,
    listener: JoinHandle<()>,
}

#[derive(Default)]
struct Backends {
    addresses: Vec<String>,
    next: usize,
}

impl Service {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback port");
        let address = listener.local_addr().expect("address").to_string();
        let backends = Arc::<Mutex<Backends>>::default();
        let listener = tokio::spawn(forward(listener, Arc::clone(&backends)));
        Self { address, backends, listener }
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Replaces the backends. Connections that exist stay with theirs.
    pub fn set(&self, addresses: &[&str]) {
        let mut backends = self.backends.lock().expect("backends");
        backends.addresses = addresses.iter().map(|address| (*address).to_owned()).collect();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn forward(listener: TcpListener, backends: Arc<Mutex<Backends>>) {
    while let Ok((mut client, _)) = listener.accept().await {
        let candidates = in_turn(&backends);
        tokio::spawn(async move {
            for address in candidates {
                if let Ok(mut server) = TcpStream::connect(&address).await {
                    // Either side may hang up at any time.
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                    return;
                }
            }
        });
    }
}

/// All backends, beginning with the one whose turn it is.
fn in_turn(backends: &Mutex<Backends>) -> Vec<String> {
    let mut backends = backends.lock().expect("backends");
    let mut addresses = backends.addresses.clone();
    if !addresses.is_empty() {
        let first = backends.next % addresses.len();
        addresses.rotate_left(first);
        backends.next = backends.next.wrapping_add(1);
    }
    addresses
}
