//! What Python and its installers leave.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::*;
use crate::tree::testing::symlink;

const SITE: &str = "usr/lib/python3/dist-packages";

#[test]
fn compiled_python_has_the_time_of_its_source() {
    let at = |name: &str| format!("{SITE}/{name}");
    let cleaned = Step::default()
        .below(&at("old.py"), "1")
        .file(&at("new.py"), "2")
        .below(&at("gone.py"), "3")
        .whiteout(&at("gone.py"))
        .put(&at("link.py"), symlink("old.py"))
        .file(&at("__pycache__/old.cpython-311.pyc"), pyc(0, 5))
        .file(&at("__pycache__/new.cpython-311.opt-1.pyc"), pyc(0, 5))
        .file(&at("__pycache__/gone.cpython-311.pyc"), pyc(0, 5))
        .file(&at("__pycache__/link.cpython-311.pyc"), pyc(0, 5))
        .file(&at("__pycache__/old.cpython-311-pytest-8.1.1.pyc"), pyc(0, 5))
        .file(&at("old.pyc"), [&[0x03, 0xf3, b'\r', b'\n', 9, 9, 9, 9][..], b"code"].concat())
        .clean();
    let new = u32::try_from(EPOCH).expect("before 2106");
    let expected = [("gone.cpython-311", new), ("link.cpython-311", 1000), ("new.cpython-311.opt-1", new)];
    for (name, time) in expected {
        assert_eq!(cleaned.bytes(&at(&format!("__pycache__/{name}.pyc"))), pyc(0, time), "{name}");
    }
    for name in ["old.cpython-311", "old.cpython-311-pytest-8.1.1"] {
        assert_eq!(cleaned.bytes(&at(&format!("__pycache__/{name}.pyc"))), pyc(0, 1000), "{name}");
    }
    assert_eq!(cleaned.bytes(&at("old.pyc"))[4..8], 1000_u32.to_le_bytes());
    assert_eq!(cleaned.removed.len(), 6);
}

#[test]
fn compiled_python_with_a_hash_stays() {
    for flags in [1, 3] {
        let cleaned = Step::default().file("srv/a.pyc", pyc(flags, 5)).clean();
        assert_eq!((cleaned.bytes("srv/a.pyc"), cleaned.removed.len()), (pyc(flags, 5), 0));
    }
}

#[test]
fn a_name_with_dots_finds_the_source_that_is_there() {
    let step = Step::default().below("srv/a.b.py", "").file("srv/a.py", "");
    let cleaned = step.file("srv/__pycache__/a.b.cpython-311.pyc", pyc(0, 5)).clean();
    assert_eq!(cleaned.bytes("srv/__pycache__/a.b.cpython-311.pyc"), pyc(0, 1000));
}

#[test]
fn compiled_python_that_is_as_below_is_no_change() {
    let step = Step::default().below("srv/a.py", "").below("srv/a.pyc", pyc(0, 1000));
    let cleaned = step.file("srv/a.pyc", pyc(0, 5)).clean();
    assert_eq!(cleaned.done(), ["python-times /srv/a.pyc PutBack"]);
    assert!(cleaned.changes.is_empty());
}

#[test]
fn hard_links_are_one_file() {
    let step = Step::default().linked("srv/a.pyc", pyc(0, 5), 1).linked("srv/other-name", pyc(0, 5), 1);
    let cleaned = step.linked("srv/b.pyc", pyc(0, 5), 2).linked("srv/kept", pyc(0, 5), 2).keep("kept").clean();
    let new = u32::try_from(EPOCH).expect("before 2106");
    assert_eq!(cleaned.bytes("srv/a.pyc"), pyc(0, new));
    assert_eq!(cleaned.bytes("srv/other-name"), pyc(0, new));
    assert_eq!((cleaned.bytes("srv/b.pyc"), cleaned.bytes("srv/kept")), (pyc(0, 5), pyc(0, 5)));
}

#[test]
fn where_a_package_came_from_is_deleted_if_it_is_a_place_on_the_machine() {
    let at = "srv/a-1.dist-info/direct_url.json";
    for local in [r#"{"url": "file:///build/a", "dir_info": {}}"#, r#"{"url":"FILE:///a.whl","archive_info":{}}"#] {
        assert_eq!(Step::default().file(at, local).clean().done(), [format!("pip-origin /{at} Deleted")]);
        let cleaned = Step::default().below(at, "{}").file(at, local).clean();
        assert_eq!(cleaned.done(), [format!("pip-origin /{at} PutBack")]);
    }
    for other in [r#"{"url": "https://example.org/a", "vcs_info": {}}"#, "{", "[]", r#"{"url": "é"}"#] {
        assert_eq!(Step::default().file(at, other).clean().left(), [format!("/{at}")]);
    }
    let both = Step::default().linked(at, r#"{"url": "file:///a"}"#, 1).linked("srv/x", r#"{"url": "file:///a"}"#, 1);
    assert_eq!(both.clean().left(), ["/srv/x"]);
}

fn line(name: &str, bytes: &[u8]) -> String {
    let digest: ContentDigest = digest_of(bytes);
    format!("{name},sha256={},{}", BASE64_URL_SAFE_NO_PAD.encode(digest.as_bytes()), bytes.len())
}

#[test]
fn the_list_of_a_package_is_what_is_there() {
    let at = |name: &str| format!("{SITE}/{name}");
    let data = gzip([7; 4]);
    let tool = "import a\n";
    let record = [
        line("\"a,\"\"b.gz\"", &data),
        line("a.py", b"import a\n"),
        "__pycache__/a.cpython-311.pyc,,".to_owned(),
        line("a-1.dist-info/direct_url.json", b"{}"),
        line("a-1.dist-info/uv_cache.json", b"{}"),
        "a-1.dist-info/INSTALLER,sha256=wrong,4".to_owned(),
        line("../../../bin/tool.gz", &data),
        line("/usr/share/doc/a.gz", &data),
        "a-1.dist-info/RECORD,,".to_owned(),
        "not a line".to_owned(),
    ];
    let cleaned = Step::default()
        .file(&at("a,\"b.gz"), &data)
        .file(&at("a.py"), tool)
        .file(&at("__pycache__/a.cpython-311.pyc"), pyc(0, 5))
        .file(&at("a-1.dist-info/direct_url.json"), r#"{"url": "file:///a"}"#)
        .file(&at("a-1.dist-info/uv_cache.json"), "{}")
        .file(&at("a-1.dist-info/INSTALLER"), "pip\n")
        .file(&at("a-1.dist-info/REQUESTED"), "")
        .file("usr/bin/tool.gz", &data)
        .file("usr/share/doc/a.gz", &data)
        .file(&at("a-1.dist-info/RECORD"), record.join("\r\n"))
        .clean();
    let clean_data = gzip([0; 4]);
    let expected = [
        line("\"a,\"\"b.gz\"", &clean_data),
        record[1].clone(),
        record[2].clone(),
        record[5].clone(),
        line("../../../bin/tool.gz", &clean_data),
        line("/usr/share/doc/a.gz", &clean_data),
        record[8].clone(),
        record[9].clone(),
    ];
    assert_eq!(cleaned.text(&at("a-1.dist-info/RECORD")), expected.join("\r\n"));
    assert!(cleaned.left().contains(&format!("/{}", at("a-1.dist-info/INSTALLER"))));
    assert!(cleaned.left().contains(&format!("/{}", at("a-1.dist-info/REQUESTED"))));
}

#[test]
fn a_list_of_files_that_stayed_stays() {
    let record = "a.gz,sha256=whatever,1\nb,,\n";
    let cleaned = Step::default().file("srv/a.gz", gzip([0; 4])).file("srv/a-1.dist-info/RECORD", record).clean();
    assert_eq!(cleaned.text("srv/a-1.dist-info/RECORD"), record);
    let step = Step::default().below("srv/a.gz", gzip([0; 4])).file("srv/a.gz", gzip([9; 4]));
    let cleaned = step.file("srv/a-1.dist-info/RECORD", record).clean();
    let expected = format!("{}\nb,,\n", line("a.gz", &gzip([0; 4])));
    assert_eq!(cleaned.text("srv/a-1.dist-info/RECORD"), expected, "the file of the tree below is what is there");
}
