//! Restores whose connection is lost while the transaction ends: nobody has told whether it has committed.

use crate::support::archive::Archive;
use crate::support::cli::{Outcome, PATIENTLY, run};
use crate::support::databases::{Server, Site, on_each_server, our_archive};
use crate::support::proxy::{Lost, Proxy};

on_each_server!(
    a_commit_whose_answer_is_lost_is_asked_for,
    a_commit_that_did_not_arrive_is_undone,
    a_commit_that_nobody_can_be_asked_about_is_set_right_later,
    a_lost_answer_is_asked_for_without_files_too,
);

/// A site with content and files that no archive holds.
fn changed(server: Server) -> Site {
    let site = Site::new(server);
    site.database.sql(["UPDATE articles SET title = 'mine'"]);
    for name in site.files().keys() {
        std::fs::write(site.uploads().join(name), "mine").unwrap();
    }
    site
}

fn import(site: &Site, proxy: &Proxy, options: &[&str]) -> Outcome {
    let mut command = site.import_command(our_archive(site.server()), options);
    command.args(PATIENTLY);
    command.args(["--database-url", &proxy.url(&site.database.name)]);
    run(&mut command)
}

#[track_caller]
fn assert_restored(site: &Site) {
    let differences =
        Archive::open(our_archive(site.server()), None).differences(&site.exported(&[]));
    assert_eq!(differences, [""; 0]);
    assert_nothing_left(site);
}

#[track_caller]
fn assert_nothing_left(site: &Site) {
    let rows = &site.database.tables()["strapi_core_store_settings"];
    assert!(!rows.iter().any(|row| row.contains("backup_restore_token")));
    assert!(!site.files().keys().any(|name| name.starts_with(".backup")));
}

fn a_commit_whose_answer_is_lost_is_asked_for(server: Server) {
    let site = changed(server);
    import(&site, &Proxy::new(server, Lost::Answer, false), &[]).ends_with(0);
    assert_restored(&site);
}

fn a_commit_that_did_not_arrive_is_undone(server: Server) {
    let site = changed(server);
    let (tables, files) = (site.database.tables(), site.files());
    import(&site, &Proxy::new(server, Lost::Request, false), &[]).ends_with(1);
    assert!(tables == site.database.tables());
    assert!(files == site.files());
    assert_nothing_left(&site);
}

fn a_commit_that_nobody_can_be_asked_about_is_set_right_later(server: Server) {
    for lost in [Lost::Request, Lost::Answer] {
        let site = changed(server);
        let (tables, files) = (site.database.tables(), site.files());
        import(&site, &Proxy::new(server, lost, true), &[])
            .ends_with(13)
            .says(["it is not known whether", "backup recover"]);
        // The proxy has another name than the server, which matters where no token tells that it is the same.
        if lost == Lost::Request {
            site.run("recover", PATIENTLY).ends_with(11);
        }
        let options = [&PATIENTLY[..], &["--same-database"]].concat();
        site.run("recover", options).ends_with(0);
        if lost == Lost::Answer {
            assert_restored(&site);
        } else {
            assert!(tables == site.database.tables());
            assert!(files == site.files());
            assert_nothing_left(&site);
        }
    }
}

fn a_lost_answer_is_asked_for_without_files_too(server: Server) {
    const ONLY: [&str; 2] = ["--only", "content"];
    let site = changed(server);
    import(&site, &Proxy::new(server, Lost::Answer, false), &ONLY).ends_with(0);
    assert_nothing_left(&site);
    import(&site, &Proxy::new(server, Lost::Answer, true), &ONLY).ends_with(13);
    let told = site.run("recover", PATIENTLY).ends_with(0).stdout;
    assert!(told.contains("had committed"), "{told}");
    assert_nothing_left(&site);
}
