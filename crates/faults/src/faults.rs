//! One folder, one fault. This file lists none of them: the build script does.

include!(concat!(env!("OUT_DIR"), "/faults.rs"));
