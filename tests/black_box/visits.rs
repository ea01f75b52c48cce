//! `kiln shell`, `kiln run` and `kiln log`: a look inside of an image.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};

use crate::harness::{kiln_binary, require, require_root};
use crate::system::with_shell;

const LAYERS: &str = "[[layer]]\nname = 'one'\nrun = 'echo printed-by-one; echo 1 > /one'\n\
    [[layer]]\nname = 'two'\nwrite = '/two'\ntext = '2'\n\
    [config]\nentrypoint = ['/bin/sh', '-c', 'echo \"$0 $1 $WORD\"; id -u; pwd; exit 3']\ncmd = ['a', 'b']\n\
    user = 'app'\nworkdir = '/srv'\nenv = { WORD = 'w' }\n";

#[test]
fn a_command_is_run_on_the_layers_up_to_one() {
    if !require_root() {
        return;
    }
    let Some(project) = with_shell(LAYERS) else { return };
    let ended =
        project.kiln(&["shell", ".", "--", "sh", "-c", "ls / | sort; echo x > /left; exit 7"]).run().expect_code(7);
    assert!(
        ended.text().lines().any(|line| line == "one") && ended.text().lines().any(|line| line == "two"),
        "{}",
        ended.all()
    );
    let ended = project.kiln(&["shell", ".", "--layer", "one", "--", "ls", "/"]).ok();
    assert!(ended.text().contains("one") && !ended.text().contains("two"), "{}", ended.all());
    assert!(!ended.text().contains("left"), "what the first one wrote is gone: {}", ended.all());
    // Produces `Error::NoSuchLayer`.
    project
        .kiln(&["shell", ".", "--layer", "three", "--", "ls"])
        .run()
        .expect_code(1)
        .expect_said("it has system, one, two");
    let log = project.kiln(&["log"]).ok();
    assert!(log.text().contains("layer one\n") && log.text().contains("printed-by-one"), "{}", log.all());
    project
        .kiln(&["log", "--layer", "two"])
        .run()
        .expect_code(1)
        .expect_said("no layer `two` of this template runs commands");
}

#[test]
fn an_image_runs_as_its_config_says() {
    if !require_root() {
        return;
    }
    let Some(project) = with_shell(LAYERS) else { return };
    let ended = project.kiln(&["run", "."]).run().expect_code(3);
    assert_eq!(ended.text(), "a b w\n1000\n/srv\n", "{}", ended.all());
    let ended = project.kiln(&["run", ".", "--", "c", "d"]).run().expect_code(3);
    assert!(ended.text().starts_with("c d w\n"), "{}", ended.all());
    // Produces `Error::ImageUser`, then `Error::NothingToRun`.
    let template = String::from_utf8(project.read("kiln.toml")).expect("text");
    project.write("kiln.toml", template.replace("user = 'app'", "user = 'ghost'"));
    project.kiln(&["run", "."]).run().expect_code(1).expect_said("`ghost`");
    project.write("kiln.toml", template.split("[config]").next().expect("the layers"));
    project.kiln(&["run", "."]).run().expect_code(1).expect_said("neither an entrypoint nor a command");
}

#[test]
fn a_port_is_listened_on_where_the_machine_does() {
    if !require_root() {
        return;
    }
    let service = "[config]\nentrypoint = ['/bin/sh', '-c', 'wget -q -O - http://127.0.0.1:$0/ || exit 4']\n";
    let Some(project) = with_shell(service) else { return };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let server = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = listener.accept().expect("the image asks");
        let mut request = [0; 512];
        assert!(stream.read(&mut request).expect("a request") > 0);
        stream.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\nanswer\n").expect("an answer");
    });
    // The port of the server is taken, and is not the one that is given.
    project.kiln(&["run", ".", "-p", &port.to_string()]).run().expect_code(1).expect_said("cannot be listened on");
    project.kiln(&["run", ".", "--", &port.to_string()]).run().expect_code(4);
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let ended = project.kiln(&["run", ".", "-p", &free.to_string(), "--", &port.to_string()]).ok();
    assert_eq!(ended.text(), "answer\n", "{}", ended.all());
    server.join().expect("the server answered once");
}

#[test]
fn a_key_that_interrupts_is_the_commands() {
    if !require_root() {
        return;
    }
    let (Some(project), Some(script)) = (with_shell(LAYERS), require("script")) else { return };
    for mode in ["root", "chroot"] {
        project.build(&["--sandbox", mode]);
        let inner = "trap 'echo heard; exit 7' INT; echo ready; while true; do sleep 0.1; done";
        // `script` may take the end of the screen for the end of its child, and then has no code to hand on: the shell
        // around kiln, which the key reaches as well, says it.
        let line = format!(
            "trap : INT; {} shell . --sandbox {mode} --store {} -- sh -c \"{inner}\"; echo ended $?",
            kiln_binary().display(),
            project.top().join("store").display()
        );
        let mut child = Command::new(&script)
            .args(["-qc", &line, "/dev/null"])
            .current_dir(project.path(""))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("script");
        let (mut keys, mut screen) =
            (child.stdin.take().expect("a pipe"), BufReader::new(child.stdout.take().expect("a pipe")));
        let mut shown = String::new();
        while !shown.ends_with("ready\r\n") && screen.read_line(&mut shown).expect("readable") > 0 {}
        keys.write_all(b"\x03").expect("a key");
        screen.read_to_string(&mut shown).expect("readable");
        child.wait().expect("it ends");
        assert!(shown.contains("heard\r\n") && shown.contains("ended 7\r\n"), "{mode}: {shown}");
    }
}
