//! AdaLab: a file of JSON for each image.

use super::*;

/// An image as an export writes it.
const FLASK: &str = r#"{
  "metadata_id": 41,
  "sha256": "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "oci_image_name": {
    "project": "apps",
    "repository": "team/flask_app",
    "tag": "1.0",
    "host": "harbor.example.com"
  },
  "type": "app",
  "name": "Flask app",
  "description": "Shows forecasts",
  "startup_cmd": "flask run --port 80",
  "image_id": 7,
  "user_id": "ada",
  "archived": false,
  "ready": true,
  "run_id": null
}"#;

#[test]
fn an_image_is_read_and_comes_back() {
    let home = with_file("flask-app.json", FLASK);
    assert_eq!(import(&home, "adalab"), "Imported 1 instance\n");
    assert_eq!(
        import(&home, "adalab"),
        "Imported 0 instances\n1 instance is unchanged\n"
    );
    let image = said(&home, "flask-app");
    assert_eq!(image["displayName"], "Flask app");
    assert_eq!(image["kind"], "app");
    assert_eq!(image["command"], "flask run --port 80");
    assert_eq!(image["picture"], "7");
    assert_eq!(image["isReady"], true);
    let expected = "harbor.example.com/apps/team/flask_app:1.0";
    assert_eq!(image["url"], expected);
    let exported = only_file(&home, "adalab");
    let parsed = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    assert_eq!(parsed(&exported), parsed(FLASK));
    insta::assert_snapshot!(exported, @r#"
    {
      "sha256": "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "oci_image_name": {
        "host": "harbor.example.com",
        "project": "apps",
        "repository": "team/flask_app",
        "tag": "1.0"
      },
      "type": "app",
      "name": "Flask app",
      "description": "Shows forecasts",
      "startup_cmd": "flask run --port 80",
      "image_id": 7,
      "user_id": "ada",
      "archived": false,
      "ready": true,
      "metadata_id": 41,
      "run_id": null
    }
    "#);
    home.run("metadata validate adalab in").ok();
}

#[test]
fn one_that_is_archived_stays_so_and_is_not_listed() {
    let home = with_file(
        "old.json",
        &FLASK.replace("\"archived\": false", "\"archived\": true"),
    );
    assert_eq!(import(&home, "adalab"), "Imported 1 instance\n");
    assert!(lines(home.run("images list -o name")).is_empty());
    assert_eq!(lines(home.run("images list --archived -o name")), ["old"]);
    assert!(only_file(&home, "adalab").contains("\"archived\": true"));
}

#[test]
fn a_files_name_is_made_fit_where_asked() {
    let home = with_file("Flask App.json", FLASK);
    insta::assert_snapshot!(home.run("metadata import adalab -d in").snapshot(&home), @r"
    exit code: 3
    ----- stdout -----
    Imported 0 instances
    1 instance could not be imported

    The following files could not be imported:
    File            Reason
    --------------  ----------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------
    Flask App.json  1:1: name: [name] should be lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character, but is `Flask App`; the nearest allowed name is `flask-app`
    ----- stderr -----
    hint: correct the files and import again; `--include-invalid` keeps entries as they came
    ");
    home.run("metadata import adalab -d in --rename").ok();
    let files = exported(&home, "adalab");
    assert_eq!(files.keys().collect::<Vec<_>>(), ["flask-app.json"]);
}

#[test]
fn what_is_not_valid_comes_back_as_it_came() {
    let bad =
        "{\"name\": \"X\", \"type\": 5, \"oci_image_name\": \"harbor.example.com/a/b:1\"}\r\n";
    let home = with_file("bad.json", bad);
    insta::assert_snapshot!(home.run("metadata validate adalab in").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: 2 faults in 1 of 1 file
    in/bad.json:1:23: type: type should be a string, but is a number
    in/bad.json:1:44: oci_image_name: oci_image_name should be an object, but is a string
    ");
    home.run("metadata import adalab -d in --include-invalid")
        .ok();
    let files = exported_with(&home, "adalab", "--include-invalid");
    assert_eq!(files["bad.json"], bad);
}

#[test]
fn what_is_lost_and_what_cannot_be_held_is_told() {
    let home = with_images(
        r#"[{"name": "lab", "url": "quay.io/example/lab:4", "tags": ["a"], "global": true, "kind": "notebook"},
            {"name": "pinned", "url": "quay.io/example/lab@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}]"#,
    );
    insta::assert_snapshot!(home.run("metadata export adalab --all -d out").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    Exported 1 instance (0 of which are invalid)
    ----- stderr -----
    image `lab`: adalab has no place for global, tags, kind
    image `pinned` is left out: AdaLab needs a tag, and its `url` has only a digest (`pinnedTag` would do)
    ");
    home.run("metadata validate adalab out/adalab").ok();
}

#[test]
fn hostile_extras_of_an_image_write_no_bad_file() {
    for extra in [
        "5",
        r#"{"oci_image_name": 5, "name": [], "archived": "x"}"#,
        r#"{"metadata_id": []}"#,
    ] {
        let home = with_images(&format!(
            r#"{{"name": "a", "url": "x/y:1", "formats": ["adalab"], "adalab": {extra}}}"#
        ));
        assert_eq!(exported(&home, "adalab").len(), 1, "{extra}");
        home.run("metadata validate adalab out-adalab/adalab").ok();
    }
}
