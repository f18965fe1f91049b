//! What a document adds to the groups of an image and takes from them, so that
//! doing it once and doing it again come to the same.

use crate::catalog;
use crate::domain::group::{Group, GroupRef, GroupsInput};
use crate::domain::image_rules::FieldFault;
use crate::domain::name::shorten;

/// Returns the changes without what would undo itself: a group that is added
/// and taken away is only taken away, and none is made to be taken away. `find`
/// knows the groups by id and name.
///
/// # Errors
/// Those of `find`; the faults are groups to take away that nobody knows.
pub(super) fn settled(
    input: GroupsInput,
    find: impl Fn(&str) -> catalog::Result<Option<Group>>,
) -> catalog::Result<Result<GroupsInput, Vec<FieldFault>>> {
    let GroupsInput::Change {
        connect,
        disconnect,
    } = input
    else {
        return Ok(Ok(input));
    };
    if disconnect.is_empty() {
        return Ok(Ok(GroupsInput::Change {
            connect,
            disconnect,
        }));
    }
    let known = |reference: &GroupRef| match reference {
        GroupRef::Known(word) => find(word),
        GroupRef::Whole(group) => match find(&group.id)? {
            Some(known) => Ok(Some(known)),
            None => find(&group.name),
        },
    };
    let mut faults = Vec::new();
    let mut removed = Vec::new();
    let mut kept = connect;
    for (index, reference) in disconnect.iter().enumerate() {
        let group = known(reference)?;
        let before = kept.len();
        let mut others = Vec::with_capacity(before);
        for candidate in kept {
            let same = match (&group, known(&candidate)?) {
                (Some(group), Some(other)) => group.id == other.id,
                (None, None) => names_same(reference, &candidate),
                _ => false,
            };
            if !same {
                others.push(candidate);
            }
        }
        kept = others;
        match (group, reference) {
            (Some(group), _) => removed.push(GroupRef::Known(group.id)),
            (None, GroupRef::Known(word)) if kept.len() == before => faults.push(FieldFault::new(
                format!("groups.disconnect[{index}]"),
                format!(
                    "group `{}` does not exist; make it with `imgdex groups create`",
                    shorten(word)
                ),
            )),
            (None, _) => {}
        }
    }
    Ok(if faults.is_empty() {
        Ok(GroupsInput::Change {
            connect: kept,
            disconnect: removed,
        })
    } else {
        Err(faults)
    })
}

/// Returns whether two references to groups that nobody knows are to the same;
/// a whole one would be made, and a word alone is a fault of its own.
fn names_same(reference: &GroupRef, candidate: &GroupRef) -> bool {
    let GroupRef::Whole(made) = candidate else {
        return false;
    };
    match reference {
        GroupRef::Known(word) => made.name == *word || made.id.eq_ignore_ascii_case(word),
        GroupRef::Whole(group) => made.id == group.id || made.name == group.name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &str = "11111111-2222-4333-8444-555555555555";
    const NEW: &str = "22222222-2222-4333-8444-555555555555";

    fn whole(id: &str, name: &str) -> GroupRef {
        GroupRef::Whole(Group {
            id: id.to_owned(),
            name: name.to_owned(),
            display_name: name.to_owned(),
        })
    }

    fn word(word: &str) -> GroupRef {
        GroupRef::Known(word.to_owned())
    }

    #[test]
    fn what_is_taken_away_is_not_added() {
        let check = |connect: Vec<GroupRef>,
                     disconnect: Vec<GroupRef>,
                     expected: Option<(Vec<GroupRef>, Vec<GroupRef>)>| {
            let find = |word: &str| {
                Ok([KNOWN, "known"].contains(&word).then(|| Group {
                    id: KNOWN.to_owned(),
                    name: "known".to_owned(),
                    display_name: "Known".to_owned(),
                }))
            };
            let input = GroupsInput::Change {
                connect,
                disconnect,
            };
            let expected = expected.map(|(connect, disconnect)| GroupsInput::Change {
                connect,
                disconnect,
            });
            assert_eq!(settled(input, find).expect("it is found").ok(), expected);
        };
        check(vec![], vec![], Some((vec![], vec![])));
        check(
            vec![],
            vec![word("known")],
            Some((vec![], vec![word(KNOWN)])),
        );
        check(
            vec![word(KNOWN), whole(NEW, "new")],
            vec![word("known")],
            Some((vec![whole(NEW, "new")], vec![word(KNOWN)])),
        );
        check(
            vec![whole(NEW, "new")],
            vec![whole(NEW, "new")],
            Some((vec![], vec![])),
        );
        check(
            vec![whole(NEW, "new")],
            vec![word("new")],
            Some((vec![], vec![])),
        );
        check(vec![], vec![whole(NEW, "new")], Some((vec![], vec![])));
        check(vec![], vec![word("gone")], None);
        check(vec![word("gone")], vec![word("gone")], None);
    }
}
