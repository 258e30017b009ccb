@test "control characters" {
  printf '\033[31mred\033[0m \010\014\177 ]]> \357\277\276 \377 done\n'
  false
}
