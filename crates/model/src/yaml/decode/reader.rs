//! A node as serde wants to see it.

use std::slice;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use crate::yaml::{Entry, Node, Typed, Value, suggest};

use super::{
    Context,
    error::{Error, Kind},
    standin::StandIn,
};

/// Reads one node.
#[derive(Clone, Copy)]
pub(super) struct Reader<'de, 'c> {
    pub(super) node: &'de Node,
    pub(super) context: &'c Context,
}

impl<'de, 'c> Reader<'de, 'c> {
    fn map(self, entries: Vec<&'de Entry>) -> Map<'de, 'c> {
        let added = self.context.missing(self.node);
        Map { entries: entries.into_iter(), value: None, added: added.into_iter(), context: self.context }
    }

    fn unexpected(self, visitor: &dyn serde::de::Expected) -> Error {
        let found = match &self.node.value {
            Value::List(_) => Unexpected::Seq,
            Value::Map(_) => Unexpected::Map,
            Value::Scalar(scalar) => match scalar.typed() {
                Typed::Null => Unexpected::Unit,
                Typed::Bool(value) => Unexpected::Bool(value),
                Typed::Unsigned(number) => Unexpected::Unsigned(number),
                Typed::Signed(number) => Unexpected::Signed(number),
                Typed::Float(number) => Unexpected::Float(number),
                Typed::Text(text) => Unexpected::Str(text),
            },
        };
        Error::invalid_type(found, visitor)
    }

    fn fields<V: Visitor<'de>>(self, known: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Map(entries) => visitor.visit_map(self.map(self.context.known(entries, known))),
            _ => Err(self.unexpected(&"a map")),
        }
    }
}

/// Where a number or a truth value is wanted, a parameter's text becomes one.
macro_rules! wanted {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match &self.node.value {
                Value::Scalar(scalar) => typed(scalar.wanted(), visitor),
                _ => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Reader<'de, '_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::List(_) => self.deserialize_seq(visitor),
            Value::Map(_) => self.deserialize_map(visitor),
            Value::Scalar(scalar) => typed(scalar.typed(), visitor),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            // A number where a text is wanted is the text as written: `1.10` stays `1.10`.
            Value::Scalar(scalar) if !matches!(scalar.typed(), Typed::Null | Typed::Bool(_)) => {
                visitor.visit_borrowed_str(&scalar.text)
            }
            _ => Err(self.unexpected(&"a text")),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Scalar(scalar) if scalar.typed() == Typed::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::List(items) => visitor.visit_seq(List { items: items.iter(), context: self.context }),
            _ => Err(self.unexpected(&"a list")),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Map(entries) => visitor.visit_map(self.map(entries.iter().collect())),
            _ => Err(self.unexpected(&"a map")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.fields(fields, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let (key, at, value) = match &self.node.value {
            Value::Scalar(scalar) if matches!(scalar.typed(), Typed::Text(_)) => {
                (&scalar.text, self.node, None)
            }
            Value::Map(entries) => match entries.as_slice() {
                [entry] => (&entry.key, &entry.value, Some(&entry.value)),
                [] => return Err(one_key(variants)),
                [_, second, ..] => return Err(Error { unfit: Some(self.node), ..second_key(second) }),
            },
            _ => return Err(self.unexpected(&"a map with one key")),
        };
        if !variants.contains(&key.as_str()) {
            let message = format!("unknown {} `{key}`", noun(name));
            let error = Error::new(Kind::Key, message, suggest(key, variants.iter().copied()));
            return Err(Error { node: Some(at), unfit: Some(self.node), ..error });
        }
        visitor.visit_enum(Variant { key, value, context: self.context })
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { char bytes byte_buf unit unit_struct }

    wanted! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64
    }
}

fn typed<'de, V: Visitor<'de>>(value: Typed<'de>, visitor: V) -> Result<V::Value, Error> {
    match value {
        Typed::Null => visitor.visit_unit(),
        Typed::Bool(value) => visitor.visit_bool(value),
        Typed::Unsigned(number) => visitor.visit_u64(number),
        Typed::Signed(number) => visitor.visit_i64(number),
        Typed::Float(number) => visitor.visit_f64(number),
        Typed::Text(text) => visitor.visit_borrowed_str(text),
    }
}

fn one_key(variants: &[&str]) -> Error {
    let hint = (variants.len() <= 24).then(|| format!("possible here: {}", variants.join(", ")));
    Error::new(Kind::Value, "expected a map with one key, found an empty one", hint)
}

fn second_key(second: &Entry) -> Error {
    let message = format!("`{}` is one key too many: this map has exactly one", second.key);
    let error = Error::new(Kind::Key, message, Some("put each into its own list item or map".to_owned()));
    Error { node: Some(&second.value), ..error }
}

/// `FaultSpec` is called a fault, `ProcessSignal` a process signal.
fn noun(name: &str) -> String {
    let mut words = String::new();
    for c in name.strip_suffix("Spec").unwrap_or(name).chars() {
        if c.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
    }
    words
}

struct List<'de, 'c> {
    items: slice::Iter<'de, Node>,
    context: &'c Context,
}

impl<'de> SeqAccess<'de> for List<'de, '_> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        self.items.next().map(|node| self.context.feed(seed, node)).transpose()
    }
}

struct Map<'de, 'c> {
    entries: std::vec::IntoIter<&'de Entry>,
    value: Option<&'de Node>,
    added: std::vec::IntoIter<&'static str>,
    context: &'c Context,
}

impl<'de> MapAccess<'de> for Map<'de, '_> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let key = match self.entries.next() {
            Some(entry) => {
                self.value = Some(&entry.value);
                entry.key.as_str()
            }
            None => {
                self.value = None;
                match self.added.next() {
                    Some(key) => key,
                    None => return Ok(None),
                }
            }
        };
        seed.deserialize(IntoDeserializer::<Error>::into_deserializer(key)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        match self.value.take() {
            Some(node) => self.context.feed(seed, node),
            None => seed.deserialize(StandIn::new()).map_err(Error::hopeless),
        }
    }
}

struct Variant<'de, 'c> {
    key: &'de str,
    value: Option<&'de Node>,
    context: &'c Context,
}

impl<'de, 'c> EnumAccess<'de> for Variant<'de, 'c> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Error> {
        let key = seed.deserialize(IntoDeserializer::<Error>::into_deserializer(self.key))?;
        Ok((key, self))
    }
}

impl<'de> Variant<'de, '_> {
    fn value(&self) -> Result<&'de Node, Error> {
        let hint = || Some(format!("write it as a map: {{ {}: … }}", self.key));
        self.value.ok_or_else(|| Error::new(Kind::Value, format!("`{}` needs a value", self.key), hint()))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de, '_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.value {
            None => Ok(()),
            Some(value) => {
                let hint = format!("write only `{}`", self.key);
                let error = Error::new(Kind::Key, format!("`{}` takes no value", self.key), Some(hint));
                Err(Error { node: Some(value), ..error })
            }
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        self.context.feed(seed, self.value()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        let node = self.value()?;
        Reader { node, context: self.context }.deserialize_seq(visitor).map_err(|error| error.at(node))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let node = self.value()?;
        Reader { node, context: self.context }.fields(fields, visitor).map_err(|error| error.at(node))
    }
}
