//! One folder, one probe. This file lists none of them: the build script does.

include!(concat!(env!("OUT_DIR"), "/probes.rs"));
