//! Sets of real servers, and sets made by hand, as content of a Strapi.

use super::*;
use crate::dgraph::set::Key;
use crate::error::Kind;
use crate::model::Digests;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;

const NOW: &str = "2026-11-22T15:28:46.121Z";

/// What a source sends.
#[derive(Default)]
struct Sent {
    rows: Vec<Value>,
    links: Vec<Value>,
    warnings: Vec<Warning>,
}

impl Sent {
    fn of(&self, uid: &str) -> Vec<&Value> {
        let rows = self.rows.iter().filter(|it| it["type"] == uid);
        rows.map(|it| &it["data"]).collect()
    }

    fn told(&self) -> Vec<String> {
        self.warnings.iter().map(ToString::to_string).collect()
    }

    fn is_incomplete(&self) -> bool {
        self.warnings.iter().any(|it| it.kind.is_incomplete())
    }

    /// Rows by their types.
    fn counts(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for row in &self.rows {
            *counts.entry(row["type"].as_str().unwrap()).or_default() += 1;
        }
        counts
    }

    /// Links, as the content types, attributes and rows of both ends.
    fn linked(&self) -> Vec<String> {
        let end = |it: &Value| {
            let kind = it["type"].as_str().unwrap().rsplit('.').next().unwrap();
            format!(
                "{kind} {} {}",
                it["ref"],
                it["field"].as_str().unwrap_or("-")
            )
        };
        let links = self.links.iter();
        let links = links.filter(|it| it["left"]["field"] != "localizations");
        links
            .map(|it| format!("{} > {}", end(&it["left"]), end(&it["right"])))
            .collect()
    }
}
