//! `imgdex store import-sregistry`.

use std::fs;

use rusqlite::Connection;

use super::{ONE, home, shown, store, uris};
use crate::json;
use crate::support::Home;

/// Writes a database as sregistry 0.2.39 does.
fn database(home: &Home) {
    let connection = Connection::open(home.path().join("sregistry.db")).expect("a database");
    let image = home.path().join("one.sif").display().to_string();
    connection
        .execute_batch(&format!(
            "CREATE TABLE collection (id INTEGER NOT NULL, name VARCHAR(50), token VARCHAR(50),
               created_at DATETIME, PRIMARY KEY (id), UNIQUE (name));
             CREATE TABLE container (id INTEGER NOT NULL, created_at DATETIME, metrics TEXT,
               name VARCHAR(250) NOT NULL, tag VARCHAR(250) NOT NULL, image VARCHAR(250),
               url VARCHAR(500), uri VARCHAR(500), client VARCHAR(50) NOT NULL,
               version VARCHAR(250), collection_id INTEGER,
               PRIMARY KEY (id), FOREIGN KEY (collection_id) REFERENCES collection (id));
             INSERT INTO collection VALUES (1, 'vsoch', 't', '2018-03-29 12:00:00.000000'),
               (2, 'library', 'u', NULL);
             INSERT INTO container VALUES
               (1, '2018-03-29 12:34:56.789012', '{{\"labels\": {{\"A\": \"b\"}}, \"n\": 1.50}}',
                'hello-world', 'latest', '{image}', 'https://example.com/hello.sif',
                'vsoch/hello-world:latest@{ONE}', 'hub', '{ONE}', 1),
               (2, '2018-04-01 00:00:00.000000', NULL, 'remote', 'v1', NULL,
                'https://example.com/remote.sif', 'library/remote:v1', 'registry', '', 2),
               (3, NULL, 'not JSON', 'gone', 'latest', '/nowhere/gone.sif', NULL,
                'library/gone:latest', 'hub', 'aa', 2),
               (4, NULL, NULL, 'secret', 'latest', NULL, 'https://ann:canary@example.com/x',
                'library/secret:latest', 'hub', '', 2),
               (5, NULL, '[]', 'bad name', 'latest', NULL, 'https://example.com/x', '', 'hub', NULL, 2);"
        ))
        .expect("it is SQL");
}

#[test]
fn records_of_sregistry_are_taken_over() {
    let home = home();
    database(&home);
    let before = fs::read(home.path().join("sregistry.db")).expect("there");
    let ran = home.run("store import-sregistry sregistry.db");
    insta::assert_snapshot!(shown(&home, &ran), @r"
    exit code: 3
    ----- stdout -----
    [container][new] vsoch/hello-world:latest@<one>
    [container][new] library/remote:v1
    ----- stderr -----
    `library/gone:latest` is left out: its file is gone, and it has no URL
    `library/secret:latest` is left out: the URL holds a user or a password, and would be shown to everybody: leave them out
    `library/bad name:latest` is left out: `library/bad name:latest` is not the name of an image: a name should be letters, digits, `.`, `_` and `-`, and begin with a letter, a digit or `_`, but is `bad name`
    ");
    assert_eq!(
        uris(&home),
        ["vsoch/hello-world:latest@<one>", "library/remote:v1"]
    );
    insta::assert_snapshot!(shown(&home, &home.run("store inspect vsoch/hello-world")), @r#"
    exit code: 0
    ----- stdout -----
    {
      "id": 1,
      "uri": "vsoch/hello-world:latest@<one>",
      "collection": "vsoch",
      "name": "hello-world",
      "tag": "latest",
      "version": "<one>",
      "client": "file",
      "image": "<home>/one.sif",
      "url": "https://example.com/hello.sif",
      "metrics": {
        "labels": {
          "A": "b"
        },
        "n": 1.50,
        "size": 4,
        "sha256": "<one>"
      },
      "created_at": "<time>",
      "labels": {}
    }
    "#);
    assert_eq!(
        home.run("store get remote").ok().stdout,
        "https://example.com/remote.sif\n"
    );
    assert!(before == fs::read(home.path().join("sregistry.db")).expect("there"));
    assert!(home.path().join("one.sif").exists(), "it stays where it is");
    assert!(!store(&home).exists());
    // Twice is no error.
    let listed = home.run("store list -o json");
    let again = home.run("store import-sregistry sregistry.db").fails(3);
    assert_eq!(again.stdout.matches("[container][update]").count(), 2);
    assert_eq!(home.run("store list -o json"), listed);
    assert_eq!(json(home.run("store inspect remote"))["client"], "url");
}

#[test]
fn what_is_not_such_a_database_is_refused() {
    let home = home();
    home.write(
        "text.db",
        "this is no database, and long enough to be looked at",
    );
    Connection::open(home.path().join("other.db"))
        .and_then(|other| other.execute_batch("CREATE TABLE x (y)"))
        .expect("made");
    Connection::open(home.path().join("half.db"))
        .and_then(|other| {
            other.execute_batch(
                "CREATE TABLE collection (id, name); CREATE TABLE container (id, name)",
            )
        })
        .expect("made");
    insta::assert_snapshot!(shown(&home, &home.run("store import-sregistry text.db")), @r"
    exit code: 2
    ----- stderr -----
    error: `text.db` is not a database of sregistry: it is not a SQLite database; expected a SQLite database with the tables `collection` and `container`, such as ~/.singularity/sregistry.db
    ");
    insta::assert_snapshot!(shown(&home, &home.run("store import-sregistry other.db")), @r"
    exit code: 2
    ----- stderr -----
    error: `other.db` is not a database of sregistry: it has no table `collection`; expected a SQLite database with the tables `collection` and `container`, such as ~/.singularity/sregistry.db
    ");
    insta::assert_snapshot!(shown(&home, &home.run("store import-sregistry half.db")), @r"
    exit code: 2
    ----- stderr -----
    error: `half.db` is not a database of sregistry: its table `container` has no column `tag`; expected a SQLite database with the tables `collection` and `container`, such as ~/.singularity/sregistry.db
    ");
    home.run("store import-sregistry .").fails(2);
    home.run("store import-sregistry none.db").fails(4);
    assert!(!home.catalog().exists());
}
