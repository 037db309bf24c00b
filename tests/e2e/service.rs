//! What a Service is in a cluster: one address that never changes, before replicas that come and go.

use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Forwards connections to its backends in turn; with none it hangs up.
pub struct Service {
    address: String,
    backends: Arc<Mutex<Backends>>,
    cut: watch::Sender<()>,
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
        let cut = watch::channel(()).0;
        let listener = tokio::spawn(forward(listener, Arc::clone(&backends), cut.clone()));
        Self { address, backends, cut, listener }
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

    /// Ends the connections that exist: whoever keeps them has to make new ones.
    pub fn cut(&self) {
        self.cut.send_replace(());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn forward(listener: TcpListener, backends: Arc<Mutex<Backends>>, cut: watch::Sender<()>) {
    while let Ok((mut client, _)) = listener.accept().await {
        let candidates = in_turn(&backends);
        let mut cut = cut.subscribe();
        tokio::spawn(async move {
            for address in candidates {
                if let Ok(mut server) = TcpStream::connect(&address).await {
                    tokio::select! {
                        // Either side may hang up at any time.
                        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                        _ = cut.changed() => {}
                    }
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
