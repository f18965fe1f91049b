//! Feeds the YAML parser characters, one at a time from any reader, within bounds.

use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use saphyr_parser::Input;

use super::super::buffer::Buffer;
use super::super::{
    BYTE_ORDER_MARK, Fault, ITEM_TOO_LARGE, ItemError, MAX_ITEM, Position, encoding_fault, quote,
};

/// Characters that the parser may look ahead.
const LOOKAHEAD: usize = 16;

/// Commas and brackets that the parser may take without giving an event.
///
/// It holds back all of a collection in brackets until it knows that this is no key, and holds
/// some 200 bytes for each part of it: 4 MiB of `[a,a,a…` would take a gigabyte.
const MAX_HELD_BACK: usize = 250_000;

/// What the items and the source that the parser owns have to tell each other.
pub(super) struct Watch {
    /// Bytes taken since the item began.
    used: AtomicUsize,
    /// Commas and brackets taken since the last event.
    held_back: AtomicUsize,
    /// The number of characters before the one that could not be had.
    failed_at: AtomicUsize,
    failure: Mutex<Option<ItemError>>,
    end: Mutex<Option<Position>>,
}

impl Watch {
    pub(super) fn new() -> Watch {
        Watch {
            used: AtomicUsize::new(0),
            held_back: AtomicUsize::new(0),
            failed_at: AtomicUsize::new(usize::MAX),
            failure: Mutex::new(None),
            end: Mutex::new(None),
        }
    }

    /// Begins to count for another item.
    pub(super) fn begin_item(&self) {
        self.used.store(0, Relaxed);
    }

    pub(super) fn used(&self) -> usize {
        self.used.load(Relaxed)
    }

    /// Tells whether an event that ends before character `index` counts, and what was held back
    /// for it is free.
    ///
    /// The source ends the text where it fails, and the parser sees that end up to 16 characters
    /// early. What stands before it is sound; what reaches it may have been cut.
    pub(super) fn accept_event(&self, index: usize) -> bool {
        self.held_back.store(0, Relaxed);
        index < self.failed_at.load(Relaxed)
    }

    /// Returns why the source ended the text too early, if it did.
    pub(super) fn failure(&self) -> Option<ItemError> {
        lock(&self.failure).take()
    }

    /// Returns the place after the last character, once it was reached.
    pub(super) fn end(&self) -> Option<Position> {
        *lock(&self.end)
    }

    fn fail(&self, index: usize, error: ItemError) {
        lock(&self.failure).get_or_insert(error);
        self.failed_at.store(index, Relaxed);
    }

    /// Counts a character.
    ///
    /// # Errors
    /// A message where it is one too many.
    fn count(&self, character: char) -> Result<(), &'static str> {
        let used = self.used.load(Relaxed) + character.len_utf8();
        self.used.store(used, Relaxed);
        if used > MAX_ITEM {
            return Err(ITEM_TOO_LARGE);
        }
        if matches!(character, ',' | '[' | ']' | '{' | '}') {
            let held_back = self.held_back.load(Relaxed) + 1;
            self.held_back.store(held_back, Relaxed);
            if held_back > MAX_HELD_BACK {
                return Err("one value holds more than 250,000 commas and brackets");
            }
        }
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The characters of a reader, as the parser wants them.
pub(super) struct Source<R> {
    buffer: Buffer<R>,
    watch: Arc<Watch>,
    /// The number and the place of the next character.
    index: usize,
    at: Position,
    began: bool,
    ended: bool,
    /// What the parser looks at: a ring.
    ahead: [char; LOOKAHEAD],
    first: usize,
    length: usize,
}

impl<R: Read> Source<R> {
    pub(super) fn new(buffer: Buffer<R>, watch: Arc<Watch>) -> Source<R> {
        Source {
            buffer,
            watch,
            index: 0,
            at: Position::START,
            began: false,
            ended: false,
            ahead: ['\0'; LOOKAHEAD],
            first: 0,
            length: 0,
        }
    }

    /// Returns the next character; none where the text ends, for whichever reason.
    fn next(&mut self) -> Option<char> {
        if self.ended {
            return None;
        }
        let character = match self.read() {
            Ok(Some(character)) => character,
            Ok(None) => return self.end(),
            Err(error) => return self.fail(error),
        };
        if character < ' ' && !matches!(character, '\t' | '\n' | '\r') {
            let message = format!(
                "{} is only allowed as an escape in double quotes",
                quote(character)
            );
            return self.fail(Fault::new(self.at, message).into());
        }
        if let Err(message) = self.watch.count(character) {
            return self.fail(Fault::new(self.at, message).into());
        }
        self.index += 1;
        self.at.pass(character);
        Some(character)
    }

    /// Takes a character from the buffer.
    fn read(&mut self) -> Result<Option<char>, ItemError> {
        if !self.began {
            self.began = true;
            self.buffer.want(BYTE_ORDER_MARK.len())?;
            if self.buffer.data().starts_with(BYTE_ORDER_MARK) {
                self.buffer.consume(BYTE_ORDER_MARK.len());
            }
        }
        match self.buffer.peek()? {
            None => Ok(None),
            Some(byte) if byte.is_ascii() => {
                self.buffer.consume(1);
                Ok(Some(char::from(byte)))
            }
            Some(_) => match self.buffer.first_char()? {
                Some(character) => {
                    self.buffer.consume(character.len_utf8());
                    Ok(Some(character))
                }
                None => Err(encoding_fault(self.at, self.buffer.data()).into()),
            },
        }
    }

    fn end(&mut self) -> Option<char> {
        self.ended = true;
        *lock(&self.watch.end) = Some(self.at);
        None
    }

    fn fail(&mut self, error: ItemError) -> Option<char> {
        self.watch.fail(self.index, error);
        self.end()
    }
}

/// Beyond the end there are NUL characters; none can come from the text, since it is refused there.
impl<R: Read> Input for Source<R> {
    fn lookahead(&mut self, count: usize) {
        while self.length < count.min(LOOKAHEAD) {
            let character = self.next().unwrap_or('\0');
            self.ahead[(self.first + self.length) % LOOKAHEAD] = character;
            self.length += 1;
        }
    }

    fn buflen(&self) -> usize {
        self.length
    }

    fn bufmaxlen(&self) -> usize {
        LOOKAHEAD
    }

    fn raw_read_ch(&mut self) -> char {
        self.next().unwrap_or('\0')
    }

    fn raw_read_non_breakz_ch(&mut self) -> Option<char> {
        let character = self.next()?;
        if !matches!(character, '\n' | '\r' | '\u{FEFF}') {
            return Some(character);
        }
        self.ahead[(self.first + self.length) % LOOKAHEAD] = character;
        self.length = (self.length + 1).min(LOOKAHEAD);
        None
    }

    fn skip(&mut self) {
        self.skip_n(1);
    }

    fn skip_n(&mut self, count: usize) {
        let count = count.min(self.length);
        self.first = (self.first + count) % LOOKAHEAD;
        self.length -= count;
    }

    fn peek(&self) -> char {
        self.peek_nth(0)
    }

    fn peek_nth(&self, n: usize) -> char {
        if n < self.length {
            self.ahead[(self.first + n) % LOOKAHEAD]
        } else {
            '\0'
        }
    }

    fn peek_opt(&self) -> Option<char> {
        Some(self.peek()).filter(|&character| character != '\0')
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Syntax;
    use super::super::super::samples::{Trickle, endless, story};
    use super::*;

    fn check(text: impl AsRef<[u8]>, expected: &str) {
        let text = text.as_ref();
        let shown = String::from_utf8_lossy(text);
        let expected = format!("{expected}\n");
        assert_eq!(story(text, Syntax::Yaml).0, expected, "{shown:.99}");
        for step in 0..7 {
            assert_eq!(
                story(Trickle::new(text, step), Syntax::Yaml).0,
                expected,
                "{shown:.99}"
            );
        }
    }

    #[test]
    fn characters_come_whole_in_whichever_pieces_their_bytes_come() {
        check("\u{feff}é: 日本😀\nb: \"ü\"", r#"{"é":"日本😀","b":"ü"}"#);
        check("a: 1\r\nb: |\r\n  x\r\n  y\r\n", r#"{"a":1,"b":"x\ny\n"}"#);
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_faults_at_their_place() {
        check(b"a: \xff", "1:4: invalid UTF-8 (byte 0xff)");
        check(
            b"- a\n- \xc3\xa9\xc3",
            "\"a\"\n2:4: invalid UTF-8 (byte 0xc3)",
        );
        check(b"a: \"\xed\xa0\x80\"", "1:5: invalid UTF-8 (byte 0xed)");
        check(
            b"\xff\xfea\0:\0",
            "1:1: the text is UTF-16; it must be UTF-8",
        );
        check(
            b"\xfe\xff\0a\0:",
            "1:1: the text is UTF-16; it must be UTF-8",
        );
    }

    #[test]
    fn control_characters_are_faults_at_their_place() {
        let rule = "is only allowed as an escape in double quotes";
        check("a: x\u{1}", &format!("1:5: U+0001 {rule}"));
        check("a: \"\0\"", &format!("1:5: U+0000 {rule}"));
        check("# \u{1b}[31m", &format!("1:3: U+001B {rule}"));
        check("a: |\n  x\0y", &format!("2:4: U+0000 {rule}"));
    }

    #[test]
    fn an_item_may_have_4_mib_and_no_more() {
        let fault = "one object is larger than 4 MiB";
        let story = |text: &str| story(text.as_bytes(), Syntax::Yaml).0;
        let large = "x".repeat(MAX_ITEM - 100);
        assert_eq!(
            story(&format!("- a: {large}\n- b: {large}\n")).len(),
            2 * (MAX_ITEM - 100 + 9)
        );
        let large = "x".repeat(MAX_ITEM + 100);
        for text in [
            "- ok\n- a: {}",
            "- ok\n- a: '{}'",
            "- ok\n- a: |\n    {}",
            "- ok\n- # {}",
            "- ok\n- [{}]",
        ] {
            let found = story(&text.replace("{}", &large));
            assert!(found.starts_with("\"ok\"\n2:"), "{text}");
            assert!(found.ends_with(&format!(" {fault}\n")), "{text}");
        }
        assert_eq!(
            story(&format!("a: 1\n---\nb: {large}\n")),
            format!("{{\"a\":1}}\n3:1: document 2: {fault}\n")
        );
    }

    #[test]
    fn what_never_ends_fails_in_bounded_memory_but_a_stream_of_items_does_not_fail() {
        for text in ["x", "# ", "[a, "] {
            let found = story(endless(text, u64::MAX), Syntax::Yaml).0;
            assert_eq!(found.lines().count(), 1, "{text}");
        }
        for text in ["- a: [1, 2]\n", "---\na: [1, 2]\n"] {
            let items = story(endless(text, text.len() as u64 * 20_000), Syntax::Yaml).0;
            assert_eq!(items.len(), 20_000 * "{\"a\":[1,2]}\n".len());
        }
    }

    #[test]
    fn what_the_parser_would_hold_back_is_bounded() {
        let rule = "one value holds more than 250,000 commas and brackets";
        check(
            format!("- [{}]", "a,".repeat(300_000)),
            &format!("1:500005: {rule}"),
        );
        let found = story(
            format!("- [{}]", "a,".repeat(200_000)).as_bytes(),
            Syntax::Yaml,
        )
        .0;
        assert_eq!(found.len(), 200_000 * 4 + 2);
    }
}
