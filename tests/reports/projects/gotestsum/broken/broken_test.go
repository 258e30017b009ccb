package broken

import "testing"

func TestTotal(t *testing.T) { noSuchFunction() }
