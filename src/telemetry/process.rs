//! What the process uses, as Linux tells it; nothing where that is not there.

/// What the process uses.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usage {
    pub cpu_seconds: Option<f64>,
    pub resident_bytes: Option<u64>,
    pub open_files: Option<usize>,
}

/// Asks the system.
pub(super) fn usage() -> Usage {
    let read = |name: &str| std::fs::read_to_string(format!("/proc/self/{name}")).ok();
    Usage {
        cpu_seconds: read("stat").as_deref().and_then(cpu_seconds),
        resident_bytes: read("status").as_deref().and_then(resident_bytes),
        open_files: std::fs::read_dir("/proc/self/fd").ok().map(Iterator::count),
    }
}

/// User and system time, fields 14 and 15 of `stat`. The second field is a name in parentheses that may hold
/// blanks.
fn cpu_seconds(stat: &str) -> Option<f64> {
    /// Ticks of a second; fixed in the interface of Linux on every architecture of today.
    const TICKS: f64 = 100.0;
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some((f64::from(user) + f64::from(system)) / TICKS)
}

/// The line `VmRSS: 1234 kB` of `status`.
fn resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_linux_says_is_read() {
        let stat = "42 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0";
        assert_eq!(cpu_seconds(stat), Some(2.0));
        assert_eq!(resident_bytes("Name:\ta\nVmRSS:\t   12 kB\nThreads: 1\n"), Some(12 * 1024));
        assert_eq!(cpu_seconds("x"), None);
        assert_eq!(resident_bytes("VmRSS: many\n"), None);
    }
}
