//! To be written: YAML to a tree with spans.
