//! The logos of the admin panel: files of the upload folder that no row names. Strapi sends their bytes along with
//! the core store since 5.49.

use crate::model::{Asset, ConfigItem, ConfigKind, Fields, json};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The core-store row that holds them, and their names in it.
pub(super) const KEY: &str = "core_admin_project-settings";
const LOGOS: [&str; 2] = ["menuLogo", "authLogo"];
/// Where their bytes stand, in base64.
const BYTES: &str = "__transferBuffer";

/// The logos that a row of the configuration holds with their bytes, as files of the row `id`.
pub(super) fn of(item: &ConfigItem<'_>, id: i64) -> Vec<(Asset, Vec<u8>)> {
    let found = || {
        let row = Fields::parse(item.value).ok()?;
        if item.kind != ConfigKind::CoreStore || row.text("key")? != KEY {
            return None;
        }
        let value = Fields::parse(row.get("value")?).ok()?;
        let logos = LOGOS.iter().filter_map(|name| logo(value.get(name)?, id));
        Some(logos.collect())
    };
    found().unwrap_or_default()
}

fn logo(text: &str, id: i64) -> Option<(Asset, Vec<u8>)> {
    let logo = Fields::parse(text).ok()?;
    let bytes = STANDARD.decode(logo.text(BYTES)?).ok()?;
    let (hash, ext) = (logo.text("hash")?, logo.text("ext").unwrap_or_default());
    let filename = format!("{hash}{ext}");
    if !crate::model::is_file_name(&filename) {
        return None;
    }
    let mut sidecar = String::from("{\"id\":");
    json::write_i64(&mut sidecar, id);
    for (name, value) in [
        (
            "name",
            logo.text("name").unwrap_or_else(|| filename.clone()),
        ),
        ("hash", hash),
        ("ext", ext),
        (
            "mime",
            logo.text("mime")
                .unwrap_or_else(|| crate::model::media_type(&filename).into()),
        ),
        ("url", logo.text("url").unwrap_or_default()),
    ] {
        sidecar.push(',');
        json::write_string(&mut sidecar, name);
        sidecar.push(':');
        json::write_string(&mut sidecar, &value);
    }
    sidecar.push_str(",\"size\":");
    json::write_f64(&mut sidecar, bytes.len() as f64 / 1000.0);
    sidecar.push('}');
    let asset = Asset {
        filename,
        sidecar,
        size: bytes.len() as u64,
    };
    Some((asset, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logos_come_out_of_the_row_that_holds_them() {
        let line = r#"{"type":"core-store","value":{"id":3,"key":"core_admin_project-settings","value":{"menuLogo":{"name":"menu_logo","hash":"menu_logo_1","ext":".png","url":"/uploads/menu_logo_1.png","width":1,"height":1,"size":0.1,"provider":"local","__transferBuffer":"AAEC"},"authLogo":null},"type":"object"}}"#;
        let item = ConfigItem::parse(line).expect("an item");
        let logos = of(&item, 9);
        let [(asset, bytes)] = &logos[..] else {
            panic!("one logo, and not {}", logos.len());
        };
        assert_eq!(bytes, &[0, 1, 2]);
        assert_eq!(asset.filename, "menu_logo_1.png");
        assert_eq!(
            asset.sidecar,
            r#"{"id":9,"name":"menu_logo","hash":"menu_logo_1","ext":".png","mime":"image/png","url":"/uploads/menu_logo_1.png","size":0.003}"#
        );
        let other = line.replace("core_admin_project-settings", "other");
        assert!(of(&ConfigItem::parse(&other).expect("an item"), 9).is_empty());
    }
}
