//! Records of ports: plain structs of signals, vectors and streams, declared with [`bundle!`](crate::bundle).

use std::fmt::Write;

use super::module::Wire;
use super::signal::Signal;
use super::stream::Stream;
use crate::design::Name;

/// One port of a record.
#[derive(Clone, Copy, Debug)]
pub enum Leaf {
    /// Runs in the record's direction.
    Forward(Signal),
    /// Runs against it, such as a stream's `ready`.
    Reverse(Wire),
}

/// A record of ports: the inputs or outputs of a [`Component`](super::component::Component).
pub trait Bundle: Clone + 'static {
    /// Calls `visit` with the name and handle of every leaf, in order.
    fn visit(&self, path: &str, visit: &mut dyn FnMut(&str, Leaf));
    /// Puts another handle in the place of every leaf, in the same order.
    fn replace(&mut self, replace: &mut dyn FnMut(Leaf) -> Leaf);
    /// Calls `visit` with the name of every stream in the record.
    fn visit_streams(&self, path: &str, visit: &mut dyn FnMut(&str, Stream));
}

impl Bundle for Signal {
    fn visit(&self, path: &str, visit: &mut dyn FnMut(&str, Leaf)) {
        visit(path, Leaf::Forward(*self));
    }

    fn replace(&mut self, replace: &mut dyn FnMut(Leaf) -> Leaf) {
        if let Leaf::Forward(signal) = replace(Leaf::Forward(*self)) {
            *self = signal;
        }
    }

    fn visit_streams(&self, _: &str, _: &mut dyn FnMut(&str, Stream)) {}
}

impl Bundle for Wire {
    fn visit(&self, path: &str, visit: &mut dyn FnMut(&str, Leaf)) {
        visit(path, Leaf::Reverse(*self));
    }

    fn replace(&mut self, replace: &mut dyn FnMut(Leaf) -> Leaf) {
        if let Leaf::Reverse(wire) = replace(Leaf::Reverse(*self)) {
            *self = wire;
        }
    }

    fn visit_streams(&self, _: &str, _: &mut dyn FnMut(&str, Stream)) {}
}

/// No ports.
impl Bundle for () {
    fn visit(&self, _: &str, _: &mut dyn FnMut(&str, Leaf)) {}

    fn replace(&mut self, _: &mut dyn FnMut(Leaf) -> Leaf) {}

    fn visit_streams(&self, _: &str, _: &mut dyn FnMut(&str, Stream)) {}
}

/// Ports numbered from 0.
impl<B: Bundle> Bundle for Vec<B> {
    fn visit(&self, path: &str, visit: &mut dyn FnMut(&str, Leaf)) {
        numbered(self, path, |element, path| element.visit(path, visit));
    }

    fn replace(&mut self, replace: &mut dyn FnMut(Leaf) -> Leaf) {
        self.iter_mut().for_each(|element| element.replace(replace));
    }

    fn visit_streams(&self, path: &str, visit: &mut dyn FnMut(&str, Stream)) {
        numbered(self, path, |element, path| element.visit_streams(path, visit));
    }
}

/// Ports that may be absent; a component decides by its parameters, so presence is part of the record's shape.
impl<B: Bundle> Bundle for Option<B> {
    fn visit(&self, path: &str, visit: &mut dyn FnMut(&str, Leaf)) {
        self.iter().for_each(|element| element.visit(path, visit));
    }

    fn replace(&mut self, replace: &mut dyn FnMut(Leaf) -> Leaf) {
        self.iter_mut().for_each(|element| element.replace(replace));
    }

    fn visit_streams(&self, path: &str, visit: &mut dyn FnMut(&str, Stream)) {
        self.iter().for_each(|element| element.visit_streams(path, visit));
    }
}

/// `field` within `path`: `array` and `west` give `array_west`.
pub fn join(path: &str, field: &str) -> Name {
    if path.is_empty() { field.into() } else { [path, "_", field].into_iter().collect() }
}

/// Calls `f` with every element and its path: `path` and the element's number.
fn numbered<B>(elements: &[B], path: &str, mut f: impl FnMut(&B, &str)) {
    let mut name = String::from(join(path, ""));
    let stem = name.len();
    for (i, element) in elements.iter().enumerate() {
        name.truncate(stem);
        write!(name, "{i}").expect("a string takes any text");
        f(element, &name);
    }
}

/// Declares a record of ports.
///
/// ```
/// use systole_hdl::prelude::*;
/// bundle! {
///     /// What enters a processing element.
///     pub struct PeIn { west: Signal, north: Signal, rows: Vec<Signal>, results: Stream }
/// }
/// ```
#[macro_export]
macro_rules! bundle {
    ($(#[$meta:meta])* $vis:vis struct $Name:ident { $($(#[$field_meta:meta])* $field:ident : $Type:ty),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        $vis struct $Name {
            $(
                $(#[$field_meta])*
                #[allow(missing_docs)]
                pub $field: $Type
            ),*
        }

        impl $crate::Bundle for $Name {
            fn visit(&self, path: &str, visit: &mut dyn FnMut(&str, $crate::Leaf)) {
                $($crate::Bundle::visit(&self.$field, &$crate::join(path, stringify!($field)), visit);)*
            }

            fn replace(&mut self, replace: &mut dyn FnMut($crate::Leaf) -> $crate::Leaf) {
                $($crate::Bundle::replace(&mut self.$field, replace);)*
            }

            fn visit_streams(&self, path: &str, visit: &mut dyn FnMut(&str, $crate::Stream)) {
                $($crate::Bundle::visit_streams(&self.$field, &$crate::join(path, stringify!($field)), visit);)*
            }
        }
    };
}
