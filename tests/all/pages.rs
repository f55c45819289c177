//! The page of `backup inspect --html` in a real browser: it shows, says nothing on the console, and asks nobody.

use std::path::Path;

use serde_json::json;

use crate::inspect::hostile;
use crate::support::browser::Browser;
use crate::support::cli::{KEY, backup, run, strapi_archive, testdata};

/// What would be somebody else's in a page.
const FOREIGN: &str = "document.querySelectorAll('script, img, iframe, object, embed, link, form, a, [href], [src]').length";
/// How many bars there are that can be seen.
const BARS: &str = "[...document.querySelectorAll('rect.bar')].filter(bar => bar.getBoundingClientRect().width > 0 \
                    && bar.getBoundingClientRect().height > 0).length";
/// How much wider the page is than the screen.
const TOO_WIDE: &str =
    "document.documentElement.scrollWidth - document.documentElement.clientWidth";

/// Opens the page of an archive, and looks at it on screens of all sorts. It has so many bars.
fn shows(browser: &mut Browser, archive: &Path, options: &[&str], bars: u64) {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.html");
    let html = ["--html", page.to_str().unwrap()];
    let archive = archive.to_str().unwrap();
    let outcome = run(&mut backup(
        [&["inspect", archive], &html[..], options].concat(),
    ));
    assert!(page.is_file(), "{}", outcome.all());
    browser.is_wide(1200);
    browser.likes("light");
    browser.open(&page);
    let title = browser.says("document.title");
    assert!(
        title.as_str().unwrap().ends_with(": what is in it"),
        "{title}"
    );
    assert_eq!(browser.says(FOREIGN), json!(0));
    assert_eq!(browser.says(BARS), json!(bars));
    let paper = "getComputedStyle(document.body).backgroundColor";
    let (light, seen) = (browser.says(paper), browser.looks());
    browser.likes("dark");
    assert_ne!(browser.says(paper), light);
    assert_ne!(browser.looks(), seen);
    for width in [320, 800] {
        browser.is_wide(width);
        assert_eq!(browser.says(TOO_WIDE), json!(0), "{width}");
    }
    browser.says("document.querySelectorAll('details').forEach(it => it.open = true)");
    assert_eq!(browser.says(TOO_WIDE), json!(0));
    for silence in [
        "Runtime.consoleAPICalled",
        "Runtime.exceptionThrown",
        "Log.entryAdded",
        "Page.javascriptDialogOpening",
    ] {
        assert!(
            browser.told(silence).is_empty(),
            "{:?}",
            browser.told(silence)
        );
    }
    let requests = browser.told("Network.requestWillBeSent");
    let asked: Vec<&str> = requests
        .iter()
        .map(|it| it["params"]["request"]["url"].as_str().unwrap())
        .collect();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(asked[0].starts_with("file:///"), "{asked:?}");
    // More than an empty sheet.
    assert!(seen.len() > 20_000, "{}", seen.len());
}

#[test]
#[ignore = "long: pages are opened in a browser"]
fn pages_show_in_a_browser_and_ask_nobody() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    shows(&mut browser, &strapi_archive(), &[], 15);
    let encrypted = testdata("strapi-export.tar.gz.enc");
    shows(&mut browser, &encrypted, &["-k", KEY], 15);
    shows(&mut browser, &encrypted, &["--no-key"], 0);
    let folder = tempfile::tempdir().unwrap();
    let path = hostile(folder.path());
    shows(&mut browser, &path, &[], 15);
}

#[test]
#[ignore = "long: pages are opened in a browser"]
fn the_browser_hears_of_what_a_page_must_not_do() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.html");
    let text =
        "<!DOCTYPE html><img src='http://127.0.0.1:9/x'><script>console.log('here')</script>";
    std::fs::write(&page, text).unwrap();
    browser.open(&page);
    assert_eq!(browser.told("Network.requestWillBeSent").len(), 2);
    assert_eq!(browser.told("Runtime.consoleAPICalled").len(), 1);
    assert_eq!(browser.says(FOREIGN), json!(2));
}
