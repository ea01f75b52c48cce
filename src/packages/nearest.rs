//! Names that look like one that does not exist.

/// Below this two names have nothing to do with each other.
const SCORE_MIN: f64 = 0.85;
/// More are not read.
const MOST: usize = 3;

/// The names that look most like `name`, best first.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut scored: Vec<(f64, &str)> = known
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(score, _)| *score >= SCORE_MIN)
        .collect();
    scored.sort_by(|left, right| right.0.total_cmp(&left.0).then_with(|| left.1.cmp(right.1)));
    scored.into_iter().take(MOST).map(|(_, known)| known.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_come_first() {
        let known = ["nginx", "nginx-light", "nano", "nginx-lua", "zsh"];
        assert_eq!(nearest("nginx-ligth", known.into_iter()), ["nginx-light", "nginx", "nginx-lua"]);
        assert!(nearest("qqq", known.into_iter()).is_empty());
    }
}
