//! Tables in two passes, so that a million rows need not be held: every row is measured,
//! the columns are fitted to the terminal, then every row is written.
//!
//! Which columns there are, and whether there is a terminal, is the caller's to say.

use std::io::{self, Write};

use super::text;

/// Blanks between two columns.
const GAP: usize = 2;

/// A column is not made narrower than this, in cells, while another can give way.
const NARROW: usize = 8;

/// The columns of a table: their headers, alignment and widths.
///
/// Give every row to [`measure`](Self::measure), call [`fit`](Self::fit) once, then
/// [`write_header`](Self::write_header) and [`write_row`](Self::write_row) for the same
/// rows. Every line is one write, so `out` should be buffered.
#[derive(Debug, Clone)]
pub struct Layout {
    columns: Vec<Column>,
    has_rows: bool,
    is_cut: bool,
    line: Vec<u8>,
}

#[derive(Debug, Clone)]
struct Column {
    header: String,
    /// In cells; the header's at first, then that of the widest cell seen.
    width: usize,
}

impl Layout {
    /// Returns a layout of left-aligned columns, each as wide as its header.
    pub fn new(headers: &[&str]) -> Self {
        let columns = headers
            .iter()
            .map(|header| {
                let header = text::visible(header).into_owned();
                Column {
                    width: text::width(&header),
                    header,
                }
            })
            .collect();
        Self {
            columns,
            has_rows: false,
            is_cut: false,
            line: Vec::new(),
        }
    }

    /// Widens the columns to hold `row`, one cell per header.
    pub fn measure<C: AsRef<str>>(&mut self, row: &[C]) {
        self.has_rows = true;
        for (column, cell) in self.columns.iter_mut().zip(row) {
            let width = text::width(&text::visible(cell.as_ref()));
            column.width = column.width.max(width);
        }
    }

    /// Shrinks the columns to a terminal of that many cells; unset or 0 leaves them.
    ///
    /// The widest give way first, the first column last. No column gets narrower than its
    /// header or 8 cells before all have come to that; on a terminal too narrow even for
    /// one cell a column, lines are longer than asked.
    pub fn fit(&mut self, terminal_width: Option<usize>) {
        let Some(limit) = terminal_width.filter(|&cells| cells > 0) else {
            return;
        };
        let gaps = GAP * self.columns.len().saturating_sub(1);
        let room = limit.saturating_sub(gaps);
        if self.cells() <= room {
            return;
        }
        self.is_cut = true;
        let comfortable = |column: &Column| NARROW.max(text::width(&column.header));
        let bare = |_: &Column| 1;
        self.shrink_others(room, comfortable);
        self.shrink_first(room, comfortable);
        self.shrink_others(room, bare);
        self.shrink_first(room, bare);
    }

    /// Writes the headers and under each a rule as wide as its column; the headers alone
    /// where no row was measured, for a table without rows.
    pub fn write_header(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let mut line = self.start_line();
        for (at, column) in self.columns.iter().enumerate() {
            self.push_cell(&mut line, at, &column.header);
        }
        self.line = end_line(line, out)?;
        if !self.has_rows {
            return Ok(());
        }

        let mut line = self.start_line();
        for (at, column) in self.columns.iter().enumerate() {
            if at > 0 {
                push_blanks(&mut line, GAP);
            }
            line.resize(line.len() + column.width, b'-');
        }
        self.line = end_line(line, out)?;
        Ok(())
    }

    /// Writes one row; cells that it lacks are empty, those beyond the headers are left out.
    ///
    /// A cell wider than its column, which only a row not measured can have, is cut where
    /// the terminal was too narrow, and otherwise written whole.
    pub fn write_row<C: AsRef<str>>(&mut self, row: &[C], out: &mut dyn Write) -> io::Result<()> {
        let mut line = self.start_line();
        for (at, cell) in row.iter().take(self.columns.len()).enumerate() {
            self.push_cell(&mut line, at, &text::visible(cell.as_ref()));
        }
        self.line = end_line(line, out)?;
        Ok(())
    }

    /// Measures, fits and writes a table whose rows are all at hand.
    pub fn write_table<R, C>(
        mut self,
        rows: &[R],
        terminal_width: Option<usize>,
        out: &mut dyn Write,
    ) -> io::Result<()>
    where
        R: AsRef<[C]>,
        C: AsRef<str>,
    {
        for row in rows {
            self.measure(row.as_ref());
        }
        self.fit(terminal_width);
        self.write_header(out)?;
        for row in rows {
            self.write_row(row.as_ref(), out)?;
        }
        Ok(())
    }

    /// Returns the cells of all columns together, without the gaps.
    fn cells(&self) -> usize {
        self.columns.iter().map(|column| column.width).sum()
    }

    fn shrink_first(&mut self, room: usize, least: impl Fn(&Column) -> usize) {
        let over = self.cells().saturating_sub(room);
        if let Some(first) = self.columns.first_mut() {
            let target = first.width.saturating_sub(over);
            first.width = target.max(least(first).min(first.width));
        }
    }

    /// Lowers the widest columns after the first to one common width, as high as `room`
    /// allows, but none below `least`.
    fn shrink_others(&mut self, room: usize, least: impl Fn(&Column) -> usize) {
        let Some((first, others)) = self.columns.split_first_mut() else {
            return;
        };
        let room = room.saturating_sub(first.width);
        let lowered = |column: &Column, cap: usize| {
            let floor = least(column).min(column.width);
            column.width.min(cap).max(floor)
        };
        let needs = |others: &[Column], cap: usize| -> usize {
            others.iter().map(|column| lowered(column, cap)).sum()
        };

        // Halving, because a cell may be millions wide. `low` is too narrow by none, or 0.
        let mut low = 0;
        let mut high = others.iter().map(|column| column.width).max().unwrap_or(0);
        while low < high {
            let cap = low + (high - low).div_ceil(2);
            if needs(others, cap) <= room {
                low = cap;
            } else {
                high = cap - 1;
            }
        }

        let mut left_over = room.saturating_sub(needs(others, low));
        for column in others {
            let width = lowered(column, low);
            let widened = left_over > 0 && width == low && width < column.width;
            column.width = width + usize::from(widened);
            left_over -= usize::from(widened);
        }
    }

    /// Takes the buffer that the last line left.
    fn start_line(&mut self) -> Vec<u8> {
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        line
    }

    fn push_cell(&self, line: &mut Vec<u8>, at: usize, shown: &str) {
        let column = &self.columns[at];
        if at > 0 {
            push_blanks(line, GAP);
        }
        let mut taken = text::width(shown);
        let short;
        let mut cell = shown;
        if self.is_cut && taken > column.width {
            short = text::cut(shown, column.width);
            taken = text::width(&short);
            cell = &short;
        }
        line.extend_from_slice(cell.as_bytes());
        push_blanks(line, column.width.saturating_sub(taken));
    }
}

fn push_blanks(line: &mut Vec<u8>, count: usize) {
    line.resize(line.len() + count, b' ');
}

/// Writes the line without its trailing blanks, and hands the buffer back.
fn end_line(mut line: Vec<u8>, out: &mut dyn Write) -> io::Result<Vec<u8>> {
    let end = line.iter().rposition(|&byte| byte != b' ');
    line.truncate(end.map_or(0, |last| last + 1));
    line.push(b'\n');
    out.write_all(&line)?;
    Ok(line)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;

    use super::*;

    const HEADERS: [&str; 6] = [
        "id",
        "name",
        "displayName",
        "description",
        "type",
        "isReady",
    ];
    const FIRST: [&str; 6] = [
        "my-first-image",
        "my-first-image",
        "Learning how to create an image from SDK",
        "base-notebook with python 3.7",
        "both",
        "Unknown",
    ];

    fn render<C: AsRef<str>>(layout: Layout, rows: &[Vec<C>], terminal: Option<usize>) -> String {
        let mut out = Vec::new();
        layout.write_table(rows, terminal, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn check(headers: &[&str], rows: &[&[&str]], terminal: Option<usize>, expected: &[&str]) {
        let rows: Vec<_> = rows.iter().map(|row| row.to_vec()).collect();
        let shown = render(Layout::new(headers), &rows, terminal);
        assert_eq!(shown.lines().collect::<Vec<_>>(), expected, "\n{shown}");
        assert!(shown.ends_with('\n'));
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        check(
            &HEADERS,
            &[&FIRST],
            None,
            &[
                "id              name            displayName                               description                    type  isReady",
                "--------------  --------------  ----------------------------------------  -----------------------------  ----  -------",
                "my-first-image  my-first-image  Learning how to create an image from SDK  base-notebook with python 3.7  both  Unknown",
            ],
        );
    }

    #[test]
    fn an_empty_table_is_its_header_alone() {
        check(
            &["id", "name", "displayName"],
            &[],
            None,
            &["id  name  displayName"],
        );
    }

    #[test]
    fn no_line_ends_in_blanks() {
        check(
            &["id", "name", "note"],
            &[
                &["a", "", ""],
                &["b", "long name", "x  "],
                &["", "", ""],
                &["c"],
                &["d", "e", "f", "beyond"],
            ],
            None,
            &[
                "id  name       note",
                "--  ---------  ----",
                "a",
                "b   long name  x",
                "",
                "c",
                "d   e          f",
            ],
        );
    }

    #[test]
    fn wide_and_combined_characters_stay_in_line() {
        check(
            &["id", "note", "type"],
            &[
                &["日本語", "e\u{301}te\u{301}", "cpu"],
                &["👩\u{200d}👩\u{200d}👧", "❤\u{fe0f}", "gpu"],
                &["🇩🇪", "한글", "both"],
            ],
            None,
            &[
                "id      note  type",
                "------  ----  ----",
                "日本語  e\u{301}te\u{301}   cpu",
                "👩\u{200d}👩\u{200d}👧      ❤\u{fe0f}    gpu",
                "🇩🇪      한글  both",
            ],
        );
    }

    #[test]
    fn control_characters_are_shown_and_measured_as_shown() {
        check(
            &["id", "note\t", "type"],
            &[&["a\nb", "\u{1b}[31m", "cpu"], &["c", "\u{202e}", "gpu"]],
            None,
            &[
                r"id    note\t      type",
                r"----  ----------  ----",
                r"a\nb  \u{1b}[31m  cpu",
                r"c     \u{202e}    gpu",
            ],
        );
    }

    #[test]
    fn a_terminal_that_is_wide_enough_or_unknown_cuts_nothing() {
        let rows = [FIRST.to_vec()];
        let natural = render(Layout::new(&HEADERS), &rows, None);
        for terminal in [Some(0), Some(120), Some(121), Some(usize::MAX)] {
            assert_eq!(
                render(Layout::new(&HEADERS), &rows, terminal),
                natural,
                "{terminal:?}"
            );
        }
    }

    #[test]
    fn the_widest_columns_are_cut_first_and_the_first_column_last() {
        check(
            &HEADERS,
            &[&FIRST],
            Some(100),
            &[
                "id              name            displayName                 description                type  isReady",
                "--------------  --------------  --------------------------  -------------------------  ----  -------",
                "my-first-image  my-first-image  Learning how to create an…  base-notebook with pytho…  both  Unknown",
            ],
        );
    }

    #[test]
    fn columns_give_way_in_order() {
        // Two columns of 30 cells, then one of 5: what is left of them at each width.
        for (terminal, expected) in [
            (69, [30, 30, 5]),
            (68, [30, 29, 5]),
            (50, [30, 11, 5]),
            (47, [30, 8, 5]),
            (46, [29, 8, 5]),
            (25, [8, 8, 5]),
            (24, [8, 7, 5]),
            (20, [8, 4, 4]),
            (14, [8, 1, 1]),
            (13, [7, 1, 1]),
            (7, [1, 1, 1]),
            (1, [1, 1, 1]),
        ] {
            let mut layout = Layout::new(&["id", "name", "type"]);
            layout.measure(&["a".repeat(30), "b".repeat(30), "c".repeat(5)]);
            layout.fit(Some(terminal));
            let widths: Vec<_> = layout.columns.iter().map(|column| column.width).collect();
            assert_eq!(widths, expected, "in {terminal}");
        }
    }

    #[test]
    fn a_wide_character_that_does_not_fit_is_dropped() {
        check(
            &["id", "note", "type"],
            &[&["a", "日本語日本語", "cpu"]],
            Some(19),
            &[
                "id  note       type",
                "--  ---------  ----",
                "a   日本語日…  cpu",
            ],
        );
        check(
            &["id", "note", "type"],
            &[&["a", "日本語日本語", "cpu"]],
            Some(18),
            &[
                "id  note      type",
                "--  --------  ----",
                "a   日本語…   cpu",
            ],
        );
    }

    #[test]
    fn a_row_that_was_not_measured_loses_nothing_where_there_is_room() {
        let mut layout = Layout::new(&["id", "name"]);
        let mut out = Vec::new();
        layout.fit(Some(80));
        layout.write_row(&["longer", "x"], &mut out).unwrap();
        assert_eq!(out, b"longer  x\n");
    }

    #[test]
    fn cells_may_be_borrowed_or_owned() {
        let row = [Cow::Borrowed("a"), Cow::Owned(String::from("b"))];
        let mut layout = Layout::new(&["id", "name"]);
        layout.measure(&row);
        let mut out = Vec::new();
        layout.write_header(&mut out).unwrap();
        layout.write_row(&row, &mut out).unwrap();
        assert_eq!(out, b"id  name\n--  ----\na   b\n");
    }

    #[test]
    fn a_failed_write_is_reported_and_the_layout_still_works() {
        let mut layout = Layout::new(&["id"]);
        let mut full: &mut [u8] = &mut [];
        let failure = layout.write_row(&["a"], &mut full).unwrap_err();
        assert_eq!(failure.kind(), io::ErrorKind::WriteZero);
        let mut out = Vec::new();
        layout.write_row(&["b"], &mut out).unwrap();
        assert_eq!(out, b"b\n");
    }

    /// Returns where each run of dashes in the rule begins, and its width, in cells.
    fn columns_of(rule: &str) -> Vec<(usize, usize)> {
        let mut start = 0;
        rule.split("  ")
            .map(|dashes| {
                let column = (start, dashes.len());
                start += dashes.len() + GAP;
                column
            })
            .collect()
    }

    /// Returns what follows the first `cells` cells, where a character begins there.
    fn after_cells(line: &str, cells: usize) -> Option<&str> {
        (0..=line.len())
            .filter(|&at| line.is_char_boundary(at))
            .find(|&at| text::width(&line[..at]) == cells)
            .map(|at| &line[at..])
    }

    fn cell() -> impl Strategy<Value = String> {
        prop_oneof![
            "[ -~]{0,12}",
            "\\PC{0,12}",
            any::<String>(),
            prop::collection::vec(
                prop::sample::select(vec![
                    "日",
                    "e\u{301}",
                    "👩\u{200d}👧",
                    "❤\u{fe0f}",
                    "🇩🇪",
                    "🇩",
                    "\u{1b}",
                    "ل",
                    "ا",
                    "a",
                    " ",
                ]),
                0..10
            )
            .prop_map(|pieces| pieces.concat()),
        ]
    }

    proptest! {
        #[test]
        fn every_line_has_its_columns_where_the_rule_has_them(
            rows in prop::collection::vec(prop::collection::vec(cell(), 4), 1..6),
            terminal in prop::option::of(10_usize..60),
        ) {
            let shown = render(Layout::new(&["id", "name", "note", "type"]), &rows, terminal);
            let lines: Vec<_> = shown.lines().collect();
            prop_assert_eq!(lines.len(), rows.len() + 2);
            let columns = columns_of(lines[1]);
            prop_assert_eq!(columns.len(), 4);

            for (line, row) in lines[2..].iter().zip(&rows) {
                prop_assert!(!line.ends_with(' '), "{line:?}");
                prop_assert!(terminal.is_none_or(|cells| text::width(line) <= cells), "{line:?}");
                for (&(start, width), cell) in columns.iter().zip(row) {
                    let shown = text::visible(cell);
                    let expected = text::cut(&shown, width);
                    let expected = expected.trim_end_matches(' ');
                    if !expected.is_empty() {
                        let found = after_cells(line, start);
                        prop_assert!(
                            found.is_some_and(|rest| rest.starts_with(expected)),
                            "{expected:?} at {start} in {line:?}"
                        );
                    }
                }
            }
        }

        #[test]
        fn a_fitted_table_uses_all_of_the_terminal(
            widths in prop::collection::vec(1_usize..60, 1..7),
            terminal in 20_usize..200,
        ) {
            let headers = vec!["h"; widths.len()];
            let mut layout = Layout::new(&headers);
            let row: Vec<_> = widths.iter().map(|&width| "x".repeat(width)).collect();
            layout.measure(&row);
            let gaps = GAP * (widths.len() - 1);
            let natural = layout.cells() + gaps;
            layout.fit(Some(terminal));
            prop_assert_eq!(layout.cells() + gaps, natural.min(terminal));
        }
    }
}
