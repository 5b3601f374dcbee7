//! The page about what was measured.

use std::fmt::Write as _;

use anyhow::Result;

use super::{Found, Gate, Section, machine};

/// The page, as Markdown.
pub(super) fn page(sections: &[Section]) -> Result<String> {
    let mut text = format!(
        "# Benchmarks\n\n\
         `cargo xtask bench` measures, gates on the ratios and writes this page; `cargo xtask bench fidelity` measures one\n\
         section. Both sides of every row were measured in the same run, in turns. The absolute numbers are those of one\n\
         machine on {}: {}.\n\nMeasured with {}.\n",
        machine::date()?,
        machine::machine(),
        machine::versions()?
    );
    for Section { title, found, before } in sections {
        write!(text, "\n## {title}\n\n{}", table(found))?;
        if let Some(before) = before {
            write!(
                text,
                "\nA gate did not hold at first, and the section was measured again. The first time:\n\n{}",
                table(before)
            )?;
        }
    }
    Ok(text)
}

/// Rows and notes of a section.
pub(super) fn table(found: &Found) -> String {
    let mut lines = Vec::new();
    if !found.rows.is_empty() {
        lines.push("| what | ours | beside | ratio | gate |\n|---|---|---|---|---|".to_owned());
    }
    for row in &found.rows {
        let failed = if row.holds() { "" } else { ", **failed**" };
        let (ours, what) = (number(row.ours), &row.what);
        lines.push(match row.gate {
            Gate::None => format!("| {what} | {ours} | | | none |"),
            gate => {
                let (rival, ratio) = (number(row.rival), row.ratio());
                // None of none has no ratio.
                let ratio = if ratio.is_nan() { "–".to_owned() } else { format!("{ratio:.2}") };
                format!("| {what} | {ours} | {rival} ({}) | {ratio} | {gate}{failed} |", row.against)
            }
        });
    }
    if !found.notes.is_empty() {
        lines.push(String::new());
        lines.extend(found.notes.iter().map(|note| format!("{note}\n")));
    }
    lines.join("\n").trim_end().to_owned() + "\n"
}

/// Three digits that matter.
fn number(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        small if small >= 1.0 || small == 0.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Row, *};

    #[test]
    fn a_row_shows_both_numbers_and_whether_the_gate_held() {
        let rows = vec![Row::within("late, ms", 0.25, 0.1), Row::shown("first, ms", 12.34)];
        let table = table(&Found { rows, notes: vec!["A note.".to_owned()] });
        assert!(
            table.contains("| late, ms | 0.250 | 0.100 (allowed) | 2.50 | at most 1, **failed** |"),
            "{table}"
        );
        assert!(
            table.contains("| first, ms | 12.3 | | | none |") && table.ends_with("\n\nA note.\n"),
            "{table}"
        );
    }
}
