//! What the store calls an image that comes from a registry.

use super::name::shorten;
use super::reference::Reference;
use super::stored::StoredName;

/// Returns the name of a reference: what stands before the last part of its repository
/// is the collection. The registry is left out, as sregistry does it, so that a name
/// says what an image is, and its record where it came from.
///
/// # Errors
/// Where the store has no room for such a name.
pub fn name_of_reference(reference: &Reference) -> Result<StoredName, String> {
    let mut text = reference.repository().to_string();
    if let Some(tag) = reference.tag() {
        text.push(':');
        // A name begins with no `-` or `.`, and neither does a tag.
        text.push_str(tag.as_str());
    }
    StoredName::parse(&text).map_err(|rule| {
        format!(
            "no name in the store can be made of `{}`: {rule}",
            shorten(&reference.to_string())
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_called_after_its_repository() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let check = |text: &str, expected: &str| {
            let reference = Reference::parse(text).expect(text);
            let name = name_of_reference(&reference).map(|name| name.to_string());
            assert_eq!(name.as_deref(), Ok(expected), "{text}");
        };
        check("alpine", "library/alpine");
        check("alpine:3.20", "library/alpine:3.20");
        check("quay.io/alpine:3", "library/alpine:3");
        check("quay.io/jupyter/base:X-1", "jupyter/base:x-1");
        check("localhost:5000/a/b/c__d:1", "a/b/c__d:1");
        check(&format!("quay.io/a/b:1@{digest}"), "a/b:1");
        check(&format!("quay.io/a/b@{digest}"), "a/b");
        for text in [
            "quay.io/oci/tool",
            "quay.io/a/b/c/d/e/f/g/h/i/j",
            &format!("quay.io/a:{}", "x".repeat(128)),
        ] {
            let reference = Reference::parse(text).expect(text);
            assert!(name_of_reference(&reference).is_err(), "{text}");
        }
    }
}
