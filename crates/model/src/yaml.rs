//! YAML text to a tree that knows where everything stands, and from there to typed values.
//!
//! [`parse`] refuses what could hurt: long texts, deep nesting, aliases that multiply, keys given twice. [`decode`] turns
//! a [`Place`] in the tree into any type serde can read and finds *all* problems, not the first. [`render`] shows
//! problems with the lines they are about. [`print()`] writes a value that reads back the same.
//!
//! Plain scalars follow the core schema of YAML 1.2: `no` and `on` are texts, and so is a number with leading zeros.

pub use decode::{decode, decode_lenient, decode_most};
pub use node::{Entry, Node, Scalar, Typed, Value};
pub use parse::{LONGEST_BYTES, MOST_ALIASED, NESTING, parse, text};
pub use place::Place;
pub use print::print;
pub use render::{render, to_json};
pub use suggest::suggest;

mod decode;
mod node;
mod parse;
mod place;
mod print;
mod render;
mod suggest;
#[cfg(test)]
mod tests;
