//! The same image in the words of each tool that reads a file: kiln's templates, a Containerfile.

use std::fs;
use std::io;
use std::path::Path;

use crate::case::{Codec, Input};
use crate::tree::SOURCES;

/// Writes all of them into `root`, beside the inputs.
pub(crate) fn write_all(root: &Path) -> io::Result<()> {
    for input in [Input::A, Input::B, Input::Layers] {
        for codec in [Codec::Gzip, Codec::Zstd] {
            fs::write(root.join(kiln_file(input, codec)), kiln_template(input, codec))?;
        }
        fs::write(root.join(container_file(input)), containerfile(input))?;
    }
    Ok(())
}

/// Writes kiln's template of a base, or of one small layer on it; `base` is its name in the registry.
pub(crate) fn write_based(root: &Path, input: Input, base: &str) -> io::Result<()> {
    let mut template = format!("{}\n[base]\nimage = \"{base}\"\n", head(input, Codec::Gzip));
    if input == Input::OnBase {
        template += &layers(input);
    }
    write_file_anew(&root.join(kiln_file(input, Codec::Gzip)), &template)
}

/// Writes kiln's template of many downloads, which are files beside it.
pub(crate) fn write_sources(root: &Path) -> io::Result<()> {
    let mut template = head(Input::Sources, Codec::Gzip);
    for number in 0..SOURCES {
        let path = root.join(format!("sources/{number}"));
        template += &format!("\n[sources.s{number}]\nurl = \"file://{}\"\n", path.display());
    }
    template += "\n[[layer]]\nname = \"all\"\n";
    for number in 0..SOURCES {
        template += &format!("[[layer.step]]\ncopy = \"s{number}\"\nto = \"/srv/\"\n");
    }
    write_file_anew(&root.join(kiln_file(Input::Sources, Codec::Gzip)), &template)
}

/// Writes a template whose lock of an earlier session, with another port or base in it, does not count.
pub(crate) fn write_file_anew(file: &Path, template: &str) -> io::Result<()> {
    match fs::remove_file(file.with_extension("lock")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => fs::write(file, template),
    }
}

/// Name of kiln's template.
pub(crate) fn kiln_file(input: Input, codec: Codec) -> String {
    format!("{}-{}.kiln.toml", input.name(), codec.name())
}

/// Name of the Containerfile.
pub(crate) fn container_file(input: Input) -> String {
    format!("{}.Containerfile", input.name())
}

/// The directories that become layers, in order.
pub(crate) fn layer_directories(input: Input) -> Vec<String> {
    match input {
        Input::Layers => (0..10).map(|layer| format!("layers/{layer:02}")).collect(),
        _ => vec![input.name().to_owned()],
    }
}

fn kiln_template(input: Input, codec: Codec) -> String {
    head(input, codec) + &layers(input)
}

/// The image's part of kiln's template.
pub(crate) fn head(input: Input, codec: Codec) -> String {
    format!(
        "[image]\nname = \"bench/{}\"\nversion = \"1\"\nepoch = \"2026-01-01T00:00:00Z\"\n\
         platforms = [\"linux/amd64\"]\ncompression = \"{}\"\n",
        input.name(),
        codec.name(),
    )
}

fn layers(input: Input) -> String {
    let mut template = String::new();
    let directories = layer_directories(input);
    for (number, path) in directories.iter().enumerate() {
        template += &format!("\n[sources.s{number}]\npath = \"{path}\"\nignored = true\n");
    }
    for number in 0..directories.len() {
        template += &format!("\n[[layer]]\nname = \"l{number}\"\ncopy = \"s{number}\"\nto = \"/\"\n");
    }
    template
}

fn containerfile(input: Input) -> String {
    let copies = layer_directories(input).into_iter().map(|path| format!("COPY {path} /\n"));
    "FROM scratch\n".to_owned() + &copies.collect::<String>()
}
