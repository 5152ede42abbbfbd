//! XML as text: elements, their attributes, and what has to be escaped in both.

/// An element on one line; its attributes in order.
pub(super) fn element(name: &str, attributes: &[(&str, &str)], inside: &[String]) -> String {
    tagged(name, attributes, &inside.concat())
}

/// An element each of whose children has a line of its own.
pub(super) fn block(name: &str, attributes: &[(&str, &str)], inside: &[String]) -> String {
    match inside.is_empty() {
        true => tagged(name, attributes, ""),
        false => tagged(name, attributes, &format!("\n{}\n", inside.join("\n"))),
    }
}

/// An element that holds text.
pub(super) fn text(name: &str, attributes: &[(&str, &str)], text: &str) -> String {
    tagged(name, attributes, &escaped(text))
}

fn tagged(name: &str, attributes: &[(&str, &str)], inside: &str) -> String {
    let attributes: String = attributes.iter().map(|(key, value)| format!(" {key}=\"{}\"", escaped(value))).collect();
    match inside.is_empty() {
        true => format!("<{name}{attributes}/>"),
        false => format!("<{name}{attributes}>{inside}</{name}>"),
    }
}

/// Breaks and tabs become references, since a reader of XML makes a space of them in an attribute.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' => escaped.push_str("&#9;"),
            '\n' => escaped.push_str("&#10;"),
            '\r' => escaped.push_str("&#13;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// The first character that no document of XML 1.0 can hold, escaped or not (§2.2).
pub(super) fn unsayable(text: &str) -> Option<char> {
    let sayable = |c: &char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}');
    text.chars().find(|c| !sayable(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_marks_up_is_escaped() {
        let found = element("a", &[("b", "\"<\n>'&\r\t")], &[text("c", &[], "x < y\r")]);
        assert_eq!(found, "<a b=\"&quot;&lt;&#10;&gt;'&amp;&#13;&#9;\"><c>x &lt; y&#13;</c></a>");
        assert_eq!(block("a", &[], &[]), "<a/>");
    }

    #[test]
    fn control_characters_are_found() {
        assert_eq!(unsayable("Zürich 🚲\t\n"), None);
        assert_eq!(unsayable("a\u{1}b"), Some('\u{1}'));
        assert_eq!(unsayable("\u{ffff}"), Some('\u{ffff}'));
    }
}
