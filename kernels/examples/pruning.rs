//! What N:M sparsity of weights saves and what it costs: storage against dense, and the L1 norm that each way of pruning keeps.
//!
//! `cargo run --release -p systole-kernels --example pruning` prints tables in Markdown. Weights are 1024×1024 seeded Gaussian numbers.
//! *Forward* and *backward* are what the two passes keep of the dense weights' norm; *shared* is what both keep. What a backward pass
//! has beyond the shared part are gradients through weights that its forward pass does not have.

use ndarray::{Array2, ArrayView2, Ix2, Zip};
use systole_hdl::Type;
use systole_kernels::common::random::{Distribution, random};
use systole_kernels::sparse::bi_mask::bi_mask;
use systole_kernels::sparse::masks::{bdwp_masks, kept_l1};
use systole_kernels::sparse::pattern::Pattern;
use systole_kernels::sparse::transposable::transposable_mask;

const SIZE: usize = 1024;
const PATTERNS: [(usize, usize); 6] = [(2, 4), (1, 4), (2, 8), (1, 8), (1, 16), (1, 32)];
const TRIALS: [usize; 3] = [0, 1_000, 20_000];

fn main() {
    storage();
    let values = random(Distribution::Gaussian, &[SIZE, SIZE], Type::s(8), 1, 0).values;
    let weights = values.into_dimensionality::<Ix2>().expect("the shape above has two dimensions");
    by_method(weights.view());
}

fn pattern((n, m): (usize, usize)) -> Pattern {
    Pattern::new(n, m).expect("the patterns above exist")
}

fn storage() {
    println!("Storage of values and indices against dense\n\n| | 4 bits | 8 bits | 16 bits |\n|---|---|---|---|");
    for pattern in PATTERNS.map(pattern) {
        println!("| {pattern} | {} |", [4, 8, 16].map(|bits| format!("{:.4}", pattern.storage_ratio(bits))).join(" | "));
    }
}

fn by_method(weights: ArrayView2<f64>) {
    println!("\nL1 norm kept of Gaussian weights, in percent\n\n| | forward | backward | shared |\n|---|---|---|---|");
    let row = |name: String, forward: &Array2<bool>, backward: &Array2<bool>| {
        let shared = Zip::from(forward).and(backward).map_collect(|&forward, &backward| forward && backward);
        let kept = [forward, backward, &shared].map(|mask| format!("{:.2}", 100.0 * kept_l1(weights, mask.view())));
        println!("| {name} | {} |", kept.join(" | "));
    };
    let transposable = transposable_mask(weights);
    row("2:4 transposable".to_string(), &transposable, &transposable);
    for pattern in PATTERNS.map(pattern) {
        let bdwp = bdwp_masks(weights, pattern);
        row(format!("{pattern} BDWP"), &bdwp.forward, &bdwp.backward);
        for trials in TRIALS {
            let masks = bi_mask(weights, pattern, trials, 1);
            row(format!("{pattern} Bi-Mask, {trials} trials"), &masks.forward, &masks.both);
        }
    }
}
