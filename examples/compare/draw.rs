//! A picture of time against size, in SVG: a panel for each work and database, a line for each contender.

use crate::numbers::Numbers;
use crate::table::DATABASES;
use std::collections::BTreeMap;

/// What the panels of each row show.
const PANELS: [[(&str, &str); 3]; 2] = [
    [
        ("export", "export"),
        ("import", "import"),
        ("verify", "verify"),
    ],
    [
        ("export", "export"),
        ("import", "import"),
        ("rows", "export without the images"),
    ],
];

const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 210.0;
const LEFT: f64 = 52.0;
const TOP: f64 = 118.0;
/// Between panels: beside each other, and above each other.
const GAP: f64 = 62.0;
const ABOVE: f64 = 80.0;

const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#333}.title{font-weight:600;font-size:13px}.head{font-size:16px;\
font-weight:600}.tick{font-size:11px;fill:#666}.grid{stroke:#ddd;stroke-width:1}.axis{stroke:#999;stroke-width:1}path{fill:none;\
stroke-width:2}.backup{stroke:#0b62d6;fill:#0b62d6}.strapi{stroke:#c2410c;fill:#c2410c}.native{stroke:#6b7280;fill:#6b7280}\
path.backup{stroke-width:3}path.backup,path.strapi,path.native{fill:none}text.backup,text.strapi,text.native{stroke:none}";

/// Who a contender is, whatever the database.
fn class(contender: &str) -> &'static str {
    match contender {
        "backup" => "backup",
        "strapi" => "strapi",
        _ => "native",
    }
}

/// The line of a contender: bytes of the site and seconds.
type Line = (String, Vec<(f64, f64)>);

fn lines(numbers: &Numbers, database: &str, work: &str) -> Vec<Line> {
    let mut lines: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for site in numbers.sites() {
        for result in numbers.results(database, work, site) {
            let points = lines.entry(result.contender).or_default();
            points.push((site as f64, result.seconds[0]));
        }
    }
    lines.into_iter().collect()
}

/// Where numbers stand on an axis that multiplies.
struct Scale {
    least: f64,
    most: f64,
    start: f64,
    length: f64,
}

impl Scale {
    fn at(&self, number: f64) -> f64 {
        let part = (number / self.least).ln() / (self.most / self.least).ln();
        self.start + self.length * part
    }
}

/// Powers of ten that hold all of these.
fn decades(numbers: impl Iterator<Item = f64>) -> (f64, f64) {
    let (least, most) = numbers
        .filter(|number| *number > 0.0)
        .fold((f64::MAX, f64::MIN), |(least, most), number| {
            (least.min(number), most.max(number))
        });
    if least > most {
        return (1.0, 10.0);
    }
    let (low, high) = (least.log10().floor(), most.log10().ceil());
    (10_f64.powf(low), 10_f64.powf(high.max(low + 1.0)))
}

fn seconds(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 1.0 => format!("{:.0} ms", seconds * 1000.0),
        seconds => format!("{seconds:.0} s"),
    }
}

fn megabytes(bytes: f64) -> String {
    match bytes / 1e6 {
        megabytes if megabytes >= 1000.0 => format!("{:.1} GB", megabytes / 1000.0),
        megabytes => format!("{megabytes:.0} MB"),
    }
}

/// The whole picture.
pub fn picture(numbers: &Numbers) -> String {
    let runs = || {
        numbers
            .runs
            .iter()
            .filter(|run| run.work != "limit" && run.work != "profile")
    };
    let (fastest, slowest) = decades(runs().map(|run| run.seconds));
    let sites: Vec<f64> = numbers.sites().iter().map(|&site| site as f64).collect();
    let smallest = sites.first().map_or(1.0, |site| site * 0.8);
    let largest = sites.last().map_or(10.0, |site| site * 1.25);
    let rows: Vec<_> = DATABASES
        .iter()
        .filter(|(name, _)| numbers.runs.iter().any(|run| run.database == *name))
        .collect();
    let width = LEFT + 3.0 * (WIDTH + GAP);
    let height = TOP + rows.len() as f64 * (HEIGHT + ABOVE) - 40.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
         aria-label=\"Time against size\">\n<style>{STYLE}</style>\n<rect width=\"{width}\" height=\"{height}\" \
         fill=\"#fff\"/>\n<text class=\"head\" x=\"{LEFT}\" y=\"26\">Time against size of the site</text>\n\
         <text class=\"tick\" x=\"{LEFT}\" y=\"44\">Both axes multiply: a line that is lower by one grid line is ten times \
         faster.</text>\n"
    );
    let names = [
        ("backup", "backup"),
        ("strapi", "Strapi"),
        (
            "native",
            "tar, pigz, openssl and the tools of the databases",
        ),
    ];
    let mut x = LEFT;
    for (class, name) in names {
        svg.push_str(&format!(
            "<path class=\"{class}\" d=\"M{x} 60h22\"/><text x=\"{}\" y=\"64\">{name}</text>\n",
            x + 28.0
        ));
        x += 50.0 + 7.0 * name.len() as f64;
    }
    for (row, (database, name)) in rows.into_iter().enumerate() {
        let panels = PANELS[usize::from(*database != "sqlite")];
        for (column, (work, title)) in panels.into_iter().enumerate() {
            let x = Scale {
                least: smallest,
                most: largest,
                start: LEFT + column as f64 * (WIDTH + GAP),
                length: WIDTH,
            };
            let y = Scale {
                least: fastest,
                most: slowest,
                start: TOP + row as f64 * (HEIGHT + ABOVE) + HEIGHT,
                length: -HEIGHT,
            };
            let lines = lines(numbers, database, work);
            let mut names = lines.iter().map(|(name, _)| name.as_str());
            let native = names.find(|name| class(name) == "native");
            svg.push_str(&format!(
                "<text class=\"title\" x=\"{:.1}\" y=\"{:.1}\">{name}: {title}</text>\n\
                 <text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\">{}</text>\n",
                x.start,
                y.start - HEIGHT - 26.0,
                x.start,
                y.start - HEIGHT - 11.0,
                native.map_or_else(String::new, |native| format!("grey: {native}"))
            ));
            panel(&mut svg, &x, &y, &sites, &lines);
        }
    }
    svg.push_str("</svg>\n");
    svg
}

fn panel(svg: &mut String, x: &Scale, y: &Scale, sites: &[f64], lines: &[Line]) {
    let mut tick = y.least;
    while tick <= y.most * 1.01 {
        let at = y.at(tick);
        svg.push_str(&format!(
            "<path class=\"grid\" d=\"M{:.1} {at:.1}h{WIDTH}\"/><text class=\"tick\" text-anchor=\"end\" x=\"{:.1}\" \
             y=\"{:.1}\">{}</text>\n",
            x.start,
            x.start - 6.0,
            at + 4.0,
            seconds(tick)
        ));
        tick *= 10.0;
    }
    for &site in sites {
        let at = x.at(site);
        svg.push_str(&format!(
            "<path class=\"axis\" d=\"M{at:.1} {:.1}v5\"/><text class=\"tick\" text-anchor=\"middle\" x=\"{at:.1}\" \
             y=\"{:.1}\">{}</text>\n",
            y.start,
            y.start + 18.0,
            megabytes(site)
        ));
    }
    if lines.is_empty() {
        svg.push_str(&format!(
            "<text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\">not measured</text>\n",
            x.start + 8.0,
            y.start - 8.0
        ));
    }
    for (contender, points) in lines {
        let class = class(contender);
        let at: Vec<(f64, f64)> = points
            .iter()
            .map(|&(size, seconds)| (x.at(size), y.at(seconds)))
            .collect();
        let path: Vec<String> = at.iter().map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
        svg.push_str(&format!(
            "<path class=\"{class}\" d=\"M{}\"/>\n",
            path.join("L")
        ));
        for (x, y) in &at {
            svg.push_str(&format!(
                "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>\n"
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numbers::Run;

    #[test]
    fn a_line_of_each_contender_goes_through_all_sizes() {
        let run = |contender: &str, site: u64, seconds: f64| Run {
            database: "sqlite".into(),
            work: "export".into(),
            contender: contender.into(),
            site,
            seconds,
            ..Run::default()
        };
        let numbers = Numbers {
            runs: vec![
                run("backup", 10_000_000, 0.5),
                run("strapi", 10_000_000, 5.0),
                run("backup", 100_000_000, 4.0),
                run("strapi", 100_000_000, 50.0),
            ],
            ..Numbers::default()
        };
        let svg = picture(&numbers);
        assert_eq!(svg.matches("<circle class=\"backup\"").count(), 2, "{svg}");
        assert_eq!(svg.matches("<circle class=\"strapi\"").count(), 2, "{svg}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        // Ten times the time is one grid line, a third of the height of this picture.
        let y = Scale {
            least: 0.1,
            most: 100.0,
            start: 300.0,
            length: -300.0,
        };
        assert!((y.at(1.0) - 200.0).abs() < 1e-9);
    }

    #[test]
    fn without_numbers_it_is_empty_and_right() {
        assert!(picture(&Numbers::default()).ends_with("</svg>\n"));
    }
}
