package holdfast

import (
	"math"
	"testing"
)

func TestCallsGoRoundForHoweverManyThereHaveBeen(t *testing.T) {
	up := func() bool { return false }
	l := &lines{all: []*line{{address: "a", isDown: up}, {address: "b", isDown: up}, {address: "c", isDown: up}}}
	l.turn.Store(math.MaxUint32 - 2)
	counts := map[string]int{}
	for range 9 {
		counts[l.pick(nil).address]++
	}
	for _, each := range l.all {
		if counts[each.address] == 0 {
			t.Errorf("%v", counts)
		}
	}
}
