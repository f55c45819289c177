//! A model of what a disk holds when the power is lost, from a trace of the calls that wrote to it.
//!
//! It is harsher than any file system: whatever was not synced may be lost or kept, each change apart from all others,
//! with later ones kept and earlier ones lost. What a file holds is safe when the file was synced; that it is made,
//! renamed or removed, when all the folders concerned were. Only a rename happens as a whole or not at all.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::iter;
use std::path::{Path, PathBuf};

use super::files::listing;
use super::strace::Call;

/// The calls that a trace must hold.
pub const CALLS: &str = "openat,write,pwrite64,lseek,ftruncate,rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,\
                         fsync,fdatasync,syncfs,writev,pwritev,pwritev2,truncate,fallocate,copy_file_range,sendfile,\
                         splice,link,linkat,symlink,symlinkat,sync_file_range,mkdirat,creat,open";

/// More than one call writes.
pub const BYTES: usize = 1 << 20;

/// Files and folders by their path.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Tree(pub BTreeMap<String, Option<Vec<u8>>>);

impl Tree {
    /// These parts of a folder.
    pub fn read(root: &Path, parts: &[&str]) -> Tree {
        let mut tree = Tree::default();
        for part in parts {
            tree.add(root, part);
        }
        tree
    }

    fn add(&mut self, root: &Path, name: &str) {
        let path = root.join(name);
        if !path.is_dir() {
            self.0
                .insert(name.to_owned(), Some(fs::read(path).unwrap()));
            return;
        }
        self.0.insert(name.to_owned(), None);
        for entry in listing(&path) {
            self.add(root, &format!("{name}/{entry}"));
        }
    }

    /// Makes these parts of a folder what the tree says.
    pub fn write(&self, root: &Path, parts: &[&str]) {
        for part in parts {
            fs::remove_dir_all(root.join(part)).unwrap();
        }
        for (name, bytes) in &self.0 {
            match bytes {
                None => fs::create_dir(root.join(name)).unwrap(),
                Some(bytes) => fs::write(root.join(name), bytes).unwrap(),
            }
        }
    }
}

#[derive(Debug)]
enum Change {
    Make(String, usize),
    MakeFolder(String),
    Remove(String),
    Rename(String, String),
    Write(usize, usize, Vec<u8>),
    Resize(usize, usize),
}

struct Step {
    change: Change,
    made: usize,
    /// The path of what it changes.
    path: String,
    /// Folders that must be synced still.
    folders: Vec<String>,
    /// When it was on disk.
    safe: Option<usize>,
}

/// What a disk went through.
pub struct Disk {
    before: Tree,
    steps: Vec<Step>,
    /// Every call of the trace, as text.
    pub calls: Vec<String>,
    /// The calls that do more than write into files.
    pub moments: Vec<usize>,
}

impl Disk {
    /// Follows the calls below a folder.
    pub fn follow(root: &Path, parts: &[&str], before: &Tree, calls: &[Call]) -> Disk {
        let mut disk = Disk {
            before: before.clone(),
            steps: Vec::new(),
            calls: Vec::new(),
            moments: Vec::new(),
        };
        let numbers = before.0.keys().cloned().zip(0..);
        let mut now = Now {
            entries: numbers.collect(),
            next: before.0.len(),
            offsets: HashMap::new(),
        };
        let inside = |path: PathBuf| {
            let path = path.strip_prefix(root).ok()?.to_str()?.to_owned();
            let is_part = |part: &&str| {
                path.strip_prefix(*part)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            parts.iter().any(is_part).then_some(path)
        };
        for (time, call) in calls.iter().enumerate() {
            disk.calls.push(call.to_string());
            if call.result().is_none() {
                continue;
            }
            let steps = disk.steps.len();
            disk.take(&mut now, call, time, &inside);
            let is_quiet =
                call.name.contains("write") || steps == disk.steps.len() && !call.is_sync();
            if !is_quiet {
                disk.moments.push(time);
            }
        }
        disk.moments.push(calls.len());
        disk
    }

    fn take(
        &mut self,
        now: &mut Now,
        call: &Call,
        time: usize,
        inside: &dyn Fn(PathBuf) -> Option<String>,
    ) {
        let mut step = |change, path: &str, folders: Vec<String>| {
            let path = path.to_owned();
            self.steps.push(Step {
                change,
                made: time,
                path,
                folders,
                safe: None,
            });
        };
        if let Some((from, to)) = call.renamed() {
            let (Some(from), Some(to)) = (inside(from), inside(to)) else {
                return;
            };
            let file = now.entries.remove(&from).expect("a file that is renamed");
            now.entries.insert(to.clone(), file);
            step(
                Change::Rename(from.clone(), to.clone()),
                &to,
                vec![parent(&from), parent(&to)],
            );
            return;
        }
        if let Some(path) = call.removed() {
            let Some(path) = inside(path) else { return };
            now.entries.remove(&path);
            step(Change::Remove(path.clone()), &path, vec![parent(&path)]);
            return;
        }
        if let Some(path) = call.synced() {
            if let Some(path) = inside(path) {
                self.sync(now, &path, call.name == "syncfs", time);
            }
            return;
        }
        let path = match call.name.as_str() {
            "openat" => call.at(0),
            _ => call.opened(0),
        };
        let Some(path) = inside(path) else { return };
        let descriptor = call.number(0).unwrap_or_default();
        let done = usize::try_from(call.result().unwrap()).unwrap();
        match call.name.as_str() {
            "openat" => {
                now.offsets.insert(i64::try_from(done).unwrap(), 0);
                assert!(!call.has(2, "O_APPEND"), "{call} appends");
                let is_new = !now.entries.contains_key(&path);
                if is_new && call.has(2, "O_CREAT") {
                    now.entries.insert(path.clone(), now.next);
                    step(
                        Change::Make(path.clone(), now.next),
                        &path,
                        vec![parent(&path)],
                    );
                    now.next += 1;
                } else if call.has(2, "O_TRUNC") {
                    step(Change::Resize(now.entries[&path], 0), &path, Vec::new());
                }
            }
            "mkdir" => {
                now.entries.insert(path.clone(), now.next);
                now.next += 1;
                step(Change::MakeFolder(path.clone()), &path, vec![parent(&path)]);
            }
            "lseek" => {
                now.offsets.insert(descriptor, done);
            }
            "write" | "pwrite64" | "ftruncate" => {
                // One that is in no folder is lost anyway.
                let Some(file) = now.entries.get(&path).copied() else {
                    return;
                };
                let mut bytes = call.bytes(1);
                let change = match call.name.as_str() {
                    "ftruncate" => {
                        Change::Resize(file, usize::try_from(call.number(1).unwrap()).unwrap())
                    }
                    name => {
                        assert!(bytes.len() >= done, "{call} is cut in the trace");
                        bytes.truncate(done);
                        let at = if name == "write" {
                            let offset = now.offsets.entry(descriptor).or_default();
                            *offset += done;
                            *offset - done
                        } else {
                            usize::try_from(call.number(3).unwrap()).unwrap()
                        };
                        Change::Write(file, at, bytes)
                    }
                };
                step(change, &path, Vec::new());
            }
            _ => panic!("the model does not know {call}"),
        }
    }

    fn sync(&mut self, now: &Now, path: &str, whole: bool, time: usize) {
        let file = now.entries.get(path);
        for step in self.steps.iter_mut().filter(|step| step.safe.is_none()) {
            let is_safe = match &step.change {
                _ if whole => step.path.starts_with("public/uploads/"),
                Change::Write(of, ..) | Change::Resize(of, _) => file == Some(of),
                _ => {
                    step.folders.retain(|folder| folder != path);
                    step.folders.is_empty()
                }
            };
            if is_safe {
                step.safe = Some(time);
            }
        }
    }

    /// The changes that a loss of power before a call may undo.
    pub fn unsafe_before(&self, time: usize) -> Vec<usize> {
        let steps = self.steps.iter().enumerate();
        steps
            .filter(|(_, step)| step.made < time && step.safe.is_none_or(|safe| safe >= time))
            .map(|(number, _)| number)
            .collect()
    }

    /// What a change was, for messages.
    pub fn describe(&self, step: usize) -> &str {
        &self.calls[self.steps[step].made]
    }

    /// What the disk holds if the power is lost before a call, and these changes with it.
    pub fn without(&self, time: usize, lost: &[usize]) -> Tree {
        let mut entries: BTreeMap<String, usize> = self.before.0.keys().cloned().zip(0..).collect();
        let mut files: BTreeMap<usize, Option<Vec<u8>>> =
            (0..).zip(self.before.0.values().cloned()).collect();
        let mut next = usize::MAX;
        let steps = self.steps.iter().enumerate();
        let kept = steps.filter(|(number, step)| step.made < time && !lost.contains(number));
        for (_, step) in kept {
            match &step.change {
                Change::Make(path, file) => {
                    if entries.contains_key(&parent(path)) {
                        entries.insert(path.clone(), *file);
                        files.entry(*file).or_insert_with(|| Some(Vec::new()));
                    }
                }
                Change::MakeFolder(path) => {
                    if entries.contains_key(&parent(path)) {
                        next -= 1;
                        entries.insert(path.clone(), next);
                        files.insert(next, None);
                    }
                }
                Change::Remove(path) => {
                    entries.remove(path);
                }
                Change::Rename(from, to) => {
                    if entries.contains_key(&parent(to))
                        && let Some(file) = entries.remove(from)
                    {
                        entries.insert(to.clone(), file);
                    }
                }
                Change::Write(file, at, bytes) => {
                    let content = files.entry(*file).or_insert_with(|| Some(Vec::new()));
                    let content = content.as_mut().unwrap();
                    let end = at + bytes.len();
                    content.resize(content.len().max(end), 0);
                    content[*at..end].copy_from_slice(bytes);
                }
                Change::Resize(file, size) => {
                    let content = files.entry(*file).or_insert_with(|| Some(Vec::new()));
                    content.as_mut().unwrap().resize(*size, 0);
                }
            }
        }
        let there: BTreeMap<String, Option<Vec<u8>>> = entries
            .iter()
            .map(|(path, file)| (path.clone(), files[file].clone()))
            .collect();
        // What lies in a folder that is gone is gone with it.
        let is_reachable = |path: &String| {
            let mut folders = iter::successors(Some(parent(path)), |path| Some(parent(path)));
            folders
                .find(|folder| !there.contains_key(folder))
                .unwrap()
                .is_empty()
        };
        let mut reachable = there.clone();
        reachable.retain(|path, _| is_reachable(path));
        Tree(reachable)
    }
}

/// What programs see.
struct Now {
    entries: BTreeMap<String, usize>,
    next: usize,
    offsets: HashMap<i64, usize>,
}

fn parent(path: &str) -> String {
    path.rsplit_once('/')
        .map_or("", |(parent, _)| parent)
        .to_owned()
}
