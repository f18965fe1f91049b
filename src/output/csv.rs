//! Rows as CSV (RFC 4180), made harmless to the spreadsheet that opens them.

use std::io::{self, Write};

use super::text;

/// Writes one row, ended by a newline, in one write.
///
/// Control characters but newlines are shown as [`text::visible`] shows them, and a cell
/// that a spreadsheet would take for a formula gets a `'` before it.
pub fn write_row<C: AsRef<str>>(out: &mut dyn Write, cells: &[C]) -> io::Result<()> {
    let mut line = String::new();
    for (at, cell) in cells.iter().enumerate() {
        if at > 0 {
            line.push(',');
        }
        push_cell(&mut line, cell.as_ref());
    }
    // An empty line would be read as no row at all.
    if line.is_empty() && cells.len() == 1 {
        line.push_str("\"\"");
    }
    line.push('\n');
    out.write_all(line.as_bytes())
}

fn push_cell(line: &mut String, cell: &str) {
    let shown = text::visible_lines(cell);
    let mark = if is_formula(cell) { "'" } else { "" };
    if !needs_quotes(&shown) {
        line.push_str(mark);
        line.push_str(&shown);
        return;
    }
    line.push('"');
    line.push_str(mark);
    for (at, part) in shown.split('"').enumerate() {
        if at > 0 {
            line.push_str("\"\"");
        }
        line.push_str(part);
    }
    line.push('"');
}

/// Whether a spreadsheet may run the cell instead of showing it.
///
/// The beginnings that <https://owasp.org/www-community/attacks/CSV_Injection> lists, of
/// which the full-width ones are for East Asian spreadsheets.
fn is_formula(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

fn needs_quotes(shown: &str) -> bool {
    shown.starts_with(' ')
        || shown.ends_with(' ')
        || shown
            .bytes()
            .any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written<C: AsRef<str>>(cells: &[C]) -> String {
        let mut out = Vec::new();
        write_row(&mut out, cells).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// Reads one row back by the grammar of RFC 4180, section 2.
    fn read(line: &str) -> Vec<String> {
        let mut cells = vec![String::new()];
        let mut quoted = false;
        let mut rest = line.strip_suffix('\n').unwrap().chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '"' if quoted && rest.peek() == Some(&'"') => {
                    rest.next();
                    cells.last_mut().unwrap().push('"');
                }
                '"' => quoted = !quoted,
                ',' if !quoted => cells.push(String::new()),
                _ => {
                    assert!(quoted || c != '\n', "{line:?}");
                    cells.last_mut().unwrap().push(c);
                }
            }
        }
        assert!(!quoted, "{line:?}");
        cells
    }

    #[test]
    fn cells_are_quoted_only_where_needed() {
        for (cells, expected) in [
            (&["id", "display name", ""][..], "id,display name,\n"),
            (
                &["a,b", "say \"hi\"", "two\nlines"],
                "\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\"\n",
            ),
            (&[" a", "a ", " "], "\" a\",\"a \",\" \"\n"),
            (&["日本語", "it's"], "日本語,it's\n"),
            (&["\""], "\"\"\"\"\n"),
            (&["", ""], ",\n"),
            (&[""], "\"\"\n"),
            (&[], "\n"),
        ] {
            assert_eq!(written(cells), expected, "{cells:?}");
        }
    }

    #[test]
    fn a_cell_that_looks_like_a_formula_is_marked_as_text() {
        for (cell, expected) in [
            ("=1+1", "'=1+1\n"),
            ("+1", "'+1\n"),
            ("-1", "'-1\n"),
            ("@SUM(A1)", "'@SUM(A1)\n"),
            ("\t=1", "'\\t=1\n"),
            ("\r=1", "'\\u{d}=1\n"),
            ("\n=1", "\"'\n=1\"\n"),
            ("＝1", "'＝1\n"),
            (
                "=HYPERLINK(\"http://x\",\"y\")",
                "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\"\n",
            ),
            ("a=1", "a=1\n"),
            ("\u{200b}=1", "\\u{200b}=1\n"),
        ] {
            assert_eq!(written(&[cell]), expected, "{cell:?}");
        }
    }

    #[test]
    fn control_characters_but_newlines_are_shown() {
        let cells = ["a\u{1b}[0m", "b\r\nc", "d\te", "\u{202e}f"];
        assert_eq!(
            written(&cells),
            "a\\u{1b}[0m,\"b\\u{d}\nc\",d\\te,\\u{202e}f\n"
        );
    }

    proptest! {
        #[test]
        fn a_row_is_read_back_as_it_was_shown(cells in prop::collection::vec("([ -~]|[=,\"\n日])*", 1..6)) {
            let expected: Vec<_> = cells
                .iter()
                .map(|cell| format!("{}{cell}", if is_formula(cell) { "'" } else { "" }))
                .collect();
            prop_assert_eq!(read(&written(&cells)), expected);
        }

        #[test]
        fn no_cell_begins_as_a_formula(cell in "[-=+@\t\r\n ]{0,3}(?s:.)*") {
            let line = written(&[&cell]);
            let shown = &read(&line)[0];
            prop_assert!(!is_formula(shown), "{shown:?}");
        }
    }
}
