#[test]
fn total() {}

#[test]
fn price() {}
