//! Binary-like content: programs with their code, tables and strings, and data that no longer compresses.

use crate::random::Random;
use crate::text::Words;

/// How many different instructions (with their fixed operands) programs are made of.
const INSTRUCTIONS: usize = 4096;
/// Length of one section of a program: code, table, strings, data take turns.
const SECTION_BYTES: usize = 24 << 10;

/// How many routines occur in many programs, as what every compiler and library brings along does.
const ROUTINES: usize = 4096;

/// What all programs share.
pub(crate) struct Instructions {
    single: Vec<Vec<u8>>,
    routines: Vec<Vec<u8>>,
}

impl Instructions {
    pub(crate) fn new() -> Instructions {
        let mut random = Random::new(23);
        let one = |_| {
            let length = 1 + random.index(4);
            // Operation codes and registers are few, so their bytes are.
            (0..length)
                .map(|place| if place == 0 { 0x40 + random.zipf(64) as u8 } else { random.zipf(256) as u8 })
                .collect()
        };
        let mut shared =
            Instructions { single: (0..INSTRUCTIONS).map(one).collect(), routines: Vec::with_capacity(ROUTINES) };
        for number in 0..ROUTINES as u64 {
            let (mut random, mut routine) = (Random::new(number << 8), Vec::new());
            let length = 60 + random.index(500);
            machine_code(&shared, &mut random, &mut routine, length);
            shared.routines.push(routine);
        }
        shared
    }
}

/// A program: sections of code, tables, strings and read-only data.
pub(crate) fn program(
    words: &Words,
    instructions: &Instructions,
    random: &mut Random,
    out: &mut Vec<u8>,
    length: usize,
) {
    let start = out.len();
    out.extend_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01\0\0\0");
    while out.len() - start < length {
        let section = SECTION_BYTES.min(length);
        match random.below(10) {
            0..=4 => machine_code(instructions, random, out, section),
            5 | 6 => table(random, out, section),
            7 => strings(words, random, out, section),
            8 => read_only_data(random, out, section),
            _ => out.resize(out.len() + section / 3, 0),
        }
    }
    out.truncate(start + length);
}

fn machine_code(instructions: &Instructions, random: &mut Random, out: &mut Vec<u8>, length: usize) {
    let end = out.len() + length;
    let callees: Vec<u32> = (0..64).map(|_| random.below(1 << 22) as u32).collect();
    while out.len() < end {
        if !instructions.routines.is_empty() && random.percent(1) {
            out.extend_from_slice(&instructions.routines[random.index(instructions.routines.len())]);
        }
        out.extend_from_slice(&instructions.single[random.zipf(INSTRUCTIONS)]);
        match random.below(10) {
            0 => {
                // A call: relative, so the same callee looks different from each place.
                out.push(0xE8);
                let target = callees[random.zipf(callees.len())].wrapping_sub(out.len() as u32);
                out.extend_from_slice(&target.to_le_bytes());
            }
            1 | 2 => out.extend_from_slice(&[0x48, 0x8B, 0x44, 0x24, 8 * random.zipf(32) as u8]),
            3 => out.extend_from_slice(&(random.zipf(4096) as u32).to_le_bytes()),
            4 => out.push(random.below(256) as u8),
            _ => {}
        }
    }
}

/// Records as in symbol and relocation tables: one field that grows, others that hardly vary.
fn table(random: &mut Random, out: &mut Vec<u8>, length: usize) {
    let end = out.len() + length;
    let mut offset = random.below(1 << 24);
    while out.len() < end {
        offset += 8 + 8 * random.zipf(64) as u64;
        out.extend_from_slice(&offset.to_le_bytes());
        out.extend_from_slice(&[8, 0, 0, 0, random.zipf(256) as u8, random.zipf(16) as u8, 0, 0]);
        out.extend_from_slice(&(random.zipf(1 << 18) as u64 * 4).to_le_bytes());
    }
}

fn strings(words: &Words, random: &mut Random, out: &mut Vec<u8>, length: usize) {
    let end = out.len() + length;
    while out.len() < end {
        out.extend_from_slice(b"_ZN");
        for _ in 0..1 + random.below(4) {
            let word = words.pick(random);
            out.extend_from_slice(format!("{}{word}", word.len()).as_bytes());
        }
        out.extend_from_slice(if random.percent(50) { b"Ev\0" } else { b"ERKS_\0" });
    }
}

fn read_only_data(random: &mut Random, out: &mut Vec<u8>, length: usize) {
    let end = out.len() + length;
    while out.len() < end {
        let value = random.next() >> (8 * random.below(8));
        out.extend_from_slice(&value.to_le_bytes());
    }
}

/// What a compiled catalogue looks like: an index of offsets, then the strings.
pub(crate) fn catalogue(words: &Words, random: &mut Random, out: &mut Vec<u8>, length: usize) {
    let start = out.len();
    table(random, out, length / 4);
    strings(words, random, out, length);
    out.truncate(start + length);
}

/// What is compressed already.
pub(crate) fn compressed(random: &mut Random, out: &mut Vec<u8>, length: usize) {
    let start = out.len();
    while out.len() - start < length {
        out.extend_from_slice(&random.next().to_le_bytes());
    }
    out.truncate(start + length);
}
