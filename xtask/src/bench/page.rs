//! The page about what was measured.

use std::fmt::Write as _;

use super::{Row, machine::machine};

/// The page, as Markdown.
pub(super) fn page(sections: &[(&str, Vec<Row>)]) -> String {
    let mut text = format!(
        "# Benchmarks\n\n\
         `cargo xtask bench` measures, gates on the ratios and writes this page. Both sides of every row were measured in\n\
         the same run, in turns. The absolute numbers are those of one machine: {}.\n",
        machine()
    );
    for (title, rows) in sections {
        write!(text, "\n## {title}\n\n| what | ours | beside | ratio | gate |\n|---|---|---|---|---|\n")
            .expect("writing to a String does not fail");
        for row in rows {
            let (ours, rival) = (number(row.ours), number(row.rival));
            let failed = if row.holds() { "" } else { ", **failed**" };
            writeln!(
                text,
                "| {} | {ours} | {rival} ({}) | {:.2} | {}{failed} |",
                row.what,
                row.against,
                row.ratio(),
                row.gate
            )
            .expect("writing to a String does not fail");
        }
    }
    text
}

/// Three digits that matter.
fn number(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
