package chordtest

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"cicada/chord"
	"cicada/chord/internal/model"
	"cicada/identity"
)

// A bad is one peer with hand-made lists.
type bad struct {
	at          byte
	successors  []byte
	predecessor byte
}

// stand makes cores that stand where the list says.
func stand(r int, list []bad) []*chord.Core {
	var cores []*chord.Core
	for _, b := range list {
		c := chord.New(Contact(b.at), chord.Config{Successors: r, FingerBase: 2, TableBudget: -1}, rand.New(rand.NewPCG(1, uint64(b.at))))
		if len(b.successors) > 0 {
			place := model.Place{AlwaysFull: true, Predecessors: []*identity.Contact{Contact(b.predecessor)}}
			for _, s := range b.successors {
				place.Successors = append(place.Successors, Contact(s))
			}
			c.Restore(0, place)
		}
		cores = append(cores, c)
	}
	return cores
}

// TestCheckSeesEveryInvariant breaks each invariant by hand: the checker must name it, and the peer.
func TestCheckSeesEveryInvariant(t *testing.T) {
	all := Rules{Successors: 2, Base: true, Owners: true, Redundancy: true}
	for _, test := range []struct {
		name  string // the invariant
		peer  byte
		ring  []bad
		rules Rules
	}{
		{"I1", 10, []bad{{10, []byte{70, 80}, 30}, {20, []byte{30, 10}, 10}, {30, []byte{10, 20}, 20}}, all},
		{"I2", 10, []bad{{10, []byte{20}, 20}, {20, []byte{10}, 10}}, all},
		{"I3", 10, []bad{{10, []byte{30, 20}, 40}, {20, []byte{30, 40}, 10}, {30, []byte{40, 10}, 20}, {40, []byte{10, 20}, 30}}, all},
		{"I4", 10, []bad{{10, []byte{20, 20}, 30}, {20, []byte{30, 10}, 10}, {30, []byte{10, 20}, 20}}, all},
		{"I4", 20, []bad{{10, []byte{20, 30}, 30}, {20, []byte{30, 20}, 10}, {30, []byte{10, 20}, 20}}, all},
		{"I7", 10, []bad{{10, []byte{30}, 30}, {20, []byte{40}, 40}, {30, []byte{10}, 10}, {40, []byte{20}, 20}}, all},
		{"I8", 10, []bad{{10, []byte{30}, 20}, {20, []byte{10}, 30}, {30, []byte{20}, 10}}, all},
		{"I11", 25, []bad{{10, []byte{20, 25}, 30}, {20, []byte{25, 30}, 10}, {30, []byte{10, 20}, 20}, {25, nil, 0}}, all},
		{"I14", 10, []bad{{10, []byte{10}, 30}, {20, []byte{30, 10}, 10}, {30, []byte{10, 20}, 20}}, all},
		{"I15", 10, []bad{{10, []byte{20, 21, 22, 23}, 40}, {20, []byte{30, 40, 10}, 10}, {30, []byte{40, 10, 20}, 20}, {40, []byte{10, 20, 30}, 30}, {50, []byte{10, 20, 30}, 40}},
			Rules{Successors: 4, Redundancy: true}},
		{"I16", 20, []bad{{10, []byte{20, 30}, 30}, {20, []byte{30, 10}, 10}, {30, []byte{10, 20}, 10}}, all},
	} {
		found := Check(stand(test.rules.Successors, test.ring), test.rules)
		if !slices.ContainsFunc(found, func(v Violation) bool {
			return strings.HasPrefix(v.Invariant, test.name+" ") && (test.peer == 0 || slices.Contains(v.Peers, identity.Point{test.peer}))
		}) {
			t.Errorf("%s of %d: got %v", test.name, test.peer, found)
		}
	}
}

// TestCheckAllowsAppendages has a member beside the ring, which is allowed.
func TestCheckAllowsAppendages(t *testing.T) {
	beside := []bad{{10, []byte{20}, 40}, {20, []byte{30}, 10}, {30, []byte{10}, 20}, {40, []byte{10}, 30}}
	if got := Check(stand(2, beside), Rules{Successors: 2}); len(got) > 0 {
		t.Errorf("an appendage: got %v, want nothing", got)
	}
}

func TestIdealSeesEveryDifference(t *testing.T) {
	right := []bad{{10, []byte{20, 30}, 30}, {20, []byte{30, 10}, 10}, {30, []byte{10, 20}, 20}}
	complete := func(list []bad) []*chord.Core {
		cores := stand(2, list)
		for i, c := range cores {
			place := model.Place{AlwaysFull: true, Successors: c.Successors()}
			for j := 1; j < len(cores); j++ {
				place.Predecessors = append(place.Predecessors, cores[(i-j+len(cores))%len(cores)].Self())
			}
			if list[i].predecessor != right[i].predecessor {
				place.Predecessors = []*identity.Contact{Contact(list[i].predecessor)}
			}
			c.Restore(0, place)
		}
		return cores
	}
	if bad := Ideal(complete(right), 2); len(bad) > 0 {
		t.Fatalf("a right ring: got %v, want nothing", bad)
	}
	for _, test := range []struct {
		name   string
		change func([]bad)
	}{
		{"a short list", func(l []bad) { l[1].successors = l[1].successors[:1] }},
		{"a wrong second successor", func(l []bad) { l[0].successors = []byte{20, 40} }},
		{"a wrong predecessor", func(l []bad) { l[2].predecessor = 10 }},
	} {
		list := []bad{right[0], right[1], right[2]}
		test.change(list)
		if got := Ideal(complete(list), 2); len(got) == 0 {
			t.Errorf("%s: got nothing", test.name)
		}
	}
	if got := Ideal(append(complete(right), stand(2, []bad{{25, nil, 0}})...), 2); len(got) == 0 {
		t.Error("a joiner: got nothing")
	}
}
