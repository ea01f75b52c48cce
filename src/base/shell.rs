//! Words of a command for people.

use std::borrow::Cow;

/// The words in one line, quoted as a shell needs them where that is not clear (POSIX, Shell Command Language, 2.2).
pub fn quoted<S: AsRef<str>>(words: &[S]) -> String {
    let quoter = shlex::Quoter::new().allow_nul(true);
    let words = words.iter().map(AsRef::as_ref);
    // Only a NUL, which is allowed here, has no quotes.
    let words = words.map(|word| quoter.quote(word).unwrap_or(Cow::Borrowed(word)));
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_blanks_are_seen_to_be_one() {
        assert_eq!(quoted(&["make", "-j4", "all"]), "make -j4 all");
        assert_eq!(quoted(&["sh", "a b", "c", "", "it's"]), "sh 'a b' c '' \"it's\"");
        assert_eq!(quoted(&["a\0b c"]), "'a\0b c'");
    }
}
