setup() {
  if [ "$BATS_TEST_DESCRIPTION" = "setup error" ]; then echo "no database"; false; fi
}
teardown() {
  case "$BATS_TEST_DESCRIPTION" in *"teardown error") echo "still locked"; false ;; esac
}

@test "total" {
  echo "a line on stdout"
  echo "a line on stderr" >&2
}
@test "price" {
  echo "the price is wrong"
  [ $((3 * 4)) -eq 13 ]
}
@test "unexpected error" { no-such-command; }
@test "skipped" { skip 'not before 2027 <soon> & "later"'; }
@test "skipped without a reason" { skip; }
@test "setup error" { true; }
@test "teardown error" { true; }
@test "failure and teardown error" { false; }
@test "passes the second time" {
  BATS_TEST_RETRIES=2
  [ "$BATS_TEST_TRY_NUMBER" -gt 1 ]
}
@test "Grüße 世界 🛒" {
  echo "größe 価格 🛒"
  false
}
@test "<b>&'</b> a > b" {
  echo ']]> <b>&"</b> <![CDATA['
  false
}
@test "prints to the terminal" { echo "# a comment" >&3; }
