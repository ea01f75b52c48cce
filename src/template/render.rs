//! Findings as people read them: file, line, column, the line itself, a caret, and what to do.
//!
//! Rendered by `annotate-snippets`, the renderer of cargo and rustc: the same picture as `miette` draws, with a third of
//! the dependencies and no error type of its own to derive.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::files::{File, Files};
use super::finding::{Finding, Severity};
use super::span::Span;

/// For a terminal, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Text only.
    Plain,
    /// With colours.
    Color,
}

/// All findings, one after another with an empty line between them.
pub fn render(findings: &[Finding], files: &Files, style: Style) -> String {
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Color => Renderer::styled(),
    };
    let one = |finding: &Finding| match finding.span {
        Some(_) => renderer.render(&groups(finding, files)),
        None => without_place(finding, style),
    };
    let mut text = findings.iter().map(one).collect::<Vec<_>>().join("\n\n");
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// A finding that has no line to show: as kiln says everything else.
fn without_place(finding: &Finding, style: Style) -> String {
    let (word, color) = match finding.severity() {
        Severity::Error => ("error:", "31;1"),
        Severity::Warning => ("warning:", "33;1"),
    };
    let paint = |color: &str, word: &str| match style {
        Style::Plain => word.to_owned(),
        Style::Color => format!("\x1b[{color}m{word}\x1b[0m"),
    };
    let mut text = format!("{} {}", paint(color, word), one_line(&finding.kind.to_string()));
    if let Some(hint) = finding.kind.hint() {
        text.push_str(&format!("\n  {} {}", paint("36", "help:"), one_line(&hint)));
    }
    text
}

fn groups<'a>(finding: &Finding, files: &'a Files) -> Vec<Group<'a>> {
    let level = match finding.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(one_line(&finding.kind.to_string()));
    let mut group = Group::with_title(title);
    if let Some((span, file)) = finding.span.and_then(|span| Some((span, files.get(span.file)?))) {
        let caret = AnnotationKind::Primary.span(inside(file, span)).label(finding.kind.label().map(|l| one_line(&l)));
        let mut snippet = source(file).annotation(caret);
        match finding.related.and_then(|(other, what)| Some((other, what, files.get(other.file)?))) {
            Some((other, what, other_file)) if other.file == span.file => {
                snippet = snippet.annotation(AnnotationKind::Context.span(inside(other_file, other)).label(what));
                group = group.element(snippet);
            }
            Some((other, what, other_file)) => {
                let there = AnnotationKind::Context.span(inside(other_file, other)).label(what);
                group = group.element(snippet).element(source(other_file).annotation(there));
            }
            None => group = group.element(snippet),
        }
    }
    if let Some(hint) = finding.kind.hint() {
        let mut lines = hint.lines();
        group = group.element(Level::HELP.message(one_line(lines.next().unwrap_or_default())));
        for line in lines {
            group = group.element(Level::NOTE.no_name().message(one_line(line)));
        }
    }
    vec![group]
}

fn source<'a>(file: &'a File) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    Snippet::source(file.text.as_str()).path(file.name.as_str())
}

/// The span, moved to where characters begin and end, and off a line break that it only consists of.
fn inside(file: &File, span: Span) -> std::ops::Range<usize> {
    let text = &file.text;
    let start = text.floor_char_boundary(span.start.min(text.len()));
    let end = text.ceil_char_boundary(span.end.clamp(start, text.len()));
    start..end
}

/// Tokens of the user may hold anything; a message stays on its line.
fn one_line(text: &str) -> String {
    /// Longer tokens are cut: the caret shows the rest.
    const MESSAGE_MAX_CHARS: usize = 500;
    let visible = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut line: String = text.chars().take(MESSAGE_MAX_CHARS).map(visible).collect();
    if line.len() < text.len() && text.chars().nth(MESSAGE_MAX_CHARS).is_some() {
        line.push_str("...");
    }
    line
}
