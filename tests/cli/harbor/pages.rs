//! Lists of many pages, and of pages that change while they are read.

use super::{names, requests, run, with_apps};
use crate::fake_harbor::State;
use crate::support::Home;

#[test]
fn everything_is_listed_however_many_pages() {
    let (home, harbor) = (Home::new(), with_apps());
    for at in 0..250 {
        harbor.listed("apps/many", &format!("t{at:03}"));
        harbor.listed(&format!("open/r{at:03}"), "1");
        harbor.public_project(&format!("p{at:03}"));
    }
    let count = |arguments: &str| {
        let ran = run(&home, &harbor, &format!("{arguments} -o name")).ok();
        let mut names: Vec<&str> = ran.stdout.lines().collect();
        names.sort_unstable();
        names.dedup();
        names.len()
    };
    assert_eq!(count("artifacts apps/many"), 250);
    assert_eq!(requests(&harbor, "/artifacts?").len(), 3);
    assert_eq!(count("tags apps/many"), 250);
    assert_eq!(count("repositories open"), 250);
    assert_eq!(count("projects list"), 252);
    // The newest are on the first page.
    harbor.forget_seen();
    let newest = names(run(&home, &harbor, "artifacts apps/many --newest 2 -o csv"));
    assert!(
        newest.contains(",t249,") && newest.contains(",t248,"),
        "{newest}"
    );
    assert_eq!(count("artifacts apps/many --newest 150"), 150);
    let pages = requests(&harbor, "/artifacts?");
    assert_eq!(pages.len(), 3, "{pages:#?}");
    assert!(pages[0].contains("page_size=2"), "{pages:#?}");
}

#[test]
fn nothing_is_lost_or_twice_in_a_list_that_changes() {
    let check = |change: fn(&mut State), most_requests: usize| {
        let (home, harbor) = (Home::new(), with_apps());
        for at in 0..205 {
            harbor.listed("apps/many", &format!("t{at:03}"));
        }
        harbor.on_page("/artifacts", 2, change);
        let ran = run(&home, &harbor, "tags apps/many -o name").ok();
        let listed: Vec<&str> = ran.stdout.lines().collect();
        for at in 0..204 {
            let tag = format!("t{at:03}");
            let times = listed.iter().filter(|name| **name == tag).count();
            assert_eq!(times, 1, "{tag}");
        }
        let requests = requests(&harbor, "/artifacts?").len();
        assert!(requests <= most_requests, "{requests}");
        listed.len()
    };
    // What was on the first page goes away, and all others move.
    let gone = check(|state| state.remove_artifact("apps/many", "t204"), 6);
    assert_eq!(gone, 204);
    // Something new comes first, and all others move the other way.
    let added = check(|state| drop(state.add_listed("apps/many", "new")), 6);
    assert_eq!(added, 206);
    // Both at once.
    check(
        |state| {
            state.remove_artifact("apps/many", "t204");
            state.add_listed("apps/many", "new");
        },
        6,
    );
}

#[test]
fn a_list_that_never_stands_still_loses_nothing() {
    let (home, harbor) = (Home::new(), with_apps());
    for at in 0..210 {
        harbor.listed("apps/many", &format!("t{at:03}"));
    }
    for at in 0..4 {
        harbor.on_page("/artifacts", 2, move |state| {
            state.remove_artifact("apps/many", &format!("t{}", 209 - at));
        });
    }
    let ran = run(&home, &harbor, "artifacts apps/many -o csv").ok();
    for at in 0..206 {
        let tag = format!(",t{at:03},");
        assert_eq!(ran.stdout.matches(&tag).count(), 1, "{tag}");
    }
    assert_eq!(requests(&harbor, "/artifacts?").len(), 9);
}
