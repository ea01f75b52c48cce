//! What kiln writes is read back, and what is wrong is refused.

use std::fs;
use std::io::Read;
use std::path::Path;

use super::*;
use crate::base::reference::Output;
use crate::output::testing::Memory;
use crate::output::{Subject, write};

fn reference(form: &str, path: &Path, tag: &str) -> Reference {
    format!("{form}:{}{tag}", path.display()).parse().expect("a reference")
}

fn put(form: &str, path: &Path, subject: &Subject<'_>) {
    let output: Output = format!("{form}:{}", path.display()).parse().expect("an output");
    write::<crate::output::OutputError>(subject, &output, &[], |_, _| Ok(())).expect("it is free");
}

fn open_at(form: &str, path: &Path, tag: &str) -> Result<ImageFile, ImageFileError> {
    open(&reference(form, path, tag))
}

#[test]
fn every_form_is_read_back() {
    let memory = Memory::sample();
    let images = [memory.image("linux/amd64")];
    for form in ["oci", "oci-archive", "docker-archive"] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("image");
        put(form, &path, &memory.subject(&images));
        for tag in ["", ":1.8.2"] {
            let file = open_at(form, &path, tag).expect("it is there");
            let image = file.image(None).expect("it is whole");
            assert_eq!((&image.config, &image.layers), (&images[0].config, &images[0].layers), "{form}");
            for (layer, bytes) in image.layers.iter().zip(&memory.layers) {
                let mut read = Vec::new();
                file.layer(layer).expect("it is there").read_to_end(&mut read).expect("it is whole");
                assert_eq!(read, *bytes);
            }
        }
        assert!(matches!(open_at(form, &path, ":2"), Err(ImageFileError::NoSuchTag { .. })), "{form}");
    }
}

#[test]
fn a_platform_is_chosen_from_an_index() {
    let memory = Memory::sample();
    let images = [memory.image("linux/amd64"), memory.image("linux/arm64")];
    let index = crate::image::index(&images, &Default::default()).expect("two platforms");
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("image");
    put("oci", &path, &Subject { index: Some(&index), ..memory.subject(&images) });
    let file = open_at("oci", &path, "").expect("it is there");
    assert_eq!(file.index(), Some(&index));
    assert_eq!(file.digest(), index.digest.to_string());
    let arm = "linux/arm64".parse().expect("a platform");
    assert_eq!(file.image(Some(&arm)).expect("it is there"), images[1]);
    assert_eq!(file.images().expect("they are there"), images);
    assert!(matches!(file.image(None), Err(ImageFileError::NeedsPlatform { .. })));
    let riscv = "linux/riscv64".parse().expect("a platform");
    assert!(matches!(file.image(Some(&riscv)), Err(ImageFileError::NoSuchPlatform { .. })));
    fs::write(path.join("index.json"), &index.bytes).expect("it can be written");
    let listed = open_at("oci", &path, "").expect("platforms may be listed at the top");
    assert_eq!(listed.images().expect("they are there"), images);
}

#[test]
fn damage_is_noticed() {
    let memory = Memory::sample();
    let images = [memory.image("linux/amd64")];
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("image");
    put("oci", &path, &memory.subject(&images));
    let blob = |hex: String| path.join("blobs/sha256").join(hex);
    let layer = &images[0].layers[0];
    fs::write(blob(layer.digest.hex()), vec![9; 1024]).expect("it can be written");
    let file = open_at("oci", &path, "").expect("it is there");
    let mut read = Vec::new();
    let error = file.layer(layer).expect("it is there").read_to_end(&mut read).expect_err("it is damaged");
    assert!(error.get_ref().is_some_and(|inner| inner.is::<VerifyError>()));
    fs::write(blob(images[0].config.digest.hex()), "{}").expect("it can be written");
    assert!(matches!(file.image(None), Err(ImageFileError::Read { .. })));
    fs::remove_file(blob(images[0].manifest.digest.hex())).expect("it is there");
    assert!(matches!(file.image(None), Err(ImageFileError::Missing { .. })));
}

#[test]
fn what_is_no_image_is_refused() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path();
    assert!(matches!(open_at("oci", &path.join("none"), ""), Err(ImageFileError::Open { .. })));
    assert!(matches!(open_at("oci", path, ""), Err(ImageFileError::NotALayout { .. })));
    fs::write(path.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).expect("it can be written");
    fs::write(path.join("index.json"), "{}").expect("it can be written");
    assert!(matches!(open_at("oci", path, ""), Err(ImageFileError::Check { .. })));
    let gzip = path.join("x.tar.gz");
    fs::write(&gzip, b"\x1f\x8b\x08\x00\x00\x00").expect("it can be written");
    assert!(matches!(open_at("docker-archive", &gzip, ""), Err(ImageFileError::Compressed { .. })));
    fs::write(&gzip, b"no tar").expect("it can be written");
    assert!(matches!(open_at("oci-archive", &gzip, ""), Err(ImageFileError::Archive { .. })));
    let store = "store:a".parse().expect("a reference");
    assert!(matches!(open(&store), Err(ImageFileError::NotAFile { .. })));
}

/// A tar as docker used to write it: one directory a layer, equal layers linked.
fn docker_archive(path: &Path, manifest: &str, config: &[u8], layer: &[u8]) {
    let mut builder = tar::Builder::new(fs::File::create(path).expect("it can be written"));
    let mut put = |name: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, bytes).expect("it can be written");
    };
    put("manifest.json", manifest.as_bytes());
    put("config.json", config);
    put("one/layer.tar", layer);
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    builder.append_link(&mut header, "two/layer.tar", "../one/layer.tar").expect("it can be written");
    builder.finish().expect("it can be written");
}

#[test]
fn layers_of_docker_may_be_links() {
    let mut memory = Memory::default();
    memory.layers = vec![vec![1; 1024]; 2];
    let image = memory.image("linux/amd64");
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("image.tar");
    let one = r#"{"Config":"config.json","RepoTags":["a/b:1"],"Layers":["one/layer.tar","two/layer.tar"]}"#;
    docker_archive(&path, &format!("[{one}]"), &image.config.bytes, &memory.layers[0]);
    let file = open_at("docker-archive", &path, ":1").expect("it is there");
    let read = file.image(None).expect("it is whole");
    assert_eq!(read.layers, image.layers);
    let mut bytes = Vec::new();
    file.layer(&read.layers[1]).expect("it is there").read_to_end(&mut bytes).expect("it is whole");
    assert_eq!(bytes, memory.layers[1]);
    docker_archive(&path, &format!("[{one},{one}]"), &image.config.bytes, &memory.layers[0]);
    assert!(matches!(open_at("docker-archive", &path, ""), Err(ImageFileError::Ambiguous { .. })));
    docker_archive(&path, "{}", &image.config.bytes, &memory.layers[0]);
    assert!(matches!(open_at("docker-archive", &path, ""), Err(ImageFileError::DockerManifest { .. })));
}

#[test]
fn another_reader_agrees() {
    let memory = Memory::sample();
    let images = [memory.image("linux/amd64")];
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("image.tar");
    put("oci-archive", &path, &memory.subject(&images));
    let mut artifact = ocipkg::image::OciArchive::new(&path).expect("ocipkg opens it");
    use ocipkg::image::Image as _;
    let manifest = artifact.get_manifest().expect("ocipkg finds the manifest");
    assert_eq!(manifest.layers().len(), 2);
    let digest = manifest.config().digest();
    assert_eq!(artifact.get_blob(digest).expect("ocipkg finds the config"), images[0].config.bytes);
}
