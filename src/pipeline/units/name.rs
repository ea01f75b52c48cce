//! What layers are called in what is said while their commands run.

use crate::base::Platform;
use crate::pipeline::terms::Event;

/// What stands before the names of a unit's layers where several units can run commands at once. It does not depend on
/// whether they do: a name must not change in the middle.
pub(super) fn prefix(platform: Option<&Platform>, stage: Option<&str>) -> String {
    let platform = platform.map(|platform| format!("{platform} ")).unwrap_or_default();
    let stage = stage.map(|stage| format!("{stage}/")).unwrap_or_default();
    platform + &stage
}

/// Tells an event of a unit with that before the layer's name.
pub(super) fn tell(event: Event<'_>, prefix: &str, watch: &dyn Fn(Event<'_>)) {
    let named = |layer: &str| format!("{prefix}{layer}");
    match event {
        event if prefix.is_empty() => watch(event),
        Event::CacheBusy { layer, cache } => watch(Event::CacheBusy { layer: &named(layer), cache }),
        Event::StepBegins { layer, step, command } => {
            watch(Event::StepBegins { layer: &named(layer), step, command });
        }
        Event::StepsEnd { layer } => watch(Event::StepsEnd { layer: &named(layer) }),
        Event::ShellBegins { layer, step } => watch(Event::ShellBegins { layer: &named(layer), step }),
        Event::StepPrints { layer, line } => watch(Event::StepPrints { layer: &named(layer), line }),
        Event::Residue { layer, removed } => watch(Event::Residue { layer: &named(layer), removed }),
        event => watch(event),
    }
}

/// The name that the template gives a layer, out of any of these.
pub(in crate::pipeline) fn own(name: &str) -> &str {
    name.rsplit(['/', ' ']).next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn a_line_says_whose_it_is() {
        let platform = Platform::linux_on("x86_64");
        for (expected, platform, stage) in [
            ("compile", None, None),
            ("build/compile", None, Some("build")),
            ("linux/amd64 compile", Some(&platform), None),
            ("linux/amd64 build/compile", Some(&platform), Some("build")),
        ] {
            let said = Mutex::new(Vec::new());
            let watch = |event: Event<'_>| match event {
                Event::CacheBusy { layer, .. }
                | Event::StepBegins { layer, .. }
                | Event::StepsEnd { layer }
                | Event::ShellBegins { layer, .. }
                | Event::StepPrints { layer, .. } => said.lock().expect("a list").push(layer.to_owned()),
                event => panic!("unexpected: {event:?}"),
            };
            let layer = "compile";
            for event in [
                Event::CacheBusy { layer, cache: "/cache" },
                Event::StepBegins { layer, step: 1, command: "make" },
                Event::StepPrints { layer, line: "done" },
                Event::ShellBegins { layer, step: 1 },
                Event::StepsEnd { layer },
            ] {
                tell(event, &prefix(platform, stage), &watch);
            }
            assert_eq!(said.into_inner().expect("a list"), [expected; 5]);
            assert_eq!(own(expected), layer);
        }
    }
}
