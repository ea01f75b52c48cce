//! Jobs as one shell script, for whoever has a shell in the image and nothing else.

use std::fmt::Write as _;

use crate::base::shell::quoted;

use super::super::deb::Script;
use super::job::Job;

/// Where dpkg has the control archive of a package while its `preinst` runs. debconf looks there to find out which
/// package asks.
const CONTROL: &str = "/var/lib/dpkg/tmp.ci";

/// A `/bin/sh` script that runs jobs in order as dpkg does, and stops at the first that fails: that one it names on standard
/// error, and ends with its code. The files of job `N`, from 0, are expected in `DIRECTORY/N/`.
pub fn driver(jobs: &[Job], directory: &str) -> String {
    let mut text = "#!/bin/sh\n\
                    fail() {\n\trm -f /var/lib/dpkg/tmp.ci\n\techo \"$1 ended with code $2\" >&2\n\texit \"$2\"\n}\n\
                    cd / || exit 1\n"
        .to_owned();
    for (number, job) in jobs.iter().enumerate() {
        let files = format!("{directory}/{number}");
        let place = match job.script {
            Script::PreInst => CONTROL,
            _ => &files,
        };
        // Writing to a string cannot fail.
        if job.script == Script::PreInst {
            let _ = writeln!(text, "rm -rf {CONTROL} && ln -s {} {CONTROL} || exit 1", quoted(&[&files]));
        }
        for (name, value) in &job.environment {
            let _ = write!(text, "{name}={} ", quoted(&[value]));
        }
        let words = std::iter::once(format!("{place}/{}", job.program)).chain(job.arguments.iter().cloned());
        let words: Vec<String> = words.collect();
        let _ = writeln!(text, "{} || fail {} $?", quoted(&words), quoted(&[job.name()]));
    }
    text.push_str("rm -f /var/lib/dpkg/tmp.ci\n");
    text
}
