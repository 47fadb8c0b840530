package sim

import (
	"math"
	"time"
)

// A Distribution says how the times that peers stay are spread about their median.
type Distribution string

// The distributions.
const (
	// Exponential is that of peers that leave whenever they like.
	Exponential Distribution = "exponential"
	// Pareto is that of file sharing: nobody stays less than half of the median, some
	// for ever (shape 1, as of Li et al., INFOCOM 2005). The peers that are there at
	// first begin their time then.
	Pareto Distribution = "pareto"
	// Fixed is the same for all. The peers that are there at first are somewhere in it.
	Fixed Distribution = "fixed"
)

// longest is more than any run lasts.
const longest = never / 4

// session draws how long a peer stays.
func (w *World) session() time.Duration {
	median := float64(w.config.Session)
	mean := median / math.Ln2 // where it is exponential
	switch w.config.Sessions {
	case Pareto:
		return time.Duration(min(median/2/(1-w.random.Float64()), float64(longest)))
	case Fixed:
		return w.config.Session
	}
	return time.Duration(min(w.random.ExpFloat64()*mean, float64(longest)))
}

// liveOn has a peer end that was there when the watching began.
func (w *World) liveOn(i int32) {
	d := w.session()
	if w.config.Sessions == Fixed {
		d = time.Duration(w.random.Float64() * float64(d))
	}
	w.endAfter(i, d)
}

// live has a peer end when its session is over, and another one join.
func (w *World) live(i int32) { w.endAfter(i, w.session()) }

func (w *World) endAfter(i int32, d time.Duration) {
	w.at(w.now+d, func() {
		if w.nodes[i].ring == nil || w.settled {
			return
		}
		if w.config.Leave > 0 && w.spots[i].alive && w.random.Float64() < w.config.Leave {
			w.leave(i)
		} else {
			w.crash(i)
		}
		w.forsake()
		w.bereaved()
		k := w.spawn(newContact(w.random))
		w.join(k)
		w.live(k)
	})
}
