//! A `match`: which of its cases can be met, and when.

use num_bigint::BigInt;
use rust_hdl_core::ast::{VerilogBlock, VerilogMatch};
use systole_hdl::{Type, Value};

use crate::Widths;
use crate::diagnostic::Problem;
use crate::evaluate::{Evaluator, ambiguous};
use crate::literal;
use crate::names::{loop_variable, resolve};
use crate::signals::{SignalId, Variant};

/// The cases of a `match` with their numbers, and the one that takes the rest.
type Cases<'c> = (Vec<(BigInt, &'c VerilogBlock)>, Option<&'c VerilogBlock>);

impl Evaluator<'_> {
    /// Rust has every `match` cover everything, so the last case that can be reached needs no condition.
    pub fn cases(&mut self, cases: &VerilogMatch) -> Result<(), Problem> {
        self.dependencies.begin();
        // Verilog compares in the width of the widest, and patterns have 32 bits there.
        let test = match self.widths {
            Widths::Simulator => self.index(&cases.test),
            Widths::Verilog => self.expression(&cases.test, Some(32)),
        };
        let owner = self.plain_signal(&cases.test);
        let (test, (mut patterns, fallback)) = match test.and_then(|test| Ok((test, self.patterns(cases, owner)?))) {
            Ok(understood) => understood,
            Err(problem) => {
                self.unknown_cases(cases);
                return Err(problem);
            }
        };
        if let Some(value) = self.known(&test) {
            let chosen = patterns.iter().find(|(pattern, _)| *pattern == value).map(|(_, block)| *block).or(fallback);
            self.block(chosen.map_or(&[], Vec::as_slice));
            return Ok(());
        }
        let test = self.cell(test)?;
        let (ty, variants) = (self.netlist.ty(test), owner.map_or(0, |owner| self.signals.get(owner).info.variants().len()));
        // What the word cannot be is never met.
        patterns.retain(|(pattern, _)| Value::from_bigint(ty.width(), pattern).to_number(ty) == *pattern);
        let is_complete = !patterns.is_empty() && (patterns.len() == variants || ty.width() < 32 && patterns.len() == 1 << ty.width());
        let last = match fallback.filter(|_| !is_complete) {
            Some(fallback) => fallback,
            None => match patterns.pop() {
                Some((_, block)) => block,
                None => return Ok(()),
            },
        };
        self.dependencies.open();
        let mut arms = Vec::new();
        for (pattern, block) in patterns {
            let pattern = self.netlist.constant(&pattern, ty);
            arms.push((self.netlist.equal(test, pattern), self.arm(block)));
        }
        let last = self.arm(last);
        self.dependencies.close();
        self.assignments.choose(self.netlist, &arms, &last);
        Ok(())
    }

    /// Executes cases of which it is not known when they are met, for what is wrong within them and after them.
    fn unknown_cases(&mut self, cases: &VerilogMatch) {
        let arms: Vec<_> = cases.cases.iter().map(|case| (self.netlist.reserve(Type::BIT), self.arm(&case.block))).collect();
        if let Some((last, arms)) = arms.split_last() {
            self.assignments.choose(self.netlist, arms, &last.1);
        }
    }

    /// The cases of a `match` of numbers or of variants of `owner`'s enum, and the one that takes the rest.
    fn patterns<'c>(&self, cases: &'c VerilogMatch, owner: Option<SignalId>) -> Result<Cases<'c>, Problem> {
        let mut patterns = Vec::new();
        for (place, case) in cases.cases.iter().enumerate() {
            let is_last = place + 1 == cases.cases.len();
            match self.pattern(&case.condition, owner) {
                _ if case.condition == "default" && is_last => return Ok((patterns, Some(&case.block))),
                _ if case.condition == "default" => return Err(guarded("_")),
                // A name that takes the rest can only be the last one; elsewhere it is a constant.
                Err(_) if is_last && case.condition.starts_with(|symbol: char| symbol == '_' || symbol.is_lowercase()) => {
                    if self.signals.find(&case.condition).is_some() || loop_variable(&case.condition, &self.loops).is_some() {
                        let reason = "it binds a name that a signal or a loop's variable has, and the tree does not tell them apart";
                        return Err(Problem::new(format!("pattern `{}`", case.condition), reason, "rename what it binds, or write `_`"));
                    }
                    return Ok((patterns, Some(&case.block)));
                }
                Ok(pattern) if patterns.iter().any(|(known, _)| *known == pattern) => return Err(guarded(&case.condition)),
                pattern => patterns.push((pattern?, &case.block)),
            }
        }
        Ok((patterns, None))
    }

    fn pattern(&self, text: &str, owner: Option<SignalId>) -> Result<BigInt, Problem> {
        let name = resolve(text, &self.loops)?;
        match self.signals.variant(&name, owner) {
            Some(Variant::Value(value)) => Ok(value),
            Some(Variant::Ambiguous) => Err(ambiguous(&name)),
            None => literal::parse(&name).map(|(value, _)| value).ok_or_else(|| {
                let reason = "the pattern is neither a number nor a variant of an enum that a signal of the block carries";
                Problem::new(format!("pattern `{name}`"), reason, "compare with a `Constant` in an `if`")
            }),
        }
    }
}

/// A case that is met twice, or before the end.
fn guarded(pattern: &str) -> Problem {
    let reason = "there are cases after it that only a guard lets be met, and rust-hdl's tree has no guards";
    Problem::new(format!("pattern `{}`", pattern.replace('$', "::")), reason, "write an `if` within the case")
}
