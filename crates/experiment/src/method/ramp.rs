//! A fault that becomes stronger step by step.

use std::{collections::BTreeMap, fmt};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use steadfast_faults::FaultSpec;

use super::Inject;

/// One step of a ramp: parameters of the fault, each with the value it has in this step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct RampStep(pub BTreeMap<String, Value>);

impl RampStep {
    /// The fault as it is in this step.
    ///
    /// # Errors
    /// Why the fault does not take such a parameter.
    pub fn apply(&self, fault: &FaultSpec) -> Result<FaultSpec, String> {
        let mut written = serde_json::to_value(fault).expect("faults are plain data with text keys");
        let parameters = written.as_object_mut().and_then(|fault| fault.values_mut().next());
        let Some(Value::Object(parameters)) = parameters else {
            return Err(format!("`{}` has no parameters", fault.kind()));
        };
        for (name, value) in &self.0 {
            parameters.insert(name.clone(), value.clone());
        }
        serde_json::from_value(written).map_err(|error| error.to_string())
    }
}

impl fmt::Display for RampStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, value)) in self.0.iter().enumerate() {
            f.write_str(if index > 0 { ", " } else { "" })?;
            match value {
                Value::String(text) => write!(f, "{name} {text}")?,
                value => write!(f, "{name} {value}")?,
            }
        }
        Ok(())
    }
}

impl Inject {
    /// The fault in each step of its ramp, with what people call the step; without a ramp it is one, without a name.
    ///
    /// # Errors
    /// Why the fault does not take a step.
    pub fn steps(&self) -> Result<Vec<(FaultSpec, Option<String>)>, String> {
        if self.ramp.is_empty() {
            return Ok(vec![(self.fault.clone(), None)]);
        }
        self.ramp.iter().map(|step| Ok((step.apply(&self.fault)?, Some(step.to_string())))).collect()
    }
}
