#[test]
fn total() {
    println!("a line on stdout");
    eprintln!("a line on stderr");
}

#[test]
fn price() {
    assert_eq!(3 * 4, 13, "the price is wrong");
}

#[test]
fn unexpected_error() -> Result<(), String> {
    Err("customer".into())
}

#[test]
fn aborts() {
    std::process::abort();
}

#[test]
#[ignore = "not before 2027 <soon> & \"later\""]
fn skipped() {}

#[test]
#[should_panic(expected = "rounding")]
fn expected_failure() {
    panic!("rounding");
}

#[test]
fn grüße_世界() {
    panic!("größe 価格 🛒 ]]> <b>&\"'</b> <![CDATA[");
}

/// Passes when nextest runs it again (--retries).
#[test]
fn passes_the_second_time() {
    assert!(std::fs::File::create_new("target/tried").is_err(), "the first time");
}
