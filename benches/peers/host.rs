//! What machine this is, in one line.

use std::fs;
use std::thread;

/// Processor, cores, memory, kernel: no name of the machine.
pub(crate) fn describe() -> String {
    let field = |file: &str, key: &str| -> Option<String> {
        let text = fs::read_to_string(file).ok()?;
        let line = text.lines().find(|line| line.starts_with(key))?;
        line.split_once(':').map(|(_, value)| value.trim().to_owned())
    };
    let unknown = || "unknown".to_owned();
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let memory_kib: u64 = field("/proc/meminfo", "MemTotal")
        .and_then(|value| value.trim_end_matches(" kB").parse().ok())
        .unwrap_or_default();
    let kernel = rustix::system::uname();
    format!(
        "{} ({cores} cores), {:.1} GiB of memory, {} {}",
        field("/proc/cpuinfo", "model name").unwrap_or_else(unknown),
        memory_kib as f64 / f64::from(1 << 20),
        kernel.sysname().to_string_lossy(),
        kernel.release().to_string_lossy().split('-').next().unwrap_or_default(),
    )
}
