//! How blobs can be sent.

use crate::registry::write::probe::{Chunks, Mounted, Prober, Resumed};
use crate::registry::{RegistryError, Repository};

use super::content::Content;
use super::report::{Ability, Finding, Verdict};
use super::{CHUNK_MAX_BYTES, CHUNKS_BYTES, CUT_BYTES, size};

pub(super) fn mount(
    prober: &mut Prober<'_>,
    content: &Content,
    from: Option<&Repository>,
) -> Result<Finding, RegistryError> {
    let finding = |verdict, detail: &str| Finding::new(Ability::Mount, verdict, detail);
    let Some(from) = from else {
        return Ok(finding(Verdict::Untested, "it needs a second repository: `--mount-from REPOSITORY`"));
    };
    Ok(match prober.mount(&content.blob("mount", CHUNKS_BYTES[0]), from)? {
        Mounted::Yes => finding(Verdict::Yes, "a blob came from the other repository"),
        Mounted::No => finding(Verdict::No, "a blob of the other repository would be sent again"),
    })
}

pub(super) fn chunks(prober: &mut Prober<'_>, content: &Content) -> Result<Finding, RegistryError> {
    let least = prober.chunk_min_bytes()?;
    let finding = |verdict, detail: String| Finding::new(Ability::Chunks, verdict, detail);
    let tried: Vec<usize> = match usize::try_from(least) {
        Ok(0) => CHUNKS_BYTES.to_vec(),
        Ok(bytes) if least <= CHUNK_MAX_BYTES => vec![bytes],
        _ => return Ok(finding(Verdict::Untested, format!("the registry wants chunks of at least {least} bytes"))),
    };
    let mut refused = String::new();
    for chunk_bytes in tried {
        let bytes = content.blob(&format!("chunks of {chunk_bytes}"), 2 * chunk_bytes + 1);
        let shown = if least > 0 { format!("{least} bytes") } else { size(chunk_bytes) };
        match prober.in_chunks(&bytes, chunk_bytes)? {
            Chunks::Taken if least > 0 => {
                let detail = format!("chunks have at least {least} bytes, by the registry's own word");
                return Ok(finding(Verdict::Yes, detail).with_bytes(chunk_bytes));
            }
            Chunks::Taken => {
                let detail = format!("chunks of {shown} are taken{refused}");
                return Ok(finding(Verdict::Yes, detail).with_bytes(chunk_bytes));
            }
            Chunks::Refused(told) => refused = format!("; those of {shown} are refused with {told}"),
        }
    }
    let detail = format!("chunks are refused{refused}");
    Ok(finding(Verdict::No, detail).advising("blobs that a proxy before the registry finds too large cannot be sent"))
}

pub(super) fn resume(prober: &mut Prober<'_>, content: &Content) -> Result<Finding, RegistryError> {
    let finding = |verdict, detail: String| Finding::new(Ability::Resume, verdict, detail);
    let advice = "a blob whose upload is cut is sent again from its first byte";
    Ok(match prober.cut(&content.blob("cut", CUT_BYTES))? {
        Resumed::From(offset) => finding(Verdict::Yes, format!("an upload that was cut went on at byte {offset}")),
        Resumed::Refused(offset, told) => {
            finding(Verdict::No, format!("the registry says to go on at byte {offset}, and refuses it with {told}"))
                .advising(advice)
        }
        Resumed::Forgotten => finding(Verdict::No, "an upload that was cut is forgotten".to_owned()).advising(advice),
    })
}
