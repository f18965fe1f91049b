//! Folders that cannot be applied: nothing of them is.

use std::os::unix::fs::symlink;

use super::home;
use crate::lines;
use crate::support::Home;

#[test]
fn all_faults_of_all_files_are_told_and_nothing_is_applied() {
    let home = home();
    home.write("catalog/a.yml", "name: a\ntype: tpu\n")
        .write("catalog/c.yaml", "name: c\n---\nname: c\n")
        .write("catalog/d.json", "{\"name\": \"d\",}")
        .write("catalog/e.yaml", "kind: group\nname: g\ndisplay: x\n")
        .write(
            "catalog/f.yaml",
            "kind: secret\nname: s\npassword: hunter2\n",
        );
    insta::assert_snapshot!(home.run("apply -f catalog").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: the documents cannot be applied; nothing was written
    catalog/a.yml:2:7: type: type should be one of ['cpu', 'gpu', 'both'], but is `tpu` (item 1, `a`)
    catalog/c.yaml:3:7: name: image `c` is described twice, first at catalog/c.yaml:1:1 (item 2, `c`)
    catalog/d.json:1:13: a trailing comma before `}` is not JSON
    catalog/e.yaml:3:1: display: unknown field; did you mean `displayName`? (item 1, `g`)
    catalog/f.yaml:3:11: password: a file that is applied holds no value; set it with `imgdex secrets update ID --password-stdin` (item 1, `s`)
    ");
    assert!(!home.catalog().exists() || lines(home.run("images list -o name")).is_empty());
    home.run("diff -f catalog").fails(2);
}

#[test]
fn unknown_groups_and_secrets_are_bad_input() {
    let home = Home::new();
    home.write(
        "a.yaml",
        "name: a\ngroups: [gone]\nuseImagePullSecret: image-gone\n",
    );
    insta::assert_snapshot!(home.run("apply -f a.yaml").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: the documents cannot be applied; nothing was written
    a.yaml:2:10: groups[0]: group `gone` does not exist; make it with `imgdex groups create` (item 1, `a`)
    a.yaml:3:21: useImagePullSecret: secret `image-gone` does not exist; make it with `imgdex secrets create` (item 1, `a`)
    ");
    insta::assert_snapshot!(home.run("diff -f a.yaml").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: the documents cannot be applied
    a.yaml:2:10: groups[0]: group `gone` does not exist (item 1, `a`)
    a.yaml:3:21: useImagePullSecret: secret `image-gone` of type `kubernetes` does not exist (item 1, `a`)
    ");
    assert!(lines(home.run("images list -o name")).is_empty());
}

#[test]
fn links_and_special_files_in_the_folder_are_refused() {
    let check = |prepare: &dyn Fn(&Home)| {
        let home = home();
        prepare(&home);
        let ran = home.run("apply -f catalog").fails(11);
        assert!(lines(home.run("images list -o name")).is_empty());
        home.run("diff -f catalog").fails(11);
        ran.stderr
    };
    let told = [
        check(&|home| {
            home.write("secret.yaml", "name: secret\n");
            symlink("../secret.yaml", home.path().join("catalog/x.yaml")).expect("a link");
        }),
        check(&|home| {
            let made = home
                .command("mkfifo")
                .arg("catalog/x.json")
                .status()
                .expect("mkfifo runs");
            assert!(made.success());
        }),
        check(&|home| symlink("/gone", home.path().join("catalog/x.yml")).expect("a link")),
        check(&|home| {
            home.write("elsewhere/c.yaml", "name: c\n");
            symlink("../elsewhere", home.path().join("catalog/more")).expect("a link");
        }),
    ];
    insta::assert_snapshot!(told.concat(), @r"
    error: `catalog/x.yaml` is a link or a special file, and only regular files are read
    hint: put the file itself into the folder, or take it out
    error: `catalog/x.json` is a link or a special file, and only regular files are read
    hint: put the file itself into the folder, or take it out
    error: `catalog/x.yml` is a link or a special file, and only regular files are read
    hint: put the file itself into the folder, or take it out
    error: `catalog/more` is a link or a special file, and only regular files are read
    hint: put the file itself into the folder, or take it out
    ");
}

#[test]
fn a_missing_folder_is_not_found_and_an_empty_one_is_nothing() {
    let home = Home::new();
    insta::assert_snapshot!(home.run("apply -f gone").snapshot(&home), @r"
    exit code: 4
    ----- stderr -----
    error: cannot read `gone`: No such file or directory (os error 2)
    ");
    home.run("diff -f gone").fails(4);
    home.run("apply").fails(2);
    std::fs::create_dir(home.path().join("empty")).expect("a folder");
    insta::assert_snapshot!(home.run("apply -f empty").snapshot(&home), @r"
    exit code: 0
    ----- stderr -----
    0 changed, 0 unchanged
    ");
    home.run("diff -f empty").ok();
}

#[test]
fn a_folder_behind_a_link_is_not_taken_for_a_removed_one() {
    let home = home();
    home.run("apply -f catalog").ok();
    let folder = home.path().join("catalog");
    std::fs::create_dir(home.path().join("elsewhere")).expect("a folder");
    std::fs::rename(folder.join("b.json"), home.path().join("elsewhere/b.json")).expect("moved");
    symlink("../elsewhere", folder.join("more")).expect("a link");
    home.run("diff -f catalog --prune").fails(11);
    home.run("apply -f catalog --prune").fails(11);
    assert_eq!(lines(home.run("images list -o name")), ["a", "b"]);
}

#[test]
fn links_to_what_is_not_read_are_passed_over() {
    let home = home();
    symlink("README.md", home.path().join("catalog/NOTES.md")).expect("a link");
    symlink("/gone", home.path().join("catalog/gone")).expect("a link");
    home.run("apply -f catalog").ok();
    home.run("diff -f catalog").ok();
}
