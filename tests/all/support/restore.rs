//! Projects to restore over, and whether a restore gave back what an archive holds.

use std::fs;

use super::archive::Archive;
use super::cli::Project;

/// Data that no archive of the project holds, in every place that a restore replaces, and in some that it must not.
const OTHER_DATA: &str = "
    PRAGMA foreign_keys = ON;
    UPDATE articles SET title = 'changed', views = 1 WHERE id % 2 = 0;
    DELETE FROM tags WHERE id = 6;
    INSERT INTO articles (id, document_id, title, locale) VALUES (900, 'stranger', 'stranger', 'en');
    INSERT INTO articles_tags_lnk (article_id, tag_id, tag_ord, article_ord) VALUES (900, 1, 1, 99);
    INSERT INTO articles_author_lnk (article_id, author_id, article_ord) VALUES (900, 1, 99);
    INSERT INTO components_shared_seos (id, meta_title) VALUES (900, 'stranger');
    INSERT INTO articles_cmps (entity_id, cmp_id, component_type, field) VALUES (900, 900, 'shared.seo', 'seo');
    INSERT INTO components_blocks_heroes (id, title) VALUES (900, 'without an owner');
    INSERT INTO files (id, document_id, name, hash, ext, mime, size, url, provider) VALUES
        (900, 'stranger', 'stranger.txt', 'stranger', '.txt', 'text/plain', 0.01, '/uploads/stranger.txt', 'local');
    INSERT INTO files_related_mph (file_id, related_id, related_type, field, \"order\") VALUES
        (900, 900, 'api::article.article', 'gallery', 1);
    UPDATE categories_parent_lnk SET inv_category_id = 1;
    UPDATE tags SET inline_category_id = NULL;
    UPDATE bookmarks SET target_id = 3, target_type = 'api::author.author';
    DELETE FROM up_users;
    INSERT INTO strapi_webhooks (id, name, url, headers, events, enabled) VALUES
        (900, 'stranger', 'http://localhost', '{}', '[]', 1);
    INSERT INTO strapi_core_store_settings (id, key, value, type) VALUES (900, 'plugin_stranger', '1', 'number');
    UPDATE strapi_core_store_settings SET value = '{}' WHERE key = 'plugin_upload_settings';
    INSERT INTO strapi_history_versions (id, content_type, related_document_id) VALUES
        (900, 'api::article.article', 'stranger');
    UPDATE admin_users SET firstname = 'Somebody', password = 'else';
    INSERT INTO admin_users (id, document_id, firstname, email) VALUES (900, 'stranger', 'New', 'new@example.com');
    INSERT INTO admin_roles (id, document_id, name, code) VALUES (900, 'stranger', 'New', 'new');
    INSERT INTO admin_users_roles_lnk (user_id, role_id, role_ord, user_ord) VALUES (900, 900, 1, 1);
    INSERT INTO strapi_api_tokens (id, document_id, name, access_key) VALUES (900, 'stranger', 'New', 'xyz');
    INSERT INTO strapi_transfer_tokens (id, document_id, name, access_key) VALUES (900, 'stranger', 'New', 'xyz');
    INSERT INTO strapi_sessions (id, document_id, user_id, session_id) VALUES (900, 'stranger', '900', 'abc');
";

/// What stands in the upload folder of [`project_with_other_data`] and is none of the media library's: it stays.
pub const STRANGERS: [&str; 3] = [".gitkeep", "folder/", "folder/inside.txt"];

/// A project with [`OTHER_DATA`], and other files.
pub fn project_with_other_data() -> Project {
    let project = Project::testdata();
    project.sql(OTHER_DATA);
    let uploads = project.uploads();
    fs::write(uploads.join("stranger.txt"), "stranger").unwrap();
    fs::write(uploads.join("notes_36b3257a18.txt"), "changed").unwrap();
    fs::remove_file(uploads.join("small_2a9128b856.png")).unwrap();
    fs::create_dir(uploads.join("folder")).unwrap();
    fs::write(uploads.join("folder/inside.txt"), "stranger").unwrap();
    project
}

/// Fails unless a project exports what stands in an archive.
#[track_caller]
pub fn assert_exports(project: &Project, expected: &Archive) {
    let again = project.exported(&[]);
    let differing = expected.differences(&again);
    assert!(differing.is_empty(), "{differing:?}");
}

/// Fails unless the lines are the expected ones; shows the first that is not.
#[track_caller]
pub fn assert_same_lines(actual: &[String], expected: &[String]) {
    let differs = actual
        .iter()
        .zip(expected)
        .find(|(one, other)| one != other);
    assert_eq!(differs, None);
    assert_eq!(actual.len(), expected.len(), "lines");
}
