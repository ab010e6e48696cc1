//! A target of cargo-fuzz: scripts of commands, through the core and the naive model of it. The first eight bytes choose
//! where a script starts, and each eight that follow an operation, so that what a fuzzer changes, moves or repeats is
//! one of them.

#![no_main]
#![expect(dead_code, unused_imports, reason = "the suites use more of these modules")]

mod model;
mod script;
mod support;

use libfuzzer_sys::fuzz_target;
use proptest::prelude::{BoxedStrategy, ProptestConfig, Strategy as _};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use script::generating::{operations, setups};

/// The model scans all that has happened, so that what a script takes grows with the square of its length.
const MOST_OPERATIONS: usize = 60;

fuzz_target!(|bytes: &[u8]| {
    let (chunks, _) = bytes.as_chunks::<8>();
    let Some((first, rest)) = chunks.split_first() else { return };
    let (setups, operations) = (setups().boxed(), operations().boxed());
    let script: Vec<_> = rest.iter().take(MOST_OPERATIONS).map(|bytes| chosen_by(*bytes, &operations)).collect();
    if let Err(difference) = model::run(&chosen_by(*first, &setups), &script) {
        panic!("{difference}");
    }
});

fn chosen_by<T: std::fmt::Debug>(bytes: [u8; 8], strategy: &BoxedStrategy<T>) -> T {
    let mut seed = [1; 16];
    seed[..8].copy_from_slice(&bytes);
    let rng = TestRng::from_seed(RngAlgorithm::XorShift, &seed);
    let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), rng);
    strategy.new_tree(&mut runner).expect("nothing is filtered out").current()
}
