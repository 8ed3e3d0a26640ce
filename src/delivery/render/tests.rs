use std::fs;
use std::path::Path;

use serde_json::json;

use super::*;
use crate::domain::token::Signer;

fn links() -> LinkMaker {
    LinkMaker { signer: Signer::new(b"secret"), base_url: "https://go.shop.example".into() }
}

fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a folder");
    for (path, text) in files {
        let path = root.path().join("workflows/templates").join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(path, text).expect("a file");
    }
    root
}

fn load(root: &Path) -> Templates {
    let (templates, problems) = Templates::load(root);
    assert_eq!(problems, []);
    templates
}

fn scope() -> Scope<'static> {
    Scope {
        user: json!({"name": "Ann <b>", "id": 7, "city": null, "orders": 3, "evil": "javascript:alert(1)",
                     "tags": ["a", "b"], "lines": "a\nb"}),
        workflow: json!({"name": "lapsed-buyers"}),
        stage: "reminder",
        with: json!({"offer": "10% off"}),
        postal_address: Some("1 Shop Street"),
        message_id: 42,
    }
}

/// The destinations of the tracked links in a text, with their roles.
fn destinations(text: &str) -> Vec<(String, Option<String>)> {
    let token = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let found = text.split("https://go.shop.example/c/").skip(1);
    found
        .map(|rest| {
            let end = rest.find(|c| !token(c)).unwrap_or(rest.len());
            let click = links().signer.read_click(&rest[..end]).expect("a token of ours");
            assert_eq!(click.message_id, 42);
            (click.url, click.role)
        })
        .collect()
}

#[test]
fn a_mail_has_escaped_html_tracked_links_and_a_text() {
    let root = project(&[
        ("m/subject.txt", "{{ user.name }}, {{ with.offer }}\n"),
        (
            "m/body.html",
            "<p>Hi {{ user.name }}{{ user.city }}</p><a href=\"https://shop.example/?a=1&amp;u={{ user.id }}\" data-role=\"pay\">Pay</a>\
             <a href=\"{{ link('https://shop.example/x', role='look') }}\">Look</a><a href='{{ unsubscribe_url }}'>Leave</a>",
        ),
    ]);
    let mail = load(root.path()).render_mail("m", None, &scope(), &links()).expect("a mail");
    assert_eq!(mail.subject, "Ann <b>, 10% off");
    assert!(mail.html.contains("<p>Hi Ann &lt;b&gt;</p>"), "{}", mail.html);
    assert!(!mail.html.contains("data-role"));
    let unsubscribe = links().unsubscribe_url(42);
    assert!(mail.html.contains(&format!("href='{unsubscribe}'")), "{}", mail.html);
    let expected = [
        ("https://shop.example/?a=1&u=7".to_owned(), Some("pay".to_owned())),
        ("https://shop.example/x".to_owned(), Some("look".to_owned())),
    ];
    assert_eq!(destinations(&mail.html), expected);
    assert!(mail.text.contains("Hi Ann <b>") && mail.text.contains(&unsubscribe), "{}", mail.text);
    assert_eq!(destinations(&mail.text), expected);
}

#[test]
fn a_derived_text_says_the_same_from_control_structures() {
    let html =
        "{% for tag in user.tags %}<p>{{ tag }}</p>{% endfor %}<a href='https://shop.example' data-role=pay>Pay</a>";
    let root = project(&[("m/subject.txt", "s"), ("m/body.html", html)]);
    let mail = load(root.path()).render_mail("m", None, &scope(), &links()).expect("a mail");
    assert!(mail.text.starts_with("a\n\nb"), "{}", mail.text);
    assert_eq!(destinations(&mail.text), [("https://shop.example/".to_owned(), Some("pay".to_owned()))]);
}

#[test]
fn languages_override_file_by_file() {
    let root = project(&[
        ("m/subject.txt", "base"),
        ("m/body.html", "<p>base</p>"),
        ("m/body.txt", "base text https://shop.example/a."),
        ("m/zh/subject.txt", "中"),
        ("m/zh-CN/body.html", "<p>中文</p>"),
    ]);
    let templates = load(root.path());
    let mail = |locale| templates.render_mail("m", locale, &scope(), &links()).expect("a mail");
    let chinese = mail(Some("zh_CN.UTF-8"));
    assert_eq!((chinese.subject.as_str(), chinese.html.as_str(), chinese.text.trim()), ("中", "<p>中文</p>", "中文"));
    assert_eq!(mail(Some("zh-TW")).subject, "中");
    assert!(mail(Some("zh-TW")).text.starts_with("base text https://go.shop.example/c/"));
    assert_eq!(mail(Some("fr")).subject, "base");
}

#[test]
fn errors_name_file_line_and_name_but_no_data() {
    let cases = [
        ("<p>\n{{ user.nme }}", "workflows/templates/m/body.html:2: `user.nme` is not defined, did you mean `name`?"),
        (
            "<p>{{ user.nme | upper }}",
            "workflows/templates/m/body.html:1: `user.nme` is not defined, did you mean `name`?",
        ),
        ("\n{{ user.nme ~ user.name }}", "workflows/templates/m/body.html:2: `user.nme` is not defined"),
        ("\n\n{{ user.name + 1 }}", "workflows/templates/m/body.html:3: invalid operation in `user.name + 1`"),
        ("<a href='{{ user.evil }}'>x", "workflows/templates/m/body.html: link number 1: only http"),
        ("\n{{ link(user.evil) }}", "workflows/templates/m/body.html:2: link: only http"),
        (
            "{% for i in range(100000) %}{{ i }}{{ user.name }}{{ i }} and so on{% endfor %}",
            "the message becomes too large",
        ),
        ("{% set s = 'aaaaaaaaaaaaaaaa' %}{{ s * 100000 }}", "the message becomes too large"),
        ("{{ [0] * 50000000 }}", "workflows/templates/m/body.html:1: invalid operation in `[0] * 50000000`"),
        (
            "{% set a = 'aaaaaaaa' %}{% for i in range(99) %}{% set a = a ~ a %}{{ a | length }}{% endfor %}{% set b = a * 9999999 %}",
            "the message becomes too large",
        ),
        (
            "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
            "the message becomes too large",
        ),
    ];
    for (html, expected) in cases {
        let root = project(&[("m/subject.txt", "s"), ("m/body.html", html)]);
        let error = load(root.path()).render_mail("m", None, &scope(), &links()).expect_err(html).to_string();
        assert!(error.contains(expected), "{html}: {error}");
        assert!(!error.contains("Ann") && !error.contains("alert"), "{error}");
    }
}

#[test]
fn subjects_are_one_clean_line() {
    for (subject, expected) in [
        ("{{ user.lines }}", RenderError::Unclean { file: "workflows/templates/m/subject.txt".into() }),
        ("{{ user.city }}\n", RenderError::EmptySubject { file: "workflows/templates/m/subject.txt".into() }),
        ("{{ 'é' * 451 }}", RenderError::LongSubject { file: "workflows/templates/m/subject.txt".into() }),
    ] {
        let root = project(&[("m/subject.txt", subject), ("m/body.html", "x")]);
        assert_eq!(load(root.path()).render_mail("m", None, &scope(), &links()), Err(expected));
    }
}

#[test]
fn json_bodies_are_json_or_an_error() {
    let body = r#"{"to": {{ user.id }}, "name": {{ user.name }}, "city": {{ user.city }}, "text": {{ "Hi " ~ user.lines }},
                  "link": {{ link("https://shop.example/", role="pay") }}, "leave": {{ unsubscribe_url }}}"#;
    let root = project(&[("m/body.json", body), ("n/body.json", "{\n\"a\": \"{{ user.name }}\"}")]);
    let templates = load(root.path());
    let bytes = templates.render_json("m", None, &scope(), &links()).expect("JSON");
    let value: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
    assert_eq!((&value["name"], &value["city"], &value["text"]), (&json!("Ann <b>"), &json!(null), &json!("Hi a\nb")));
    assert_eq!(destinations(value["link"].as_str().expect("a link")).len(), 1);
    assert_eq!(value["leave"], json!(links().unsubscribe_url(42)));
    let error = templates.render_json("n", None, &scope(), &links());
    assert_eq!(error, Err(RenderError::Json { file: "workflows/templates/n/body.json".into(), line: 2 }));
    assert!(templates.check_message("m", false).is_empty());
    assert!(!templates.check_message("m", true).is_empty());
}

#[test]
fn mjml_becomes_html_with_its_code_and_roles() {
    let mjml = "<mjml><mj-head><mj-title>{{ with.offer }}</mj-title></mj-head><mj-body><mj-section><mj-column>\n\
        <mj-text>Hi {{ user.name }}, {% if user.orders > 2 and user.orders < 9 %}again{% endif %}</mj-text>\n\
        <mj-button href=\"https://shop.example/?a=1&amp;u={{ user.id }}\" data-role=\"pay\">Pay</mj-button>\n\
        <mj-text><a href=\"{{ unsubscribe_url }}\">Leave</a></mj-text>\n\
        </mj-column></mj-section></mj-body></mjml>";
    let root = project(&[("m/subject.txt", "s"), ("m/body.mjml", mjml)]);
    let templates = load(root.path());
    let mail = templates.render_mail("m", None, &scope(), &links()).expect("a mail");
    assert!(mail.html.contains("Hi Ann &lt;b&gt;, again"), "{}", mail.html);
    assert_eq!(destinations(&mail.html), [("https://shop.example/?a=1&u=7".to_owned(), Some("pay".to_owned()))]);
    assert!(mail.text.contains("Hi Ann <b>, again"), "{}", mail.text);
    assert!(templates.check_message("m", true).is_empty());

    let dropped = mjml.replace("<mj-button", "<mj-button data-x=\"{{ user.id }}\"");
    let root = project(&[("m/subject.txt", "s"), ("m/body.mjml", &dropped)]);
    let (_, problems) = Templates::load(root.path());
    assert_eq!((problems.len(), problems[0].line), (1, 3), "{problems:?}");
}

#[test]
fn problems_are_found_before_anything_is_sent() {
    let root = project(&[
        ("m/subject.txt", "{{ usr.name }}"),
        ("m/body.html", "<p>\n{{ user.name | uper }} {{ user.nme }} {{ with.ofer }}{# unsubscribe_url #}"),
        ("m/boddy.txt", "x"),
        ("m/pictures/x.txt", "x"),
        ("broken/body.html", "\n{% if %}"),
        ("loose/body.html", "{{ user.name | safe }}{% autoescape false %}{% endautoescape %}"),
        ("footed/subject.txt", "s"),
        ("footed/body.html", "{% include 'foot/body.html' %}"),
        ("foot/body.html", "<a href='{{ unsubscribe_url }}'>x</a>"),
    ]);
    let (templates, problems) = Templates::load(root.path());
    let shown: Vec<String> = problems.iter().map(|p| format!("{}:{} {}", p.file, p.line, p.message)).collect();
    let base = "workflows/templates";
    assert_eq!(shown.len(), 7, "{shown:#?}");
    for (shown, expected) in shown.iter().zip([
        format!("{base}/broken/body.html:2 "),
        format!("{base}/loose/body.html:1 escaping cannot be turned off"),
        format!("{base}/loose/body.html:1 there is no filter `safe`"),
        format!("{base}/m/boddy.txt:1 `boddy.txt` is no part of a message"),
        format!("{base}/m/body.html:2 there is no filter `uper`"),
        format!("{base}/m/pictures:1 `pictures` is no language tag"),
        format!("{base}/m/subject.txt:1 `usr` is not defined"),
    ]) {
        assert!(shown.starts_with(&expected), "{shown} / {expected}");
    }
    let names = templates.check_names("m", &["name", "id"], &["offer"]);
    let shown: Vec<(usize, Option<&str>)> = names.iter().map(|p| (p.line, p.hint.as_deref())).collect();
    assert_eq!(shown, [(2, Some("did you mean `name`?")), (2, Some("did you mean `offer`?"))]);
    assert_eq!(templates.check_message("mm", true)[0].hint.as_deref(), Some("did you mean `m`?"));
    assert_eq!(templates.check_message("m", true).len(), 1, "no link to unsubscribe");
    assert!(templates.check_message("footed", true).is_empty());
}
