//! What answers say, taken out of their JSON and made safe to print.

use certus_model::escape::one_line;
use serde_json::Value;

/// The text of a field; empty where there is none.
pub(super) fn text(value: &Value, field: &str) -> String {
    match &value[field] {
        Value::String(text) => one_line(text, 2000),
        Value::Null => String::new(),
        other => one_line(&other.to_string(), 2000),
    }
}

/// The texts of a list.
pub(super) fn texts(value: &Value, field: &str) -> Vec<String> {
    let items = value[field].as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(Value::as_str).map(|text| one_line(text, 2000)).collect()
}

/// Rows as columns with two spaces between them, the header first.
pub(super) fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<_> = (0..count).map(|column| width(column).unwrap_or_default()).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_are_printed_without_what_terminals_obey() {
        let value = json!({"a": "x\u{1b}[0m", "b": null, "c": 7, "d": ["one", 2, "t\nwo"]});
        assert!(!text(&value, "a").contains('\u{1b}'));
        assert_eq!(
            (text(&value, "b"), text(&value, "c"), text(&value, "e")),
            (String::new(), "7".into(), String::new())
        );
        assert_eq!(texts(&value, "d").len(), 2);
        let row = |cells: [&str; 2]| cells.map(ToOwned::to_owned).to_vec();
        assert_eq!(columns(&[row(["id", "status"]), row(["long", "x"])]), "id    status\nlong  x\n");
    }
}
