//! Results of tests as JUnit XML: the form that Jenkins, GitLab, GitHub's actions and Azure read
//! (<https://github.com/testmoapp/junitxml>).

use std::time::Duration;

use crate::pipeline::Outcome;

use super::verbs::test::{Results, Tried};

/// The whole file: one suite for each platform.
pub fn write(image: &str, results: &Results) -> String {
    let mut platforms: Vec<_> = results.0.iter().map(|tried| &tried.platform).collect();
    platforms.dedup();
    let all: Vec<&Tried> = results.0.iter().collect();
    let mut xml = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites{}>\n", counts(&all));
    for platform in platforms {
        let own: Vec<&Tried> = results.0.iter().filter(|tried| tried.platform == *platform).collect();
        let name = escape(&format!("{image} {platform}"));
        xml.push_str(&format!("  <testsuite name=\"{name}\"{}>\n", counts(&own)));
        own.iter().for_each(|tried| case(image, tried, &mut xml));
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn counts(tried: &[&Tried]) -> String {
    let count = |is: fn(&Outcome) -> bool| tried.iter().filter(|tried| is(&tried.outcome)).count();
    let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
    let skipped = count(|outcome| matches!(outcome, Outcome::Skipped(_)));
    let time = seconds(tried.iter().map(|tried| tried.took).sum());
    let tests = tried.len();
    format!(" tests=\"{tests}\" failures=\"{failed}\" errors=\"0\" skipped=\"{skipped}\" time=\"{time}\"")
}

fn case(image: &str, tried: &Tried, xml: &mut String) {
    let (name, class, time) = (escape(&tried.name), escape(image), seconds(tried.took));
    xml.push_str(&format!("    <testcase name=\"{name}\" classname=\"{class}\" time=\"{time}\""));
    match &tried.outcome {
        Outcome::Passed => xml.push_str("/>\n"),
        Outcome::Skipped(why) => xml.push_str(&format!("><skipped message=\"{}\"/></testcase>\n", escape(why))),
        Outcome::Failed(failed) => {
            let message: Vec<&str> = failed.complaints.iter().map(|complaint| complaint.message.as_str()).collect();
            let (message, text) = (escape(&message.join("; ")), escape(&tried.details().join("\n")));
            let text = text.replace("&#10;", "\n");
            xml.push_str(&format!("><failure message=\"{message}\">{text}</failure></testcase>\n"));
        }
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.3}", duration.as_secs_f64())
}

/// The text for an attribute or between tags. Letters that XML 1.0 cannot hold in any way (section 2.2) become U+FFFD.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // Readers make blanks of these in attributes.
            '\n' | '\t' | '\r' => escaped.push_str(&format!("&#{};", u32::from(letter))),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(name: &str, outcome: Outcome) -> Tried {
        let platform = "linux/amd64".parse().expect("a platform");
        Tried { platform, name: name.to_owned(), took: Duration::from_millis(1500), outcome }
    }

    #[test]
    fn results_are_written_with_their_numbers() {
        let results =
            Results(vec![tried("a \"b\" <c>", Outcome::Passed), tried("boots", Outcome::Skipped("not & yet"))]);
        let expected = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="2" failures="0" errors="0" skipped="1" time="3.000">
  <testsuite name="x linux/amd64" tests="2" failures="0" errors="0" skipped="1" time="3.000">
    <testcase name="a &quot;b&quot; &lt;c&gt;" classname="x" time="1.500"/>
    <testcase name="boots" classname="x" time="1.500"><skipped message="not &amp; yet"/></testcase>
  </testsuite>
</testsuites>
"#;
        assert_eq!(write("x", &results), expected);
    }

    #[test]
    fn what_xml_cannot_hold_is_replaced() {
        assert_eq!(escape("a\0b\u{1b}[1m\tc\n\u{ffff}"), "a\u{fffd}b\u{fffd}[1m&#9;c&#10;\u{fffd}");
    }
}
