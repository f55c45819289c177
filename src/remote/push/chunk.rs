//! The pieces in which a file goes to a server.

use crate::model::{Asset, json};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// How many bytes of a file are in a piece: as many as Strapi sends.
pub(super) const LENGTH: usize = 64 << 10;

/// Says that a file begins. The server takes its name on the disk from the sidecar, and has no use for the path.
pub(super) fn start(out: &mut String, id: &str, asset: &Asset, sidecar: &str) {
    head(out, "start", id);
    out.push_str(",\"data\":{\"filename\":");
    json::write_string(out, &asset.filename);
    out.push_str(",\"filepath\":");
    json::write_string(out, &asset.filename);
    out.push_str(&format!(
        ",\"stats\":{{\"size\":{}}},\"metadata\":",
        asset.size
    ));
    out.push_str(sidecar);
    out.push_str("}}");
}

/// A piece of its content: as base64, or as the numbers that servers before 5.x understand.
pub(super) fn piece(out: &mut String, id: &str, bytes: &[u8], base64: bool) {
    head(out, "stream", id);
    if base64 {
        out.push_str(",\"encoding\":\"base64\",\"data\":\"");
        STANDARD.encode_string(bytes, out);
        out.push_str("\"}");
        return;
    }
    out.push_str(",\"data\":{\"type\":\"Buffer\",\"data\":[");
    let mut number = itoa::Buffer::new();
    for (index, byte) in bytes.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str(number.format(*byte));
    }
    out.push_str("]}}");
}

/// Says that a file is through; with its SHA-256 where the server compares it.
pub(super) fn end(out: &mut String, id: &str, sha256: Option<&str>) {
    head(out, "end", id);
    if let Some(sha256) = sha256 {
        out.push_str(",\"checksum\":{\"algorithm\":\"sha256\",\"value\":\"");
        out.push_str(sha256);
        out.push_str("\"}");
    }
    out.push('}');
}

fn head(out: &mut String, action: &str, id: &str) {
    out.push_str("{\"action\":\"");
    out.push_str(action);
    out.push_str("\",\"assetID\":\"");
    out.push_str(id);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_have_the_form_that_the_server_asked_for() {
        let asset = Asset {
            filename: "a\"b.png".into(),
            sidecar: String::new(),
            size: 3,
        };
        let mut out = String::new();
        start(&mut out, "x", &asset, r#"{"id":1}"#);
        assert_eq!(
            out,
            r#"{"action":"start","assetID":"x","data":{"filename":"a\"b.png","filepath":"a\"b.png","stats":{"size":3},"metadata":{"id":1}}}"#
        );
        for (base64, expected) in [
            (
                true,
                r#"{"action":"stream","assetID":"x","encoding":"base64","data":"AP8H"}"#,
            ),
            (
                false,
                r#"{"action":"stream","assetID":"x","data":{"type":"Buffer","data":[0,255,7]}}"#,
            ),
        ] {
            out.clear();
            piece(&mut out, "x", &[0, 255, 7], base64);
            assert_eq!(out, expected);
        }
        out.clear();
        end(&mut out, "x", Some("00"));
        assert_eq!(
            out,
            r#"{"action":"end","assetID":"x","checksum":{"algorithm":"sha256","value":"00"}}"#
        );
        out.clear();
        end(&mut out, "x", None);
        assert_eq!(out, r#"{"action":"end","assetID":"x"}"#);
    }
}
