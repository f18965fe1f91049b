//! Text from outside made safe to print, measured in terminal cells and cut to fit.
//!
//! What lies around the text (columns, quotes, indents) is in the sibling modules.

use std::borrow::Cow;

use unicode_width::UnicodeWidthStr;

/// Stands for what was cut away; one cell wide.
const ELLIPSIS: char = '…';

/// Returns `text` on one line, with what a terminal would obey or not show written out.
///
/// A newline becomes `\n`, a tab `\t`, anything else Rust's notation (`\u{1b}`): control
/// characters, bidirectional controls, line and paragraph separators, and all that
/// Unicode calls `Default_Ignorable_Code_Point` (<https://www.unicode.org/reports/tr44/>).
/// Joiners and variation selectors stay where a script or an emoji needs them, which is
/// never after an ASCII letter. A backslash stays as it is: this is for reading, and
/// cannot be turned back.
pub fn visible(text: &str) -> Cow<'_, str> {
    show(text, Newlines::Shown)
}

/// Returns `text` as [`visible`] does, but with its newlines kept.
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    show(text, Newlines::Kept)
}

/// Returns how many terminal cells `text` takes; give it [`visible`] text.
pub fn width(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.width()
    }
}

/// Returns `text` in at most `cells` terminal cells, the last being `…` where it was cut.
///
/// What a reader sees as one character is kept or dropped as a whole, so the result can
/// be a cell narrower than asked.
pub fn cut(text: &str, cells: usize) -> Cow<'_, str> {
    if width(text) <= cells {
        return Cow::Borrowed(text);
    }
    if cells == 0 {
        return Cow::Borrowed("");
    }
    let mut kept = 0;
    let mut room = cells - 1;
    while let Some(character) = first_character(&text[kept..]) {
        let taken = width(character);
        if taken > room {
            break;
        }
        room -= taken;
        kept += character.len();
    }
    let mut short = String::with_capacity(kept + ELLIPSIS.len_utf8());
    short.push_str(&text[..kept]);
    short.push(ELLIPSIS);
    Cow::Owned(short)
}

#[derive(Clone, Copy, PartialEq)]
enum Newlines {
    Shown,
    Kept,
}

fn show(text: &str, newlines: Newlines) -> Cow<'_, str> {
    if is_printable_ascii(text) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::new();
    let mut copied = 0;
    let mut previous = ' ';
    for (at, c) in text.char_indices() {
        if !is_hidden(c, previous) || (c == '\n' && newlines == Newlines::Kept) {
            previous = c;
            continue;
        }
        shown.push_str(&text[copied..at]);
        match c {
            '\n' => shown.push_str("\\n"),
            '\t' => shown.push_str("\\t"),
            _ => shown.extend(c.escape_unicode()),
        }
        copied = at + c.len_utf8();
        previous = ' ';
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    shown.push_str(&text[copied..]);
    Cow::Owned(shown)
}

fn is_printable_ascii(text: &str) -> bool {
    // No early exit inside a block: that is what lets the compiler use vector instructions.
    text.as_bytes().chunks(32).all(|block| {
        block
            .iter()
            .fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~'))
    })
}

/// Whether `c`, coming after `previous`, is obeyed or swallowed rather than drawn.
fn is_hidden(c: char, previous: char) -> bool {
    match c {
        ' '..='~' => false,
        c if c.is_control() => true,
        // Joiners shape Persian, Indic scripts and emoji. After ASCII they shape nothing
        // and only make two equal-looking names differ; so does a second one.
        '\u{200c}' | '\u{200d}' => previous.is_ascii() || is_joiner(previous),
        c if is_variation_selector(c) => {
            let keycap = matches!(previous, '0'..='9' | '#' | '*');
            let shapes_ascii = keycap && matches!(c, '\u{fe0e}' | '\u{fe0f}');
            (previous.is_ascii() && !shapes_ascii)
                || is_joiner(previous)
                || is_variation_selector(previous)
        }
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}' => true,
        _ => false,
    }
}

fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

fn is_variation_selector(c: char) -> bool {
    matches!(
        c,
        '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}'
    )
}

/// Returns what a reader sees as the first character: a letter with its marks, a whole
/// emoji sequence, a flag.
///
/// Near to the extended grapheme clusters of UAX #29, told from cell widths: what takes
/// no cell belongs to what comes before it, and so does what follows a joiner.
fn first_character(text: &str) -> Option<&str> {
    let mut rest = text.char_indices();
    let (_, first) = rest.next()?;
    let mut previous = first;
    let mut is_half_flag = is_regional_indicator(first);
    for (at, c) in rest {
        let completes_flag = is_half_flag && is_regional_indicator(c);
        let belongs = completes_flag
            || previous == '\u{200d}'
            || is_skin_tone(c)
            || width(c.encode_utf8(&mut [0; 4])) == 0;
        if !belongs {
            return Some(&text[..at]);
        }
        is_half_flag = false;
        previous = c;
    }
    Some(text)
}

fn is_regional_indicator(c: char) -> bool {
    matches!(c, '\u{1f1e6}'..='\u{1f1ff}')
}

fn is_skin_tone(c: char) -> bool {
    matches!(c, '\u{1f3fb}'..='\u{1f3ff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Strings made of the pieces that are hard to measure and to show.
    fn hard_text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            any::<char>().prop_map(String::from),
            "[ -~]{0,5}",
            prop::sample::select(vec![
                "日",
                "e\u{301}",
                "\u{301}",
                "👩\u{200d}👩\u{200d}👧",
                "❤\u{fe0f}",
                "🇩🇪",
                "🇩",
                "👍🏽",
                "🏽",
                "1\u{fe0f}\u{20e3}",
                "\u{200d}",
                "\u{200c}",
                "\u{fe0f}",
                "\u{fe0e}",
                "ᄒ",
                "ᅡ",
                "ᆫ",
                "ل",
                "ا",
                "ﷺ",
                "\u{1b}[31m",
                "\u{202e}",
                "\n",
                "\r",
                "\t",
                "…",
                "⸻",
                "क्\u{200d}ष",
                "\u{e0067}\u{e007f}",
                "\u{2d4f}\u{2d7f}\u{2d3e}",
                "ꓸ",
                "ꓼ",
                "\u{17d2}\u{1780}",
                "𐰲\u{200d}𐰃",
                "א\u{200d}ל",
                "\u{338}",
                "≥",
                "⌚\u{fe0e}",
            ])
            .prop_map(str::to_owned),
        ];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    fn is_forbidden(c: char) -> bool {
        c.is_control()
            || matches!(
                c,
                '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}'
            )
            || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    }

    #[test]
    fn what_a_terminal_would_obey_or_hide_is_written_out() {
        for (text, expected) in [
            ("", ""),
            ("plain ~ text", "plain ~ text"),
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("nul \0 del \u{7f}", "nul \\u{0} del \\u{7f}"),
            ("csi \u{9b}1m", "csi \\u{9b}1m"),
            ("a\nb\tc\r", "a\\nb\\tc\\u{d}"),
            ("a\\nb", "a\\nb"),
            ("\u{202e}txt.exe\u{202c}", "\\u{202e}txt.exe\\u{202c}"),
            ("\u{61c}\u{200e}\u{200f}", "\\u{61c}\\u{200e}\\u{200f}"),
            ("\u{2066}x\u{2069}", "\\u{2066}x\\u{2069}"),
            ("a\u{2028}b\u{2029}", "a\\u{2028}b\\u{2029}"),
            ("\u{feff}ba\u{200b}se", "\\u{feff}ba\\u{200b}se"),
            ("ba\u{200d}se", "ba\\u{200d}se"),
            ("ba\u{200c}se", "ba\\u{200c}se"),
            ("bas\u{fe0f}e", "bas\\u{fe0f}e"),
            ("co\u{ad}op \u{3164}", "co\\u{ad}op \\u{3164}"),
            ("x\u{e0041}\u{e007f}", "x\\u{e0041}\\u{e007f}"),
            ("日\u{fe0f}\u{fe0f}", "日\u{fe0f}\\u{fe0f}"),
            ("\u{1f}日本\u{1f}語", "\\u{1f}日本\\u{1f}語"),
        ] {
            assert_eq!(visible(text), expected, "{text:?}");
        }
    }

    #[test]
    fn text_with_nothing_to_show_is_borrowed() {
        for text in [
            "",
            "base",
            "日本語",
            "e\u{301}té",
            "👩\u{200d}👩\u{200d}👧",
            "❤\u{fe0f}\u{200d}🔥",
            "1\u{fe0f}\u{20e3} ©\u{fe0f}",
            "می\u{200c}خواهم",
            "क्\u{200d}ष",
            "葛\u{e0100}城",
            "🇩🇪 👍🏽",
        ] {
            assert!(
                matches!(visible(text), Cow::Borrowed(same) if same == text),
                "{text:?}"
            );
            assert!(matches!(visible_lines(text), Cow::Borrowed(_)), "{text:?}");
        }
    }

    #[test]
    fn newlines_are_kept_where_lines_are_wanted() {
        for (text, expected) in [
            ("a\nb\n", "a\nb\n"),
            ("a\r\nb\tc", "a\\u{d}\nb\\tc"),
            ("\n\u{1b}\n", "\n\\u{1b}\n"),
        ] {
            assert_eq!(visible_lines(text), expected, "{text:?}");
        }
    }

    #[test]
    fn width_counts_terminal_cells() {
        for (text, expected) in [
            ("", 0),
            ("base", 4),
            ("日本", 4),
            ("e\u{301}", 1),
            ("é", 1),
            ("👍🏽", 2),
            ("👩\u{200d}👩\u{200d}👧", 2),
            ("❤\u{fe0f}", 2),
            ("🇩🇪", 2),
            ("1\u{fe0f}\u{20e3}", 2),
            ("한", 2),
            ("…", 1),
        ] {
            assert_eq!(width(text), expected, "{text:?}");
        }
    }

    #[test]
    fn cut_keeps_whole_characters_and_ends_in_an_ellipsis() {
        for (text, cells, expected) in [
            ("base", 4, "base"),
            ("base", 9, "base"),
            ("base", 3, "ba…"),
            ("base", 1, "…"),
            ("base", 0, ""),
            ("", 0, ""),
            ("日本語", 6, "日本語"),
            ("日本語", 5, "日本…"),
            ("日本語", 4, "日…"),
            ("日本語", 2, "…"),
            ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…"),
            ("a👩\u{200d}👩\u{200d}👧b", 3, "a…"),
            ("a👩\u{200d}👩\u{200d}👧bc", 4, "a👩\u{200d}👩\u{200d}👧…"),
            ("👍🏽👍🏽", 3, "👍🏽…"),
            ("🇩🇪🇫🇷", 3, "🇩🇪…"),
            ("🇩🇪🇫🇷", 2, "…"),
            ("❤\u{fe0f}❤\u{fe0f}", 3, "❤\u{fe0f}…"),
            ("1\u{fe0f}\u{20e3}23", 3, "1\u{fe0f}\u{20e3}…"),
        ] {
            assert_eq!(cut(text, cells), expected, "{text:?} in {cells}");
        }
    }

    proptest! {
        #[test]
        fn cut_never_exceeds_the_cells_asked_for(text in hard_text(), cells in 0_usize..20) {
            let short = cut(&text, cells);
            prop_assert!(width(&short) <= cells, "{short:?} in {cells}");
            let safe = visible(&text);
            prop_assert!(width(&cut(&safe, cells)) <= cells);
        }

        #[test]
        fn cut_drops_nothing_that_fits(text in hard_text(), more in 0_usize..3) {
            prop_assert_eq!(cut(&text, width(&text) + more), text.as_str());
        }

        #[test]
        fn visible_text_holds_no_control_or_bidirectional_character(text in hard_text()) {
            prop_assert!(!visible(&text).chars().any(is_forbidden));
            prop_assert!(!visible_lines(&text).chars().any(|c| c != '\n' && is_forbidden(c)));
        }

        #[test]
        fn visible_text_stays_as_it_is_the_second_time(text in hard_text()) {
            let once = visible(&text);
            prop_assert!(matches!(visible(&once), Cow::Borrowed(_)), "{once:?}");
        }

        #[test]
        fn text_without_newlines_is_the_same_on_one_line_or_many(text in "[^\n]*") {
            prop_assert_eq!(visible(&text), visible_lines(&text));
        }
    }
}
