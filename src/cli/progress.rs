//! What is going on, on stderr: a bar on a terminal, lines elsewhere.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};

use crate::base::Platform;
use crate::pipeline::Event;
use crate::sandbox::Trouble;
use crate::transport::News;

use super::report::{Loudness, Report};
use super::size;

/// How far something of a known length is.
const BYTES: &str = "{msg} [{bar:20}] {bytes}/{total_bytes} {eta}";

/// Shows events.
pub struct Progress {
    bar: ProgressBar,
    report: Report,
    shows_platform: bool,
    below: Mutex<Below>,
}

/// What a download stands in front of.
#[derive(Debug, Default)]
struct Below {
    /// What goes on meanwhile, as it was shown before.
    stage: String,
    /// The steps that run: the layer, and what is shown of it.
    steps: Vec<(String, String)>,
    /// How many paths of a layer were taken out or rewritten.
    residue: BTreeMap<String, usize>,
    /// Downloads that have begun and not ended: several share the bar.
    downloads: usize,
}

/// Whether layers are named with their platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platforms {
    /// There is one.
    One,
    /// There are several.
    Several,
}

impl Progress {
    /// A bar that shows nothing yet. `live`: stderr is a terminal.
    pub fn new(report: Report, live: bool) -> Self {
        let shown = live && report.loudness > Loudness::Quiet;
        let target = if shown { ProgressDrawTarget::stderr_with_hz(10) } else { ProgressDrawTarget::hidden() };
        // What fails speaks on a line of its own.
        let bar = ProgressBar::with_draw_target(None, target).with_finish(ProgressFinish::AndClear);
        Self { bar, report, shows_platform: false, below: Mutex::default() }
    }

    /// Names layers with their platform if there are several.
    pub fn platforms(mut self, platforms: Platforms) -> Self {
        self.shows_platform = platforms == Platforms::Several;
        self
    }

    /// Shows that something goes on whose length is not known.
    pub fn stage(&self, what: &str) {
        what.clone_into(&mut self.below().stage);
        self.restart("{spinner} {msg}", what.to_owned());
    }

    /// Shows what is going on in layers now that one of them goes on, or has ended.
    fn steps(&self, layer: &str, now: Option<String>) {
        let shown = {
            let steps = &mut self.below().steps;
            steps.retain(|(other, _)| other != layer);
            steps.extend(now.map(|now| (layer.to_owned(), now)));
            match steps.as_slice() {
                [] => return,
                [(_, only)] => only.clone(),
                [.., (_, last)] => format!("{last} and {} more", steps.len() - 1),
            }
        };
        self.stage(&shown);
    }

    fn below(&self) -> std::sync::MutexGuard<'_, Below> {
        self.below.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn restart(&self, template: &str, message: String) {
        if self.bar.is_hidden() {
            return;
        }
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        self.bar.set_style(style.progress_chars("=> "));
        self.bar.reset();
        self.bar.set_message(message);
        self.bar.enable_steady_tick(Duration::from_millis(200));
    }

    /// Shows one event.
    pub fn show(&self, event: Event<'_>) {
        match event {
            Event::Resolving { request } => self.stage(&format!("looking up {request}")),
            Event::Scanned { source, files, read } => {
                self.detail(&format!("source {source}: {files} files, {read} read"));
            }
            Event::RunBegins { run, of } => {
                self.end();
                self.note(&format!("run {run} of {of}"));
            }
            Event::Shared { mode } => {
                let shared = mode.shares().join(", ");
                let message = format!("`{mode}` does not isolate steps from this machine: they share {shared}");
                self.bar.suspend(|| self.report.warn(&message, None));
            }
            Event::FewerIds { mode, better, trouble } => {
                let Trouble { reason, mend } = trouble;
                self.note(&format!(
                    "note: steps run as `{mode}`, where all files are root's: `{better}` does not work: {reason} ({mend})"
                ));
            }
            Event::CacheBusy { layer, cache } => {
                self.note(&format!("layer {layer}: waits for another build, which works with the cache `{cache}`"));
            }
            Event::StepBegins { layer, step, command } => {
                let first = command.lines().next().unwrap_or_default();
                self.note(&format!("layer {layer}, step {step}: {}", short_line(first)));
                self.steps(layer, Some(short(&format!("layer {layer}, step {step}"))));
            }
            Event::StepsEnd { layer } => {
                let count = self.below().residue.remove(layer);
                if let Some(count) = count.filter(|_| self.report.loudness < Loudness::Verbose) {
                    let paths = size::count(count, "path");
                    self.note(&format!("layer {layer}: {paths} taken out or rewritten, `-v` lists them"));
                }
                self.steps(layer, None);
            }
            Event::ShellBegins { layer, step } => {
                self.end();
                self.note(&format!("layer {layer}, step {step} failed; a shell where it stopped (`exit` goes on):"));
            }
            Event::FetchBegins { source, command } => {
                let first = command.lines().next().unwrap_or_default();
                self.note(&format!("source {source}, with network: {}", short_line(first)));
                self.stage(&short(&format!("source {source}")));
            }
            Event::StepPrints { layer, line } => self.note(&format!("{layer} | {line}")),
            Event::Residue { layer, removed } => {
                *self.below().residue.entry(layer.to_owned()).or_default() += 1;
                self.detail(&format!("layer {layer}: {} {} ({})", removed.path, removed.how, removed.rule));
            }
            Event::SecretInCache { layer, path, id } => {
                let message = format!("layer `{layer}`: `{path}` in a cache holds the secret `{id}`, and stays there");
                let hint = "let the step remove it, or keep it outside the cache".to_owned();
                self.bar.suspend(|| self.report.warn(&message, Some(hint)));
            }
            Event::PrivateKey { from, path, kind } => {
                self.note(&format!("note: {from}: `{path}` holds a whole private key ({kind})"));
            }
            Event::LayerBegins { platform, name, bytes } => {
                let layer = short(&format!("layer {}", self.layer(platform, name)));
                self.bar.set_length(bytes);
                self.restart(BYTES, layer);
            }
            Event::LayerBytes(bytes) => self.bar.inc(bytes),
            Event::LayerEnds { platform, name, cached, bytes } => {
                let layer = self.layer(platform, name);
                if cached {
                    self.detail(&format!("layer {layer}: cached, {}", size::show(bytes)));
                } else {
                    self.note(&format!("layer {layer}: built, {}", size::show(bytes)));
                }
            }
        }
    }

    /// Shows how far downloads and uploads are, and says what is tried again.
    pub fn news(&self, news: &News) {
        match news {
            News::Retry(notice) => self.note(&notice.to_string()),
            News::Said(text) => self.note(text),
            News::Begins { host, bytes } => self.bytes_begin(&format!("fetching from {host}"), *bytes),
            News::Sends { host, bytes } => self.bytes_begin(&format!("sending to {host}"), Some(*bytes)),
            News::Bytes(bytes) => self.bar.inc(*bytes),
            // They come once more, and the bar does not run backwards.
            News::Lost(bytes) => self.bar.inc_length(*bytes),
            News::Ends => {
                let mut below = self.below();
                below.downloads = below.downloads.saturating_sub(1);
                match (below.downloads, below.stage.as_str()) {
                    (0, "") => self.end(),
                    (0, stage) => self.restart("{spinner} {msg}", stage.to_owned()),
                    _ => {}
                }
            }
        }
    }

    fn bytes_begin(&self, message: &str, bytes: Option<u64>) {
        let mut below = self.below();
        below.downloads += 1;
        if below.downloads > 1 {
            self.bar.inc_length(bytes.unwrap_or_default());
            return;
        }
        self.bar.set_length(bytes.unwrap_or_default());
        self.restart(if bytes.is_some() { BYTES } else { "{spinner} {msg} {bytes}" }, short(message));
    }

    /// Takes the bar away.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }

    fn layer(&self, platform: &Platform, name: &str) -> String {
        if self.shows_platform { format!("{platform} {name}") } else { name.to_owned() }
    }

    fn note(&self, text: &str) {
        self.bar.suspend(|| self.report.note(text));
    }

    fn detail(&self, text: &str) {
        self.bar.suspend(|| self.report.detail(text));
    }
}

/// A command in one line.
fn short_line(text: &str) -> String {
    const MOST_CHARS: usize = 100;
    if text.chars().count() <= MOST_CHARS {
        return text.to_owned();
    }
    text.chars().take(MOST_CHARS - 3).chain("...".chars()).collect()
}

/// As much of a text as leaves room for the bar and the numbers on a terminal of 80 columns.
fn short(text: &str) -> String {
    const MOST_CHARS: usize = 30;
    if text.chars().count() <= MOST_CHARS {
        return text.to_owned();
    }
    text.chars().take(MOST_CHARS - 3).chain("...".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut() {
        assert_eq!(short("layer pages"), "layer pages");
        assert_eq!(short("layer wörter, und noch viele mehr"), "layer wörter, und noch viel...");
    }
}
