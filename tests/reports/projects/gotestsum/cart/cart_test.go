package cart

import "testing"

func TestTotal(t *testing.T) {}
func TestPrice(t *testing.T) {}
