//! What was planned before anything was measured.

use maud::{Markup, html};

use crate::story::Story;

/// The plan, or nothing when the run ended before it was made.
pub(super) fn section(story: &Story) -> Markup {
    html! {
        @if let Some(plan) = &story.plan {
            section {
                h2 { "What was planned" }
                table.numbers {
                    tbody {
                        @for planned in &plan.injections {
                            tr {
                                th { "fault" }
                                td { code { (planned.fault) } " into " (planned.target) " for " (planned.duration) }
                            }
                        }
                        @for command in &plan.commands {
                            tr { th { "program" } td { code { (command.describes) } " for at most " (command.deadline) } }
                        }
                        tr { th { "windows" } td { "baseline " (plan.baseline) ", fault " (plan.fault) ", recovery at most " (plan.recovery) ", one interval " (plan.interval) } }
                        @if let Some(within) = plan.recovery_within { tr { th { "expected" } td { "recovery within " (within) } } }
                        tr { th { "error rates" } td { (format!("refuted wrongly at most {} %, held wrongly at most {} %", plan.alpha * 100.0, plan.beta * 100.0)) } }
                    }
                }
            }
        }
    }
}
