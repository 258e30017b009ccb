package cart

import "testing"

func TestUnexpectedError(t *testing.T) { panic("customer") }
