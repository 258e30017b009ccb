package checkout

import (
	"fmt"
	"os"
	"testing"
)

func TestTotal(t *testing.T) {
	fmt.Println("a line on stdout")
	fmt.Fprintln(os.Stderr, "a line on stderr")
}

func TestPrice(t *testing.T)   { t.Errorf("%d is not 13: the price is wrong", 3*4) }
func TestSkipped(t *testing.T) { t.Skip(`not before 2027 <soon> & "later"`) }

func TestRefund(t *testing.T) {
	t.Run("partly", func(t *testing.T) { t.Run("total", func(t *testing.T) {}) })
}

func TestVoucher(t *testing.T) {
	t.Run("partly", func(t *testing.T) { t.Run("total", func(t *testing.T) { t.Fatal("voucher") }) })
}

func TestAmount(t *testing.T) {
	for _, amount := range []int{1, -1} {
		t.Run("amount", func(t *testing.T) {
			if amount < 0 {
				t.Error("negative")
			}
		})
	}
}

func TestTeardownError(t *testing.T) {
	t.Cleanup(func() { t.Error("still locked") })
}

func TestGrüße世界(t *testing.T) {
	t.Run("größe 価格 🛒", func(t *testing.T) { t.Error("größe 価格 🛒") })
	t.Run(`<b>&"'</b>`, func(t *testing.T) { t.Error(`]]> <b>&"'</b> <![CDATA[`) })
}

// Passes when gotestsum runs it again (--rerun-fails).
func TestPassesTheSecondTime(t *testing.T) {
	if _, err := os.Stat("tried"); err != nil {
		os.WriteFile("tried", nil, 0o600)
		t.Fatal("the first time")
	}
}
