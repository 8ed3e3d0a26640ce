//! Fields of a posted form in either encoding, read leniently: whoever wants to leave may be clumsy.

use url::form_urlencoded;

/// Names and values of a form. Without a type the body is read as `application/x-www-form-urlencoded`;
/// what is in neither encoding has no fields.
pub(super) fn fields(content_type: Option<&str>, body: &[u8]) -> Vec<(String, String)> {
    let kind = content_type.unwrap_or("application/x-www-form-urlencoded");
    let (kind, parameters) = kind.split_once(';').unwrap_or((kind, ""));
    match kind.trim().to_ascii_lowercase().as_str() {
        "application/x-www-form-urlencoded" => form_urlencoded::parse(body.trim_ascii_end()).into_owned().collect(),
        "multipart/form-data" => boundary(parameters).map(|b| parts(&b, body)).unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// The boundary parameter (RFC 2046 5.1.1: 1 to 70 characters), quoted or not.
fn boundary(parameters: &str) -> Option<String> {
    let value = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
    })?;
    matches!(value.len(), 1..=70).then(|| value.to_owned())
}

/// The parts of a multipart body (RFC 7578), which must be text.
fn parts(boundary: &str, body: &[u8]) -> Vec<(String, String)> {
    let body = String::from_utf8_lossy(body).replace("\r\n", "\n");
    let body = format!("\n{body}");
    let delimiter = format!("\n--{boundary}");
    body.split(delimiter.as_str())
        .skip(1)
        .take_while(|part| !part.starts_with("--"))
        .filter_map(|part| {
            let part = part.trim_start_matches([' ', '\t']).strip_prefix('\n')?;
            let (header, value) = part.split_once("\n\n")?;
            let disposition = header.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
            })?;
            let name = disposition.split(';').find_map(|parameter| {
                let (name, value) = parameter.split_once('=')?;
                name.trim().eq_ignore_ascii_case("name").then(|| value.trim().trim_matches('"').to_owned())
            })?;
            Some((name, value.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_encodings_of_rfc_8058() {
        let one_click = vec![("List-Unsubscribe".to_owned(), "One-Click".to_owned())];
        let vector = b"---FormBoundaryjWmhtjORrn\r\n\
            Content-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\
            \r\n\
            One-Click\r\n\
            ---FormBoundaryjWmhtjORrn--\r\n";
        for kind in [
            "multipart/form-data; boundary=-FormBoundaryjWmhtjORrn",
            "Multipart/Form-Data;boundary=\"-FormBoundaryjWmhtjORrn\"",
        ] {
            assert_eq!(fields(Some(kind), vector), one_click);
        }
        assert_eq!(fields(Some("multipart/form-data; boundary=other"), vector), []);
        assert_eq!(
            fields(Some("application/x-www-form-urlencoded; charset=utf-8"), b"List-Unsubscribe=One-Click"),
            one_click
        );
        assert_eq!(fields(None, b"List-Unsubscribe=One-Click\r\n"), one_click);
        assert_eq!(fields(Some("application/json"), b"List-Unsubscribe=One-Click"), []);
    }
}
