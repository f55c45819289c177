//! Tables of the numbers, in Markdown.

use crate::check;
use crate::numbers::{Numbers, Summary};

/// The databases, and what people call them.
pub const DATABASES: [(&str, &str); 3] = [
    ("sqlite", "SQLite"),
    ("postgres", "PostgreSQL"),
    ("mariadb", "MariaDB"),
];
/// What is compared, and what people call it.
const WORKS: [(&str, &str); 5] = [
    ("export", "export, gzip and encryption"),
    ("rows", "export without the images, gzip"),
    ("plain", "export, plain tar"),
    ("import", "import of the encrypted archive"),
    ("verify", "verify the encrypted archive"),
];
/// What nothing is known of.
const NOTHING: &str = "-";

/// What people call a work.
pub fn title(work: &str) -> &str {
    let known = WORKS.iter().find(|(name, _)| *name == work);
    known.map_or(work, |(_, title)| title)
}

/// A block of a document.
pub fn block(name: &str, numbers: &Numbers) -> Option<String> {
    Some(match name {
        "machine" => machine(numbers),
        "goals" => goals(numbers),
        "sizes" => sizes(numbers),
        "profile" => profile(numbers),
        "limits" => limits(numbers),
        "summary" => summary(numbers),
        name => {
            let (name, _) = DATABASES.iter().find(|(database, _)| *database == name)?;
            database(numbers, name, largest(numbers))
        }
    })
}

/// Everything, for a terminal.
pub fn all(numbers: &Numbers) -> String {
    let mut text = machine(numbers);
    let mut add = |title: &str, part: String| {
        text.push_str(&format!("\n{title}\n\n{part}"));
    };
    for site in numbers.sites() {
        for (name, title) in DATABASES {
            if numbers
                .runs
                .iter()
                .any(|run| run.database == name && run.site == site)
            {
                let title = format!("{title}, a site of {}", bytes(site));
                add(&title, database(numbers, name, site));
            }
        }
    }
    add("Memory and time by size", sizes(numbers));
    add("Where the time goes", profile(numbers));
    add("What the machine allows", limits(numbers));
    add("Goals", goals(numbers));
    text
}

fn largest(numbers: &Numbers) -> u64 {
    numbers.sites().last().copied().unwrap_or_default()
}

/// Rows of cells, the first of which is the head, with columns of one width.
fn table(rows: &[Vec<String>]) -> String {
    let Some(head) = rows.first() else {
        return String::new();
    };
    if rows.len() == 1 {
        return "Not measured.\n".to_owned();
    }
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
            .max(3)
    };
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        for (column, cell) in row.iter().enumerate() {
            let padding = " ".repeat(width(column) - cell.chars().count());
            text.push_str(&format!("| {cell}{padding} "));
        }
        text.push_str("|\n");
        if number == 0 {
            for column in 0..head.len() {
                text.push_str(&format!("|{}", "-".repeat(width(column) + 2)));
            }
            text.push_str("|\n");
        }
    }
    text
}

fn cells(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

fn seconds(seconds: f64) -> String {
    match seconds {
        seconds if seconds >= 100.0 => format!("{seconds:.0} s"),
        seconds if seconds >= 1.0 => format!("{seconds:.1} s"),
        seconds => format!("{seconds:.2} s"),
    }
}

fn bytes(bytes: u64) -> String {
    match bytes as f64 / 1e6 {
        megabytes if megabytes >= 1000.0 => format!("{:.2} GB", megabytes / 1000.0),
        megabytes if megabytes >= 10.0 => format!("{megabytes:.0} MB"),
        megabytes => format!("{megabytes:.1} MB"),
    }
}

/// Memory counts in powers of two, as everywhere where it is limited.
fn memory(bytes: u64) -> String {
    format!("{} MB", bytes.div_ceil(1 << 20))
}

fn or_nothing<T>(value: Option<T>, format: impl Fn(T) -> String) -> String {
    value.map_or_else(|| NOTHING.to_owned(), format)
}

fn times(factor: f64) -> String {
    match factor {
        factor if factor >= 10.0 => format!("{factor:.0}×"),
        factor if factor >= 0.95 => format!("{factor:.1}×"),
        factor => format!("{factor:.2}×"),
    }
}

fn machine(numbers: &Numbers) -> String {
    let machine = &numbers.machine;
    let versions: Vec<String> = machine
        .versions
        .iter()
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    let site = largest(numbers);
    let run = numbers.runs.iter().find(|run| run.site == site);
    let site = or_nothing(run, |run| {
        format!(
            "{} documents in draft and published form, {} images of {} bytes: {} as a plain archive",
            run.documents,
            run.images,
            run.image_bytes,
            bytes(site)
        )
    });
    format!(
        "- Measured on {}, {}, {} cores, {} of memory, {}; load when it began: {}.\n- The site: {site}.\n- Versions: {}.\n",
        machine.date,
        machine.processor,
        machine.cores,
        memory(machine.memory),
        machine.kernel,
        or_nothing(machine.load, |load| format!("{load:.1}")),
        versions.join("; "),
    )
}

/// A row a contender.
fn database(numbers: &Numbers, database: &str, site: u64) -> String {
    let mut rows = vec![cells(&[
        "work",
        "contender",
        "time",
        "least to most",
        "CPU",
        "memory",
        "of it anonymous",
        "bytes",
        "times ours",
    ])];
    for (work, title) in WORKS {
        let results = numbers.results(database, work, site);
        let ours = results.iter().find(|result| result.contender == "backup");
        let ours = ours.map(|result| result.seconds[0]);
        for (number, result) in results.iter().enumerate() {
            let [median, least, most] = result.seconds;
            let spread = match result.runs {
                1 => "one run".to_owned(),
                _ => format!("{} to {}", seconds(least), seconds(most)),
            };
            rows.push(vec![
                if number == 0 {
                    title.to_owned()
                } else {
                    String::new()
                },
                result.contender.clone(),
                seconds(median),
                spread,
                or_nothing(result.cpu, seconds),
                or_nothing(result.resident, memory),
                or_nothing(result.anonymous, memory),
                or_nothing(result.bytes, bytes),
                or_nothing(ours, |ours| times(median / ours)),
            ]);
        }
    }
    table(&rows)
}

/// What `backup` takes of time and memory for each size.
fn sizes(numbers: &Numbers) -> String {
    let sites = numbers.sites();
    let mut head = cells(&["database", "work"]);
    head.extend(sites.iter().map(|&site| bytes(site)));
    let mut rows = vec![head];
    for (name, database) in DATABASES {
        for (work, title) in WORKS {
            let cell = |&site: &u64| {
                let result = numbers.result(name, work, site, "backup")?;
                let peak = or_nothing(result.anonymous, memory);
                Some(format!("{}, {peak}", seconds(result.seconds[0])))
            };
            let found: Vec<Option<String>> = sites.iter().map(cell).collect();
            if found.iter().any(Option::is_some) {
                let mut row = cells(&[database, title]);
                row.extend(found.into_iter().map(|cell| or_nothing(cell, |cell| cell)));
                rows.push(row);
            }
        }
    }
    table(&rows)
}

/// Where processor time goes in an export: what each step adds to the one before it.
fn profile(numbers: &Numbers) -> String {
    let site = largest(numbers);
    let mut rows = vec![cells(&[
        "step of an export",
        "SQLite",
        "PostgreSQL",
        "MariaDB",
    ])];
    let cpu = |database: &str, work: &str, contender: &str| {
        numbers.result(database, work, site, contender)?.cpu
    };
    type Step = (&'static str, fn(&Steps) -> Option<f64>);
    let steps: [Step; 4] = [
        ("rows: read, written as lines, hashed", |all| all.lines),
        ("rows: compressed", |all| Some(all.rows? - all.lines?)),
        ("images: read, hashed, written", |all| {
            Some(all.plain? - all.lines?)
        }),
        (
            "images: tried and stored as gzip, everything encrypted",
            |all| Some(all.all? - all.plain? - (all.rows? - all.lines?)),
        ),
    ];
    let found = DATABASES.map(|(database, _)| Steps {
        lines: cpu(database, "profile", "backup, lines alone"),
        rows: cpu(database, "rows", "backup"),
        plain: cpu(database, "plain", "backup"),
        all: cpu(database, "export", "backup"),
    });
    for (title, of) in steps {
        let mut row = cells(&[title]);
        row.extend(
            found
                .iter()
                .map(|all| or_nothing(of(all), |cpu| seconds(cpu.max(0.0)))),
        );
        rows.push(row);
    }
    let mut total = cells(&["all"]);
    total.extend(found.iter().map(|all| or_nothing(all.all, seconds)));
    rows.push(total);
    let mut text = table(&rows);
    for (work, lines) in &numbers.stages {
        if !lines.is_empty() {
            text.push_str(&format!(
                "\nWhat `backup {work} --verbose` says on SQLite:\n\n```\n{}\n```\n",
                lines.join("\n")
            ));
        }
    }
    text
}

/// Processor time of exports that do more and more.
struct Steps {
    lines: Option<f64>,
    rows: Option<f64>,
    plain: Option<f64>,
    all: Option<f64>,
}

/// What each step takes alone, and how near `backup` comes.
fn limits(numbers: &Numbers) -> String {
    let site = largest(numbers);
    let results = numbers.results("sqlite", "limit", site);
    let mut rows = vec![cells(&["step, alone", "bytes", "time", "CPU", "a second"])];
    for result in &results {
        let [median, ..] = result.seconds;
        let speed = |read: u64| format!("{}/s", bytes((read as f64 / median) as u64));
        rows.push(vec![
            result.contender.clone(),
            or_nothing(result.bytes, bytes),
            seconds(median),
            or_nothing(result.cpu, seconds),
            or_nothing(result.bytes, speed),
        ]);
    }
    let mut text = table(&rows);
    let cpu: Option<f64> = results.iter().map(|result| result.cpu).sum();
    let slowest = results
        .iter()
        .map(|result| result.seconds[0])
        .fold(0.0, f64::max);
    let ours = numbers.result("sqlite", "export", site, "backup");
    if let (Some(cpu), Some(ours), true) = (cpu, ours, results.len() > 1) {
        let cores = numbers.machine.cores as f64;
        let limit = (cpu / cores).max(slowest);
        text.push_str(&format!(
            "\nTogether {} of CPU, {} on {cores} cores; the longest step alone takes {}. These programs in perfect parallel \
             would take\n{}; the encrypted export takes {}, {} that, and reads rows and writes them as JSON besides.\n",
            seconds(cpu),
            seconds(cpu / cores),
            seconds(slowest),
            seconds(limit),
            seconds(ours.seconds[0]),
            times(ours.seconds[0] / limit),
        ));
    }
    text
}

/// A goal: so many times faster than another contender.
struct Goal {
    database: &'static str,
    work: &'static str,
    than: &'static str,
    least: f64,
}

const fn goal(database: &'static str, work: &'static str, than: &'static str, least: f64) -> Goal {
    Goal {
        database,
        work,
        than,
        least,
    }
}

const GOALS: [Goal; 10] = [
    goal("sqlite", "export", "strapi", 20.0),
    goal("sqlite", "export", "tar, pigz, openssl", 2.5),
    goal("sqlite", "rows", "tar, pigz", 1.5),
    goal("sqlite", "plain", "tar", 1.0 / 1.5),
    goal("sqlite", "import", "strapi", 30.0),
    goal("sqlite", "verify", "openssl, pigz, tar", 1.0),
    goal("postgres", "export", "pg_dump, tar, pigz, openssl", 2.5),
    goal("postgres", "import", "pg_restore, cp", 1.0),
    goal("mariadb", "export", "mysqldump, tar, pigz, openssl", 2.5),
    goal("mariadb", "import", "mysql, cp", 1.0),
];

fn goals(numbers: &Numbers) -> String {
    let site = largest(numbers);
    let mut rows = vec![cells(&["goal", "", "measured", ""])];
    for goal in GOALS {
        let find = |contender: &str| numbers.result(goal.database, goal.work, site, contender);
        let (Some(ours), Some(theirs)) = (find("backup"), find(goal.than)) else {
            continue;
        };
        let factor = theirs.seconds[0] / ours.seconds[0];
        let database = DATABASES.iter().find(|(name, _)| *name == goal.database);
        rows.push(vec![
            format!(
                "{}: {}",
                database.map_or("", |(_, title)| title),
                title(goal.work)
            ),
            format!("at least {} as fast as {}", times(goal.least), goal.than),
            times(factor),
            if factor >= goal.least {
                "reached"
            } else {
                "not reached"
            }
            .to_owned(),
        ]);
    }
    let runs = numbers.runs.iter().filter(|run| run.contender == "backup");
    let peak = runs.filter_map(|run| run.anonymous).max();
    let limit = check::limit(numbers.machine.cores);
    if let Some(peak) = peak {
        rows.push(vec![
            "anonymous memory, whatever the size".to_owned(),
            format!("at most {}", memory(limit)),
            memory(peak),
            if check::memory(numbers).is_empty() {
                "reached"
            } else {
                "not reached"
            }
            .to_owned(),
        ]);
    }
    table(&rows)
}

/// The few numbers of the README.
fn summary(numbers: &Numbers) -> String {
    let site = largest(numbers);
    let mut rows = vec![cells(&["", "`backup`", "Strapi", "the native way"])];
    let took = |result: Option<Summary>| {
        or_nothing(result, |result| {
            let peak = or_nothing(result.resident, memory);
            format!("{}, {peak}", seconds(result.seconds[0]))
        })
    };
    let lines = [
        ("sqlite", "export", "tar, pigz, openssl"),
        ("sqlite", "import", "openssl, pigz, tar"),
        ("sqlite", "verify", "openssl, pigz, tar"),
        ("postgres", "export", "pg_dump, tar, pigz, openssl"),
        ("postgres", "import", "pg_restore, cp"),
        ("mariadb", "export", "mysqldump, tar, pigz, openssl"),
        ("mariadb", "import", "mysql, cp"),
    ];
    for (database, work, native) in lines {
        let find = |contender: &str| numbers.result(database, work, site, contender);
        let Some(ours) = find("backup") else {
            continue;
        };
        let name = DATABASES.iter().find(|(name, _)| *name == database);
        let native = find(native).map_or_else(
            || NOTHING.to_owned(),
            |theirs| format!("{} ({native})", seconds(theirs.seconds[0])),
        );
        rows.push(vec![
            format!("{work}, {}", name.map_or("", |(_, title)| title)),
            took(Some(ours)),
            took(find("strapi")),
            native,
        ]);
    }
    let run = numbers.runs.iter().find(|run| run.site == site);
    let what = or_nothing(run, |run| {
        format!(
            "A site of {}: {} documents in draft and published form, {} images; {} cores; archives compressed and encrypted.\n\
             Times are medians, memory is the peak of all processes.",
            bytes(site),
            run.documents,
            run.images,
            numbers.machine.cores
        )
    });
    let load = numbers.machine.load.filter(|load| *load >= 1.0);
    let busy = load.map_or_else(String::new, |load| {
        format!("The machine was busy with something else (load {load:.1}): all times are longer than they have to be.\n")
    });
    format!("{}\n{what}\n{busy}", table(&rows))
}
