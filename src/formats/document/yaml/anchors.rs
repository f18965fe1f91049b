//! What YAML's aliases refer to, kept within bounds.

use std::collections::BTreeMap;

use super::super::Node;

/// What one item's aliases may bring in, and what all kept anchors may hold together.
const MAX_NODES: usize = 100_000;
const MAX_TEXT: usize = 4 * 1024 * 1024;

/// How much a tree holds.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Measure {
    pub nodes: usize,
    /// Bytes of its keys and scalars.
    pub text: usize,
    /// Containers within containers.
    pub height: usize,
}

impl Measure {
    pub(super) fn add(&mut self, other: Measure) {
        self.nodes += other.nodes;
        self.text += other.text;
        self.height = self.height.max(other.height);
    }

    fn exceeds(self) -> bool {
        self.nodes > MAX_NODES || self.text > MAX_TEXT
    }
}

/// A finished node with an anchor.
pub(super) struct Anchored {
    pub node: Node,
    pub measure: Measure,
}

/// The anchors of one document. The parser numbers them through the whole input, from 1.
#[derive(Default)]
pub(super) struct Anchors {
    /// The newest that fit; in long lists the oldest go first.
    kept: BTreeMap<usize, Anchored>,
    held: Measure,
    /// Those whose node is not complete.
    open: Vec<usize>,
    /// The last number, and the last one before this document.
    last: usize,
    before: usize,
    /// What the anchors of the item under work have copied, and its aliases.
    copied: Measure,
    expanded: Measure,
}

impl Anchors {
    pub(super) fn begin_document(&mut self) {
        self.before = self.last;
        self.kept.clear();
        self.open.clear();
        self.held = Measure::default();
    }

    pub(super) fn begin_item(&mut self) {
        self.copied = Measure::default();
        self.expanded = Measure::default();
    }

    /// Returns how many anchors the input has had.
    pub(super) fn count(&self) -> usize {
        self.last
    }

    /// Notes an anchor (0: none) whose node begins.
    pub(super) fn begin(&mut self, id: usize) {
        if id > 0 {
            self.last = self.last.max(id);
            self.open.push(id);
        }
    }

    /// Keeps the node of an anchor (0: none) that is complete.
    ///
    /// What is too large is not kept, which is a fault only if an alias asks for it: copying
    /// each of many nested anchors would take time without bound.
    pub(super) fn end(&mut self, id: usize, node: &Node, measure: Measure) {
        if id == 0 {
            return;
        }
        self.open.retain(|&open| open != id);
        let mut copied = self.copied;
        copied.add(measure);
        if copied.exceeds() {
            return;
        }
        self.copied = copied;
        self.kept.insert(
            id,
            Anchored {
                node: node.clone(),
                measure,
            },
        );
        self.held.add(measure);
        while self.held.exceeds() {
            let Some((_, oldest)) = self.kept.pop_first() else {
                break;
            };
            self.held.nodes -= oldest.measure.nodes.min(self.held.nodes);
            self.held.text -= oldest.measure.text.min(self.held.text);
        }
    }

    /// Returns what an alias refers to.
    ///
    /// # Errors
    /// A message: the anchor is not at hand, or the item's aliases bring in too much.
    pub(super) fn get(&mut self, id: usize) -> Result<&Anchored, &'static str> {
        if self.open.contains(&id) {
            return Err("an alias inside its own anchor");
        }
        if id <= self.before {
            return Err("an alias to an anchor of another document");
        }
        let Some(anchored) = self.kept.get(&id) else {
            return Err("an alias to an anchor that is too large or too far above");
        };
        self.expanded.add(anchored.measure);
        if self.expanded.exceeds() {
            return Err(
                "too many aliases: one item may take 100,000 values or 4 MiB of text from them",
            );
        }
        Ok(anchored)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Syntax;
    use super::super::super::samples::story;

    fn check(text: &str, expected: &str) {
        assert_eq!(
            story(text.as_bytes(), Syntax::Yaml).0,
            format!("{expected}\n"),
            "{text}"
        );
    }

    #[test]
    fn an_alias_is_what_its_anchor_is() {
        check(
            "a: &x {b: [1]}\nc: *x\nd: [*x]",
            r#"{"a":{"b":[1]},"c":{"b":[1]},"d":[{"b":[1]}]}"#,
        );
        check("- &x 1\n- [*x, &x 2, *x]\n- *x", "1\n[1,2,2]\n2");
        check("a: &x\nb: *x", r#"{"a":null,"b":null}"#);
        check("- &x {a: 1}\n- b: *x", "{\"a\":1}\n{\"b\":{\"a\":1}}");
    }

    #[test]
    fn an_alias_without_its_anchor_is_a_fault() {
        check("a: *x", "1:4: a: an alias to an anchor that is not defined");
        check(
            "a: &x [1, *x]",
            "1:11: a[1]: an alias inside its own anchor",
        );
        check(
            "&x a: [*y]",
            "1:8: a[0]: an alias to an anchor that is not defined",
        );
        check("- &x {a: *x}", "1:10: a: an alias inside its own anchor");
        check(
            "&x\n- a\n- *x",
            "\"a\"\n3:3: an alias inside its own anchor",
        );
        check(
            "&x a: 1\n---\nb: *x",
            "{\"a\":1}\n3:4: b: document 2: an alias to an anchor of another document",
        );
    }

    #[test]
    fn an_alias_bomb_is_a_fault() {
        let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
        for level in 1..10 {
            let alias = format!("*a{}", level - 1);
            bomb += &format!("a{level}: &a{level} [{}]\n", [alias.as_str(); 9].join(","));
        }
        let rule = "too many aliases: one item may take 100,000 values or 4 MiB of text from them";
        check(&bomb, &format!("6:10: a5[0]: {rule}"));
        // Spread over items, it fails no later.
        let items: String = bomb.lines().map(|line| format!("- {line}\n")).collect();
        assert!(
            story(items.as_bytes(), Syntax::Yaml)
                .0
                .ends_with(&format!("{rule}\n"))
        );
        let text = format!("- &a {}\n- [{}]", "x".repeat(3_000_000), "*a,".repeat(2));
        assert!(
            story(text.as_bytes(), Syntax::Yaml)
                .0
                .ends_with(&format!("2:7: [1]: {rule}\n"))
        );
    }

    #[test]
    fn anchors_are_kept_within_bounds() {
        // The oldest go first, and those that are too large are not kept at all.
        let far = "an alias to an anchor that is too large or too far above";
        for (alias, kept) in [("*old", false), ("*new", true), ("*big", false)] {
            let list = |name: &str, size: usize| format!("- &{name} [{}]\n", "x,".repeat(size));
            let lists = [
                list("old", 50_000),
                list("new", 60_000),
                list("big", 100_000),
            ]
            .concat();
            let found = story(format!("{lists}- {alias}\n").as_bytes(), Syntax::Yaml).0;
            assert_eq!(found.ends_with(&format!("4:3: {far}\n")), !kept, "{alias}");
            assert_eq!(found.ends_with("\"x\"]\n"), kept, "{alias}");
        }
        // Nested anchors would be copied again and again.
        let nested: String = (0..100).map(|level| format!("&a{level} [")).collect();
        let text = format!(
            "- {nested}{}{}\n- *a0",
            "x,".repeat(100_000),
            "]".repeat(100)
        );
        assert!(
            story(text.as_bytes(), Syntax::Yaml)
                .0
                .ends_with(&format!("2:3: {far}\n"))
        );
        let many: String = (0..100_001)
            .map(|number| format!("- &a{number} x\n"))
            .collect();
        assert!(
            story(many.as_bytes(), Syntax::Yaml)
                .0
                .ends_with("100001:3: too many anchors in one input\n")
        );
    }
}
