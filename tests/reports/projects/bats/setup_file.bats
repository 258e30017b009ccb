setup_file() { echo "no database for the file"; false; }

@test "total" { true; }
@test "price" { true; }
