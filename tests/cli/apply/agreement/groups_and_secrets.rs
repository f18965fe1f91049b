//! Documents of groups and secrets, and images that name them.

use super::check_all;

#[test]
fn a_diff_agrees_with_an_apply_of_groups() {
    let a = r#"{"name": "a", "groups": ["one"]}"#;
    let alone = r#"{"name": "a"}"#;
    check_all(&[
        ("a group by name", a, "name: a\ngroups: [one]\n", 0),
        ("a group by id", a, "name: a\ngroups: [<ONE>]\n", 0),
        (
            "a group by an id in capitals",
            a,
            "name: a\ngroups: [11111111-2222-4333-8444-AAAAAAAAAAAA]\n",
            0,
        ),
        (
            "a group by its object in capitals",
            a,
            "name: a\ngroups: [{id: 11111111-2222-4333-8444-AAAAAAAAAAAA, name: x}]\n",
            0,
        ),
        (
            "a group twice",
            a,
            "name: a\ngroups: [one, <ONE>, {name: one}, one]\n",
            0,
        ),
        ("a group left out", a, "name: a\n", 13),
        ("an unknown group", a, "name: a\ngroups: [gone]\n", 2),
        (
            "a whole group by another id",
            a,
            "name: a\ngroups: [{id: <TWO>, name: one}]\n",
            0,
        ),
        (
            "a whole group that later images know",
            "",
            "name: a\ngroups: [{id: <TWO>, name: two}]\n---\nname: b\ngroups: [two]\n---\n\
             name: c\ngroups: [<TWO>]\n---\nname: d\ngroups: {connect: [two]}\n",
            13,
        ),
        (
            "a whole group that earlier images do not know",
            "",
            "name: b\ngroups: [two]\n---\nname: a\ngroups: [{id: <TWO>, name: two}]\n",
            2,
        ),
        (
            "a whole group of a bad name",
            "",
            "name: a\ngroups: [{id: <TWO>, name: ' two'}]\n",
            2,
        ),
        (
            "a group that the documents make",
            "",
            "name: a\ngroups: [two]\n---\nkind: group\nname: two\n",
            13,
        ),
        ("connect", alone, "name: a\ngroups: {connect: [one]}\n", 13),
        (
            "connect what is",
            a,
            "name: a\ngroups: {connect: [{id: <ONE>}]}\n",
            0,
        ),
        (
            "disconnect",
            a,
            "name: a\ngroups: {disconnect: [one]}\n",
            13,
        ),
        (
            "disconnect what is not",
            alone,
            "name: a\ngroups: {disconnect: [one]}\n",
            0,
        ),
        (
            "connect and disconnect",
            alone,
            "name: a\ngroups: {connect: [one], disconnect: [<ONE>]}\n",
            0,
        ),
        (
            "disconnect what nobody knows from a known image",
            alone,
            "name: a\ngroups: {disconnect: [gone]}\n",
            2,
        ),
        (
            "disconnect what nobody knows from a new image",
            "",
            "name: a\ngroups: {disconnect: [gone]}\n",
            2,
        ),
        (
            "connect and disconnect of a new image",
            "",
            "name: a\ngroups: {connect: [one, three], disconnect: [<ONE>]}\n",
            13,
        ),
        (
            "disconnect a whole group that nobody knows",
            alone,
            "name: a\ngroups: {disconnect: [{id: <TWO>, name: two}]}\n",
            0,
        ),
        (
            "connect and disconnect a whole group",
            "",
            "name: a\ngroups: {connect: [{id: <TWO>, name: two}], disconnect: [two]}\n",
            13,
        ),
        (
            "a group renamed",
            a,
            "kind: group\nname: one\ndisplayName: Uno\n---\nname: a\ngroups: [one]\n",
            13,
        ),
        (
            "a group renamed and connected",
            a,
            "kind: group\nname: one\ndisplayName: Uno\n---\nname: a\n\
             groups: {connect: [one]}\n",
            13,
        ),
        (
            "a group renamed and disconnected",
            a,
            "kind: group\nname: one\ndisplayName: Uno\n---\nname: a\n\
             groups: {disconnect: [one]}\n",
            13,
        ),
        ("the same group", "", "kind: group\nname: one\n", 0),
        (
            "the same group in full",
            "",
            "kind: group\nname: one\nid: 11111111-2222-4333-8444-AAAAAAAAAAAA\n\
             displayName: One\n",
            0,
        ),
        (
            "a group that shows nothing",
            "",
            "kind: group\nname: one\ndisplayName: ''\n",
            13,
        ),
        (
            "a group that says nothing",
            "",
            "kind: group\nname: one\ndisplayName: null\n",
            0,
        ),
        (
            "a group of another id",
            "",
            "kind: group\nname: one\nid: <TWO>\n",
            11,
        ),
        (
            "a group of a taken id",
            "",
            "kind: group\nname: two\nid: <ONE>\n",
            12,
        ),
        (
            "two groups of one id",
            "",
            "kind: group\nname: two\nid: <TWO>\n---\nkind: group\nname: four\nid: <TWO>\n",
            12,
        ),
        (
            "a group of a bad id",
            "",
            "kind: group\nname: two\nid: 2\n",
            2,
        ),
    ]);
}

#[test]
fn a_diff_agrees_with_an_apply_of_secrets() {
    check_all(&[
        (
            "the same secret",
            "",
            "kind: secret\nname: quay\nregistryHost: quay.io\n",
            0,
        ),
        ("nothing new", "", "kind: secret\nname: quay\n", 0),
        (
            "another host",
            "",
            "kind: secret\nname: quay\nregistryHost: ghcr.io\n",
            13,
        ),
        (
            "no host",
            "",
            "kind: secret\nname: quay\nregistryHost: null\n",
            13,
        ),
        (
            "an empty name shown",
            "",
            "kind: secret\nname: quay\ndisplayName: ''\n",
            0,
        ),
        (
            "no name shown",
            "",
            "kind: secret\nname: quay\ndisplayName: null\n",
            0,
        ),
        (
            "an empty name shown of a new one",
            "",
            "kind: secret\nname: new\ndisplayName: ''\n",
            13,
        ),
        (
            "an id that is the name of another",
            "",
            "kind: secret\nname: git\ndisplayName: Git\n",
            13,
        ),
        ("a bad name", "", "kind: secret\nname: Git\n", 2),
        (
            "a value",
            "",
            "kind: secret\nname: quay\npassword: hunter2\n",
            2,
        ),
        (
            "a known one used",
            "",
            "name: a\nuseImagePullSecret: image-quay\n",
            13,
        ),
        (
            "one used by its name",
            "",
            "name: a\nuseImagePullSecret: quay\n",
            2,
        ),
        (
            "an opaque one used",
            "",
            "name: a\nuseImagePullSecret: gitsync-secret-image-git\n",
            2,
        ),
        (
            "an opaque one made and used",
            "",
            "kind: secret\nname: new\ntype: opaque\n---\nname: a\n\
             useImagePullSecret: gitsync-secret-new\n",
            2,
        ),
        (
            "one made and used",
            "",
            "name: a\nimageSpec: {baseImage: x, pullSecret: image-new, packages: {pip: [y]}}\n\
             ---\nkind: secret\nname: new\n",
            13,
        ),
    ]);
}
