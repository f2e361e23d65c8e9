//! One line of the text form as a row of tokens, and the small phrases that lines are made of.

use std::fmt::{self, Display, Formatter};

use num_bigint::BigUint;
use winnow::ascii::{digit1, hex_digit1};
use winnow::combinator::{alt, delimited, preceded, repeat};
use winnow::token::{any, none_of, one_of, take_while};
use winnow::{ModalResult, Parser};

use crate::design::{CellId, SourceLocation};
use crate::types::Type;
use crate::value::Value;

/// What a line cannot be read as, and where.
pub(super) struct Fault {
    /// Column in characters, from 1.
    pub(super) column: u32,
    pub(super) message: String,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Token<'s> {
    Word(&'s str),
    Number(&'s str),
    /// Digits after `0x`.
    Hex(&'s str),
    /// Digits after `%`.
    Cell(&'s str),
    /// What stands between the quotes, escapes included.
    Text(&'s str),
    Symbol(char),
    End,
    UnclosedText,
    Stray(char),
}

/// A line, and how far it has been read.
pub(super) struct Line<'s> {
    text: &'s str,
    token: Token<'s>,
    /// Byte offset of `token`.
    start: usize,
    /// Byte offset behind `token`.
    end: usize,
}

impl<'s> Line<'s> {
    pub(super) fn new(text: &'s str) -> Line<'s> {
        let mut line = Line { text, token: Token::End, start: 0, end: 0 };
        line.advance();
        line
    }

    /// Column of the next token in characters, from 1.
    pub(super) fn column(&self) -> u32 {
        self.column_of(self.start)
    }

    /// Byte offset of the next token, for [`Line::fault_at`].
    pub(super) fn position(&self) -> usize {
        self.start
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.token == Token::End
    }

    pub(super) fn is_at_cell(&self) -> bool {
        matches!(self.token, Token::Cell(_))
    }

    pub(super) fn is_at_word(&self, word: &str) -> bool {
        self.token == Token::Word(word)
    }

    pub(super) fn is_at_symbol(&self, symbol: char) -> bool {
        self.token == Token::Symbol(symbol)
    }

    /// Whether the next token is this symbol, which is then read.
    pub(super) fn accept_symbol(&mut self, symbol: char) -> bool {
        self.accept(Token::Symbol(symbol))
    }

    /// Whether the next token is this word, which is then read.
    pub(super) fn accept_word(&mut self, word: &str) -> bool {
        self.accept(Token::Word(word))
    }

    /// The next token, a word out of `meaning`'s choice; `what` describes the choice.
    pub(super) fn choice<T>(&mut self, what: &str, meaning: impl FnOnce(&str) -> Option<T>) -> Result<T, Fault> {
        let chosen = match self.token {
            Token::Word(word) => meaning(word),
            _ => None,
        };
        let chosen = chosen.ok_or_else(|| self.expected(what))?;
        self.advance();
        Ok(chosen)
    }

    pub(super) fn symbol(&mut self, symbol: char) -> Result<(), Fault> {
        if self.accept_symbol(symbol) { Ok(()) } else { Err(self.expected(format_args!("`{symbol}`"))) }
    }

    pub(super) fn word(&mut self, word: &str) -> Result<(), Fault> {
        if self.accept_word(word) { Ok(()) } else { Err(self.expected(format_args!("`{word}`"))) }
    }

    /// A word followed by an operand.
    pub(super) fn operand_after(&mut self, word: &str) -> Result<CellId, Fault> {
        self.word(word)?;
        self.cell()
    }

    pub(super) fn cell(&mut self) -> Result<CellId, Fault> {
        let Token::Cell(digits) = self.token else { return Err(self.expected("a signal such as `%0`")) };
        self.small(digits).map(CellId)
    }

    /// Signals, as many as follow.
    pub(super) fn cells(&mut self) -> Result<Vec<CellId>, Fault> {
        let mut cells = Vec::new();
        while self.is_at_cell() {
            cells.push(self.cell()?);
        }
        Ok(cells)
    }

    pub(super) fn number(&mut self, what: &str) -> Result<u32, Fault> {
        let Token::Number(digits) = self.token else { return Err(self.expected(what)) };
        self.small(digits)
    }

    /// Text between quotes; `what` says what it stands for.
    pub(super) fn quoted(&mut self, what: &str) -> Result<String, Fault> {
        let Token::Text(raw) = self.token else { return Err(self.expected(format_args!("{what} in quotes"))) };
        let text = unescape(raw).map_err(|offset| {
            let message = r#"unknown escape: only \" \\ \n \t and \u{hexadecimal} are possible"#;
            self.fault_at(self.start + 1 + offset, message.to_string())
        })?;
        self.advance();
        Ok(text)
    }

    /// Texts between quotes, as many as follow.
    pub(super) fn all_quoted(&mut self, what: &str) -> Result<Vec<String>, Fault> {
        let mut texts = Vec::new();
        while matches!(self.token, Token::Text(_)) {
            texts.push(self.quoted(what)?);
        }
        Ok(texts)
    }

    pub(super) fn ty(&mut self) -> Result<Type, Fault> {
        let Token::Word(word) = self.token else { return Err(self.expected("a type such as `u8`")) };
        let ty = word.parse::<Type>().map_err(|error| self.fault(error.to_string()))?;
        self.advance();
        Ok(ty)
    }

    /// A pattern that fits the width of `ty`.
    pub(super) fn value(&mut self, ty: Type) -> Result<Value, Fault> {
        let Token::Hex(digits) = self.token else { return Err(self.expected("a pattern such as `0x1f`")) };
        // The width is compared before anything is allocated: the digits may go on for megabytes.
        let digits = digits.trim_start_matches('0');
        let top_bits = digits.chars().next().and_then(|c| c.to_digit(16)).map_or(0, |digit| 32 - digit.leading_zeros());
        let needed = digits.len().saturating_sub(1) as u64 * 4 + u64::from(top_bits);
        if needed > u64::from(ty.width()) {
            return Err(self.fault(format!("{} needs {needed} bits, but {ty} has {}", self.found(), ty.width())));
        }
        self.advance();
        let number = BigUint::parse_bytes(digits.as_bytes(), 16).unwrap_or_default();
        Ok(Value::from_limbs(ty.width(), number.iter_u64_digits()))
    }

    /// `@file:line:column`, or nothing.
    pub(super) fn location(&mut self) -> Result<Option<SourceLocation>, Fault> {
        if !self.accept_symbol('@') {
            return Ok(None);
        }
        let file = self.number("the number of a file")?;
        self.symbol(':')?;
        let line = self.number("a line number")?;
        self.symbol(':')?;
        let column = self.number("a column number")?;
        Ok(Some(SourceLocation { file, line, column }))
    }

    /// Nothing more; `what` else could have followed.
    pub(super) fn end(&self, what: &str) -> Result<(), Fault> {
        if self.is_at_end() { Ok(()) } else { Err(self.expected(what)) }
    }

    pub(super) fn expected(&self, what: impl Display) -> Fault {
        self.fault(format!("expected {what}, found {}", self.found()))
    }

    /// A fault at the next token.
    pub(super) fn fault(&self, message: String) -> Fault {
        self.fault_at(self.start, message)
    }

    pub(super) fn fault_at(&self, position: usize, message: String) -> Fault {
        Fault { column: self.column_of(position), message }
    }

    fn accept(&mut self, token: Token) -> bool {
        let accepted = self.token == token;
        if accepted {
            self.advance();
        }
        accepted
    }

    fn small(&mut self, digits: &str) -> Result<u32, Fault> {
        let number = digits.parse().map_err(|_| self.fault(format!("{} is beyond {}", self.found(), u32::MAX)))?;
        self.advance();
        Ok(number)
    }

    fn found(&self) -> Found<'s> {
        Found { token: self.token, text: &self.text[self.start..self.end] }
    }

    fn advance(&mut self) {
        let rest = self.text[self.end..].trim_start_matches([' ', '\t', '\r']);
        self.start = self.text.len() - rest.len();
        let mut behind = rest;
        self.token = match rest.chars().next() {
            None | Some('#') => Token::End,
            Some(first) => token.parse_next(&mut behind).unwrap_or_else(|_| {
                behind = if first == '"' { "" } else { &rest[first.len_utf8()..] };
                if first == '"' { Token::UnclosedText } else { Token::Stray(first) }
            }),
        };
        self.end = self.text.len() - behind.len();
    }

    fn column_of(&self, offset: usize) -> u32 {
        u32::try_from(self.text[..offset].chars().count() + 1).unwrap_or(u32::MAX)
    }
}

fn token<'s>(input: &mut &'s str) -> ModalResult<Token<'s>> {
    let word = (one_of(|c: char| c.is_ascii_alphabetic() || c == '_'), take_while(0.., is_word_character)).take();
    let character = alt((none_of(['"', '\\']), preceded('\\', any)));
    let text = delimited('"', repeat::<_, _, (), _, _>(0.., character).take(), '"');
    alt((
        preceded('%', digit1).map(Token::Cell),
        word.map(Token::Word),
        text.map(Token::Text),
        preceded("0x", hex_digit1).map(Token::Hex),
        digit1.map(Token::Number),
        one_of([':', '=', '{', '}', '@']).map(Token::Symbol),
    ))
    .parse_next(input)
}

/// The point is for types such as `q8.8`.
fn is_word_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '.'
}

/// The text that `raw` stands for, or the byte offset of an escape that stands for nothing.
fn unescape(raw: &str) -> Result<String, usize> {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        let offset = raw.len() - rest.len() + at;
        text.push_str(&rest[..at]);
        let escape = &rest[at + 1..];
        let (c, length) = match escape.chars().next() {
            Some(c @ ('"' | '\\')) => (c, 1),
            Some('n') => ('\n', 1),
            Some('t') => ('\t', 1),
            Some('u') => {
                let (digits, _) = escape.strip_prefix("u{").and_then(|escape| escape.split_once('}')).ok_or(offset)?;
                let code = u32::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'));
                (code.and_then(char::from_u32).ok_or(offset)?, digits.len() + 3)
            }
            _ => return Err(offset),
        };
        text.push(c);
        rest = &escape[length..];
    }
    text.push_str(rest);
    Ok(text)
}

/// A token as messages show it: with its beginning only, if it is long.
struct Found<'s> {
    token: Token<'s>,
    text: &'s str,
}

impl Display for Found<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.token {
            Token::End => write!(f, "the end of the line"),
            Token::UnclosedText => write!(f, "text without a closing quote"),
            Token::Stray(c) => write!(f, "the character {c:?}"),
            _ => match self.text.char_indices().nth(32) {
                Some((cut, _)) => write!(f, "`{}…`", &self.text[..cut]),
                None => write!(f, "`{}`", self.text),
            },
        }
    }
}
