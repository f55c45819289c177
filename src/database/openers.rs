//! Which other processes have a file open. Only Linux tells, and of other users' processes only root
//! hears.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The processes that have `file` open, in words, without this one.
pub(super) fn openers(file: &Path) -> Vec<String> {
    let Ok(wanted) = fs::metadata(file) else {
        return Vec::new();
    };
    let is_it = |link: &Path| {
        // The same file has another path in a container; one of another name is not looked at.
        let leads = fs::read_link(link).is_ok_and(|path| path.file_name() == file.file_name());
        leads
            && fs::metadata(link)
                .is_ok_and(|it| (it.dev(), it.ino()) == (wanted.dev(), wanted.ino()))
    };
    let mut pids: Vec<u32> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|process| process.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid| *pid != std::process::id())
        .filter(|pid| {
            let open = fs::read_dir(format!("/proc/{pid}/fd"));
            let mut open = open.into_iter().flatten().flatten();
            open.any(|link| is_it(&link.path()))
        })
        .collect();
    pids.sort_unstable();
    pids.into_iter()
        .map(|pid| match program(pid) {
            Some(name) => format!("process {pid} ({name})"),
            None => format!("process {pid}"),
        })
        .collect()
}

/// The program that a process runs.
fn program(pid: u32) -> Option<String> {
    let path = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    let name = path.file_name()?.to_string_lossy();
    // A file can be called anything.
    Some(name.replace(char::is_control, "?"))
}
