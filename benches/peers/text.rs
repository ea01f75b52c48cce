//! Text-like content: prose, source code, JSON, HTML, with the redundancy that such files have.

use crate::random::Random;

/// How many words there are.
const VOCABULARY: usize = 16384;
/// How many names one source file uses.
const LOCAL_NAMES: usize = 48;

/// How many passages occur in many files, as licences and copied helpers do.
const PASSAGES: usize = 1024;

/// What all text is made of.
pub(crate) struct Words {
    single: Vec<String>,
    passages: Vec<Vec<u8>>,
}

impl Words {
    pub(crate) fn new() -> Words {
        const ONSETS: [&str; 24] = [
            "b", "c", "d", "f", "g", "h", "l", "m", "n", "p", "r", "s", "t", "v", "st", "tr", "pr", "ch", "sh", "th",
            "con", "de", "re", "in",
        ];
        const RIMES: [&str; 20] = [
            "a", "e", "i", "o", "u", "at", "er", "in", "on", "al", "ing", "ed", "ion", "ent", "ess", "or", "ar", "is",
            "um", "y",
        ];
        let mut random = Random::new(17);
        let words = (0..VOCABULARY).map(|rank| {
            // Frequent words are short.
            let syllables = 1 + u64::from((rank + 2).ilog2()) / 5 + random.below(2);
            (0..syllables).fold(String::new(), |word, _| {
                word + ONSETS[random.index(ONSETS.len())] + RIMES[random.index(RIMES.len())]
            })
        });
        let mut shared = Words { single: words.collect(), passages: Vec::with_capacity(PASSAGES) };
        for number in 0..PASSAGES as u64 {
            let (mut random, mut passage) = (Random::new(number << 8), Vec::new());
            let length = 200 + random.index(1500);
            match number % 2 {
                0 => prose(&shared, &mut random, &mut passage, length),
                _ => code(&shared, &mut random, &mut passage, length),
            }
            shared.passages.push(passage);
        }
        shared
    }

    /// Now and then, a passage that stands in other files too.
    fn passage(&self, random: &mut Random, out: &mut Vec<u8>) {
        if !self.passages.is_empty() && random.percent(2) {
            out.extend_from_slice(&self.passages[random.index(self.passages.len())]);
        }
    }

    pub(crate) fn pick(&self, random: &mut Random) -> &str {
        &self.single[random.zipf(self.single.len())]
    }

    fn sentence(&self, random: &mut Random, out: &mut Vec<u8>) {
        for place in 0..5 + random.below(14) {
            if place > 0 {
                out.extend_from_slice(if random.percent(8) { b", " } else { b" " });
            }
            out.extend_from_slice(self.pick(random).as_bytes());
        }
    }
}

/// Sentences in lines and paragraphs, a part of them said before.
pub(crate) fn prose(words: &Words, random: &mut Random, out: &mut Vec<u8>, length: usize) {
    let start = out.len();
    while out.len() - start < length {
        words.passage(random, out);
        if random.percent(8) {
            repeat_earlier(random, out, start);
        } else {
            words.sentence(random, out);
        }
        out.extend_from_slice(if random.percent(15) { b".\n\n" } else { b".\n" });
    }
    out.truncate(start + length);
}

/// Lines of a block-structured language over a few names of its own.
pub(crate) fn code(words: &Words, random: &mut Random, out: &mut Vec<u8>, length: usize) {
    let names: Vec<String> = (0..LOCAL_NAMES)
        .map(|_| match random.below(3) {
            0 => words.pick(random).to_owned(),
            1 => format!("{}_{}", words.pick(random), words.pick(random)),
            _ => format!("{}_{}_{}", words.pick(random), words.pick(random), words.pick(random)),
        })
        .collect();
    let start = out.len();
    let mut depth = 0_u64;
    while out.len() - start < length {
        words.passage(random, out);
        if random.percent(14) {
            repeat_earlier(random, out, start);
            out.push(b'\n');
            continue;
        }
        out.extend(std::iter::repeat_n(b' ', depth as usize * 4));
        let mut name = || names[random.zipf(LOCAL_NAMES)].as_str();
        let (a, b, c) = (name(), name(), name());
        let number = random.zipf(1024);
        let line = match random.below(12) {
            0 => format!("def {a}(self, {b}, {c}=None):"),
            1 => format!("if {a} is not None and {b}.{c} > {number}:"),
            2 => format!("for {a} in range({number}, len({b})):"),
            3 => format!("return {a}.{b}({c})"),
            4 | 5 => format!("{a} = self.{b}[{c} + {number}]"),
            6 => format!("self.{a} = {b}({c}, {number})"),
            7 => format!("raise ValueError(\"{a} must be one of %s, not %r\" % ({b}, {c}))"),
            8 => format!("assert {a}.{b} == {number}, {c}"),
            9 => format!("{a}.append(({b}, \"{c}\", 0x{:x}))", random.below(65536)),
            10 => String::new(),
            _ => {
                out.extend_from_slice(b"# ");
                words.sentence(random, out);
                String::new()
            }
        };
        depth = if line.ends_with(':') { (depth + 1).min(5) } else { depth.saturating_sub(random.below(5) / 3) };
        out.extend_from_slice(line.as_bytes());
        out.push(b'\n');
    }
    out.truncate(start + length);
}

/// A list of records with the same keys.
pub(crate) fn json(words: &Words, random: &mut Random, out: &mut Vec<u8>, length: usize) {
    let keys: Vec<&str> = (0..6).map(|_| words.pick(random)).collect();
    let start = out.len();
    out.extend_from_slice(b"[\n");
    while out.len() - start < length {
        out.extend_from_slice(b"  {\n");
        for (place, key) in keys.iter().enumerate() {
            let value = match place {
                0 => format!("{}", random.below(1 << 32)),
                1 => format!("\"{:016x}\"", random.next()),
                2 => format!("{}", random.percent(50)),
                3 => format!("\"{}-{}\"", words.pick(random), words.pick(random)),
                4 => format!("[{}, {}.{:03}]", random.below(100), random.below(10), random.below(1000)),
                _ => format!("\"{} {} {}\"", words.pick(random), words.pick(random), words.pick(random)),
            };
            out.extend_from_slice(format!("    \"{key}\": {value},\n").as_bytes());
        }
        out.extend_from_slice(b"  },\n");
    }
    out.truncate(start + length);
}

/// Nested elements with attributes and prose between them.
pub(crate) fn html(words: &Words, random: &mut Random, out: &mut Vec<u8>, length: usize) {
    const ELEMENTS: [&str; 8] = ["p", "div", "li", "td", "span", "code", "h2", "dd"];
    let start = out.len();
    out.extend_from_slice(b"<!DOCTYPE html>\n<html lang=\"en\">\n");
    while out.len() - start < length {
        words.passage(random, out);
        let element = ELEMENTS[random.zipf(ELEMENTS.len())];
        let (class, anchor) = (words.pick(random), words.pick(random));
        out.extend_from_slice(format!("<{element} class=\"{class} docutils\" id=\"{anchor}\">").as_bytes());
        words.sentence(random, out);
        out.extend_from_slice(
            format!(" <a href=\"../{class}/{anchor}.html#{}\">{anchor}</a></{element}>\n", words.pick(random))
                .as_bytes(),
        );
    }
    out.truncate(start + length);
}

/// Says once more what stands some way back, as copied lines do.
fn repeat_earlier(random: &mut Random, out: &mut Vec<u8>, start: usize) {
    let reach = (out.len() - start).min(20_000);
    if reach < 200 {
        return;
    }
    let from = out.len() - reach + random.index(reach - 150);
    let to = from + 20 + random.index(110);
    out.extend_from_within(from..to);
}
