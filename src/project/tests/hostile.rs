//! Files that are no files of ours: each is refused with a sentence, and none stops us.

use proptest::prelude::*;

use super::{PROJECT, WORKFLOW, env, load, load_both, under};
use crate::project::parse_expression;
use crate::project::problems::Place;

#[test]
fn each_is_refused_with_a_sentence() {
    let bomb = {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let items = vec![format!("*a{}", level - 1); 9].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{items}]\n"));
        }
        text
    };
    // Deep only once its aliases are followed: each level is one list in the file.
    let chain: String = std::iter::once("a0: &a0 [x]\n".to_owned())
        .chain((1..300).map(|level| format!("a{level}: &a{level} [[*a{}]]\n", level - 1)))
        .collect();
    let nested: String = (0..100).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    let long = format!("# {}\n{PROJECT}", "x".repeat(1 << 20));
    let many = format!("timezone: [{}]\n", "1, ".repeat(30_000));
    for (text, message, at) in [
        ("", "the file is empty", ""),
        ("# only a comment\n", "the file is empty", ""),
        ("just text", "`winback.yaml` is a mapping, found text", "just text"),
        ("a: 1\n---\nb: 2\n", "a second document begins here", ""),
        ("a: 1\na: 2\n", "the key `a` stands here twice", "a"),
        ("a:\n\tb: 1\n", "a tab stands here", "\t"),
        ("[x]: 1\n", "a key is a name", ""),
        ("a: *b\n", "there is no anchor of this name", "*"),
        ("中文: [1, 2\nb: 3\n", "':'", ":"),
        (&bomb, "alias", ""),
        (&chain, "nested deeper than 16 levels", ""),
        (&nested, "nested deeper than 16 levels", ""),
        (&"[".repeat(5_000), "nested deeper than 16 levels", ""),
        (&long, "the file is longer than 1024 KiB", ""),
        (&many, "the file has more than 20000 values", ""),
        ("a: \0\n", "", "\0"),
    ] {
        let (project, problems) = load(&[("winback.yaml", text.as_bytes())]);
        let start: String = text.chars().take(30).collect();
        assert!(project.is_none(), "{start}");
        let printable = |text: &str| !text.is_empty() && !text.chars().any(char::is_control);
        assert!(printable(&problems.list[0].message), "{start}");
        assert_eq!(problems.list.len(), 1, "{start}: {:#?}", problems.list);
        let said = &problems.list[0];
        assert!(said.message.contains(message), "{start}: {}", said.message);
        assert!(at.is_empty() || under(said, &problems) == at, "{start}: {said:?}");
    }
}

#[test]
fn what_is_no_text_file_is_refused() {
    let (_, problems) = load(&[("winback.yaml", &[0xff, 0xfe, 0x00, 0x61])]);
    assert!(problems.list[0].message.contains("UTF-8"), "{:?}", problems.list);
    let (_, problems) = load(&[("winback.yaml/x", b"")]);
    assert!(problems.list[0].message.contains("is a folder"), "{:?}", problems.list);
    let (_, problems) = load(&[]);
    assert!(problems.list[0].message.contains("no such file"), "{:?}", problems.list);
    let (_, problems) = load(&[("winback.yaml", PROJECT.as_bytes()), ("workflows/a.yml", b"")]);
    assert!(problems.list[0].message.contains(".yaml"), "{:?}", problems.list);
}

#[test]
fn values_of_the_environment_are_never_yaml() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("winback.yaml"), PROJECT).expect("a file");
    let hostile = |name: &str| match name {
        "WINBACK_SECRET" => Some("x}\npolicy: {holdout: 0%}\n#".to_owned()),
        other => env(other),
    };
    let (project, problems) = super::super::load(folder.path(), &hostile);
    assert!(problems.is_empty(), "{:?}", problems.list);
    assert_eq!(project.expect("a project").policy.holdout, 500);
}

#[test]
fn anchors_and_merges_are_understood() {
    let workflow = WORKFLOW.replace("after: 3d", "after: &pause 3d").replace("after: 4d", "after: *pause");
    let (project, problems) = load_both(PROJECT, &workflow);
    assert!(problems.is_empty(), "{:?}", problems.list);
    let stages = project.expect("a project").workflows.remove(0).stages;
    assert_eq!(stages[1].after, stages[2].after);
}

#[test]
fn words_inside_words_cost_neither_time_nor_stack() {
    let words =
        ["(", "f(", "not ", "- ", "case when ", "cast(", "interval ", "position(", "current_timestamp(", "a in ("];
    for (word, times) in words.into_iter().flat_map(|word| [7, 20, 100, 290].map(|times| (word, times))) {
        let text = word.repeat(times);
        assert!(parse_expression(&text, Place { file: "f".into(), span: 0..text.len() }).is_err(), "{word}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_stops_the_reader(text in "[ -~中é\n\t:{}\\[\\]&*!|>'\"%@`#,?-]{0,200}") {
        let (_, problems) = load_both(&text, &text);
        for problem in &problems.list {
            under(problem, &problems);
        }
    }

    #[test]
    fn no_piece_in_a_sound_file_stops_the_reader(at in 0usize..3_000, piece in "[ -~中\n]{0,12}") {
        let mut text = PROJECT.to_owned();
        let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.insert_str(at, &piece);
        let (project, problems) = load_both(&text, WORKFLOW);
        prop_assert_eq!(project.is_some(), problems.is_empty());
        for problem in &problems.list {
            under(problem, &problems);
        }
    }

    #[test]
    fn no_expression_stops_the_parser(text in "\\PC{0,120}", words in "([a-c(),.'\"=<>+*-]|AND |NOT |CASE |IN |中){0,60}") {
        for text in [text, words] {
            let place = Place { file: "f".into(), span: 0..text.len() };
            if let Err(problem) = parse_expression(&text, place) {
                prop_assert!(text.get(problem.place.span).is_some());
            }
        }
    }
}
