//! The file of numbers: a line of JSON for the machine, and one for every run.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// What the numbers were measured on.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Machine {
    pub date: String,
    pub processor: String,
    pub cores: usize,
    /// In bytes.
    pub memory: u64,
    pub kernel: String,
    /// How many processes wanted to run in the minute before: what else the machine did.
    #[serde(default)]
    pub load: Option<f64>,
    /// The versions of the contenders.
    pub versions: BTreeMap<String, String>,
}

impl Machine {
    /// This machine; the versions are `NAME=VERSION`.
    pub fn here(versions: &[String]) -> io::Result<Self> {
        let field = |path: &str, name: &str| {
            let text = fs::read_to_string(path).unwrap_or_default();
            let line = text.lines().find(|line| line.starts_with(name));
            line.and_then(|line| line.split_once(':')).map_or_else(
                || "unknown".to_owned(),
                |(_, value)| value.trim().to_owned(),
            )
        };
        let memory = field("/proc/meminfo", "MemTotal");
        let kilobytes = memory
            .strip_suffix(" kB")
            .and_then(|text| text.parse().ok());
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split_whitespace().next();
        let versions = versions.iter().map(|text| {
            let (name, version) = text.split_once('=').unwrap_or((text, ""));
            (name.trim().to_owned(), version.trim().to_owned())
        });
        Ok(Self {
            date: jiff::Zoned::now().date().to_string(),
            processor: field("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism()?.get(),
            memory: kilobytes.unwrap_or(0) * 1024,
            kernel: format!("Linux {}", kernel.trim()),
            load: load.and_then(|load| load.parse().ok()),
            versions: versions.collect(),
        })
    }
}

/// One run of a contender.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Run {
    pub database: String,
    pub work: String,
    pub contender: String,
    pub documents: u64,
    pub images: u64,
    pub image_bytes: u64,
    /// Bytes of the site.
    pub site: u64,
    pub seconds: f64,
    /// Seconds of all processes together; nothing where it cannot be had, as with what follows.
    pub cpu: Option<f64>,
    /// The peak of what all processes together have in memory.
    pub resident: Option<u64>,
    /// The peak of what of that is no page of a file.
    pub anonymous: Option<u64>,
    /// Bytes that were written, by limits those that were read.
    pub bytes: Option<u64>,
}

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Record {
    Machine(Machine),
    Run(Run),
    Stages { work: String, lines: Vec<String> },
}

impl Record {
    pub fn add_to(&self, path: &Path) -> io::Result<()> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        File::options().append(true).open(path)?.write_all(&line)
    }
}

/// All numbers.
#[derive(Debug, Default)]
pub struct Numbers {
    pub machine: Machine,
    pub runs: Vec<Run>,
    /// What `--verbose` said of each work.
    pub stages: Vec<(String, Vec<String>)>,
}

impl Numbers {
    pub fn read(path: &Path) -> io::Result<Self> {
        let name = |error: &dyn std::fmt::Display| {
            io::Error::other(format!("{}: {error}", path.display()))
        };
        let text = fs::read_to_string(path).map_err(|error| name(&error))?;
        let mut numbers = Self::default();
        for line in text.lines() {
            match serde_json::from_str(line).map_err(|error| name(&error))? {
                Record::Machine(machine) => numbers.machine = machine,
                Record::Run(run) => numbers.runs.push(run),
                Record::Stages { work, lines } => numbers.stages.push((work, lines)),
            }
        }
        Ok(numbers)
    }

    /// The sizes of the sites that were measured, the smallest first.
    pub fn sites(&self) -> Vec<u64> {
        let mut sites: Vec<u64> = self.runs.iter().map(|run| run.site).collect();
        sites.sort_unstable();
        sites.dedup();
        sites
    }

    /// The runs of a work on a database and a site.
    pub fn of(&self, database: &str, work: &str, site: u64) -> Vec<&Run> {
        let wanted = |run: &&Run| run.database == database && run.work == work && run.site == site;
        self.runs.iter().filter(wanted).collect()
    }

    /// What the contenders took on a database and a site, in the order in which they ran first.
    pub fn results(&self, database: &str, work: &str, site: u64) -> Vec<Summary> {
        let runs = self.of(database, work, site);
        let mut names: Vec<&str> = Vec::new();
        for run in &runs {
            if !names.contains(&run.contender.as_str()) {
                names.push(&run.contender);
            }
        }
        names
            .into_iter()
            .map(|name| {
                let runs: Vec<&Run> = runs
                    .iter()
                    .copied()
                    .filter(|run| run.contender == name)
                    .collect();
                Summary::of(&runs)
            })
            .collect()
    }

    /// What one contender took.
    pub fn result(
        &self,
        database: &str,
        work: &str,
        site: u64,
        contender: &str,
    ) -> Option<Summary> {
        let mut results = self.results(database, work, site).into_iter();
        results.find(|result| result.contender == contender)
    }
}

/// What the runs of a contender took.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    pub contender: String,
    pub runs: usize,
    /// The median, the least and the most.
    pub seconds: [f64; 3],
    /// The median.
    pub cpu: Option<f64>,
    /// The most.
    pub resident: Option<u64>,
    /// The most.
    pub anonymous: Option<u64>,
    /// The most.
    pub bytes: Option<u64>,
}

impl Summary {
    fn of(runs: &[&Run]) -> Self {
        let mut seconds: Vec<f64> = runs.iter().map(|run| run.seconds).collect();
        seconds.sort_by(f64::total_cmp);
        let mut cpu: Vec<f64> = runs.iter().filter_map(|run| run.cpu).collect();
        cpu.sort_by(f64::total_cmp);
        let most = |of: fn(&Run) -> Option<u64>| runs.iter().filter_map(|run| of(run)).max();
        Self {
            contender: runs
                .first()
                .map_or_else(String::new, |run| run.contender.clone()),
            runs: runs.len(),
            seconds: [
                median(&seconds).unwrap_or_default(),
                seconds.first().copied().unwrap_or_default(),
                seconds.last().copied().unwrap_or_default(),
            ],
            cpu: median(&cpu),
            resident: most(|run| run.resident),
            anonymous: most(|run| run.anonymous),
            bytes: most(|run| run.bytes),
        }
    }
}

/// The one in the middle of sorted numbers, or between the two in the middle.
fn median(sorted: &[f64]) -> Option<f64> {
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        count if count % 2 == 1 => Some(sorted[middle]),
        _ => Some(sorted[middle - 1].midpoint(sorted[middle])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[1.0, 2.0, 9.0]), Some(2.0));
        assert_eq!(median(&[1.0, 2.0, 4.0, 9.0]), Some(3.0));
    }

    #[test]
    fn runs_of_a_contender_become_one_result_in_the_order_of_the_contenders() {
        let run = |contender: &str, seconds: f64, resident: u64| Run {
            database: "sqlite".into(),
            work: "export".into(),
            contender: contender.into(),
            site: 7,
            seconds,
            resident: Some(resident),
            ..Run::default()
        };
        let numbers = Numbers {
            runs: vec![
                run("pipe", 5.0, 1),
                run("backup", 2.0, 9),
                run("pipe", 3.0, 2),
                run("backup", 1.0, 8),
                run("pipe", 4.0, 1),
                Run {
                    site: 8,
                    ..run("strapi", 1.0, 1)
                },
            ],
            ..Numbers::default()
        };
        let results = numbers.results("sqlite", "export", 7);
        let short: Vec<_> = results
            .iter()
            .map(|it| (it.contender.as_str(), it.runs, it.seconds, it.resident))
            .collect();
        assert_eq!(
            short,
            [
                ("pipe", 3, [4.0, 3.0, 5.0], Some(2)),
                ("backup", 2, [1.5, 1.0, 2.0], Some(9)),
            ]
        );
        assert_eq!(numbers.sites(), [7, 8]);
    }
}
