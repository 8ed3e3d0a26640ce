//! What strangers say, made fit to be stored and shown: short, on one line, without addresses.

/// The longest text that is kept, in characters.
const LIMIT: usize = 200;

/// The first 200 characters of `text` on one line. Control characters become spaces, and every word
/// that holds an e-mail address, also one written into a URL (`ann%40example.com`), becomes
/// `<address>`: servers love to quote the recipient back, and replies are kept and logged.
pub fn excerpt(text: &str) -> String {
    let mut out = String::new();
    for word in text.split(|c: char| c.is_whitespace() || crate::domain::contact::is_forbidden(c)) {
        if word.is_empty() {
            continue;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(if holds_address(word) { "<address>" } else { word });
        if out.len() > LIMIT * 4 {
            break;
        }
    }
    out.chars().take(LIMIT).collect()
}

fn holds_address(word: &str) -> bool {
    word.contains(['@', '\u{ff20}', '\u{fe6b}']) || word.contains("%40")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_control_characters_do_not_survive() {
        assert_eq!(excerpt("5.1.1 <ann@example.com>: unknown\r\nuser"), "5.1.1 <address> unknown user");
        assert_eq!(excerpt("see https://help.example/?to=ann%40example.com now"), "see <address> now");
        assert_eq!(excerpt("a\u{0}b\u{1b}[31m\u{202e}c"), "a b [31m c");
        assert_eq!(excerpt(" \r\n "), "");
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        assert_eq!(excerpt(&"é".repeat(5000)).chars().count(), 200);
        assert_eq!(excerpt(&"é ".repeat(5000)).chars().count(), 200);
    }
}
