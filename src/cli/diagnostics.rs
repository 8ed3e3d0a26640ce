//! Problems as people read them: what, where, the line itself with a mark below the place, a hint.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

use crate::project::problems::{Problem, Problems};
use crate::sources::faults::Faults;

/// All problems, then how many. Empty where there are none.
pub fn render(problems: &Problems) -> String {
    let mut out = String::new();
    for problem in &problems.list {
        one(&mut out, problem, problems.texts.get(&problem.place.file).map(String::as_str));
        out.push('\n');
    }
    match problems.list.len() {
        0 => {}
        1 => out.push_str("1 problem\n"),
        many => {
            let _ = writeln!(out, "{many} problems");
        }
    }
    out
}

/// Tells, on stderr, which rows of the sources could not be used.
pub fn warn(faults: &[(String, Faults)]) {
    for (pattern, found) in faults {
        let rows = if found.bad == 1 { "1 row".to_owned() } else { format!("{} rows", found.bad) };
        eprintln!("warning: {rows} of `{pattern}` could not be used\n{found}");
    }
}

fn one(out: &mut String, problem: &Problem, text: Option<&str>) {
    let file = &problem.place.file;
    let _ = writeln!(out, "error: {}", problem.message);
    let Some(text) = text.filter(|text| problem.place.span.start <= text.len() && !problem.place.span.is_empty())
    else {
        let _ = writeln!(out, "  ┌─ {file}");
        if let Some(hint) = &problem.hint {
            let _ = writeln!(out, "  = {hint}");
        }
        return;
    };
    let start = floor(text, problem.place.span.start);
    let end = floor(text, problem.place.span.end).max(start);
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    let (number, column) = line_and_column(text, start);
    let (line, shift) = excerpt(text[line_start..line_end].trim_end(), start - line_start);
    let indent = line.len() - line.trim_start().len();
    let shown = line.trim_start();
    let mark_start = (start - line_start).saturating_sub(shift).saturating_sub(indent).min(shown.len());
    let mark_end =
        (end.min(line_end) - line_start).saturating_sub(shift).saturating_sub(indent).clamp(mark_start, shown.len());
    let (mark_start, mark_end) = (floor(shown, mark_start), floor(shown, mark_end));
    let before = shown[..mark_start].width();
    let marks = shown[mark_start..mark_end].width().max(1);
    let _ = writeln!(out, "  ┌─ {file}:{number}:{column}");
    let _ = writeln!(out, "  │   {shown}");
    let _ = write!(out, "  │   {}{}", " ".repeat(before), "^".repeat(marks));
    match &problem.hint {
        Some(hint) => {
            let _ = writeln!(out, " {hint}");
        }
        None => out.push('\n'),
    }
}

/// Line and column of an offset, both counted from 1, columns in characters.
pub fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..floor(text, offset)];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// The part of a very long line that holds the place; returns how many octets were left out before it.
fn excerpt(line: &str, at: usize) -> (&str, usize) {
    const LONGEST: usize = 240;
    if line.len() <= LONGEST {
        return (line, 0);
    }
    let from = floor(line, at.saturating_sub(LONGEST / 2));
    let to = floor(line, (from + LONGEST).min(line.len()));
    (&line[from..to], from)
}

/// The nearest boundary of a character at or before an offset.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::problems::Place;

    #[test]
    fn the_mark_stands_below_the_place_also_after_wide_characters() {
        let text = "audience:\n  where: city = '上海' AND last_ordr > 1\n";
        let start = text.find("last_ordr").expect("in the text");
        let mut problems = Problems::default();
        problems.texts.insert("workflows/w.yaml".into(), text.to_owned());
        problems.push(
            Place { file: "workflows/w.yaml".into(), span: start..start + 9 },
            "no feature or attribute `last_ordr`",
            Some("did you mean `last_order`?".to_owned()),
        );
        let expected = "error: no feature or attribute `last_ordr`\n  ┌─ workflows/w.yaml:2:26\n  \
                        │   where: city = '上海' AND last_ordr > 1\n  \
                        │                            ^^^^^^^^^ did you mean `last_order`?\n\n1 problem\n";
        assert_eq!(render(&problems), expected);
    }
}
