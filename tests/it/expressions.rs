//! What conditions mean: a table of expressions over five users, each with those for whom it is true.

use std::fmt::Write as _;

use crate::support::project::{Backend, TestProject};

/// Berlin put its clocks forward in the night of 2027-03-28, at 02:00 local time.
const PROJECT: &str = "timezone: Europe/Berlin
sources:
  users: {file: data/users.csv, id: id, name: name, email: email, registered_at: since}
  events:
    - {file: data/orders.csv, event: purchase, user: user, time: at, value: amount, id: id}
features:
  orders: {count: purchase}
  spend: {sum: purchase.value}
  last_order: {last: purchase}
  yesterday: {count: purchase, within: 2d}
  last_hours: {count: purchase, within: 12h}
  big: {count: purchase, where: \"value >= 100 AND note = 'gift'\"}
  days: {days: purchase}
  notes: {distinct: purchase.note}
  last_note: {latest: purchase.note}
  average: {expr: \"spend / orders\"}
";

/// `a` has everything, `b` one order without a note, `c` and `e` none; `d` ordered around midnight.
const USERS: &str = "id,name,email,since,city,points,vip,born,code
a,Ann,ann@example.com,2027-01-01,Berlin,10,true,1990-05-01,007
b,Ben,BEN@Example.com,2027-02-01,,3,false,2001-12-31,12
c,刘洋,,2027-03-01,上海,,,,0815
d,\"O'Neil; DROP TABLE users --\",d@example.com,2027-03-27,Bonn,-4,true,1990-05-02,x_y%
e,,e@example.com,2027-03-28,berlin,0,false,,a
";

/// As of the end of 2027-03-28 in Berlin, which is 22:00 UTC.
const ORDERS: &str = "id,user,at,amount,note
1,a,2027-03-01 10:00,100,gift
2,a,2027-03-27 23:59,20.5,card
3,a,2027-03-28T20:00:00Z,3,
4,b,2027-03-25 12:00,0.1,
5,b,2027-03-25 12:00,0.2,
6,d,2027-03-26T22:59:59Z,7,
7,d,2027-03-26T23:00:00Z,100,gift
";

/// Expression, and the users for whom it is true.
const TRUE_FOR: &[(&str, &str)] = &[
    // NULL: a comparison with it is not true, nor is its opposite.
    ("city = 'Berlin'", "a"),
    ("city <> 'Berlin'", "cde"),
    ("NOT city = 'Berlin'", "cde"),
    ("city IS NULL", "b"),
    ("city IS NOT NULL AND points > 0", "a"),
    ("points > 0 OR city = '上海'", "abc"),
    ("points > 0 IS NOT TRUE", "cde"),
    ("vip", "ad"),
    ("NOT vip", "be"),
    ("vip IS NOT TRUE", "bce"),
    ("vip = NULL", ""),
    ("NULL", ""),
    ("orders = 0", "ce"),
    ("spend = 0", "ce"),
    ("last_order IS NULL", "ce"),
    ("big = 0", "bce"),
    ("coalesce(points, 99) > 50", "c"),
    ("city NOT IN ('Berlin', 'Bonn')", "ce"),
    ("city IN ('Berlin', '上海')", "ac"),
    ("points IN (3, 10.0)", "ab"),
    ("points NOT IN (3, NULL)", ""),
    ("NOT points BETWEEN 0 AND 5", "ad"),
    ("points BETWEEN 0 AND 5", "be"),
    // Numbers: division is exact, and NULL by zero; sums are exact too.
    ("3 / 2 = 1.5", "abcde"),
    ("points / 4 = 2.5", "a"),
    ("orders / 2 = 1.5", "a"),
    ("average IS NULL", "ce"),
    ("spend / orders > 40", "ad"),
    ("1 / 0 IS NULL AND points / 0 IS NULL", "abcde"),
    ("spend = 0.3", "b"),
    ("spend = 123.5", "a"),
    ("points % 2 = 0", "ade"),
    ("points % 0 IS NULL", "abcde"),
    ("-points > 3", "d"),
    ("abs(points) = 4 OR round(2.567, 2) <> 2.57", "d"),
    ("points * 2 + 1 = 21", "a"),
    ("sqrt(points) > 3", "a"),
    ("ln(points) > 2", "a"),
    ("sqrt(points) IS NULL", "cd"),
    ("ln(points) IS NULL OR power(points, 0.5) IS NULL", "cde"),
    ("power(points, 2) = 16", "d"),
    ("floor(2.7) = 2 AND ceil(2.1) = 3 AND greatest(points, 5) = 10", "a"),
    ("nullif(points, 0) IS NULL", "ce"),
    ("least(points, 1) = 1", "abc"),
    // Texts, whatever stands in them; a code is no number.
    ("name LIKE '刘%'", "c"),
    ("name LIKE '%O''Neil%'", "d"),
    ("name = 'O''Neil; DROP TABLE users --'", "d"),
    ("name = ''' OR 1=1 --'", ""),
    ("name LIKE '_nn'", "a"),
    ("name NOT LIKE '%n%'", "cd"),
    ("email ILIKE 'ben@example.com'", "b"),
    ("lower(email) = 'ben@example.com'", "b"),
    ("email LIKE '%@example.com'", "ade"),
    ("length(name) = 2", "c"),
    ("upper(city) = 'BERLIN'", "ae"),
    ("code = '007'", "a"),
    ("ends_with(code, '%')", "d"),
    ("starts_with(name, 'B') OR contains(name, '洋')", "bc"),
    ("concat(code, name) = '007Ann'", "a"),
    // Case of names, and names in quotes.
    ("CITY = 'Bonn'", "d"),
    ("\"city\" = 'Bonn'", "d"),
    // Days are calendar days of the zone, also over the short one; a date compares by its day.
    ("days_since(last_order) = 0", "a"),
    ("days_since(last_order) = 1", "d"),
    ("days_since(last_order) = 3", "b"),
    ("days_since('2027-03-28') = 0", "abcde"),
    ("days_until('2027-04-01') = 4", "abcde"),
    ("days_since(registered_at) IS NULL", ""),
    ("days_since(born) > 10000", "ad"),
    ("born < '1990-05-02'", "a"),
    ("born >= DATE '1990-05-02'", "bd"),
    ("born BETWEEN '1990-05-01' AND '1990-05-02'", "ad"),
    ("last_order > '2027-03-27'", "a"),
    ("last_order = '2027-03-27'", "d"),
    ("last_order < '2027-03-26'", "b"),
    ("last_order >= '2027-03-28 22:00'", "a"),
    ("last_order < as_of", "abd"),
    ("as_of > '2027-03-28 23:59'", "abcde"),
    ("yesterday = 2", "a"),
    ("yesterday = 1", "d"),
    ("last_hours = 1", "a"),
    ("days = 2", "d"),
    ("days = 3", "a"),
    ("days = 1", "b"),
    ("notes = 2", "a"),
    ("last_note = 'card'", "a"),
    ("last_note = 'gift'", "d"),
    // CASE
    ("CASE WHEN orders = 0 THEN 'none' WHEN orders > 2 THEN 'many' ELSE 'few' END = 'few'", "bd"),
    ("CASE WHEN points > 5 THEN 1 END = 1", "a"),
    ("CASE WHEN points > 5 THEN 1 ELSE 0.5 END < 1", "bcde"),
    ("CASE WHEN points > 5 THEN NULL ELSE 0.5 END < 1", "bcde"),
];

/// Expression, and a part of what is said of it.
const REFUSED: &[(&str, &str)] = &[
    ("EXISTS (SELECT 1)", "a subquery is not allowed here"),
    ("points > (SELECT 1)", "a subquery is not allowed here"),
    ("points IN (SELECT 1)", "a subquery is not allowed here"),
    ("count(*) > 1", "`count` takes plain values"),
    ("sum(points) > 1", "no function `sum`"),
    ("sum(points) OVER () > 1", "aggregates and windows are not allowed here"),
    ("max(points) FILTER (WHERE vip) > 1", "the expression is over before `FILTER`"),
    ("CAST(points AS TEXT) = '1'", "this is not part of the language"),
    ("points::text = '1'", "this is not part of the language"),
    ("now() > last_order", "no function `now`"),
    ("random() > 0.5", "no function `random`"),
    ("read_csv('/etc/passwd') = ''", "no function `read_csv`"),
    ("points; DROP TABLE users", "expression"),
    ("points > 1 UNION SELECT 1", "the expression is over before"),
    ("users.points > 1", "a name with a dot is not known here"),
    ("points > 'many'", "a whole number cannot be compared with a text"),
    ("name > 3", "a text cannot be compared with a whole number"),
    ("name + 1 > 3", "this must be a number, but it is a text"),
    ("last_order - 3 > 1", "this must be a number, but it is a time"),
    ("points AND vip", "this must be a condition, but it is a whole number"),
    ("points", "this must be a condition (true or false), but it is a whole number"),
    ("points LIKE '1%'", "LIKE needs a text, but this is a whole number"),
    ("last_order > 'soon'", "this must be a date or a time"),
    ("born = '1990-02-30'", "this must be a date or a time"),
    ("days_since(points) > 3", "`days_since` takes a time or date, but this is a whole number"),
    ("days_since() > 3", "`days_since` takes one time or date"),
    ("lower(points) = 'x'", "`lower` takes a text, not a whole number"),
    ("lower(name, name) = 'x'", "`lower` takes 1 value, not 2"),
    ("CASE WHEN vip THEN 1 ELSE 'x' END = 1", "the results of CASE must be of one kind"),
    ("name ~ 'A.*'", "is not part of the language"),
    ("name || 'x' = 'Annx'", "is not part of the language"),
    ("days_since(since) > 3", "here it is called `registered_at`"),
    ("last_order > now", "no feature or attribute `now`"),
    ("last_order > INTERVAL '3 days'", "INTERVAL is not part of the language"),
    ("$1 = 1", "this literal is not part of the language"),
];

fn project(segments: &str) -> TestProject {
    let project = TestProject::empty(Backend::Sqlite);
    project
        .file("winback.yaml", format!("{PROJECT}segments:\n{segments}"))
        .file("data/users.csv", USERS)
        .file("data/orders.csv", ORDERS);
    project
}

fn segment(number: usize, expression: &str) -> String {
    format!("  s{number}: {}\n", serde_json::to_string(expression).expect("text"))
}

#[test]
fn true_for_whom() {
    let mut segments = String::new();
    for (number, (expression, _)) in TRUE_FOR.iter().enumerate() {
        segments += &segment(number, expression);
    }
    let project = project(&segments);
    let file = project.folder().join("users.csv");
    project.run(&["segments", "--as-of", "2027-03-28", "--export", file.to_str().expect("UTF-8")]).ok();
    let mut reader = csv::Reader::from_path(file).expect("the export");
    let rows: Vec<std::collections::HashMap<String, String>> =
        reader.deserialize().map(|row| row.expect("a row")).collect();
    let mut wrong = String::new();
    for (number, (expression, expected)) in TRUE_FOR.iter().enumerate() {
        let found = rows.iter().filter(|row| row[&format!("s{number}")] == "true").map(|row| row["user_id"].as_str());
        let found: String = found.collect();
        if found != *expected {
            writeln!(wrong, "{expression}: true for `{found}`, not for `{expected}`").expect("memory");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn refused_where_they_stand() {
    let mut wrong = String::new();
    for (expression, says) in REFUSED {
        let ran = project(&segment(0, expression)).run(&["check"]);
        let place = ran.stderr.contains("┌─ winback.yaml:18:");
        if ran.code != Some(1) || !ran.stderr.contains(says) || !place || !ran.stderr.ends_with("1 problem\n") {
            writeln!(wrong, "{expression}: exit {:?}\n{}{}", ran.code, ran.stdout, ran.stderr).expect("memory");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
