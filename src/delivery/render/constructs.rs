//! Small constructs of a template (`{% if %} … {% endif %}` without markup inside) taken as one
//! piece, so that what surrounds them can be worked on as if they were a value.

use super::source::{Kind, Segment, segments};

/// The pieces of an HTML template with every small construct as one piece of kind `Block`; `None`
/// where a construct has markup inside, or is of a kind whose place matters.
pub(super) fn whole_constructs(source: &str) -> Option<Vec<Segment<'_>>> {
    let mut found = Vec::new();
    let mut position = 0;
    let mut open: Option<(usize, usize)> = None;
    for segment in segments(source) {
        let start = position;
        position += segment.text.len();
        let step = if segment.kind == Kind::Block { step(segment.code())? } else { Step::Inside };
        open = match (open, step) {
            (None, Step::Opens) => Some((start, 1)),
            (None, Step::Inside | Step::Stands) => {
                found.push(segment);
                None
            }
            (None, Step::Closes) => return None,
            (Some((from, depth)), Step::Opens) => Some((from, depth + 1)),
            (Some((from, 1)), Step::Closes) => {
                found.push(Segment { kind: Kind::Block, text: &source[from..position] });
                None
            }
            (Some((from, depth)), Step::Closes) => Some((from, depth - 1)),
            (Some(_), Step::Inside) if segment.kind == Kind::Text && segment.text.contains(['<', '>', '&']) => {
                return None;
            }
            (Some(open), Step::Inside | Step::Stands) => Some(open),
        };
    }
    open.is_none().then_some(found)
}

/// What a block does to the construct around it.
enum Step {
    Opens,
    Closes,
    Inside,
    Stands,
}

fn step(code: &str) -> Option<Step> {
    match code.split(|c: char| !c.is_ascii_alphabetic()).next()? {
        "if" | "for" => Some(Step::Opens),
        "endif" | "endfor" => Some(Step::Closes),
        "elif" | "else" => Some(Step::Inside),
        "set" if code.contains('=') => Some(Step::Stands),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constructs_without_markup_are_one_piece() {
        let pieces = |source| whole_constructs(source).map(|found| found.iter().map(|s| s.text).collect::<Vec<_>>());
        assert_eq!(
            pieces("<p>{% if a %}x{% for b in c %}{{ b }}{% endfor %}{% else %}y{% endif %}</p>{% set d = 1 %}"),
            Some(vec![
                "<p>",
                "{% if a %}x{% for b in c %}{{ b }}{% endfor %}{% else %}y{% endif %}",
                "</p>",
                "{% set d = 1 %}"
            ])
        );
        for not in
            ["{% if a %}<b>{% endif %}", "{% if a %}x", "{% endif %}", "{% include 'x' %}", "{% raw %}{% endraw %}"]
        {
            assert_eq!(pieces(not), None, "{not}");
        }
    }
}
