//! State machines over an enum whose names show in the waveform.

use std::panic::Location;

use super::arena::with;
use super::module::{Module, Reg};
use super::signal::Signal;
use crate::types::{Type, bits_for};
use crate::value::Value;

/// The states of a machine; implemented by [`states!`](crate::states).
pub trait States: Copy + 'static {
    /// Names in the order of their numbers.
    const NAMES: &'static [&'static str];

    /// The state's number.
    fn number(self) -> u32;
}

/// Declares the states of a machine.
///
/// ```
/// use systole_hdl::prelude::*;
/// states! {
///     /// Phases of a tile.
///     pub enum Phase { Idle, Load, Stream, Drain }
/// }
/// assert_eq!(Phase::Load.number(), 1);
/// ```
#[macro_export]
macro_rules! states {
    ($(#[$meta:meta])* $vis:vis enum $Name:ident { $($(#[$state_meta:meta])* $State:ident),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        $vis enum $Name {
            $($(#[$state_meta])* #[allow(missing_docs)] $State),*
        }

        impl $crate::States for $Name {
            const NAMES: &'static [&'static str] = &[$(stringify!($State)),*];

            fn number(self) -> u32 {
                self as u32
            }
        }
    };
}

/// A state register.
#[derive(Clone, Copy, Debug)]
pub struct StateMachine<S> {
    register: Reg,
    states: std::marker::PhantomData<S>,
}

impl Module {
    /// A state register that starts at and resets to `initial`. Its names appear in waveforms.
    #[track_caller]
    pub fn state_machine<S: States>(self, name: &str, initial: S) -> StateMachine<S> {
        let at = Location::caller();
        let width = bits_for(S::NAMES.len().saturating_sub(1) as u64);
        let register = self.reg(name, Type::Bits(width)).resets_to(Value::from_u64(width, initial.number().into()));
        with(|arena| {
            let cell = arena.own(*register, at).cell;
            arena.current().module.info[cell.index()].states = S::NAMES.iter().map(|s| s.to_string()).collect();
        });
        StateMachine { register, states: std::marker::PhantomData }
    }
}

impl<S: States> StateMachine<S> {
    /// One bit: the machine is in `state`.
    #[track_caller]
    pub fn is(self, state: S) -> Signal {
        self.register.equals(self.encoded(state))
    }

    /// The machine is in `state` from the next cycle on; under [`Module::when`] only where the condition holds.
    #[track_caller]
    pub fn go(self, state: S) {
        self.register.next(self.encoded(state));
    }

    /// The state's bits.
    pub fn value(self) -> Signal {
        *self.register
    }

    fn encoded(self, state: S) -> Value {
        Value::from_u64(bits_for(S::NAMES.len().saturating_sub(1) as u64), state.number().into())
    }
}
