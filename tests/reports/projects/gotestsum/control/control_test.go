package control

import "testing"

func TestControl(t *testing.T) { t.Error("\x1b[31mred\x1b[0m \x00\x08\x0c\x7f ]]> \ufffe \xff done") }
