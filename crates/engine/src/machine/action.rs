//! What the machine wants done.

use steadfast_model::{
    InjectionId,
    event::{Conclusion, Known},
};

/// One thing to do. The driver does them in order; what they lead to comes back as [`super::Input`].
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "a handful lives at a time, and boxes would hide events from patterns"
)]
pub enum Action {
    /// Record an event durably, before doing anything that follows.
    Emit(Known),
    /// Find the targets of an injection and look at what would be done. Changes nothing.
    Resolve(InjectionId),
    /// Start the built-in loads.
    StartLoads,
    /// Look once to remember, then report every interval until told to stop.
    StartSampling,
    /// Put a fault in place, and keep its lease.
    Inject(InjectionId),
    /// Look for its effect until it is to be reverted.
    ObserveEffect(InjectionId),
    /// Take a fault away, also one whose injection has not answered yet.
    Revert(InjectionId),
    /// Look whether it is gone until it is.
    ObserveGone(InjectionId),
    /// Run a program of the method, by its place in the plan.
    Run(usize),
    /// End all programs that run, with everything they started.
    StopCommands,
    /// Stop looking at metrics.
    StopSampling,
    /// Stop the loads, report what they did, then say so.
    StopLoads,
    /// The run is over. The last action there ever is.
    Finish(Box<Conclusion>),
}
