//! Child processes with a log file each, which end with this process however it ends: a watchdog holds the
//! other end of a pipe, and the system closes that when this process dies.
#![allow(dead_code, reason = "each program of tests asks something else of its processes")]

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// Kills whoever is on its list when its input ends.
const WATCHDOG: &str = r#"
list=" "
while read -r sign id; do
  case $sign in
    +) list="$list$id " ;;
    -) list=$(printf %s "$list" | sed "s/ $id / /") ;;
  esac
done
for id in $list; do kill -9 "$id" 2>/dev/null; done
"#;

/// Ends with its input.
struct Watchdog {
    process: Child,
    input: Option<ChildStdin>,
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.input.take());
        // It ends by itself once its input has.
        let _ = self.process.wait();
    }
}

/// Where processes are started.
#[derive(Clone)]
pub struct Processes {
    watchdog: Arc<Mutex<Watchdog>>,
    logs: PathBuf,
}

impl Processes {
    /// Logs go below `logs`.
    pub fn new(logs: &Path) -> Self {
        let mut process = Command::new("sh")
            .args(["-c", WATCHDOG])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A signal for the terminal's group must not end it before it has done its work.
            .process_group(0)
            .spawn()
            .expect("sh runs");
        let input = process.stdin.take();
        let watchdog = Watchdog { process, input };
        Self { watchdog: Arc::new(Mutex::new(watchdog)), logs: logs.to_owned() }
    }

    pub fn logs(&self) -> &Path {
        &self.logs
    }

    /// Starts a program; its output is appended to `NAME.log`.
    pub fn spawn(&self, name: &str, command: &mut Command) -> Process {
        let path = self.logs.join(format!("{name}.log"));
        let log = OpenOptions::new().create(true).append(true).open(&path).expect("log file");
        let from = log.metadata().expect("log file").len();
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("log file"))
            .stderr(log)
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let process = Process { child, name: name.to_owned(), path, from, processes: self.clone() };
        self.tell('+', process.id());
        process
    }

    fn tell(&self, sign: char, id: u32) {
        let mut watchdog = self.watchdog.lock().expect("watchdog");
        let input = watchdog.input.as_mut().expect("standard input");
        writeln!(input, "{sign} {id}").expect("the watchdog listens");
    }
}

/// A running program. Dropping it kills it.
pub struct Process {
    child: Child,
    name: String,
    path: PathBuf,
    /// Where this run begins in the log.
    from: u64,
    processes: Processes,
}

impl Process {
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// # Panics
    /// When the program has ended, with the end of its log.
    pub fn assert_runs(&mut self) {
        if let Some(status) = self.child.try_wait().expect("status") {
            panic!("{} ended with {status}; {} ends with:\n{}", self.name, self.path.display(), self.tail());
        }
    }

    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("status")
    }

    /// What this run has logged so far.
    pub fn log(&self) -> String {
        let mut file = File::open(&self.path).expect("log file");
        file.seek(SeekFrom::Start(self.from)).expect("log file");
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).expect("log file");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The lines of this run's log that are JSON.
    pub fn json_log(&self) -> Vec<Value> {
        self.log().lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    pub fn kill(&mut self) {
        // It may have ended by itself, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to end, and waits until it has.
    pub fn terminate(&mut self) -> ExitStatus {
        let status = Command::new("kill").arg(self.id().to_string()).status().expect("kill runs");
        assert!(status.success(), "{} had ended before", self.name);
        self.child.wait().expect("status")
    }

    fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        self.processes.tell('-', self.id());
    }
}
