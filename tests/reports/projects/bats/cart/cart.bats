@test "total" { true; }
@test "price" { true; }
