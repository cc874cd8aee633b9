//! The Rust driver: calls one function of a program on each input and writes the results to a private descriptor.
//!
//! It is a library that is compiled once; the program is compiled with a `main` that names the function. Lines in and out are
//! described in docs/architecture/execution.md. Values are read as the types that the function declares, through the trait `Wire`.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fs::File;
use std::hash::Hash;
use std::io::{Read, Write};
use std::os::fd::FromRawFd;
use std::panic::{catch_unwind, AssertUnwindSafe};

pub struct Reader<'a> {
    tokens: std::str::Split<'a, char>,
}

impl<'a> Reader<'a> {
    fn token(&mut self, wanted: char) -> &'a str {
        let token = self.tokens.next().unwrap_or("");
        if !token.starts_with(wanted) {
            panic!("codemill: the input has {:?} where the parameter needs '{}'", token.chars().next(), wanted);
        }
        &token[1..]
    }

    fn count(&mut self, wanted: char) -> usize {
        self.token(wanted).parse().unwrap()
    }

    fn is_null(&self) -> bool {
        self.tokens.clone().next() == Some("n")
    }
}

/// A value that can cross the boundary.
pub trait Wire: Sized {
    fn read(input: &mut Reader) -> Self;
    fn write(&self, out: &mut Vec<String>);
}

macro_rules! whole {
    ($($kind:ty)*) => { $(impl Wire for $kind {
        fn read(input: &mut Reader) -> Self {
            let text = input.token('i');
            text.parse().unwrap_or_else(|_| panic!("codemill: the integer {} does not fit {}", text, stringify!($kind)))
        }
        fn write(&self, out: &mut Vec<String>) { out.push(format!("i{}", self)) }
    })* };
}
whole!(i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize);

fn write_float(value: f64) -> String {
    if value.is_nan() {
        return "fnan".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "finf".into() } else { "f-inf".into() };
    }
    format!("f{:e}", value)
}

impl Wire for f64 {
    fn read(input: &mut Reader) -> Self {
        input.token('f').parse().unwrap()
    }
    fn write(&self, out: &mut Vec<String>) {
        out.push(write_float(*self))
    }
}

impl Wire for f32 {
    fn read(input: &mut Reader) -> Self {
        f64::read(input) as f32
    }
    fn write(&self, out: &mut Vec<String>) {
        out.push(write_float(f64::from(*self)))
    }
}

impl Wire for bool {
    fn read(input: &mut Reader) -> Self {
        input.token('b') == "1"
    }
    fn write(&self, out: &mut Vec<String>) {
        out.push(if *self { "b1".into() } else { "b0".into() })
    }
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{:02x}", byte)).collect()
}

impl Wire for String {
    fn read(input: &mut Reader) -> Self {
        let hex = input.token('s').as_bytes();
        let bytes = hex.chunks(2).map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap()).collect();
        String::from_utf8(bytes).expect("codemill: a text with lone surrogates does not fit a String")
    }
    fn write(&self, out: &mut Vec<String>) {
        out.push(format!("s{}", to_hex(self.as_bytes())))
    }
}

impl Wire for &str {
    fn read(input: &mut Reader) -> Self {
        Box::leak(String::read(input).into_boxed_str())
    }
    fn write(&self, out: &mut Vec<String>) {
        out.push(format!("s{}", to_hex(self.as_bytes())))
    }
}

impl Wire for char {
    fn read(input: &mut Reader) -> Self {
        let text = String::read(input);
        let mut letters = text.chars();
        match (letters.next(), letters.next()) {
            (Some(letter), None) => letter,
            _ => panic!("codemill: the text does not fit a char"),
        }
    }
    fn write(&self, out: &mut Vec<String>) {
        self.to_string().write(out)
    }
}

impl Wire for () {
    fn read(input: &mut Reader) -> Self {
        input.token('n');
    }
    fn write(&self, out: &mut Vec<String>) {
        out.push("n".into())
    }
}

impl<T: Wire> Wire for Option<T> {
    fn read(input: &mut Reader) -> Self {
        if input.is_null() {
            input.token('n');
            return None;
        }
        Some(T::read(input))
    }
    fn write(&self, out: &mut Vec<String>) {
        match self {
            Some(value) => value.write(out),
            None => out.push("n".into()),
        }
    }
}

impl<T: Wire> Wire for Box<T> {
    fn read(input: &mut Reader) -> Self {
        Box::new(T::read(input))
    }
    fn write(&self, out: &mut Vec<String>) {
        (**self).write(out)
    }
}

macro_rules! sequence {
    ($($kind:ident $bound:ident)*) => { $(impl<T: Wire + $bound> Wire for $kind<T> {
        fn read(input: &mut Reader) -> Self { (0..input.count('l')).map(|_| T::read(input)).collect() }
        fn write(&self, out: &mut Vec<String>) {
            out.push(format!("l{}", self.len()));
            self.iter().for_each(|item| item.write(out));
        }
    })* };
}
sequence!(Vec Sized VecDeque Sized BTreeSet Ord);

impl<T: Wire, const N: usize> Wire for [T; N] {
    fn read(input: &mut Reader) -> Self {
        let items = Vec::<T>::read(input);
        items.try_into().unwrap_or_else(|_| panic!("codemill: the list does not have {} items", N))
    }
    fn write(&self, out: &mut Vec<String>) {
        out.push(format!("l{}", N));
        self.iter().for_each(|item| item.write(out));
    }
}

macro_rules! mapping {
    ($kind:ident, $($bound:ident)*) => { impl<K: Wire $(+ $bound)*, V: Wire> Wire for $kind<K, V> {
        fn read(input: &mut Reader) -> Self {
            (0..input.count('m')).map(|_| { let key = K::read(input); (key, V::read(input)) }).collect()
        }
        fn write(&self, out: &mut Vec<String>) {
            out.push(format!("m{}", self.len()));
            self.iter().for_each(|(key, item)| { key.write(out); item.write(out) });
        }
    } };
}
mapping!(HashMap, Eq Hash);
mapping!(BTreeMap, Ord);

macro_rules! tuple {
    ($count:literal $($kind:ident $index:tt)+) => { impl<$($kind: Wire),+> Wire for ($($kind,)+) {
        fn read(input: &mut Reader) -> Self {
            assert_eq!(input.count('t'), $count, "codemill: the tuple has another length");
            ($($kind::read(input),)+)
        }
        fn write(&self, out: &mut Vec<String>) { out.push(format!("t{}", $count)); $(self.$index.write(out);)+ }
    } };
}
tuple!(1 A 0);
tuple!(2 A 0 B 1);
tuple!(3 A 0 B 1 C 2);
tuple!(4 A 0 B 1 C 2 D 3);
tuple!(5 A 0 B 1 C 2 D 3 E 4);
tuple!(6 A 0 B 1 C 2 D 3 E 4 F 5);

/// An error that is returned is an exception.
impl<T: Wire, E: std::fmt::Debug> Wire for Result<T, E> {
    fn read(_: &mut Reader) -> Self {
        panic!("codemill: a result is no parameter")
    }
    fn write(&self, out: &mut Vec<String>) {
        match self {
            Ok(value) => value.write(out),
            Err(problem) => panic!("{:?}", problem),
        }
    }
}

/// The wire text of a result.
pub fn wire<T: Wire>(value: T) -> String {
    let mut out = Vec::new();
    value.write(&mut out);
    out.join(" ")
}

/// The arguments of one case, one after the other.
pub struct Arguments<'a> {
    parts: std::str::Split<'a, char>,
}

impl Arguments<'_> {
    pub fn next<T: Wire>(&mut self) -> T {
        let mut reader = Reader { tokens: self.parts.next().expect("an argument is missing").split(' ') };
        T::read(&mut reader)
    }
}

fn describe(problem: &(dyn std::any::Any + Send)) -> String {
    let text = problem.downcast_ref::<String>().map(String::as_str).or_else(|| problem.downcast_ref::<&str>().copied());
    let text = text.unwrap_or("a panic");
    to_hex(&text.as_bytes()[..text.len().min(300)])
}

extern "C" {
    fn _exit(status: i32) -> !;
}

fn run(call: fn(&mut Arguments) -> String) {
    let mut request = String::new();
    std::io::stdin().read_to_string(&mut request).unwrap();
    let lines: Vec<&str> = request.split('\n').collect();
    let mut channel = unsafe { File::from_raw_fd(3) };
    let count: usize = lines[4].parse().unwrap();
    for index in 0..count {
        let result = catch_unwind(AssertUnwindSafe(|| call(&mut Arguments { parts: lines[5 + index].split('\t') })));
        let told = match result {
            Ok(value) => format!("returned {}", value),
            Err(problem) => format!("raised {}", describe(&*problem)),
        };
        channel.write_all(format!("{} {} {}\n", lines[0], index, told).as_bytes()).unwrap();
    }
    channel.write_all(format!("{} finished\n", lines[0]).as_bytes()).unwrap();
    let _ = std::io::stdout().flush();
    unsafe { _exit(0) }
}

/// Calls the function on each case, on a stack of its own, and ends the process.
pub fn drive(call: fn(&mut Arguments) -> String) {
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(move || run(call));
    let _ = thread.unwrap().join();
    unsafe { _exit(101) }
}
