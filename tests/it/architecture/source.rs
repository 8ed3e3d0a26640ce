//! A Rust file as the rules see it: its code without comments and texts, its paths, its tests apart.

/// A file split into what counts and what does not.
pub struct Source {
    /// Relative to the repository, with `/`.
    pub path: String,
    /// The code line by line: comments and the insides of texts are blank.
    pub all: Vec<String>,
    /// The same without what is compiled for tests only.
    pub product: Vec<String>,
    /// Which lines have a comment; documentation is none, as it speaks to callers.
    pub comments: Vec<bool>,
}

/// A path such as `crate::domain::contact`, and where it stands.
#[derive(Debug, Clone)]
pub struct Named {
    /// Its segments; groups of a `use` are spread out.
    pub segments: Vec<String>,
    /// Counted from 1.
    pub line: usize,
}

impl Source {
    /// Splits a text.
    pub fn new(path: &str, text: &str) -> Source {
        let (code, comments) = strip(text);
        let product =
            if path.ends_with("/tests.rs") || path.contains("/tests/") { String::new() } else { without_tests(&code) };
        let split = |code: &str| code.split('\n').map(str::to_owned).collect();
        Source { path: path.to_owned(), all: split(&code), product: split(&product), comments }
    }

    /// For a file that turned out to be compiled for tests only.
    pub fn forget_product_code(&mut self) {
        self.product.clear();
    }

    /// Where the file stands in the tree of modules: `["delivery", "smtp", "pool"]`.
    pub fn module(&self) -> Vec<String> {
        let path = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        let mut module: Vec<String> = path.split('/').map(str::to_owned).collect();
        module.pop_if(|last| matches!(last.as_str(), "mod" | "lib" | "main"));
        module
    }

    /// Every path of two segments or more in product code, and every `use` of one.
    pub fn paths(&self) -> Vec<Named> {
        let tokens = tokens(&self.product);
        let mut paths = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            let before = at.checked_sub(1).map_or("", |before| tokens[before].text.as_str());
            let after = tokens.get(at + 1).map_or("", |after| after.text.as_str());
            let begins = tokens[at].is_name() && before != "::" && before != ".";
            if begins && (after == "::" || (before == "use" && tokens[at].text != "use")) {
                at = collect(&tokens, at, &[], &mut paths);
            } else {
                at += 1;
            }
        }
        paths
    }

    /// The paths within our own crate, from its root; `super` and `self` are resolved.
    pub fn own_paths(&self) -> Vec<Named> {
        let module = self.module();
        let resolve = |Named { segments, line }: Named| {
            let up = segments.iter().take_while(|segment| *segment == "super").count();
            let base = match segments.first()?.as_str() {
                "crate" => Vec::new(),
                "self" => module.clone(),
                "super" => module[..module.len().checked_sub(up)?].to_vec(),
                _ => return None,
            };
            let rest = segments.into_iter().skip(up.max(1));
            Some(Named { segments: base.into_iter().chain(rest).collect(), line })
        };
        self.paths().into_iter().filter_map(resolve).collect()
    }
}

/// Whether a file is the module at `place` or below it; places have no extension.
pub fn is_below(path: &str, place: &str) -> bool {
    path.strip_prefix(place).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

/// Whether a file is at or below one of the places.
pub fn is_below_any<P: AsRef<str>>(path: &str, places: &[P]) -> bool {
    places.iter().any(|place| is_below(path, place.as_ref()))
}

/// The places of modules declared as `#[cfg(test)] mod name;`.
pub fn test_only(sources: &[Source]) -> Vec<String> {
    let mut places = Vec::new();
    for source in sources {
        let whole = source.all.join("\n");
        let folder = source.path.trim_end_matches(".rs");
        let folder = ["/mod", "/lib", "/main"].iter().find_map(|end| folder.strip_suffix(end)).unwrap_or(folder);
        for rest in whole.split("#[cfg(test)]").skip(1) {
            let declaration = rest.split([';', '{']).next().unwrap_or_default();
            let mut words = declaration.split_whitespace().skip_while(|word| word.starts_with("pub"));
            if words.next() == Some("mod") && rest[declaration.len()..].starts_with(';') {
                places.extend(words.next().map(|name| format!("{folder}/{name}")));
            }
        }
    }
    places
}

/// Blanks comments and the insides of texts and characters, and says which lines have comments.
fn strip(text: &str) -> (String, Vec<bool>) {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut comments = vec![false; text.split('\n').count()];
    let mut line = 0;
    let mut at = 0;
    let mut blank = |from: usize, to: usize, is_comment: bool, code: &mut String| {
        for &char in &chars[from..to] {
            if is_comment {
                comments[line] = true;
            }
            line += usize::from(char == '\n');
            code.push(if char == '\n' { '\n' } else { ' ' });
        }
    };
    while at < chars.len() {
        let next = chars.get(at + 1).copied();
        let end = match chars[at] {
            '/' if next == Some('/') => {
                let end = chars[at..].iter().position(|char| *char == '\n').map_or(chars.len(), |length| at + length);
                let is_doc = matches!(chars.get(at + 2), Some('/' | '!'));
                blank(at, end, !is_doc, &mut code);
                end
            }
            '/' if next == Some('*') => {
                let end = end_of_block_comment(&chars, at);
                blank(at, end, true, &mut code);
                end
            }
            '"' => {
                let hashes = hashes_of_raw_text(&chars, at);
                let end = end_of_text(&chars, at, hashes);
                code.push('"');
                blank(at + 1, end - 1, false, &mut code);
                code.push('"');
                end
            }
            '\'' if next == Some('\\') || chars.get(at + 2) == Some(&'\'') => {
                let from = at + if next == Some('\\') { 3 } else { 2 };
                let close = chars.iter().skip(from).position(|char| *char == '\'');
                let end = close.map_or(chars.len(), |length| from + length + 1);
                blank(at, end, false, &mut code);
                end
            }
            '\n' => {
                blank(at, at + 1, false, &mut code);
                at + 1
            }
            char => {
                code.push(char);
                at + 1
            }
        };
        at = end;
    }
    (code, comments)
}

fn end_of_block_comment(chars: &[char], begin: usize) -> usize {
    let (mut depth, mut at) = (0, begin);
    while at + 1 < chars.len() {
        match (chars[at], chars[at + 1]) {
            ('/', '*') => (depth, at) = (depth + 1, at + 2),
            ('*', '/') => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    chars.len()
}

/// How many `#` stand between `r` and the quote; `None` for an ordinary text.
fn hashes_of_raw_text(chars: &[char], quote: usize) -> Option<usize> {
    let hashes = chars[..quote].iter().rev().take_while(|char| **char == '#').count();
    (quote > hashes && chars[quote - hashes - 1] == 'r').then_some(hashes)
}

fn end_of_text(chars: &[char], quote: usize, hashes: Option<usize>) -> usize {
    let mut at = quote + 1;
    while at < chars.len() {
        match (chars[at], hashes) {
            ('\\', None) => at += 1,
            ('"', None) => return at + 1,
            ('"', Some(hashes)) if chars[at + 1..].iter().take_while(|char| **char == '#').count() >= hashes => {
                return at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    chars.len()
}

/// Blanks every item behind `#[cfg(test)]`.
fn without_tests(code: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let mut rest = code;
    while let Some((before, marked)) = rest.split_once("#[cfg(test)]") {
        kept.push_str(before);
        let mut depth = 0;
        let end = marked.char_indices().find_map(|(at, char)| {
            depth += i32::from(char == '{') - i32::from(char == '}');
            (depth == 0 && matches!(char, ';' | '}')).then_some(at + 1)
        });
        let (item, after) = marked.split_at(end.unwrap_or(marked.len()));
        kept.extend(item.chars().filter(|char| *char == '\n'));
        rest = after;
    }
    kept + rest
}

struct Token {
    text: String,
    line: usize,
}

impl Token {
    fn is_name(&self) -> bool {
        self.text.starts_with(|char: char| char.is_alphabetic() || char == '_')
    }
}

fn tokens(lines: &[String]) -> Vec<Token> {
    let mut tokens = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let is_word = |char: char| char.is_alphanumeric() || char == '_';
            let length = if is_word(first) {
                rest.find(|char| !is_word(char)).unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            tokens.push(Token { text: rest[..length].to_owned(), line: index + 1 });
            rest = rest[length..].trim_start();
        }
    }
    tokens
}

/// Collects the path that begins at a name or a group; gives where reading goes on.
fn collect(tokens: &[Token], mut at: usize, prefix: &[String], paths: &mut Vec<Named>) -> usize {
    let mut segments = prefix.to_vec();
    let line = tokens.get(at).map_or(0, |token| token.line);
    loop {
        match tokens.get(at) {
            Some(token) if token.is_name() => segments.push(token.text.clone()),
            Some(token) if token.text == "{" => {
                at += 1;
                while let Some(token) = tokens.get(at)
                    && token.text != "}"
                {
                    at = if token.text == "," { at + 1 } else { collect(tokens, at, &segments, paths).max(at + 1) };
                }
                return at + 1;
            }
            _ => break,
        }
        at += 1;
        if tokens.get(at).is_none_or(|token| token.text != "::") {
            break;
        }
        at += 1;
    }
    paths.push(Named { segments, line });
    at
}
