//! Catalogs of every version that ever was, opened by this program.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

use super::*;
use crate::catalog::{Catalog, Place};
use crate::domain::change::{Actor, Subject};
use crate::domain::group::GroupsInput;
use crate::domain::image::{Archived, Image, ImageFilter, NewImage};

/// What the programs of these versions wrote, version by version.
const WRITTEN: [&str; 7] = [
    "UPDATE settings SET value = '8f0b7a4e-0000-4000-8000-000000000001' WHERE name = 'catalog-id';
     INSERT INTO groups VALUES ('g-1', 'research', 'Research', 1);
     INSERT INTO secrets VALUES ('pull-1', 'pull', 'Pull', 'kubernetes', 'quay.io', 'bot', 'file', 1);
     INSERT INTO images (id, name, display_name, description, type, url, url_for_gpu,
       use_image_pull_secret, global, is_ready, image_spec, job_status, pull_policy, tags, labels,
       kind, author, archived, formats, extra, apply_set, created_at, updated_at, revision)
     VALUES
       (3, 'base', 'Base', 'made of papyrus', 'both', 'quay.io/team/base:1', 'quay.io/team/gpu:1',
        'pull-1', 0, 1, NULL, NULL, 'Always', '[\"heron\"]', '{\"team\":\"blue\"}',
        'notebook', 'ann', 0, '[\"primehub\"]', '{\"later\":{\"b\":1,\"a\":[2.50]}}', 'folder',
        '2020-01-01T00:00:00Z', '2020-02-01T00:00:00Z', 7),
       (5, 'built', 'Built', NULL, 'cpu', NULL, NULL, NULL, 1, NULL,
        '{\"baseImage\":\"quay.io/team/okapi:1\",\"packages\":{\"apt\":[\"git\"]}}',
        '{\"phase\":\"Succeeded\"}', NULL, NULL, NULL, NULL, 'ann', 1, NULL, NULL, NULL,
        '2020-01-02T00:00:00Z', '2020-01-02T00:00:00Z', 1);
     INSERT INTO image_groups VALUES (3, 'g-1');
     INSERT INTO changes (at, author, action, subject, name, revision, before, after)
     VALUES ('2020-01-01T00:00:00Z', 'ann', 'create', 'image', 'base', 1, NULL, '{\"name\":\"base\"}'),
            ('2020-01-03T00:00:00Z', 'bob', 'delete', 'image', 'gone', 2, '{\"name\":\"gone\"}', NULL);",
    "INSERT INTO sightings VALUES (3, 'url', 'sha256:aa', 'application/x', 42,
       '[\"linux/amd64\"]', '{\"l\":\"1\"}', '2020-03-01T00:00:00Z', NULL);",
    "INSERT INTO image_search (rowid, text) VALUES
       (3, 'base' || char(10) || 'Base' || char(10) || 'made of papyrus' || char(10)
           || 'quay.io/team/base:1' || char(10) || 'quay.io/team/gpu:1' || char(10) || 'heron'),
       (5, 'built' || char(10) || 'Built' || char(10) || 'quay.io/team/okapi:1');",
    "INSERT INTO stored_images (collection, name, tag, client, path, created_at)
     VALUES ('lab', 'tool', 'v1', 'file', '/tmp/tool.sif', '2020-04-01T00:00:00Z');
     INSERT INTO invalid_entries (format, name, reason, raw, imported_at)
     VALUES ('primehub', 'odd', 'no type', x'7b7d', '2020-04-01T00:00:00Z');",
    "INSERT INTO platform_files VALUES ('kubeflow', 'workspacekind.yaml', '{}');",
    "INSERT INTO stored_images (collection, name, tag, version, client, path, size, sha256, metadata,
       labels, created_at, added)
     VALUES ('lab', 'other', 'v2', 'aa', 'file', x'2fff', 3, 'aa', '{\"a\":2.50}', '{\"k\":\"v\"}',
       '2020-05-01T00:00:00Z', 2);",
    "UPDATE sightings SET scan = '{\"digest\":\"sha256:aa\",\"status\":\"Success\",
       \"severity\":\"High\",\"total\":2,\"fixable\":1,\"counts\":{\"High\":2}}';",
];

/// Writes a catalog as the program of that version did.
fn write(path: &Path, version: i64) {
    std::fs::write(path, "").expect("it can be written");
    let mut connection = Connection::open(path).expect("it opens");
    connection
        .execute_batch("PRAGMA journal_mode = WAL")
        .expect("it can be set");
    for (number, sql) in (1..=version).zip(WRITTEN) {
        migrate_to(&mut connection, number).expect("it can be made");
        connection.execute_batch(sql).expect("it is SQL");
    }
}

fn place(folder: &tempfile::TempDir) -> Place {
    Place {
        path: folder.path().join("catalog.db"),
        lock_timeout: Duration::from_secs(1),
    }
}

fn user_version(path: &Path) -> i64 {
    Connection::open(path)
        .and_then(|connection| connection.query_row("PRAGMA user_version", [], |row| row.get(0)))
        .expect("it can be read")
}

fn found(catalog: &Catalog, text: &str) -> Vec<String> {
    let filter = ImageFilter {
        search: Some(text.to_owned()),
        archived: Archived::Any,
        ..ImageFilter::default()
    };
    let mut names = Vec::new();
    catalog
        .for_each_image::<Error>(&filter, |image| {
            names.push(image.config.name);
            Ok(())
        })
        .expect("it can be searched");
    names
}

fn assert_everything_is_there(catalog: &Catalog, version: i64) {
    let health = catalog.check().expect("it can be checked");
    assert!(health.problems.is_empty(), "{health:?}");

    let Image {
        config,
        groups,
        seen,
        created_at,
        updated_at,
        revision,
    } = catalog.image("base").expect("it is there");
    assert_eq!(config.display_name, "Base");
    assert_eq!(config.description.as_deref(), Some("made of papyrus"));
    assert_eq!(config.image_type.name(), "both");
    assert_eq!(config.url.as_deref(), Some("quay.io/team/base:1"));
    assert_eq!(config.url_for_gpu.as_deref(), Some("quay.io/team/gpu:1"));
    assert_eq!(config.use_image_pull_secret.as_deref(), Some("pull-1"));
    assert_eq!(config.is_ready, Some(true));
    assert_eq!(
        config.pull_policy.map(|policy| policy.name()),
        Some("Always")
    );
    assert_eq!(config.tags, ["heron"]);
    assert_eq!(config.labels.get("team").map(String::as_str), Some("blue"));
    assert_eq!(config.kind.as_deref(), Some("notebook"));
    assert_eq!(config.author.as_deref(), Some("ann"));
    assert_eq!(config.formats, ["primehub"]);
    let later = ("later".to_owned(), "{\"b\":1,\"a\":[2.50]}".to_owned());
    assert_eq!(config.extra, [later]);
    assert_eq!(groups.len(), 1);
    assert_eq!(groups[0].name, "research");
    assert_eq!(
        (created_at.as_str(), updated_at.as_str(), revision),
        ("2020-01-01T00:00:00Z", "2020-02-01T00:00:00Z", 7)
    );
    let digest = (version >= 2).then_some("sha256:aa");
    assert_eq!(seen.url.digest.as_deref(), digest);
    let words = seen.url.scan.map(|scan| scan.words());
    let scanned = (version >= 7).then_some("2 High");
    assert_eq!(words.as_deref(), scanned);

    let built = catalog.image("built").expect("it is there").config;
    assert!(built.archived && built.global);
    let spec = built.spec.expect("it is to be built");
    assert_eq!(
        (spec.base_image.as_str(), spec.apt),
        ("quay.io/team/okapi:1", vec!["git".to_owned()])
    );
    assert!(built.job.is_some());

    for (text, wanted) in [
        ("papyrus", vec!["base"]),
        ("HERON", vec!["base"]),
        ("gpu:1", vec!["base"]),
        ("okapi", vec!["built"]),
        ("team/", vec!["base", "built"]),
        ("zebra", vec![]),
    ] {
        assert_eq!(found(catalog, text), wanted, "{text}");
    }

    assert_eq!(
        catalog
            .history(Subject::Image, "base")
            .expect("it has one")
            .len(),
        1
    );
    assert_eq!(
        catalog
            .history(Subject::Image, "gone")
            .expect("it has one")
            .len(),
        1
    );
    assert_eq!(catalog.group("research").expect("it is there").id, "g-1");
    let info = catalog.info().expect("it can be read");
    assert_eq!(
        info.id.as_deref(),
        Some("8f0b7a4e-0000-4000-8000-000000000001")
    );
    assert_eq!(
        (
            info.images,
            info.archived_images,
            info.groups,
            info.secrets,
            info.changes
        ),
        (1, 1, 1, 1, 2)
    );
    let kept = [version >= 4, version >= 6].map(u64::from);
    assert_eq!(
        (info.stored_images, info.invalid_entries),
        (kept[0] + kept[1], kept[0])
    );
    let mut stored = Vec::new();
    catalog
        .for_each_stored::<Error>("", |image| {
            stored.push((image.uri.to_string(), image.path.expect("a path")));
            Ok(())
        })
        .expect("it can be read");
    let mut expected = Vec::new();
    if version >= 4 {
        expected.push(("lab/tool:v1".to_owned(), PathBuf::from("/tmp/tool.sif")));
    }
    if version >= 6 {
        let path = PathBuf::from(OsStr::from_bytes(b"/\xff"));
        expected.push(("lab/other:v2@aa".to_owned(), path));
    }
    assert_eq!(stored, expected);
}

/// Returns the definition of everything in the schema.
fn definitions(connection: &Connection) -> Vec<(String, Option<String>)> {
    let mut statement = connection
        .prepare("SELECT name, sql FROM sqlite_schema ORDER BY name")
        .expect("it is SQL");
    let rows = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .expect("it runs");
    rows.map(|row| row.expect("it can be read")).collect()
}

#[test]
fn every_older_version_is_brought_to_the_newest_with_everything_in_it() {
    assert_eq!(WRITTEN.len() as i64, NEWEST, "a version is not tried");
    for version in 1..=NEWEST {
        for writing in [true, false] {
            let folder = tempfile::tempdir().expect("it can be made");
            let place = place(&folder);
            write(&place.path, version);
            assert_eq!(user_version(&place.path), version);
            let open = || match writing {
                true => Catalog::open_for_writing(&place),
                false => Catalog::open_for_reading(&place),
            };
            let catalog = open().expect("it opens");
            assert_everything_is_there(&catalog, version);
            assert_eq!(
                definitions(&catalog.connection),
                definitions(&Catalog::in_memory().expect("it opens").connection),
                "version {version}"
            );
            drop(catalog);
            assert_eq!(user_version(&place.path), NEWEST);
            assert_everything_is_there(&open().expect("it opens"), version);
        }
    }
}

#[test]
fn what_was_migrated_can_be_changed() {
    for version in 1..=NEWEST {
        let folder = tempfile::tempdir().expect("it can be made");
        let place = place(&folder);
        write(&place.path, version);
        let mut catalog = Catalog::open_for_writing(&place).expect("it opens");
        let actor = Actor {
            author: "eve".to_owned(),
            now: "2021-01-01T00:00:00Z".to_owned(),
        };
        let writer = catalog.begin(actor).expect("it begins");
        writer
            .update_image::<Error>("base", "update", |image| {
                let mut config = image.config.clone();
                config.description = Some("made of zebra".to_owned());
                Ok(NewImage {
                    config,
                    groups: GroupsInput::Change {
                        connect: Vec::new(),
                        disconnect: Vec::new(),
                    },
                    seen: image.seen.clone(),
                })
            })
            .expect("it can be changed");
        writer
            .delete_image("built", "delete")
            .expect("it can be deleted");
        writer.commit().expect("it is saved");
        assert_eq!(found(&catalog, "zebra"), ["base"]);
        assert!(found(&catalog, "papyrus").is_empty());
        assert!(found(&catalog, "okapi").is_empty());
        // The index itself holds nothing of what was.
        let stale: i64 = catalog
            .connection
            .query_row(
                "SELECT count(*) FROM image_search WHERE image_search MATCH '\"pap\" OR \"oka\"'",
                [],
                |row| row.get(0),
            )
            .expect("it can be asked");
        assert_eq!(stale, 0, "version {version}");
        assert!(
            catalog
                .check()
                .expect("it can be checked")
                .problems
                .is_empty()
        );
    }
}

#[test]
fn a_newer_version_is_refused_and_nothing_is_written() {
    let folder = tempfile::tempdir().expect("it can be made");
    let place = place(&folder);
    write(&place.path, NEWEST);
    let connection = Connection::open(&place.path).expect("it opens");
    connection
        .pragma_update(None, "user_version", NEWEST + 1)
        .expect("it can be set");
    drop(connection);
    let before = std::fs::read(&place.path).expect("it can be read");
    let refused = |result: Result<()>| {
        let Err(Error::Newer { found, known }) = result else {
            panic!("{result:?}");
        };
        assert_eq!((found, known), (NEWEST + 1, NEWEST));
        assert!(before == std::fs::read(&place.path).expect("it can be read"));
    };
    refused(Catalog::open_for_reading(&place).map(drop));
    refused(Catalog::open_for_writing(&place).map(drop));
    refused(Catalog::migrate(&place).map(drop));
    let mut connection = Connection::open(&place.path).expect("it opens");
    refused(migrate(&mut connection).map(drop));
}

#[test]
fn a_migration_that_fails_changes_nothing() {
    let folder = tempfile::tempdir().expect("it can be made");
    let place = place(&folder);
    write(&place.path, 2);
    // The last migration is in the way of itself.
    let connection = Connection::open(&place.path).expect("it opens");
    connection
        .execute_batch("CREATE TABLE invalid_entries (x)")
        .expect("it can be made");
    let before = definitions(&connection);
    drop(connection);
    assert!(Catalog::open_for_writing(&place).is_err());
    assert_eq!(user_version(&place.path), 2);
    let connection = Connection::open(&place.path).expect("it opens");
    assert_eq!(definitions(&connection), before);
}

#[test]
fn the_newest_version_is_migrated_to_itself_by_doing_nothing() {
    let folder = tempfile::tempdir().expect("it can be made");
    let place = place(&folder);
    write(&place.path, NEWEST);
    assert_eq!(Catalog::migrate(&place).expect("it opens"), Some(NEWEST));
    let catalog = Catalog::open_for_reading(&place).expect("it opens");
    assert_everything_is_there(&catalog, NEWEST);
}
