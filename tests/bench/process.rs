//! The server under load, as its own process, and what the kernel says that it used.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// A running `hallmark serve`; killed when dropped.
pub struct Provider {
    child: Child,
    pub url: String,
    pub health: String,
    /// From `exec` to the first ready answer.
    pub ready_after: Duration,
}

impl Drop for Provider {
    fn drop(&mut self) {
        // It may have ended already; either way nothing is left behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Provider {
    /// Starts the binary on free loopback ports and waits until it says that it is ready.
    pub async fn start(config: &Path, state: &Path) -> anyhow::Result<Self> {
        let (port, health_port) = (free_port()?, free_port()?);
        let started = Instant::now();
        let child = Command::new(env!("CARGO_BIN_EXE_hallmark"))
            .arg("serve")
            .arg("--config")
            .arg(config)
            .arg("--state-dir")
            .arg(state)
            .args(["--listen", &format!("127.0.0.1:{port}")])
            .args(["--health-listen", &format!("127.0.0.1:{health_port}")])
            .args(["--tls-san", "127.0.0.1"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("starting hallmark serve")?;
        let health = format!("http://127.0.0.1:{health_port}");
        let mut provider =
            Self { child, url: format!("https://127.0.0.1:{port}"), health, ready_after: Duration::ZERO };
        provider.wait_ready(started).await?;
        provider.ready_after = started.elapsed();
        Ok(provider)
    }

    async fn wait_ready(&mut self, started: Instant) -> anyhow::Result<()> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let url = format!("{}/readyz", self.health);
        while started.elapsed() < Duration::from_secs(20) {
            if let Some(status) = self.child.try_wait()? {
                anyhow::bail!("hallmark serve ended with {status}");
            }
            if client.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        anyhow::bail!("hallmark serve was not ready within 20 s")
    }

    /// User and system time used so far.
    pub fn cpu(&self) -> anyhow::Result<Duration> {
        cpu_of(self.child.id())
    }

    /// Resident memory in KiB.
    pub fn resident_kib(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }
}

/// User and system time that a process has used so far.
pub fn cpu_of(process: u32) -> anyhow::Result<Duration> {
    // schedstat (Documentation/scheduler/sched-stats.rst) begins with the nanoseconds that a task has run.
    let mut nanoseconds = 0;
    for task in std::fs::read_dir(format!("/proc/{process}/task"))? {
        let text = std::fs::read_to_string(task?.path().join("schedstat"))?;
        nanoseconds += text.split(' ').next().context("schedstat")?.parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}

fn free_port() -> anyhow::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
