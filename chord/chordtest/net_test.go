package chordtest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"cicada/chord"
)

func TestSmoke(t *testing.T) {
	for _, size := range []int{2, 3, 8, 20, 40, 64} {
		for _, config := range []chord.Config{{}, chord.Classic(), {Successors: 2}} {
			n := NewNet(NetConfig{Seed: 1, Chord: config})
			contacts := Contacts(size, rand.New(rand.NewPCG(1, uint64(size))))
			first := n.Add(contacts[0])
			n.Start(first)
			for _, c := range contacts[1:] {
				p := n.Add(c)
				n.Join(p, first.Contact)
			}
			joined := func() bool {
				for _, p := range n.Live() {
					if p != first && !p.Joined {
						return false
					}
				}
				return true
			}
			ok := n.RunUntil(time.Minute, joined)
			at := n.Now()
			n.Run(time.Minute)
			wrong := 0
			for _, p := range n.Live() {
				for i, q := range contacts {
					if q.ID == p.Contact.ID {
						if len(p.Core.Successors()) == 0 || p.Core.Successors()[0].ID != contacts[(i+1)%size].ID || p.Core.Predecessor() == nil || p.Core.Predecessor().ID != contacts[(i+size-1)%size].ID {
							wrong++
						}
					}
				}
			}
			fmt.Println(size, config.Successors, ok, at, "wrong", wrong, first.Core.Mode(), n.Messages)
			b, m := n.Bytes, n.Messages
			n.Run(time.Minute)
			fmt.Println("   rest B/s per peer", (n.Bytes-b)/60/size, float64(n.Messages-m)/60/float64(size))
		}
	}
}
