//! Values as Strapi writes them, and what all rows have.

use crate::model::json;
use jiff::civil::DateTime;

/// A number as Strapi keeps it; `None` where it is none.
pub fn float(raw: &str) -> Option<String> {
    let number = raw.parse::<f64>().ok().filter(|it| it.is_finite())?;
    let mut out = String::new();
    json::write_f64(&mut out, number);
    Some(out)
}

/// Whether a number of JSON has more digits than Strapi keeps.
pub fn is_rounded(raw: &str) -> bool {
    let mut exact = String::new();
    json::write_number(&mut exact, raw);
    float(raw).is_some_and(|kept| kept != exact)
}

/// A time in UTC, as a text of JSON.
pub fn moment(time: DateTime) -> String {
    format!("\"{}\"", time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ"))
}

/// The beginning of the line of a row of this content type, with its document, where it has one.
pub fn row_begun(uid: &str, row: u64, document: Option<&str>) -> String {
    let mut out = String::from("{\"type\":");
    json::write_string(&mut out, uid);
    out.push_str(&format!(",\"id\":{row},\"data\":{{"));
    if let Some(document) = document {
        out.push_str(&format!("\"documentId\":\"{document}\","));
    }
    out
}

/// Ends the line of a row that was made and changed at these times, which are JSON. What has a document is published.
pub fn end_row(out: &mut String, [created, updated]: [&str; 2], has_document: bool) {
    out.push_str(&format!("\"createdAt\":{created},\"updatedAt\":{updated}"));
    if has_document {
        out.push_str(&format!(",\"publishedAt\":{created},\"locale\":null"));
    }
    out.push_str("}}");
}
