#[test]
fn control_characters() {
    panic!("\x1b[31mred\x1b[0m \x00\x08\x0c\x7f ]]> \u{fffe} done");
}
